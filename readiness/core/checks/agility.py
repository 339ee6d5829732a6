"""Family E, agility: could each protected VM start on any host, by its disks, networks and devices.

xapi refuses to protect a VM that is not agile; one that stopped being agile since is simply not restarted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from estate.facts.pool import PoolDriveFacts, PoolHostFacts, PoolVmFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result, combine

_PROTECTED, _BEST_EFFORT = "restart", "best-effort"


def _each(case: Case, ask: Callable[[Case, PoolVmFacts], Answer], good: str) -> Answer:
    """Ask of every VM that HA restarts; a fault of one that is restarted as well as may be only warns."""
    wanted = [vm for vm in case.facts.vms if vm.ha_restart_priority in (_PROTECTED, _BEST_EFFORT) and not vm.is_control_domain]
    if case.facts.unread("VM"):
        return Answer(Result.UNKNOWN, "The pool's VMs could not be read.")
    if not wanted:
        return Answer(Result.PASS, "HA restarts no VM of this pool yet.", (case.point("VM.ha_restart_priority", []),))
    return combine([_softened(vm, ask(case, vm)) for vm in wanted], good=good)


def _softened(vm: PoolVmFacts, answer: Answer) -> Answer:
    if vm.ha_restart_priority == _BEST_EFFORT and answer.result in (Result.FAIL, Result.UNKNOWN):
        return Answer(Result.WARN, f"{answer.detail} (best-effort)", answer.evidence, answer.fills)
    return answer


def _enabled(case: Case) -> list[PoolHostFacts]:
    """Hosts a VM may have to start on; one whose state is unknown among them."""
    return [host for host in case.facts.hosts if host.live is not False and host.enabled is not False]


def _drive(case: Case, drive: PoolDriveFacts) -> str | Unknown | None:
    """What ties a drive to a host; None when nothing does."""
    if drive.sr_uuid is None or isinstance(drive.sr_uuid, Unknown):
        return drive.sr_uuid
    sr = next((sr for sr in case.facts.srs if sr.uuid == drive.sr_uuid), None)
    if sr is None or isinstance(sr.shared, Unknown):
        return Unknown("the SR behind a drive could not be read")
    thing = "an ISO on" if drive.kind == "CD" else "a disk on"
    if not sr.shared:
        return f"{thing} the local SR {sr.name}"
    attached = {pbd.host_uuid: pbd.currently_attached for pbd in case.facts.pbds if pbd.sr_uuid == sr.uuid}
    states = [(host, attached.get(host.uuid, False)) for host in _enabled(case)]
    missing = [host.name for host, state in states if state is False]
    if missing:
        return f"{thing} SR {sr.name}, which {', '.join(missing)} cannot reach"
    return Unknown(f"whether SR {sr.name} is attached is not known") if any(s is not True for _, s in states) else None


def _tied(
    of_vm: str, ties: Sequence[str | Unknown | None], points: tuple[EvidencePoint, ...], fills: tuple[dict[str, str], ...]
) -> Answer:
    """The answer for one VM from what ties it to some of the hosts; None ties nothing."""
    tied = [tie for tie in ties if isinstance(tie, str)]
    if tied:
        return Answer(Result.FAIL, f"{of_vm} {' and '.join(dict.fromkeys(tied))}.", points, fills)
    unread = next((tie for tie in ties if isinstance(tie, Unknown)), None)
    if unread is not None:
        return Answer(Result.UNKNOWN, f"{of_vm} something nobody could read: {unread.reason}.", points, fills)
    return Answer(Result.PASS, "", points)


def _disks(case: Case, vm: PoolVmFacts) -> Answer:
    fills = ({"vm_uuid": vm.uuid},)
    if isinstance(vm.drives, Unknown):
        return Answer(Result.UNKNOWN, f"{vm.name}: {vm.drives.reason}.", (case.point(f"VM[{vm.uuid}].VBDs", vm.drives),), fills)
    ties = [_drive(case, drive) for drive in vm.drives]
    points = tuple(case.point(f"VBD[{drive.vbd_uuid}].VDI SR", drive.sr_uuid) for drive in vm.drives)
    return _tied(f"{vm.name} has", ties, points, fills)


@check(
    "HA-082",
    family="vms",
    title="Protected VM agile: disks?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A VM with a disk or an ISO that one host alone can reach dies with that host.",
    remedy=("xe vm-cd-eject uuid={vm_uuid}", "or move its disks to a shared SR", "xe diagnostic-vm-status uuid={vm_uuid}"),
    prerequisites=("HA-003",),
)
def disks_are_shared(case: Case) -> Answer:
    """Every drive of a VM that HA restarts is on an SR that all hosts reach."""
    return _each(case, _disks, "Every VM that HA restarts has its drives on SRs that all hosts reach.")


def _network(case: Case, uuid: str) -> tuple[str | Unknown | None, tuple[EvidencePoint, ...]]:
    """What ties a VM on this network to some of the hosts; None when nothing does."""
    network = next((network for network in case.facts.networks if network.uuid == uuid), None)
    if network is None:
        return Unknown(f"network {uuid} could not be read"), ()
    pifs = [pif for pif in case.facts.pifs if pif.uuid in network.pif_uuids]
    points = tuple(case.point(f"PIF[{pif.uuid}].currently_attached", pif.currently_attached) for pif in pifs)
    slaves = {slave for bond in case.facts.bonds for slave in bond.slave_pif_uuids}
    state = {pif.host_uuid: pif.currently_attached for pif in pifs if pif.uuid not in slaves}
    missing = [host.name for host in _enabled(case) if state.get(host.uuid, False) is False]
    if missing:
        return f"network {network.name}, which is not up on {', '.join(missing)}", points
    unread = any(isinstance(state[host.uuid], Unknown) for host in _enabled(case))
    return Unknown(f"whether network {network.name} is up is not known") if unread else None, points


def _networks(case: Case, vm: PoolVmFacts) -> Answer:
    fills = ({"vm_uuid": vm.uuid},)
    if isinstance(vm.network_uuids, Unknown):
        point = case.point(f"VM[{vm.uuid}].VIFs", vm.network_uuids)
        return Answer(Result.UNKNOWN, f"{vm.name}: {vm.network_uuids.reason}.", (point,), fills)
    asked = [_network(case, uuid) for uuid in vm.network_uuids]
    points = tuple(point for _, found in asked for point in found)
    return _tied(f"{vm.name} is on", [tie for tie, _ in asked], points, fills)


@check(
    "HA-083",
    family="vms",
    title="Agile: networks?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A VM on a network that a host lacks cannot start there.",
    remedy=(
        "make the VLAN on every host: xe pool-vlan-create",
        "xe pif-plug uuid=<pif>",
        "xe diagnostic-vm-status uuid={vm_uuid}",
    ),
    prerequisites=("HA-003",),
)
def networks_are_everywhere(case: Case) -> Answer:
    """Every network of a VM that HA restarts has an attached interface on each host."""
    return _each(case, _networks, "Every VM that HA restarts is on networks that all hosts have.")


def _devices(case: Case, vm: PoolVmFacts) -> Answer:
    points = (case.point(f"VM[{vm.uuid}].VGPUs, VUSBs, attached_PCIs", vm.host_devices),)
    fills = ({"vm_uuid": vm.uuid},)
    if isinstance(vm.host_devices, Unknown):
        return Answer(Result.UNKNOWN, f"The devices of {vm.name} could not be read.", points, fills)
    if vm.host_devices:
        return Answer(Result.FAIL, f"{vm.name} has devices of one host: {', '.join(vm.host_devices)}.", points, fills)
    return Answer(Result.PASS, "", points)


@check(
    "HA-084",
    family="vms",
    title="Agile: devices?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A graphics card, a USB stick or a PCI card of one host cannot follow the VM to another.",
    remedy=("remove the device, or: xe vm-param-set uuid={vm_uuid} ha-restart-priority=best-effort",),
    prerequisites=("HA-003",),
)
def no_host_devices(case: Case) -> Answer:
    """No VM that HA restarts holds a device of a host."""
    return _each(case, _devices, "No VM that HA restarts holds a device of a host.")
