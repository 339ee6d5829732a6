"""Family E, guests: protection by what the business says of a VM, start order, tools, and VMs that must not share a fate."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from estate.facts.pool import PoolVmFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import alerts
from readiness.core.attested import aged
from readiness.core.case import Case
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine

_NO_ROLES = "Nobody has said which VMs matter how (evidence business_role)."
_APART = ("domain_controller", "kms_host")


def _roles(case: Case) -> dict[str, EvidenceItem]:
    """The newest word on each VM, by what it calls the VM (uuid or name)."""
    found: dict[str, EvidenceItem] = {}
    for item in case.attested(EvidenceKind.BUSINESS_ROLE):
        found.setdefault(item.subject, item)
    return found


def _vm(case: Case, named: str) -> PoolVmFacts | None:
    return next((vm for vm in case.facts.vms if named in (vm.uuid, vm.name) and not vm.is_control_domain), None)


def _priority(case: Case, item: EvidenceItem) -> Answer:
    vm = _vm(case, item.subject)
    planned = next((each for each in case.planned if item.subject in (each.machine_id, each.name)), None)
    if vm is None and planned is None:
        return Answer(
            Result.UNKNOWN, f"{item.subject} is critical, and neither in this pool nor planned for it.", (case.cite(item),)
        )
    name = vm.name if vm else item.subject
    priority = vm.ha_restart_priority if vm else planned.ha_restart_priority if planned else ""
    point = case.point(f"VM[{vm.uuid if vm else item.subject}].ha_restart_priority", priority)
    fills = ({"vm_uuid": vm.uuid if vm else f"<{item.subject}>"},)
    if priority == "restart":
        return aged(case, item, Answer(Result.PASS, "", (point,)))
    result = Result.WARN if priority == "best-effort" else Result.FAIL
    return aged(
        case, item, Answer(result, f"{name} is critical; its restart priority is {priority or 'empty'}.", (point,), fills)
    )


@check(
    "HA-080",
    family="vms",
    title="Restart priority set for critical VMs?",
    severity=Severity.BLOCKS_PROTECTED,
    waiver=WaiverClass.APPROVER,
    why="HA restarts what it was told to restart, not what the business needs.",
    remedy=("xe vm-param-set uuid={vm_uuid} ha-restart-priority=restart   (older pools: =1 ha-always-run=true)",),
)
def critical_vms_protected(case: Case) -> Answer:
    """Every VM that was called critical is restarted by HA."""
    roles = _roles(case)
    critical = [item for item in roles.values() if item.value.get("critical") is True]
    if not roles:
        return Answer(Result.UNKNOWN, _NO_ROLES)
    return combine([_priority(case, item) for item in critical] or [Answer(Result.PASS, "")], good="Critical VMs are protected.")


def _before(case: Case, item: EvidenceItem, first_named: str) -> Answer:
    vm, first = _vm(case, item.subject), _vm(case, first_named)
    if vm is None or first is None or isinstance(vm.order, Unknown) or isinstance(first.order, Unknown):
        return Answer(Result.UNKNOWN, f"The order of {first_named} and {item.subject} is not known.", (case.cite(item),))
    points = (case.point(f"VM[{first.uuid}].order", first.order), case.point(f"VM[{vm.uuid}].order", vm.order))
    fills = ({"vm_uuid": vm.uuid},)
    if first.order < vm.order:
        return aged(case, item, Answer(Result.PASS, "", points))
    if first.order == vm.order:
        return aged(
            case, item, Answer(Result.WARN, f"{vm.name} starts together with {first.name}, which it needs.", points, fills)
        )
    return aged(case, item, Answer(Result.FAIL, f"{vm.name} starts before {first.name}, which it needs.", points, fills))


@check(
    "HA-081",
    family="vms",
    title="Start order modelled?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="After a host is lost everything starts at once, unless somebody said what waits for what.",
    remedy=("xe vm-param-set uuid={vm_uuid} order=<later than what it needs> start-delay=60",),
)
def start_order_modelled(case: Case) -> Answer:
    """Whatever a VM needs starts before it."""
    pairs = [(item, str(first)) for item in _roles(case).values() for first in item.value.get("start_after") or ()]
    if not pairs:
        return Answer(Result.UNKNOWN, "Nobody has said which VM needs which (evidence business_role, start_after).")
    return combine(
        [_before(case, item, first) for item, first in pairs], good="VMs start in the order in which they need each other."
    )


def _tools(case: Case, vm: PoolVmFacts) -> Answer:
    points = (case.point(f"VM_guest_metrics of VM[{vm.uuid}].PV_drivers_detected", vm.tools_detected),)
    if vm.tools_detected is False:
        return Answer(Result.FAIL, f"{vm.name} has no guest tools.", points)
    if isinstance(vm.tools_detected, Unknown):
        return Answer(Result.UNKNOWN, f"Whether {vm.name} has guest tools could not be read.", points)
    if vm.tools_up_to_date is False:
        return Answer(Result.WARN, f"{vm.name} has old guest tools.", points)
    return Answer(Result.PASS, "", points)


@check(
    "HA-088",
    family="vms",
    title="VM tools present?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="Without tools neither a clean shutdown nor a live migration can be relied on.",
    remedy=("install the guest tools in each named VM",),
)
def tools_present(case: Case) -> Answer:
    """Every running guest has current tools."""
    running = [vm for vm in case.facts.vms if vm.power_state == "Running" and not vm.is_control_domain]
    if case.facts.unread("VM"):
        return Answer(Result.UNKNOWN, "The pool's VMs could not be read.")
    return combine([_tools(case, vm) for vm in running] or [Answer(Result.PASS, "")], good="Every running guest has its tools.")


def _together(case: Case, uuids: Iterable[str]) -> bool:
    hosts = [vm.resident_on_uuid for vm in case.facts.vms if vm.uuid in set(uuids) and vm.resident_on_uuid]
    return len(hosts) > 1 and len(set(hosts)) == 1


@check(
    "HA-089",
    family="vms",
    title="Anti-affinity respected?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="VMs that stand in for each other are worth nothing on one host.",
    remedy=("xe vm-migrate uuid=<vm> host-uuid=<other host>",),
)
def anti_affinity_holds(case: Case) -> Answer:
    """No group that is meant to be apart sits on one host."""
    groups = case.facts.vm_groups
    said = alerts(case, "ALL_RUNNING_VMS_IN_ANTI_AFFINITY_GRP_ON_SINGLE_HOST")
    if isinstance(groups, Unknown):
        return Answer(Result.UNKNOWN, f"Placement groups could not be read: {groups.reason}.", (case.point("VM_group", groups),))
    parts = [
        Answer(
            Result.WARN,
            f"All of group {group.name} run on one host.",
            (case.point(f"VM_group[{group.uuid}].placement", group.placement),),
        )
        for group in groups
        if group.placement == "anti_affinity" and _together(case, group.vm_uuids)
    ]
    alerted = Answer(Result.WARN, said.detail, said.evidence) if said.result is Result.FAIL else said
    return combine([alerted, *parts], good="VMs that are meant to be apart are.")


def _disk_srs(vm: PoolVmFacts) -> set[str] | Unknown:
    if isinstance(vm.drives, Unknown):
        return vm.drives
    return {drive.sr_uuid for drive in vm.drives if drive.kind == "Disk" and isinstance(drive.sr_uuid, str)}


def _shared_fate(case: Case, role: str, one: EvidenceItem, other: EvidenceItem) -> Answer:
    first, second = _vm(case, one.subject), _vm(case, other.subject)
    cites = (case.cite(one), case.cite(other))
    if first is None or second is None:
        return Answer(Result.UNKNOWN, f"{one.subject} and {other.subject} are not both in this pool.", cites)
    names, stores = f"{first.name} and {second.name} ({role})", (_disk_srs(first), _disk_srs(second))
    if first.resident_on_uuid and first.resident_on_uuid == second.resident_on_uuid:
        return Answer(Result.FAIL, f"{names} run on {case.host_name(first.resident_on_uuid)}.", cites)
    if isinstance(stores[0], Unknown) or isinstance(stores[1], Unknown):
        return Answer(Result.UNKNOWN, f"Where the disks of {names} lie is not known.", cites)
    if stores[0] & stores[1]:
        return Answer(Result.WARN, f"{names} have disks on one SR.", cites)
    return Answer(Result.PASS, "", cites)


@check(
    "HA-096",
    family="vms",
    title="KMS hosts and DCs not on one host/SR?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="Two domain controllers on the host that fails are no redundancy, and nobody can log on to repair it.",
    remedy=("keep them apart: a VM group with placement anti_affinity, disks on different SRs",),
)
def infrastructure_is_apart(case: Case) -> Answer:
    """No two VMs of one infrastructure role share a host or an SR."""
    roles = _roles(case)
    if not roles:
        return Answer(Result.UNKNOWN, _NO_ROLES)
    parts = [
        _shared_fate(case, role, one, other)
        for role in _APART
        for one, other in combinations([item for item in roles.values() if item.value.get("role") == role], 2)
    ]
    return combine(parts or [Answer(Result.PASS, "")], good="VMs of one infrastructure role share neither host nor SR.")
