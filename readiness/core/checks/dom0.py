"""Family E, the hosts' own system: memory, disk, toolstack, old alerts, other features, and the test that switched one off."""

from __future__ import annotations

from datetime import timedelta

from estate.facts.pool import PoolHostFacts, PoolMessageFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import SERIOUS, cited, messages, triaged_alerts, urgent
from readiness.core.attested import aged, newest, number, of_host, per_host
from readiness.core.case import Case
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine
from readiness.core.timeouts import effective_timeout

_HEALTHCHECK = "HA_XAPI_HEALTHCHECK_APPROACHING_TIMEOUT"
_DISK_GOOD_PERCENT, _DISK_MOST_PERCENT = 80, 90


def _alarms(case: Case, *watched: str) -> list[PoolMessageFacts] | Unknown:
    found = messages(case, "ALARM")
    return found if isinstance(found, Unknown) else [each for each in found if any(f'"{name}"' in each.body for name in watched)]


def _memory(case: Case, host: PoolHostFacts) -> Answer:
    domain = next((vm for vm in case.facts.vms if vm.is_control_domain and vm.resident_on_uuid == host.uuid), None)
    has = Unknown("the control domain was not seen") if domain is None else domain.memory_dynamic_max_bytes
    points = (case.point(f"VM of dom0 on host[{host.uuid}].memory_dynamic_max", has),)
    if isinstance(has, Unknown) or isinstance(host.memory_total_bytes, Unknown):
        return Answer(Result.UNKNOWN, f"The memory of dom0 on {host.name} could not be read.", points)
    policy = case.policy
    wanted = min(policy.dom0_most_bytes, policy.dom0_base_bytes + int(policy.dom0_share * host.memory_total_bytes))
    if has >= wanted:
        return Answer(Result.PASS, "", points)
    return Answer(Result.WARN, f"dom0 of {host.name} has {has >> 20} MiB; {wanted >> 20} MiB are wanted.", points)


@check(
    "HA-090",
    family="vms",
    title="dom0 memory?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="A control domain short of memory answers late, to heartbeats too.",
    remedy=("/opt/xensource/libexec/xen-cmdline --set-xen dom0_mem=<MiB>M,max:<MiB>M   (in dom0, then reboot the host)",),
)
def dom0_has_memory(case: Case) -> Answer:
    """dom0 has the memory a host of its size wants, and raised no alarm lately."""
    found = _alarms(case, "mem_usage")
    if isinstance(found, Unknown):
        return Answer(Result.UNKNOWN, f"Not known: {found.reason}.", (case.point("message.name", found),))
    recent = case.at - timedelta(days=case.policy.alarm_recent_days)
    said = [
        Answer(Result.FAIL if each.at > recent else Result.WARN, f"Memory alarm at {each.at:%Y-%m-%d %H:%M} UTC.", (cited(each),))
        for each in found
    ]
    return combine([per_host(case, _memory, ""), *said], good="Every dom0 has the memory it wants.")


def _disk(case: Case, host: PoolHostFacts, alarms: list[PoolMessageFacts]) -> Answer:
    item = of_host(case, EvidenceKind.DOM0_DISK, host)
    used = None if item is None else number(item, "used_percent")
    open_since = [each for each in alarms if each.obj_uuid == host.uuid and (item is None or each.at > item.tested_at)]
    if open_since:
        return Answer(
            Result.FAIL, f"{host.name} raised a disk alarm, and nobody has looked since.", tuple(map(cited, open_since))
        )
    if item is None or used is None:
        return Answer(Result.UNKNOWN, f"How full the disks of dom0 on {host.name} are is not known.")
    text = f"A disk of dom0 on {host.name} is {used:g} % full."
    if used >= _DISK_MOST_PERCENT:
        return aged(case, item, Answer(Result.FAIL, text))
    return aged(case, item, Answer(Result.PASS if used < _DISK_GOOD_PERCENT else Result.WARN, text))


@check(
    "HA-091",
    family="vms",
    title="dom0 disk/log space?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A full log partition stops the toolstack, and HA with it.",
    remedy=("df -h   (in dom0 of every host; rotate logs, then record evidence of kind dom0_disk with the fullest)",),
)
def dom0_has_disk(case: Case) -> Answer:
    """Every dom0's disks have room, and no alarm is younger than the last look."""
    found = _alarms(case, "fs_usage", "log_fs_usage")
    if isinstance(found, Unknown):
        return Answer(Result.UNKNOWN, f"Not known: {found.reason}.", (case.point("message.name", found),))
    return combine([_disk(case, host, found) for host in case.facts.hosts], good="Every dom0's disks have room.")


