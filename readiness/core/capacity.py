"""Failover capacity: how many hosts may fail before a protected VM finds no room.

A pure copy of xapi's planner arithmetic (memory only; no CPU, storage or agility). Sizes are bytes.
Source: xen-api `ocaml/xapi/xapi_ha_vm_failover.ml`, `binpack.ml`, `memory_check.ml`, `xapi-idl/memory/memory.ml`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from estate.facts.planned import PlannedVm
from estate.facts.pool import PoolFacts, PoolHostFacts
from estate.facts.unknown import Unknown

MIB = 1024 * 1024
PAGE_BYTES = 4096
PAGES_PER_VCPU = 38
EXHAUSTIVE_LIMIT = 3500
EXHAUSTIVE_HOSTS = 32


def _mib_of_pages(pages: int) -> int:
    return math.ceil(pages * PAGE_BYTES / MIB)


def shadow_mib(static_max_mib: int, vcpus: int, multiplier: float = 1.0) -> int:
    """Shadow memory of a hardware-virtualised VM in MiB: 256 pages per vCPU and two per MiB, at least one MiB."""
    pages = 256 * vcpus + 2 * static_max_mib
    return max(1, math.ceil(_mib_of_pages(pages) * multiplier))


def vm_size_bytes(memory_bytes: int, vcpus: int, multiplier: float = 1.0) -> int:
    """What a VM takes from its host: static maximum, 2 MiB of video, shadow and 38 pages per vCPU."""
    static_mib = math.ceil(memory_bytes / MIB)
    total_mib = static_mib + 2 + shadow_mib(static_mib, vcpus, multiplier) + _mib_of_pages(PAGES_PER_VCPU * vcpus)
    return total_mib * MIB


@dataclass(frozen=True, slots=True)
class Occupant:
    """A protected VM running on a host."""

    name: str
    size_bytes: int
    host_uuid: str


@dataclass(frozen=True, slots=True)
class Room:
    """Hosts with their free bytes (all VMs running) and the protected VMs on them."""

    free_bytes: dict[str, int]
    protected: tuple[Occupant, ...]


def emptiest(free: Mapping[str, int]) -> str | None:
    """The host with the most free bytes, the lowest uuid of equals; None without any."""
    return min(free, key=lambda host: (-free[host], host), default=None)


def _place(free: dict[str, int], sizes: Sequence[tuple[str, int]]) -> list[tuple[str, int, str]] | None:
    """Biggest first, each onto the emptiest host; None when one does not fit. Takes the room out of `free`."""
    placed: list[tuple[str, int, str]] = []
    for name, size in sorted(sizes, key=lambda vm: (-vm[1], vm[0])):
        host = emptiest(free)
        if host is None or free[host] < size:
            return None
        free[host] -= size
        placed.append((name, size, host))
    return placed


def _survives(free: dict[str, int], vms: Sequence[Occupant], failures: int) -> bool:
    """Whether every order of `failures` further host failures can be re-packed."""
    if failures == 0:
        return True
    for failing in sorted(free):
        left = {host: room for host, room in free.items() if host != failing}
        placed = _place(left, [(vm.name, vm.size_bytes) for vm in vms if vm.host_uuid == failing])
        if placed is None:
            return False
        moved = [Occupant(name, size, host) for name, size, host in placed]
        if not _survives(left, [vm for vm in vms if vm.host_uuid != failing] + moved, failures - 1):
            return False
    return True


def _conservative(room: Room, failures: int) -> bool:
    """xapi's shortcut for large pools: all VMs as big as the largest, the roomiest hosts fail, the fullest are re-homed."""
    if not room.protected:
        return True
    largest = max(vm.size_bytes for vm in room.protected)
    slots = sorted((free // largest for free in room.free_bytes.values()), reverse=True)
    crowds = sorted((sum(vm.host_uuid == host for vm in room.protected) for host in room.free_bytes), reverse=True)
    return sum(crowds[:failures]) <= sum(slots[failures:])


def plan_exists(room: Room, failures: int) -> bool:
    """Whether every protected VM finds room after any `failures` hosts have failed one after another."""
    hosts = len(room.free_bytes)
    if failures > hosts or (failures == hosts and room.protected):
        return False
    orders = math.perm(hosts, failures)
    if orders < EXHAUSTIVE_LIMIT and hosts <= EXHAUSTIVE_HOSTS:
        return _survives(room.free_bytes, room.protected, failures)
    return _conservative(room, failures)


def max_failures(room: Room) -> int:
    """The largest number of failures a plan exists for, found by bisection as xapi does."""
    low, high = 0, len(room.free_bytes)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if plan_exists(room, middle) else (low, middle - 1)
    return low


def _host_free(facts: PoolFacts, host: PoolHostFacts) -> int | Unknown:
    if isinstance(host.memory_total_bytes, Unknown) or isinstance(host.memory_overhead_bytes, Unknown):
        return Unknown(f"the memory of host {host.name} could not be read")
    taken = sum(vm.memory_static_max_bytes + vm.memory_overhead_bytes for vm in facts.vms if vm.resident_on_uuid == host.uuid)
    return max(0, host.memory_total_bytes - host.memory_overhead_bytes - taken)


def room_of(facts: PoolFacts) -> Room | Unknown:
    """Today's room: live and enabled hosts, what runs on them, and which of it is protected."""
    unread = facts.unread("VM") or facts.unread("host")
    if unread:
        return Unknown(f"not all VMs and hosts could be read: {unread}")
    free: dict[str, int] = {}
    for host in facts.hosts:
        if host.live is False or host.enabled is False:
            continue
        if isinstance(host.live, Unknown) or isinstance(host.enabled, Unknown):
            return Unknown(f"whether host {host.name} is live and enabled could not be read")
        bytes_free = _host_free(facts, host)
        if isinstance(bytes_free, Unknown):
            return bytes_free
        free[host.uuid] = bytes_free
    protected = tuple(
        Occupant(vm.name, vm.memory_static_max_bytes + vm.memory_overhead_bytes, vm.resident_on_uuid)
        for vm in facts.vms
        if vm.ha_restart_priority == "restart" and not vm.is_control_domain and vm.resident_on_uuid in free
    )
    return Room(free, protected)


def with_planned(room: Room, facts: PoolFacts, planned: Sequence[PlannedVm]) -> Room | None:
    """The room after the planned VMs run too, biggest first on the emptiest host; None when one finds no host.

    A planned VM whose MAC already runs in the pool has arrived and is not counted twice.
    """
    arrived = {mac.lower() for vm in facts.vms if vm.resident_on_uuid for mac in vm.mac_addresses}
    coming = [vm for vm in planned if not arrived & {mac.lower() for mac in vm.mac_addresses}]
    free = dict(room.free_bytes)
    placed = _place(free, [(vm.machine_id, vm_size_bytes(vm.memory_bytes, vm.vcpus)) for vm in coming])
    if placed is None:
        return None
    protected = {vm.machine_id for vm in coming if vm.ha_restart_priority == "restart"}
    return Room(free, room.protected + tuple(Occupant(*placement) for placement in placed if placement[0] in protected))


def grown(room: Room, factor: float) -> Room:
    """The same room where every protected VM that has to move is larger by a factor."""
    return replace(room, protected=tuple(replace(vm, size_bytes=math.ceil(vm.size_bytes * factor)) for vm in room.protected))


def predicted_tolerance(facts: PoolFacts, planned: Sequence[PlannedVm]) -> int | Unknown:
    """Host failures the pool tolerates once the planned VMs run. -1 when they do not even fit without a failure."""
    room = room_of(facts)
    if isinstance(room, Unknown):
        return room
    after = with_planned(room, facts, planned)
    return -1 if after is None else max_failures(after)
