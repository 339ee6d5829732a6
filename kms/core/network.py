"""What DNS and port tries say of a project's KMS hosts: stale and missing records, closed ports, hosts nobody has added yet.

Pure. What was never looked at, or too long ago, is unknown and says so; an unknown never reads as "all is well".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from estate.facts.kms_network import PortOutcome, PortTry, SrvAnswer, SrvRecord
from estate.facts.unknown import Unknown
from kms.core.machines import same_name

LOOKED_AT_HOLDS = timedelta(hours=24)  # ours: as long as a reading
DEFAULT_PORT = 1688


class Grade(StrEnum):
    """How a finding is meant. A question is something nobody could tell from here."""

    ALARM = "alarm"
    HINT = "hint"
    QUESTION = "question"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NetworkFinding:
    """One sentence about the way to KMS: a stable code, what it is about, what is the case, what to do next."""

    code: str
    grade: Grade
    subject: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class KnownHost:
    """A KMS host of the project by every name it goes by; `retired` ones answer nobody any more."""

    host_id: str
    label: str
    names: tuple[str, ...]
    port: int = DEFAULT_PORT
    retired: bool = False

    def goes_by(self, name: str) -> bool:
        """Whether `name` is this host, short or full."""
        return any(same_name(name, own) for own in self.names)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A domain's newest lookup: `answer` None when it failed, and `failed` says why."""

    domain: str
    looked_at: datetime
    answer: SrvAnswer | None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """The newest attempt to reach a port."""

    at: datetime
    result: PortTry