def _alert(case: Case, message: PoolMessageFacts, triaged: dict[str, EvidenceItem]) -> Answer:
    item = triaged.get(message.uuid)
    text = f"{message.name} of {message.at:%Y-%m-%d %H:%M} UTC"
    if item is not None:
        return Answer(Result.WARN, f"{text}: acknowledged by {item.who}.", (cited(message), case.cite(item)))
    return Answer(Result.FAIL if message.name in SERIOUS else Result.WARN, f"{text} is open.", (cited(message),))


@check(
    "HA-092",
    family="vms",
    title="Old alerts triaged?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="An alert nobody read is a fault that has begun.",
    remedy=("read each alert, then record evidence of kind alert_triage with its uuid; do not destroy it: it is evidence",),
)
def alerts_triaged(case: Case) -> Answer:
    """No urgent alert of the last month is open, outside trials."""
    found = urgent(case)
    if isinstance(found, Unknown):
        return Answer(Result.UNKNOWN, f"Not known: {found.reason}.", (case.point("message.name", found),))
    triaged = triaged_alerts(case)
    none = Answer(Result.PASS, "", (case.point("message.name", []),))
    return combine([_alert(case, each, triaged) for each in found] or [none], good="No urgent alert in the last month.")


def _toolstack(case: Case, host: PoolHostFacts) -> Answer:
    item = of_host(case, EvidenceKind.XAPI_HEALTHCHECK, host)
    if item is None:
        return Answer(Result.UNKNOWN, f"Nobody has asked the toolstack of {host.name} whether it is well.")
    if item.value.get("ok") is not True:
        return aged(case, item, Answer(Result.FAIL, f"The toolstack of {host.name} is not well."))
    return aged(case, item, Answer(Result.PASS, ""))


@check(
    "HA-093",
    family="vms",
    title="Toolstack healthy?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="HA restarts a toolstack that does not answer its health check, and fences the host when that does not help.",
    remedy=("xe host-ha-xapi-healthcheck   (on every host; record evidence of kind xapi_healthcheck)",),
)
def toolstack_healthy(case: Case) -> Answer:
    """Every toolstack answers its health check and was not late with it."""
    found = messages(case, _HEALTHCHECK)
    if isinstance(found, Unknown):
        return Answer(Result.UNKNOWN, f"Not known: {found.reason}.", (case.point("message.name", found),))
    result = (Result.PASS, Result.WARN)[len(found)] if len(found) < 2 else Result.FAIL
    late = Answer(result, f"Health checks were late {len(found)} times.", tuple(map(cited, found)))
    return combine([late, per_host(case, _toolstack, "")], good="Every toolstack answers its health check.")


@check(
    "HA-094",
    family="vms",
    title="Secondary features not fighting HA?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="Workload balancing, automated reboots and backup jobs switch HA off for their work, and some leave it so.",
    remedy=("list the jobs that touch HA, ask HA-022 after each, and record evidence of kind feature_review",),
)
def features_reviewed(case: Case) -> Answer:
    """Whatever else acts on the pool was looked at and leaves HA on."""
    point = case.point("pool.wlb_enabled", case.facts.wlb_enabled)
    item = newest(case, EvidenceKind.FEATURE_REVIEW)
    if item is None:
        return Answer(Result.WARN, "Nobody has looked at what else switches HA off.", (point,))
    if item.value.get("ha_left_on") is not True:
        return aged(case, item, Answer(Result.FAIL, "A job ends with HA off.", (point,)))
    return aged(case, item, Answer(Result.PASS, "Whatever else acts on the pool leaves HA on.", (point,)))


@check(
    "HA-095",
    family="vms",
    title="Host failure test done?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Only a host that was switched off shows that its VMs come back.",
    remedy=("before production: power one host off, measure until its VMs answer, and record host_failure_test",),
    prerequisites=("HA-001", "HA-003"),
)
def host_failure_tested(case: Case) -> Answer:
    """A host was powered off and its VMs came back in time."""
    item = newest(case, EvidenceKind.HOST_FAILURE_TEST)
    timeout_s = effective_timeout(case.facts, case.policy).timeout_s
    if item is None:
        return Answer(Result.FAIL, "No host was powered off to see its VMs restart.")
    took = number(item, "restart_s")
    if item.value.get("vms_restarted") is not True or took is None:
        return aged(case, item, Answer(Result.FAIL, "In the last test VMs did not restart, or nobody took the time."))
    if isinstance(timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The HA timeout is not known: {timeout_s.reason}.", (case.cite(item),))
    most = timeout_s + case.policy.restart_allowance_s + (number(item, "boot_s") or 0.0)
    text = f"VMs were back after {took:g} s; {most:g} s are borne."
    return aged(
        case, item, Answer(Result.PASS if took <= most else Result.FAIL, text), most_days=case.policy.failover_test_max_age_days
    )
