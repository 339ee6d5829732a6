"""One view of a machine that several sources tell of: field by field the freshest known value, with who told it and when.

References to other objects (host, cluster, pool, stores) mean something inside one source only and come from the acting one. So
do disks and NICs as long as it knows them: what is converted is what it has, and others only fill in what it leaves open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import fields, replace

from estate.facts.source import AllocationFacts, DiskFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown

REFERENCES = frozenset(
    {
        "native_id",
        "host_id",
        "cluster_id",
        "cluster_rule_names",
        "resource_pool_id",
        "vapp_id",
        "datastore_ids",
        "network_ids",
        "change_version",
        "unreadable",
    }
)
DEVICES = ("disks", "nics")
_DEVICE_REFERENCES = frozenset({"device_key", "label", "datastore_id", "network_id", "change_id"})
_FOREIGN = Unknown("only another source lists it, and what it refers to means something there only")
_FIELDS = tuple(field.name for field in fields(VmFacts))
_NESTED = ("cpu_allocation", "memory_allocation")

Origin = tuple[UUID, datetime]


@dataclass(frozen=True, slots=True)
class Telling:
    """What one source says of a machine; `at` is when that was true, as far as the source tells."""

    source_id: UUID
    at: datetime
    vm: VmFacts


@dataclass(frozen=True, slots=True)
class Merged:
    """`provenance` is field to (source, time); a value filled into one disk or NIC is named as `disks[0].thin`, by its place."""

    vm: VmFacts
    provenance: Mapping[str, Origin]


def merge(acting: Telling, others: Sequence[Telling]) -> Merged:
    """The merged facts. A known value is never replaced by an unknown one, nor a fresh one by an older one."""
    freshest = sorted([acting, *others], key=lambda telling: telling.at, reverse=True)  # stable: acting first on a tie
    winners = {name: _teller(acting, freshest, name) for name in _FIELDS}
    values: dict[str, Any] = {name: getattr(telling.vm, name) for name, telling in winners.items()}
    provenance: dict[str, Origin] = {name: (telling.source_id, telling.at) for name, telling in winners.items()}
    for name in DEVICES:
        rest = [telling for telling in freshest if telling is not winners[name]]
        own = values[name] if winners[name] is acting else _without_references(values[name])
        values[name] = _filled(name, own, rest, provenance)
    for name in _NESTED:
        values[name] = _completed(name, values[name], freshest, provenance)
    return Merged(VmFacts(**values), provenance)


def _teller(acting: Telling, freshest: Sequence[Telling], name: str) -> Telling:
    if name in REFERENCES or (name in DEVICES and not isinstance(getattr(acting.vm, name), Unknown)):
        return acting
    known = (telling for telling in freshest if not isinstance(getattr(telling.vm, name), Unknown))
    return next(known, acting)


def _completed(name: str, value: AllocationFacts, freshest: Sequence[Telling], provenance: dict[str, Origin]) -> AllocationFacts:
    """Limits, reservations and shares one by one: a source may know one of them only."""
    found: dict[str, Any] = {}
    for part in fields(value):
        for telling in freshest:
            told = getattr(getattr(telling.vm, name), part.name)
            if not isinstance(told, Unknown):
                found[part.name], provenance[f"{name}.{part.name}"] = told, (telling.source_id, telling.at)
                break
    return replace(value, **found)


def _without_references(devices: Any) -> Any:
    """Disks or NICs that the acting source does not list: their ids name nothing in it."""
    if isinstance(devices, Unknown):
        return devices
    return tuple(
        replace(device, **{part.name: _FOREIGN for part in fields(device) if part.name in ("datastore_id", "network_id")})
        for device in devices
    )


def _filled(name: str, devices: Any, rest: Sequence[Telling], provenance: dict[str, Origin]) -> Any:
    """The list as it is, with unknown fields of a device filled from the same device of other sources."""
    if isinstance(devices, Unknown):
        return devices
    return tuple(_one_filled(name, place, devices, rest, provenance) for place in range(len(devices)))


def _one_filled(name: str, place: int, beside: Any, rest: Sequence[Telling], provenance: dict[str, Origin]) -> Any:
    device: Any = beside[place]
    found: dict[str, Any] = {}
    for telling in rest:
        twin = _twin(device, beside, getattr(telling.vm, name))
        for part in fields(device) if twin is not None else ():
            value = getattr(twin, part.name)
            missing = part.name not in found and isinstance(getattr(device, part.name), Unknown)
            if missing and part.name not in _DEVICE_REFERENCES and not isinstance(value, Unknown):
                found[part.name] = value
                provenance[f"{name}[{place}].{part.name}"] = (telling.source_id, telling.at)
    return replace(device, **found) if found else device


def _twin(device: Any, beside: Any, candidates: Any) -> Any:
    """The one device of the other source that is this one: the same key and size, else the same label and size."""
    if isinstance(candidates, Unknown):
        return None
    for same in (_key, _label):
        twins = [other for other in candidates if same(other) == same(device)]
        if len(twins) == 1 and sum(same(other) == same(device) for other in beside) == 1:
            return twins[0]
    return None


def _key(device: DiskFacts | NicFacts) -> tuple[object, ...]:
    return (device.device_key, _size(device))


def _label(device: DiskFacts | NicFacts) -> tuple[object, ...]:
    return (device.label, _size(device))


def _size(device: DiskFacts | NicFacts) -> object:
    """What two spellings of one device must agree in: a disk's capacity, a NIC's MAC address."""
    return device.capacity_bytes if isinstance(device, DiskFacts) else device.mac_address
