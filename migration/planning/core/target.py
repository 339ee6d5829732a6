"""The pool as a mapping sees it: networks, SRs and templates found by name. Pure over PoolFacts.

A name that two objects of the pool carry does not decide, so it is refused like a missing one, with that said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from estate.facts.pool import PbdFacts, PoolFacts, PoolNetworkFacts, SrFacts, TemplateFacts
from estate.facts.unknown import Unknown
from migration.planning.core.reasons import Reason, ReasonCode

THICK_KINDS = frozenset({"lvm", "lvmoiscsi", "lvmohba", "lvmofcoe"})
VHD_BLOCK_BYTES = 2 << 20
LVM_EXTENT_BYTES = 4 << 20
VHD_BYTES_PER_BLOCK = 512 + 4  # a sector bitmap and a table entry for each 2 MiB block


class Named(Protocol):
    @property
    def uuid(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


@dataclass(frozen=True, slots=True)
class Target:
    """One pool's facts, and the largest VDI per SR where that is known (`vdi_limit_bytes`, by SR uuid)."""

    pool: PoolFacts
    vdi_limit_bytes: Mapping[str, int]

    def network(self, name: str) -> PoolNetworkFacts | Reason:
        return _only(self.pool.networks, name, "network", ReasonCode.NETWORK_MISSING, self.pool.name)

    def sr(self, name: str) -> SrFacts | Reason:
        """The SR of this name, if it can hold disks and some host has it plugged."""
        found = _only(disk_srs(self.pool), name, "SR", ReasonCode.SR_MISSING, self.pool.name)
        if isinstance(found, Reason):
            return found
        if not any(pbd.currently_attached is True for pbd in self._pbds(found)):
            detail = f"SR {name} is plugged on no host of pool {self.pool.name}."
            return Reason(ReasonCode.SR_UNPLUGGED, name, detail, "Repair the SR and collect the pool again.")
        return found

    def template(self, name: str) -> TemplateFacts | Reason:
        return _only(self.pool.templates, name, "template", ReasonCode.TEMPLATE_MISSING, self.pool.name)

    def _pbds(self, sr: SrFacts) -> list[PbdFacts]:
        return [pbd for pbd in self.pool.pbds if pbd.sr_uuid == sr.uuid]


def disk_srs(pool: PoolFacts) -> tuple[SrFacts, ...]:
    """The SRs that hold VM disks: neither ISO libraries nor pass-through devices."""
    return tuple(sr for sr in pool.srs if sr.content_type in {"", "user"} and sr.kind not in {"iso", "udev"})


def is_thick(sr: SrFacts) -> bool:
    """LVM SRs take a VDI's full size at once. Source: SR.sm_config allocation is `thick` unless asked otherwise."""
    return sr.kind in THICK_KINDS


def thick_vdi_bytes(capacity_bytes: int) -> int:
    """What a VDI takes on a thick SR: capacity in whole 2 MiB blocks, the VHD's tables, in whole 4 MiB LVM extents."""
    blocks = -(-capacity_bytes // VHD_BLOCK_BYTES)
    used_bytes = blocks * (VHD_BLOCK_BYTES + VHD_BYTES_PER_BLOCK)
    return -(-used_bytes // LVM_EXTENT_BYTES) * LVM_EXTENT_BYTES


def known_free_bytes(pool: PoolFacts) -> dict[str, int]:
    """Free bytes by SR uuid, of the SRs that say."""
    free = {sr.uuid: sr.free_bytes for sr in pool.srs}
    return {uuid: size for uuid, size in free.items() if not isinstance(size, Unknown)}


def _only(among: Iterable[N], name: str, what: str, code: ReasonCode, pool: str) -> N | Reason:
    found = [named for named in among if name in {named.name, named.uuid}]
    if len(found) == 1:
        return found[0]
    if found:
        detail = f"Pool {pool} has {len(found)} {what}s named {name}."
        return Reason(code, name, detail, "Rename all but one of them, or map to the uuid of the one you mean.")
    return Reason(code, name, f"Pool {pool} has no {what} named {name}.", f"Create it there or map to another {what}.")
