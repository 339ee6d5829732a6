"""One view of a machine that several sources tell of: field by field the freshest known value, with who told it and when.

References to other objects (host, cluster, pool, stores) mean something inside one source only and come from the acting one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from estate.facts.source import DiskFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown

REFERENCES = frozenset(
    {"native_id", "host_id", "cluster_id", "resource_pool_id", "vapp_id", "datastore_ids", "change_version", "unreadable"}
)
_DEVICE_REFERENCES = frozenset({"device_key", "label", "datastore_id", "network_id", "change_id"})
_FIELDS = tuple(field.name for field in fields(VmFacts))

Origin = tuple[UUID, datetime]


@dataclass(frozen=True, slots=True)
class Telling:
    """What one source says of a machine; `at` is when that was true, as far as the source tells."""

    source_id: UUID
    at: datetime
    vm: VmFacts


@dataclass(frozen=True, slots=True)
class Merged:
    """`provenance` is field to (source, time); a value filled into one disk or NIC is named as `disks[2000].thin`."""

    vm: VmFacts
    provenance: Mapping[str, Origin]


def merge(acting: Telling, others: Sequence[Telling]) -> Merged:
    """The merged facts. A known value is never replaced by an unknown one, nor a fresh one by an older one."""
    freshest = sorted([acting, *others], key=lambda telling: telling.at, reverse=True)  # stable: acting first on a tie
    winners = {name: acting if name in REFERENCES else _winner(freshest, name) for name in _FIELDS}
    values: dict[str, Any] = {name: getattr(telling.vm, name) for name, telling in winners.items()}
    provenance: dict[str, Origin] = {name: (telling.source_id, telling.at) for name, telling in winners.items()}
    for name in ("disks", "nics"):
        rest = [telling for telling in freshest if telling is not winners[name]]
        values[name] = _filled(name, values[name], rest, provenance)
    return Merged(VmFacts(**values), provenance)


def _winner(freshest: Sequence[Telling], name: str) -> Telling:
    known = (telling for telling in freshest if not isinstance(getattr(telling.vm, name), Unknown))
    return next(known, freshest[0])


def _filled(name: str, devices: Any, rest: Sequence[Telling], provenance: dict[str, Origin]) -> Any:
    """The list as it is, with unknown fields of a device filled from the same device of other sources."""
    if isinstance(devices, Unknown):
        return devices
    return tuple(_one_filled(name, device, devices, rest, provenance) for device in devices)


def _one_filled(name: str, device: Any, beside: Any, rest: Sequence[Telling], provenance: dict[str, Origin]) -> Any:
    found: dict[str, Any] = {}
    for telling in rest:
        twin = _twin(device, beside, getattr(telling.vm, name))
        for part in fields(device) if twin is not None else ():
            value = getattr(twin, part.name)
            missing = part.name not in found and isinstance(getattr(device, part.name), Unknown)
            if missing and part.name not in _DEVICE_REFERENCES and not isinstance(value, Unknown):
                found[part.name] = value
                provenance[f"{name}[{device.device_key}].{part.name}"] = (telling.source_id, telling.at)
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
