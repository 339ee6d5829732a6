"""Why a machine is left out, or what a mapping still lacks: a stable code, what it is about, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    DISPOSITION = "disposition"
    UNKNOWN_MACHINE = "unknown_machine"
    NOT_IN_INVENTORY = "not_in_inventory"
    NOT_ASSESSED = "not_assessed"
    IS_TEMPLATE = "is_template"
    SOURCE_CANNOT_EXPORT = "source_cannot_export"
    GOLD_IMAGE_ROUTE = "gold_image_route"
    CRITICAL_FINDING = "critical_finding"
    FACT_UNKNOWN = "fact_unknown"
    NETWORK_UNMAPPED = "network_unmapped"
    NETWORK_MISSING = "network_missing"
    DATASTORE_UNMAPPED = "datastore_unmapped"
    SR_MISSING = "sr_missing"
    SR_UNPLUGGED = "sr_unplugged"
    SR_FULL = "sr_full"
    SR_FREE_UNKNOWN = "sr_free_unknown"
    NO_DISK = "no_disk"
    DISK_NOT_EXPORTED = "disk_not_exported"
    DISK_TOO_LARGE = "disk_too_large"
    TEMPLATE_UNMAPPED = "template_unmapped"
    TEMPLATE_MISSING = "template_missing"
    VTPM_NEEDS_UEFI = "vtpm_needs_uefi"


@dataclass(frozen=True, slots=True)
class Reason:
    """One obstacle. `subject` is the thing named (network, SR, rule); `unknown` marks a missing fact, not a known fault."""

    code: ReasonCode
    subject: str
    detail: str
    remedy: str
    rule_id: str = ""
    unknown: bool = False

    @property
    def sentence(self) -> str:
        """The reason as people read it."""
        return f"{self.detail} {self.remedy}"
