"""Family B, operations: detection time against what the business bears, and what people agreed to do."""

from __future__ import annotations

from estate.facts.unknown import Unknown
from readiness.core.attested import aged, newest, number
from readiness.core.case import Case
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine
from readiness.core.timeouts import effective_timeout

FORCE_OFF = "xe host-emergency-ha-disable --force"


def _detection(case: Case, item: EvidenceItem, timeout_s: int, rto_s: float) -> Answer:
    text = f"{item.subject}: noticing a fault takes {timeout_s} s of a recovery time of {rto_s:g} s."
    if timeout_s > case.policy.rto_share_most * rto_s:
        return aged(case, item, Answer(Result.FAIL, text))
    good = timeout_s <= case.policy.rto_share_good * rto_s
    return aged(case, item, Answer(Result.PASS if good else Result.WARN, text))


@check(
    "HA-025",
    family="ha_config",
    title="Detection time acceptable?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="A restart begins only once the timeout has passed. A long one avoids false fences and costs that much of every outage.",
    remedy=("make paths fail over faster, then tune a lower timeout; or let the owner of the recovery time accept it",),
)
def detection_fits_recovery_time(case: Case) -> Answer:
    """The timeout takes no more than its share of each recovery time that was named."""
    effective = effective_timeout(case.facts, case.policy)
    point = case.point(effective.source, effective.timeout_s)
    if isinstance(effective.timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The HA timeout is not known: {effective.timeout_s.reason}.", (point,))
    wanted = [(item, number(item, "rto_s")) for item in case.attested(EvidenceKind.BUSINESS_ROLE)]
    parts = [_detection(case, item, effective.timeout_s, rto_s) for item, rto_s in wanted if rto_s]
    if not parts:
        return Answer(Result.UNKNOWN, "Nobody has named the recovery time of a VM (evidence business_role, rto_s).", (point,))
    return combine(parts, good=f"Noticing a fault takes {effective.timeout_s} s, which every named recovery time bears.")


@check(
    "HA-030",
    family="ha_config",
    title="Guest-shutdown behaviour intended?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="By default a protected guest that is shut down from inside is started again, also in the middle of its cutover.",
    remedy=("xe pool-param-set uuid={pool_uuid} ha-reboot-vm-on-internal-shutdown=false   (or record guest_shutdown_choice)",),
)
def guest_shutdown_is_a_choice(case: Case) -> Answer:
    """What happens after a shutdown from inside was decided, and the pool is set so."""
    restarts = case.facts.ha_reboot_vm_on_internal_shutdown
    points = (case.point("pool.ha_reboot_vm_on_internal_shutdown", restarts),)
    fills = ({"pool_uuid": case.facts.uuid},)
    if isinstance(restarts, Unknown):
        return Answer(Result.UNKNOWN, f"What follows a guest's shutdown is not known: {restarts.reason}.", points, fills)
    item = newest(case, EvidenceKind.GUEST_SHUTDOWN_CHOICE)
    done = "is started again" if restarts else "stays down"
    if item is None:
        return Answer(Result.WARN, f"A guest shut down from inside {done}; nobody has said that this is wanted.", points, fills)
    if item.value.get("restart") is not restarts:
        return aged(
            case, item, Answer(Result.WARN, f"A guest shut down from inside {done}; the choice was otherwise.", points, fills)
        )
    return aged(case, item, Answer(Result.PASS, f"A guest shut down from inside {done}, as was chosen.", points))


@check(
    "HA-031",
    family="ha_config",
    title="HA-aware maintenance plan?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A host that is rebooted without being disabled first is a failed host, and a re-enable afterwards may lose the timeout.",
    remedy=(
        "write the plan: xe host-disable and xe host-evacuate before each reboot, HA-022 after each enable of HA",
        "record evidence of kind maintenance_plan",
    ),
)
def maintenance_plan_exists(case: Case) -> Answer:
    """The plan disables and evacuates hosts, and looks at the timeout after each enable."""
    item = newest(case, EvidenceKind.MAINTENANCE_PLAN)
    if item is None:
        return Answer(Result.FAIL, "No maintenance plan is recorded.")
    missing = [key for key in ("disables_hosts", "rechecks_timeout") if item.value.get(key) is not True]
    if missing:
        return aged(case, item, Answer(Result.FAIL, f"The maintenance plan lacks: {', '.join(missing)}."))
    return aged(case, item, Answer(Result.PASS, "The maintenance plan knows HA."))


@check(
    "HA-032",
    family="ha_config",
    title="Emergency runbook available offline?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="When every host fences in a loop the pool answers nobody; the way out is a console and a sheet of paper.",
    remedy=(
        "test the login to each host's iLO or DRAC, print this sheet, and record evidence of kind emergency_runbook",
        "only when the whole pool is down, and by a person: it gives up the protection against two hosts writing one disk.",
        "on the console of {host}:",
        FORCE_OFF,
        "xe pool-emergency-transition-to-master   (on the one host that is to lead)",
    ),
)
def emergency_runbook_tested(case: Case) -> Answer:
    """A sheet with both emergency commands exists off the pool, and the console logins were tried."""
    fills = tuple({"host": f"{host.name} ({host.address})"} for host in case.facts.hosts)
    item = newest(case, EvidenceKind.EMERGENCY_RUNBOOK)
    if item is None:
        return Answer(Result.FAIL, "No emergency runbook is recorded.", (), fills)
    if item.value.get("has_commands") is not True:
        return aged(case, item, Answer(Result.FAIL, "The emergency runbook lacks the emergency commands.", (), fills))
    if item.value.get("console_tested") is not True:
        return aged(case, item, Answer(Result.WARN, "The console logins of the emergency runbook were never tried.", (), fills))
    most = case.policy.failover_test_max_age_days
    return aged(case, item, Answer(Result.PASS, "The emergency runbook was tried.", (), fills), most_days=most)