@dataclass(frozen=True, slots=True)
class NetworkCase:
    """All that is known of the way to KMS at `at`. `tries` by name and port, lower case; `domains` those to be looked up."""

    at: datetime
    domains: tuple[str, ...]
    hosts: tuple[KnownHost, ...]
    lookups: tuple[Lookup, ...] = ()
    tries: dict[tuple[str, int], Tried] = field(default_factory=dict)

    @property
    def in_use(self) -> tuple[KnownHost, ...]:
        """The hosts that answer clients."""
        return tuple(host for host in self.hosts if not host.retired)

    def tried(self, name: str, port: int) -> Tried | None:
        """The newest attempt that still holds."""
        found = self.tries.get((name.casefold(), port))
        return found if found is not None and self.at - found.at <= LOOKED_AT_HOLDS else None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A KMS host that DNS names and the project does not know."""

    name: str
    port: int
    domain: str


def findings(case: NetworkCase) -> tuple[NetworkFinding, ...]:
    """Everything worth saying, alarms first."""
    return in_order((*_of_domains(case), *_of_hosts(case)))


def in_order(found: Sequence[NetworkFinding]) -> tuple[NetworkFinding, ...]:
    """Alarms first, then hints, questions and what is not known."""
    return tuple(sorted(found, key=lambda finding: (list(Grade).index(finding.grade), finding.code, finding.subject)))


def suggestions(case: NetworkCase) -> tuple[Suggestion, ...]:
    """Targets of SRV records that resolve and are no host of the project."""
    told = [(lookup.domain, record) for lookup in _answered(case) for record in _records(lookup)]
    strangers = [(domain, record) for domain, record in told if record.addresses and _host_of(case, record) is None]
    unique = {record.target.casefold(): Suggestion(record.target, record.port, domain) for domain, record in strangers}
    return tuple(unique[name] for name in sorted(unique))


def to_try(case: NetworkCase) -> tuple[tuple[str, int], ...]:
    """The names and ports worth an attempt: every host in use, and every target that resolves."""
    hosts = [(host.names[0], host.port) for host in case.in_use]
    targets = [(record.target, record.port) for lookup in _answered(case) for record in _records(lookup) if record.addresses]
    return tuple({(name.casefold(), port): (name, port) for name, port in (*hosts, *targets)}.values())


def _answered(case: NetworkCase) -> list[Lookup]:
    return [each for each in case.lookups if each.answer is not None and case.at - each.looked_at <= LOOKED_AT_HOLDS]


def _records(lookup: Lookup) -> tuple[SrvRecord, ...]:
    return lookup.answer.records if lookup.answer is not None else ()


def _host_of(case: NetworkCase, record: SrvRecord) -> KnownHost | None:
    """The host a record means: one in use goes before a retired one of the same name."""
    return next((host for host in (*case.in_use, *case.hosts) if host.goes_by(record.target)), None)


def _of_domains(case: NetworkCase) -> Iterator[NetworkFinding]:
    fresh = {lookup.domain: lookup for lookup in _answered(case)}
    failed = {lookup.domain: lookup.failed for lookup in case.lookups if lookup.answer is None}
    if not case.domains:
        step = "Set the domains of the Windows machines."
        yield NetworkFinding("kms_dns_unknown", Grade.UNKNOWN, "DNS", "nobody said in which domains to look for KMS hosts", step)
    for domain in case.domains:
        lookup = fresh.get(domain)
        if lookup is None:
            yield _not_looked_up(domain, failed.get(domain, ""))
            continue
        records = _records(lookup)
        if not records:
            yield _no_records(domain)
        for record in records:
            yield from _of_record(case, domain, record)
        if len({record.target.casefold() for record in records}) == 1:
            yield _single(domain, records[0])
    if case.domains and set(case.domains) <= set(fresh):
        yield from _without_record(case, [record for lookup in fresh.values() for record in _records(lookup)])


def _not_looked_up(domain: str, failed: str) -> NetworkFinding:
    detail = failed or "it was not looked up in the last 24 hours"
    return NetworkFinding(
        "kms_dns_unknown", Grade.UNKNOWN, domain, f"what DNS names is not known: {detail}", "Look around again."
    )


def _no_records(domain: str) -> NetworkFinding:
    detail = "there is no record _vlmcs._tcp: clients that are not told a host find none"
    return NetworkFinding(
        "kms_srv_none", Grade.ALARM, domain, detail, "Let a KMS host publish itself, or set the host on clients."
    )


def _single(domain: str, record: SrvRecord) -> NetworkFinding:
    detail = f"DNS names one KMS host only, {record.target}"
    return NetworkFinding("kms_srv_single", Grade.HINT, domain, detail, "Let a second KMS host publish itself.")


def _of_record(case: NetworkCase, domain: str, record: SrvRecord) -> Iterator[NetworkFinding]:
    host, subject = _host_of(case, record), f"{record.target}:{record.port}"
    if not isinstance(record.addresses, Unknown) and not record.addresses:
        yield _stale(subject, domain, "its name does not resolve")
    elif host is not None and host.retired:
        yield _stale(subject, domain, f"{host.label} is retired")
    elif host is None:
        step = "Add it as a KMS host of the project, or delete the record if it is of the old site."
        yield NetworkFinding(
            "kms_srv_unknown_host", Grade.HINT, subject, f"DNS of {domain} names a host the project does not know", step
        )
    elif record.port != host.port:
        detail = f"DNS of {domain} names port {record.port}, {host.label} listens on {host.port}"
        yield NetworkFinding("kms_srv_port", Grade.ALARM, subject, detail, "Correct the record's port.")
    if host is None or record.port != host.port:
        yield from _of_port(case, record.target, record.port, is_host=False)


def _stale(subject: str, domain: str, why: str) -> NetworkFinding:
    detail = f"DNS of {domain} still names it, but {why}: clients that draw it wait and try the next"
    return NetworkFinding("kms_srv_stale", Grade.ALARM, subject, detail, "Delete the SRV record.")


def _without_record(case: NetworkCase, records: Sequence[SrvRecord]) -> Iterator[NetworkFinding]:
    for host in case.in_use:
        if records and not any(host.goes_by(record.target) for record in records):
            step = "Enable DNS publishing on it, or add the record by hand."
            yield NetworkFinding(
                "kms_srv_missing", Grade.ALARM, host.label, "no DNS record names it: clients do not find it", step
            )


def _of_hosts(case: NetworkCase) -> Iterator[NetworkFinding]:
    for host in case.in_use:
        yield from _of_port(case, host.names[0], host.port, is_host=True)


def _of_port(case: NetworkCase, name: str, port: int, *, is_host: bool) -> Iterator[NetworkFinding]:
    subject, tried = f"{name}:{port}", case.tried(name, port)
    if tried is None:
        if is_host:
            detail = "whether the port opens from here was not tried in the last 24 hours"
            yield NetworkFinding("kms_port_unknown", Grade.UNKNOWN, subject, detail, "Look around again.")
    elif tried.result.outcome is not PortOutcome.OPEN:
        detail = (
            f"the port does not open from this server ({tried.result.outcome.value.replace('_', ' ')}): {tried.result.detail}"
        )
        step = "Check the host's service and the firewalls between; clients need 1688/tcp as well."
        yield NetworkFinding("kms_port_closed", Grade.ALARM, subject, detail, step)
