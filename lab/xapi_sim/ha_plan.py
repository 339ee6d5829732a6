"""The memory planner: how many host failures the protected VMs would survive.

Pure arithmetic over sizes in bytes, as the pool's own planner does it: only memory counts. Source: xapi_ha_vm_failover.ml,
binpack.ml, memory_check.ml and xapi-idl memory.ml.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

MIB = 1 << 20
PAGE_BYTES = 4096
EXHAUSTIVE_LIMIT = 3500
EXHAUSTIVE_HOSTS = 32


@dataclass(frozen=True, slots=True)
class ProtectedVm:
    """A VM that must be restarted; `host` is where it runs, None when it is halted and counted anyway."""

    vm: str
    need_bytes: int
    host: str | None
    agile: bool = True


@dataclass(frozen=True, slots=True)
class PlanInput:
    """`free_bytes` per live and enabled host after everything that runs there; `host_count` counts all of the pool."""

    free_bytes: Mapping[str, int]
    host_count: int
    vms: tuple[ProtectedVm, ...]


def vm_overhead_bytes(static_max_bytes: int, vcpus: int, shadow_multiplier: float = 1.0) -> int:
    """Memory an HVM guest needs beyond its static maximum."""
    shadow_pages = 256 * vcpus + 2 * (static_max_bytes // MIB)
    shadow_mib = max(1, math.ceil(math.ceil(shadow_pages * PAGE_BYTES / MIB) * shadow_multiplier))
    return (2 + shadow_mib + math.ceil(38 * vcpus * PAGE_BYTES / MIB)) * MIB


def largest_tolerable_failures(plan: PlanInput) -> int:
    """The largest n for which a plan exists; 0 as soon as one protected VM is not agile."""
    if not all(vm.agile for vm in plan.vms):
        return 0
    tolerable = 0
    while tolerable < plan.host_count and plan_exists(plan, tolerable + 1):
        tolerable += 1
    return tolerable


def plan_exists(plan: PlanInput, failures: int) -> bool:
    """Whether every protected VM finds a host after any `failures` hosts fail one after another."""
    placed = _place_halted(plan)
    if placed is None or not all(vm.agile for vm in plan.vms):
        return False
    free, homes = placed
    if len(free) < failures or (len(free) == failures and plan.vms):
        return False
    if _is_small(plan.host_count, failures):
        return all(_survives(free, homes, order) for order in permutations(free, failures))
    return _survives_conservatively(free, homes, failures)


def failover_plan(plan: PlanInput, failed: frozenset[str]) -> dict[str, str | None]:
    """Where each protected VM of the failed hosts would go; None when it finds no place."""
    free = {host: size for host, size in plan.free_bytes.items() if host not in failed}
    lost = [vm for vm in plan.vms if vm.host in failed]
    return _pack(free, lost)


def _is_small(hosts: int, failures: int) -> bool:
    return hosts <= EXHAUSTIVE_HOSTS and math.perm(hosts, min(failures, hosts)) < EXHAUSTIVE_LIMIT


def _place_halted(plan: PlanInput) -> tuple[dict[str, int], dict[str, list[ProtectedVm]]] | None:
    free = dict(plan.free_bytes)
    homes: dict[str, list[ProtectedVm]] = {host: [] for host in free}
    for vm in plan.vms:
        if vm.host in homes:
            homes[vm.host].append(vm)
    homeless = [vm for vm in plan.vms if vm.host not in homes]
    for vm, host in zip(_by_size(homeless), _pack(free, homeless).values(), strict=True):
        if host is None:
            return None
        homes[host].append(vm)
    return free, homes


def _pack(free: dict[str, int], vms: list[ProtectedVm]) -> dict[str, str | None]:
    """Biggest VM first onto the emptiest host; `free` is used up."""
    places: dict[str, str | None] = {}
    for vm in _by_size(vms):
        emptiest = max(free, key=lambda host: (free[host], host), default=None)
        fits = emptiest is not None and free[emptiest] >= vm.need_bytes
        places[vm.vm] = emptiest if fits else None
        if fits and emptiest is not None:
            free[emptiest] -= vm.need_bytes
    return places


def _by_size(vms: list[ProtectedVm]) -> list[ProtectedVm]:
    return sorted(vms, key=lambda vm: (-vm.need_bytes, vm.vm))


def _survives(free: dict[str, int], homes: dict[str, list[ProtectedVm]], order: tuple[str, ...]) -> bool:
    left = dict(free)
    where = {host: list(vms) for host, vms in homes.items()}
    for failed in order:
        lost = where.pop(failed)
        del left[failed]
        places = _pack(left, lost)
        for vm in lost:
            place = places[vm.vm]
            if place is None:
                return False
            where[place].append(vm)
    return True


def _survives_conservatively(free: dict[str, int], homes: dict[str, list[ProtectedVm]], failures: int) -> bool:
    vms = [vm for homed in homes.values() for vm in homed]
    if not vms:
        return True
    unit = max(vm.need_bytes for vm in vms)
    capacities = sorted((size // unit for size in free.values()), reverse=True)
    crowds = sorted((len(homed) for homed in homes.values()), reverse=True)
    return sum(crowds[:failures]) <= sum(capacities[failures:])
