"""Rules on the ESXi hosts that machines are read from (SRC): state, version, transfer, licence, memory."""

from __future__ import annotations

import re

from estate.facts.source import HostFacts, KernelNicFacts, PhysicalNicFacts, PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Subject, rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, both, judged, known

TRANSFER_SERVICE = "vSphereBackupNFC"
MANAGEMENT_SERVICE = "management"
FREE_EDITION = "hypervisor"
LOCKDOWN_OFF = "lockdownDisabled"
NO_LINKS = Unknown("no physical NIC with a link was read")
UPLINK_UNKNOWN = Unknown("which of its links carries the management network was not read")
EDITION_UNTOLD = Unknown("an ESXi does not tell the edition of its licence by its product's name", everywhere=True)
EXCEPTIONS_UNREAD = Unknown("whether the account is an exception to the lockdown was not read")
HOST_OF_VMS_UNKNOWN = Unknown("the host of some machines is not known")


@rule(
    "SRC-001",
    severity=Severity.CRITICAL,
    sources="V",
    title="The host is not connected or is in maintenance",
    why="Nothing can be read from a host that does not take part.",
    remediation="Connect the host and end its maintenance, or move its machines to another one.",
    subject=Subject.HOST,
)
def host_not_serving(host: HostFacts, context: RuleContext) -> Parts:
    """Either is enough; both must be known to be well."""
    state = judged("connection_state", host.connection_state, lambda state: state != "connected", lambda state: {"state": state})
    return (*state, *judged("in_maintenance", host.in_maintenance, bool))


@rule(
    "SRC-004",
    severity=Severity.WARNING,
    sources="V",
    title="The host's version is outside what was tried with exports",
    why="How exports behave there is not known.",
    remediation="Try one machine of this host first, or move its machines to a host with a version in the range.",
    subject=Subject.HOST,
)
def untried_version(host: HostFacts, context: RuleContext) -> Parts:
    """By major and minor number; an update within them does not matter."""
    limits = context.limits
    first, last = version_of(limits.esxi_version_min), version_of(limits.esxi_version_max)
    return judged(
        "version",
        host.version,
        lambda version: not first <= version_of(version) <= last,
        lambda version: {"version": version, "from": limits.esxi_version_min, "to": limits.esxi_version_max},
    )


def version_of(text: str) -> tuple[int, ...]:
    """Major and minor number of a version; nothing numeric is older than everything."""
    return tuple(int(digits) for digits in re.findall(r"\d+", text)[:2])


@rule(
    "SRC-005",
    severity=Severity.WARNING,
    sources="V",
    title="The host has more disks to give than it can stream at once",
    why="Beyond its transfer buffer a host refuses streams or lets them stall.",
    remediation="Spread its machines over waves, cap the disks that are copied at a time, or raise the host's NFC memory.",
    subject=Subject.HOST,
)
def too_many_streams(host: HostFacts, context: RuleContext) -> Parts:
    """Every disk on the host, as if all were copied together: below the cap no plan can overload it."""
    most = context.limits.streams_per_host_max
    disks = [vm.disks for vm in context.estate.vms_of_host.get(host.native_id, ())]
    count = sum(len(each) for each in disks if not isinstance(each, Unknown))
    if count > most:
        return answered(Answer.TRUE, "vms.disks", count, {"disks": count, "limit": most})
    unread = next((each for each in disks if isinstance(each, Unknown)), _homeless(context))
    return () if unread is None else (Part(Answer.UNKNOWN, "vms.disks", unread),)


def _homeless(context: RuleContext) -> Unknown | None:
    return HOST_OF_VMS_UNKNOWN if context.estate.homeless_vms else None


@rule(
    "SRC-006",
    severity=Severity.WARNING,
    sources="V",
    title="Copies run over a slow management link",
    why="Without a VMkernel NIC of their own, transfers share the management network, which is no faster than 1 Gb/s.",
    remediation="Tag a VMkernel NIC on a fast link for backup transfers (vSphere Backup NFC).",
    subject=Subject.HOST,
)
def slow_transfer(host: HostFacts, context: RuleContext) -> Parts:
    """No NIC tagged for transfers, and no link of the management network that is faster than the limit."""
    if isinstance(host.kernel_nics, Unknown):
        return (Part(Answer.UNKNOWN, "kernel_nics", host.kernel_nics),)
    fastest = _management_mbit_s(host, context)
    slow = known(fastest, lambda speed: speed <= context.limits.slow_link_max_mbit_s)
    untagged = _carried_nowhere(host.kernel_nics)
    services = next((nic.services for nic in host.kernel_nics if isinstance(nic.services, Unknown)), None)
    raw = services if untagged is Answer.UNKNOWN and services is not None else fastest
    params = {} if isinstance(fastest, Unknown) else {"link_mbit_s": fastest}
    return answered(both(untagged, slow), "kernel_nics", raw, params)


def _carried_nowhere(nics: tuple[KernelNicFacts, ...]) -> Answer:
    return both(*(known(nic.services, lambda services: TRANSFER_SERVICE not in services) for nic in nics))


