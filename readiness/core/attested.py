"""How checks read attestations: the newest of a subject, and what its age makes of an answer."""

from __future__ import annotations

from collections.abc import Callable

from estate.facts.pool import PoolHostFacts
from readiness.core.case import Case
from readiness.core.evidence import EvidenceItem, EvidenceKind, is_expired, what_changed
from readiness.core.results import Answer, Result, combine


def newest(case: Case, kind: EvidenceKind, *subjects: str) -> EvidenceItem | None:
    """The newest attestation of a kind, of one of these subjects; of any subject when none is given."""
    return next((item for item in case.attested(kind) if not subjects or item.subject in subjects), None)


def of_host(case: Case, kind: EvidenceKind, host: PoolHostFacts) -> EvidenceItem | None:
    """The newest attestation about a host, by its uuid or name."""
    return newest(case, kind, host.uuid, host.name)


def number(item: EvidenceItem, key: str) -> float | None:
    """A number of the attested value; None where it has none."""
    value = item.value.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def aged(case: Case, item: EvidenceItem, answer: Answer, *, most_days: int | None = None) -> Answer:
    """The answer with its attestation cited. A stale one no longer passes: it warns, and fails when a cutover rests on it."""
    days = most_days if most_days is not None else case.policy.evidence_max_age_days
    stale = is_expired(item, case.at, days) or bool(what_changed(item, case.facts))
    evidence = (*answer.evidence, case.cite(item))
    if not stale or answer.result not in (Result.PASS, Result.WARN):
        return Answer(answer.result, answer.detail, evidence, answer.fills)
    text = f"{answer.detail} That was said {item.tested_at:%Y-%m-%d} and is stale; look again and record it.".strip()
    return Answer(Result.FAIL if case.for_cutover else Result.WARN, text, evidence, answer.fills)


def per_host(case: Case, ask: Callable[[Case, PoolHostFacts], Answer], good: str) -> Answer:
    """Ask of every host; a pool without hosts is unknown."""
    return combine([ask(case, host) for host in case.facts.hosts], good=good)
