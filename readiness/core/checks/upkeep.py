"""Family A, upkeep: guidance left over from updates, certificates, clocks, the coordinator and the pool's database."""

from __future__ import annotations

from datetime import timedelta

from estate.facts.pool import PoolCertificateFacts, PoolHostFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import alerts
from readiness.core.attested import aged, newest, number, of_host, per_host
from readiness.core.case import Case
from readiness.core.evidence import EvidenceKind
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine


def _guidance(case: Case, host: PoolHostFacts) -> Answer:
    must, should = host.pending_mandatory, host.pending_recommended
    points = (
        case.point(f"host[{host.uuid}].pending_guidances", must),
        case.point(f"host[{host.uuid}].pending_guidances_recommended", should),
    )
    fills = ({"host_uuid": host.uuid},)
    if not isinstance(must, Unknown) and must:
        return Answer(Result.FAIL, f"{host.name} still has to: {', '.join(must)}.", points, fills)
    if isinstance(must, Unknown) or isinstance(should, Unknown):
        return Answer(Result.UNKNOWN, f"What {host.name} still has to do for its updates could not be read.", points, fills)
    if should:
        return Answer(Result.WARN, f"{host.name} is recommended to: {', '.join(should)}.", points, fills)
    return Answer(Result.PASS, "", points)


@check(
    "HA-005",
    family="composition",
    title="No pending reboots/guidance?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A host that waits for its reboot runs old code beside new files; the next unplanned restart changes both.",
    remedy=(
        "xe host-disable uuid={host_uuid}",
        "xe host-evacuate uuid={host_uuid}",
        "xe host-reboot uuid={host_uuid}",
        "xe host-enable uuid={host_uuid}",
    ),
)
def nothing_pending(case: Case) -> Answer:
    """No host waits for a reboot or a toolstack restart."""
    return per_host(case, _guidance, "No host waits for anything.")


def _certificate(case: Case, certificate: PoolCertificateFacts) -> Answer:
    ends = certificate.expires_at
    points = (case.point(f"Certificate[{certificate.uuid}].not_after", ends),)
    fills = ({"host_uuid": certificate.host_uuid or "<host>"},)
    whose = case.host_name(certificate.host_uuid) if certificate.host_uuid else "the pool"
    if isinstance(ends, Unknown):
        return Answer(Result.UNKNOWN, f"When the {certificate.kind} certificate of {whose} ends is not known.", points, fills)
    text = f"The {certificate.kind} certificate of {whose} ends {ends:%Y-%m-%d}."
    if ends - case.at <= timedelta(days=case.policy.certificate_fail_days):
        return Answer(Result.FAIL, text, points, fills)
    soon = ends - case.at <= timedelta(days=case.policy.certificate_warn_days)
    return Answer(Result.WARN if soon else Result.PASS, text, points, fills)


def _uncertified(case: Case, known: tuple[PoolCertificateFacts, ...]) -> list[Answer]:
    shown = {certificate.host_uuid for certificate in known}
    missing = [host.name for host in case.facts.hosts if host.uuid not in shown]
    return [Answer(Result.UNKNOWN, f"The pool records no certificate of {', '.join(missing)}.")] if missing else []


@check(
    "HA-010",
    family="composition",
    title="Certificates valid?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="Hosts that verify each other stop talking the moment a certificate ends.",
    remedy=("xe host-refresh-server-certificate host={host_uuid}   (a certificate of your own authority: install the new one)",),
)
def certificates_valid(case: Case) -> Answer:
    """Every certificate of the pool and its hosts lasts more than a month."""
    known = case.facts.certificates
    if isinstance(known, Unknown):
        point = case.point("Certificate.not_after", known)
        return Answer(Result.UNKNOWN, f"The pool's certificates could not be read: {known.reason}.", (point,))
    parts = [_certificate(case, each) for each in known] + _uncertified(case, known)
    return combine(parts, good="Every certificate is valid for more than a month.")


def _offset(case: Case, host: PoolHostFacts) -> Answer:
    item = of_host(case, EvidenceKind.NTP_TRACKING, host)
    offset = None if item is None else number(item, "offset_s")
    if item is None or offset is None:
        return Answer(Result.UNKNOWN, f"Nobody has measured the clock of {host.name}.")
    text = f"The clock of {host.name} is off by {abs(offset):g} s."
    if abs(offset) > case.policy.clock_skew_most_s:
        return aged(case, item, Answer(Result.FAIL, text))
    good = abs(offset) <= case.policy.clock_skew_good_s
    return aged(case, item, Answer(Result.PASS, "") if good else Answer(Result.WARN, text))


