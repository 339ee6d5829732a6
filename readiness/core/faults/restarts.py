"""What becomes of a pool's VMs when hosts go down: which stop, which HA starts again, and which find no host.

xapi's order and arithmetic (core.capacity): the biggest first, each onto the emptiest host that is left. Planned VMs take room.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from estate.facts.pool import PoolVmFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.capacity import Room, emptiest, room_of, with_planned
from readiness.core.case import Case


@dataclass(frozen=True, slots=True)
class Fates:
    """Names of the VMs that stop, that are restarted, that cannot be, and of which nobody can tell, with the reason."""

    lost: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    stranded: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    why_unknown: str = ""


class Restarts:
    """Asks about one pool. `stranded` counts protected VMs only: what nobody protects is not promised to come back."""

    def __init__(self, case: Case) -> None:
        self._vms = [vm for vm in case.facts.vms if vm.resident_on_uuid and not vm.is_control_domain]
        self._srs = {sr.uuid: sr for sr in case.facts.srs}
        self._unread = case.facts.unread("VM")
        room = room_of(case.facts)
        full = None if isinstance(room, Unknown) else with_planned(room, case.facts, case.planned)
        self._room: Room | Unknown = room if isinstance(room, Unknown) else full or Unknown("the planned VMs do not fit")

    def after(self, down: Collection[str], survivors: Collection[str]) -> Fates:
        """What becomes of them when these hosts (uuids) are down and those are left."""
        lost = [vm for vm in self._vms if vm.resident_on_uuid in down]
        names = tuple(vm.name for vm in lost)
        if self._unread:
            return Fates(names, unknown=("the VMs of these hosts",), why_unknown=f"the VMs could not be read ({self._unread})")
        wanted = [vm for vm in lost if vm.ha_restart_priority == "restart"]
        if not survivors:
            return Fates(names, stranded=tuple(vm.name for vm in wanted))
        tied = {vm.uuid: self._is_tied(vm) for vm in wanted}
        stuck = [vm for vm in wanted if tied[vm.uuid] is True]
        unread = [vm for vm in wanted if tied[vm.uuid] is None]
        movable = [vm for vm in wanted if tied[vm.uuid] is False]
        if isinstance(self._room, Unknown):
            return Fates(names, (), _names(stuck), _names(movable + unread), self._room.reason)
        placed, homeless = self._placed(self._room, movable, survivors)
        why = "whether their disks lie on shared storage could not be read" if unread else ""
        return Fates(names, _names(placed), _names(stuck + homeless), _names(unread), why)

    def _placed(
        self, room: Room, vms: list[PoolVmFacts], survivors: Collection[str]
    ) -> tuple[list[PoolVmFacts], list[PoolVmFacts]]:
        free = {host: room.free_bytes[host] for host in survivors if host in room.free_bytes}
        placed: list[PoolVmFacts] = []
        homeless: list[PoolVmFacts] = []
        for vm in sorted(vms, key=lambda vm: (-_size_bytes(vm), vm.uuid)):
            host = emptiest(free)
            if host is None or free[host] < _size_bytes(vm):
                homeless.append(vm)
            else:
                free[host] -= _size_bytes(vm)
                placed.append(vm)
        return placed, homeless

    def _is_tied(self, vm: PoolVmFacts) -> bool | None:
        """Whether a drive or device keeps it on its host; None when that could not be read."""
        if isinstance(vm.drives, Unknown) or isinstance(vm.host_devices, Unknown):
            return None
        if vm.host_devices:
            return True
        shared = [_is_shared(self._srs.get(each.sr_uuid)) for each in vm.drives if isinstance(each.sr_uuid, str)]
        if False in shared:
            return True
        unread = None in shared or any(isinstance(each.sr_uuid, Unknown) for each in vm.drives)
        return None if unread else False


def _names(vms: list[PoolVmFacts]) -> tuple[str, ...]:
    return tuple(vm.name for vm in vms)


def _size_bytes(vm: PoolVmFacts) -> int:
    return vm.memory_static_max_bytes + vm.memory_overhead_bytes


def _is_shared(sr: SrFacts | None) -> bool | None:
    return None if sr is None or isinstance(sr.shared, Unknown) else sr.shared
