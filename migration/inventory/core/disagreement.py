"""Where two sources say different things of one machine: only what decides about its move, and only what both know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.inventory.core.merge import Telling


def _plain(name: str) -> Callable[[VmFacts], Any]:
    return lambda vm: getattr(vm, name)


def _each(name: str, part: str) -> Callable[[VmFacts], Any]:
    """One value of every disk or NIC, in order of size or address; Unknown as soon as one is."""

    def values(vm: VmFacts) -> Any:
        devices = getattr(vm, name)
        if isinstance(devices, Unknown):
            return devices
        found = [getattr(device, part) for device in devices]
        unread = [value for value in found if isinstance(value, Unknown)]
        return unread[0] if unread else sorted(map(_folded, found))

    return values


def _folded(value: Any) -> Any:
    return value.lower().replace("-", ":") if isinstance(value, str) else value


COMPARED: dict[str, Callable[[VmFacts], Any]] = {
    "vcpus": _plain("vcpus"),
    "memory_bytes": _plain("memory_bytes"),
    "firmware": _plain("firmware"),
    "is_template": _plain("is_template"),
    "disks": _each("disks", "capacity_bytes"),
    "nics": _each("nics", "mac_address"),
}
"""How a field is compared. Power, placement and addresses change by the hour and say nothing about a stale source."""


def disagreements(acting: Telling, others: Sequence[Telling]) -> tuple[str, ...]:
    """Fields in which another source says otherwise, in the order of `COMPARED`."""
    return tuple(name for name, value in COMPARED.items() if any(_differ(value(acting.vm), value(o.vm)) for o in others))


def _differ(mine: Any, theirs: Any) -> bool:
    return not isinstance(mine, Unknown) and not isinstance(theirs, Unknown) and bool(mine != theirs)