@check(
    "HA-011",
    family="composition",
    title="Clock skew small?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Clocks that drift apart break certificates, joins and the order of everything that is read from logs after a fault.",
    remedy=("chronyc tracking; chronyc sources   (in dom0 of every host; record evidence of kind ntp_tracking)",),
)
def clocks_agree(case: Case) -> Answer:
    """Every host's clock was measured and is right, and the pool has not complained of one."""
    complaints = alerts(case, "HOST_CLOCK_SKEW_DETECTED")
    return combine([complaints, per_host(case, _offset, "")], good="Every host's clock is right.")


def _ntp(case: Case, host: PoolHostFacts) -> Answer:
    item = of_host(case, EvidenceKind.NTP_TRACKING, host)
    points = (case.point(f"host[{host.uuid}].ntp_mode", host.ntp_mode),)
    fills = ({"host_uuid": host.uuid},)
    if host.ntp_mode == "Disabled":
        return Answer(Result.FAIL, f"NTP is disabled on {host.name}.", points, fills)
    if item is None:
        return Answer(Result.UNKNOWN, f"Whether {host.name} follows a time server was not looked up.", points, fills)
    if item.value.get("synced") is not True:
        return aged(case, item, Answer(Result.FAIL, f"{host.name} follows no time server.", points, fills))
    if isinstance(host.ntp_mode, Unknown):
        return aged(case, item, Answer(Result.WARN, f"{host.name} follows a time server, by attestation only.", points, fills))
    servers = number(item, "servers")
    if servers is None or servers < 2:
        return aged(case, item, Answer(Result.WARN, f"{host.name} knows fewer than two time servers.", points, fills))
    return aged(case, item, Answer(Result.PASS, "", points))


@check(
    "HA-012",
    family="composition",
    title="NTP configured and synced?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A clock without a server is right only by chance.",
    remedy=(
        "xe host-param-set uuid={host_uuid} ntp-mode=Custom ntp-custom-servers=<server>,<server>   (newer releases)",
        "chronyc tracking   (in dom0; record evidence of kind ntp_tracking)",
    ),
)
def time_servers_followed(case: Case) -> Answer:
    """NTP is on and every host follows one of at least two servers."""
    return per_host(case, _ntp, "Every host follows one of several time servers.")


@check(
    "HA-013",
    family="composition",
    title="Pool coordinator choice sane?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="With HA on nobody can name another coordinator; one that is about to be taken away ends in an unplanned election.",
    remedy=("xe pool-designate-new-master host-uuid=<host that stays>   (before HA is enabled)",),
)
def coordinator_stays(case: Case) -> Answer:
    """The coordinator is a host that stays in the pool."""
    uuid = case.facts.coordinator_uuid
    point, name = case.point("pool.master", uuid), case.host_name(uuid)
    item = newest(case, EvidenceKind.COORDINATOR_CHOICE, uuid, name)
    if item is None:
        return Answer(Result.UNKNOWN, f"Nobody has said whether the coordinator {name} stays in the pool.", (point,))
    if item.value.get("stays") is True:
        return aged(case, item, Answer(Result.PASS, f"The coordinator {name} stays.", (point,)))
    return aged(case, item, Answer(Result.WARN, f"The coordinator {name} is going to leave the pool.", (point,)))


@check(
    "HA-014",
    family="composition",
    title="Database protected?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Without redo log and dump the loss of the coordinator is the loss of which disk belongs to which VM.",
    remedy=("xe pool-dump-database file-name=<file>   (keep it off the pool; record evidence of kind database_dump)",),
)
def database_protected(case: Case) -> Answer:
    """The database is written through to shared storage, and a recent dump lies off the pool."""
    facts = case.facts
    points = (case.point("pool.redo_log_enabled", facts.redo_log_enabled), case.point("pool.ha_enabled", facts.ha_enabled))
    item = newest(case, EvidenceKind.DATABASE_DUMP)
    if item is None:
        return Answer(Result.FAIL, "No dump of the pool's database is recorded.", points)
    days = (case.at - item.tested_at).days
    cited, text = (*points, case.cite(item)), f"The last dump is {days} days old."
    if days > case.policy.database_dump_most_days or item.value.get("stored_off_pool") is not True:
        return Answer(Result.FAIL, f"{text} It must be recent and lie off the pool.", cited)
    if True not in (facts.redo_log_enabled is True, facts.ha_enabled is True):
        unread = isinstance(facts.redo_log_enabled, Unknown) or isinstance(facts.ha_enabled, Unknown)
        return Answer(Result.UNKNOWN if unread else Result.FAIL, f"{text} Neither HA nor a redo log is known to be on.", cited)
    return Answer(Result.PASS if days <= case.policy.database_dump_good_days else Result.WARN, text, cited)