def _management_mbit_s(host: HostFacts, context: RuleContext) -> int | Unknown:
    """The speed of the management network's links; UNKNOWN where they differ and nobody knows which ones carry it."""
    if isinstance(host.physical_nics, Unknown):
        return host.physical_nics
    uplinks = _management_uplinks(host, context)
    candidates = [nic for nic in host.physical_nics if uplinks is None or nic.name in uplinks]
    unread = next((nic.link_mbit_s for nic in candidates if isinstance(nic.link_mbit_s, Unknown)), None)
    if unread is not None:
        return unread
    return _one_speed(candidates, context) if uplinks is None else max(_speeds(candidates), default=NO_LINKS)


def _one_speed(nics: list[PhysicalNicFacts], context: RuleContext) -> int | Unknown:
    speeds = _speeds(nics)
    if not speeds:
        return NO_LINKS
    slow = {speed <= context.limits.slow_link_max_mbit_s for speed in speeds}
    return max(speeds) if len(slow) == 1 else UPLINK_UNKNOWN


def _speeds(nics: list[PhysicalNicFacts]) -> list[int]:
    return [nic.link_mbit_s for nic in nics if isinstance(nic.link_mbit_s, int)]


def _management_uplinks(host: HostFacts, context: RuleContext) -> frozenset[str] | None:
    """Names of the NICs under the management port group's standard switch; None where that cannot be followed."""
    if isinstance(host.kernel_nics, Unknown) or isinstance(host.switches, Unknown):
        return None
    groups = {nic.portgroup for nic in host.kernel_nics if _carries_management(nic)} - {""}
    networks = [context.estate.networks[each] for each in host.network_ids if each in context.estate.networks]
    names = {network.switch_name for network in networks if network.name in groups and not network.is_distributed}
    found = [switch.uplinks for switch in host.switches if switch.name in names]
    known_uplinks = [uplinks for uplinks in found if not isinstance(uplinks, Unknown)]
    if not found or len(known_uplinks) < len(found):
        return None
    return frozenset(name for uplinks in known_uplinks for name in uplinks)


def _carries_management(nic: KernelNicFacts) -> bool:
    return not isinstance(nic.services, Unknown) and MANAGEMENT_SERVICE in nic.services


@rule(
    "SRC-007",
    severity=Severity.CRITICAL,
    sources="V",
    title="The host's licence or lockdown refuses exports",
    why="A free ESXi refuses snapshots and tasks through its interface; a locked host refuses accounts that are no exception.",
    remediation="Read through a vCenter with a paid edition, or make the account an exception to the lockdown.",
    subject=Subject.HOST,
)
def refuses_exports(host: HostFacts, context: RuleContext) -> Parts:
    """A free edition by its licence's name. Exceptions to a lockdown are not read, so a locked host stays a question."""
    free = _free_edition(host, context)
    locked = known(host.lockdown_mode, lambda mode: mode != LOCKDOWN_OFF)
    if locked is Answer.FALSE:
        return free
    raw = host.lockdown_mode if isinstance(host.lockdown_mode, Unknown) else EXCEPTIONS_UNREAD
    return (*free, Part(Answer.UNKNOWN, "lockdown_mode", raw))


def _free_edition(host: HostFacts, context: RuleContext) -> Parts:
    """No vCenter manages a free ESXi. A host that is asked itself names its product, which all editions share."""
    product = host.license_product
    if not isinstance(product, Unknown) and FREE_EDITION in (product or "").lower():
        return answered(Answer.TRUE, "license_product", product, {"license_product": product})
    if context.estate.behind_vcenter is True:
        return ()
    return answered(Answer.UNKNOWN, "license_product", product if isinstance(product, Unknown) else EDITION_UNTOLD)


@rule(
    "SRC-010",
    severity=Severity.WARNING,
    sources="VR",
    title="Running machines have more memory than the host",
    why="A pool gives every machine its memory in full: fewer machines fit than ran here.",
    remediation="Size the pool by the memory that machines are given, or give them less first.",
    subject=Subject.HOST,
)
def memory_overcommitted(host: HostFacts, context: RuleContext) -> Parts:
    """The sum over machines that run, against what is installed; what could not be read can only add to it."""
    running = [vm for vm in context.estate.vms_of_host.get(host.native_id, ()) if vm.power_state is not PowerState.OFF]
    granted = sum(_granted_bytes(vm) for vm in running)
    more = known(host.memory_bytes, lambda installed: granted > installed)
    if more is not Answer.FALSE:
        params = {"granted_bytes": granted, "installed_bytes": host.memory_bytes} if more is Answer.TRUE else {}
        return answered(more, "memory_bytes", host.memory_bytes, params)
    gaps = (fact for vm in running for fact in (vm.power_state, vm.memory_bytes) if isinstance(fact, Unknown))
    unread = next(gaps, _homeless(context))
    return () if unread is None else (Part(Answer.UNKNOWN, "vms.memory_bytes", unread),)


def _granted_bytes(vm: VmFacts) -> int:
    """Only what is surely given counts."""
    return vm.memory_bytes if vm.power_state is PowerState.ON and not isinstance(vm.memory_bytes, Unknown) else 0
