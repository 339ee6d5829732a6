"""What a rule may know beside the machine itself: limits, the other machines' MACs, and the target as far as it is known.

All values; who reads pools and inventories is decided above. An empty mapping of the target says that no target is known
yet: rules then answer from the source alone, and the target is asked again when the machine is prepared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from estate.facts.pool import PoolFacts
from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown, is_known
from migration.assessment.core.limits import Limits

NO_TARGET = Unknown("no target SR is known yet")


@dataclass(frozen=True, slots=True)
class RuleContext:
    """`mac_owners` and `pool_mac_owners`: MAC (lower case) to the names of the machines whose NICs carry it, one per NIC."""

    collected_at: datetime
    limits: Limits
    mac_owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pool_mac_owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    largest_vdi_bytes: int | Unknown = NO_TARGET
    template_firmware: Mapping[str, str] = field(default_factory=dict)
    """Guest id to the firmware its mapped template has (`bios` or `uefi`)."""


def normal_mac(mac_address: str) -> str:
    """A MAC address in lower case with colons, as all comparisons want it."""
    return mac_address.strip().lower().replace("-", ":")


def mac_owners(vms: Iterable[VmFacts]) -> dict[str, tuple[str, ...]]:
    """Who carries which MAC in the estate; NICs whose MAC is unknown or empty own nothing."""
    owners: dict[str, list[str]] = {}
    for vm in vms:
        for nic in () if isinstance(vm.nics, Unknown) else vm.nics:
            if not isinstance(nic.mac_address, Unknown) and nic.mac_address.strip():
                owners.setdefault(normal_mac(nic.mac_address), []).append(vm.name)
    return {mac: tuple(names) for mac, names in owners.items()}


def pool_mac_owners(pools: Iterable[PoolFacts]) -> dict[str, tuple[str, ...]]:
    """Who carries which MAC in the target pools. A VM with our conversion tag is our own earlier import: no conflict."""
    owners: dict[str, list[str]] = {}
    for pool in pools:
        for vm in pool.vms:
            for mac in () if vm.conversion_id else vm.mac_addresses:
                owners.setdefault(normal_mac(mac), []).append(f"{vm.name} (pool {pool.name})")
    return {mac: tuple(names) for mac, names in owners.items()}


def largest_vdi_bytes(pools: Iterable[PoolFacts], limits: Limits) -> int | Unknown:
    """The largest VDI any disk SR of the target pools can hold. An undecided SR keeps the answer open."""
    sizes = [limits.vdi_limit_bytes(sr.kind) for pool in pools for sr in pool.srs if sr.content_type in {"", "user"}]
    decided = [size for size in sizes if is_known(size)]
    if len(decided) < len(sizes) or not sizes:
        return next((size for size in sizes if not is_known(size)), NO_TARGET)
    return max(decided)
