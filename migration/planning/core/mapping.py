"""A mapping: which network, SR and template of the pool stand in for the ones of the source, by name, with overrides.

The table and its look-ups; whether a name exists in the pool is asked in target.py, what one machine gets in placement.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from estate.facts.unknown import Unknown

ANY_GUEST = "*"
LINUX_PREFIXES = (
    "rhel", "centos", "oraclelinux", "sles", "debian", "ubuntu", "almalinux", "rockylinux", "amazonlinux", "fedora", "opensuse",
    "vmwarephoton", "coreos", "flatcar", "asianux", "other24", "other26", "other3x", "other4x", "other5x", "other6x", "other7x",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Override:
    """What one machine gets instead of the table's answer; empty means: as the table says."""

    networks: Mapping[str, str] = field(default_factory=dict)
    sr: str = ""
    template: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class MappingTable:
    """Names of the source to names of the pool. `templates` is keyed by guest id, family (`windows`, `linux`) or `*`."""

    networks: Mapping[str, str] = field(default_factory=dict)
    datastores: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    """Machine id to its override."""

    def override(self, machine_id: str) -> Override:
        return self.overrides.get(machine_id, Override())

    def template_for(self, guest_id: str) -> str | None:
        """The template's name for a guest id: itself first, then its family, then `*`."""
        keys = (guest_id, family_of(guest_id), ANY_GUEST)
        return next((self.templates[key] for key in keys if key in self.templates), None)


def family_of(guest_id: str) -> str:
    """`windows`, `linux` or `other`, from a vSphere guest id."""
    lowered = guest_id.lower()
    if lowered.startswith("win"):
        return "windows"
    return "linux" if lowered.startswith(LINUX_PREFIXES) else "other"


def is_windows(guest_id: str | Unknown) -> bool | Unknown:
    """Whether a guest id names a Windows; unknown where the id is, which is not a no."""
    return guest_id if isinstance(guest_id, Unknown) else family_of(guest_id) == "windows"


def table_from(values: Mapping[str, Any]) -> MappingTable:
    """A table from its JSON form, whose shape the API has checked."""
    return MappingTable(
        networks=values.get("networks", {}),
        datastores=values.get("datastores", {}),
        templates=values.get("templates", {}),
        overrides={machine: Override(**changes) for machine, changes in values.get("overrides", {}).items()},
    )
