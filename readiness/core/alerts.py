"""What the pool's own messages of the last month say; a pool whose messages could not be read says nothing at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from estate.facts.pool import PoolMessageFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.results import Answer, EvidencePoint, Result

LONGEST_TRIAL = timedelta(hours=12)
"""A window longer than this would hide real alarms and is not believed."""
SERIOUS = frozenset({
    "HA_HOST_FAILED", "HA_HOST_WAS_FENCED", "HA_NETWORK_BONDING_ERROR", "HA_PROTECTED_VM_RESTART_FAILED",
    "HA_POOL_OVERCOMMITTED", "HA_POOL_DROP_IN_PLAN_EXISTS_FOR",
})  # fmt: skip
URGENT = 3
"""Priorities 1 to 3 are for people."""
_TRIALS = (EvidenceKind.FAILOVER_TEST, EvidenceKind.NETWORK_PULL_TEST, EvidenceKind.HOST_FAILURE_TEST)


def messages(case: Case, *names: str) -> list[PoolMessageFacts] | Unknown:
    """Messages with one of these names, oldest first."""
    unread = case.facts.unread("message")
    if unread:
        return Unknown(f"the pool's messages could not be read: {unread}")
    return [message for message in case.facts.messages if message.name in names]


def cited(message: PoolMessageFacts) -> EvidencePoint:
    """A message as evidence."""
    return EvidencePoint(f"message[{message.uuid}].name", message.name, message.at)


def alerts(case: Case, *names: str) -> Answer:
    """A pass without such messages, a fail with any."""
    found = messages(case, *names)
    if isinstance(found, Unknown):
        return Answer(Result.UNKNOWN, f"Not known: {found.reason}.", (case.point("message.name", found),))
    if not found:
        return Answer(Result.PASS, f"No {' or '.join(names)} in the last month.", (case.point("message.name", []),))
    newest = found[-1]
    text = f"{len(found)} of {' or '.join(names)}, the newest {newest.name} of {newest.at:%Y-%m-%d %H:%M} UTC."
    return Answer(Result.FAIL, text, tuple(cited(message) for message in found))


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _window(item: EvidenceItem) -> tuple[datetime, datetime] | None:
    start, end = _moment(item.value.get("started_at")), _moment(item.value.get("ended_at"))
    if start is None or end is None or not timedelta(0) <= end - start <= LONGEST_TRIAL:
        return None
    return start, end


def outside_trials(case: Case, found: list[PoolMessageFacts]) -> list[PoolMessageFacts]:
    """The messages that no recorded trial explains: those inside its `started_at` to `ended_at` are that trial's evidence."""
    windows = trial_windows(case.evidence)
    return [message for message in found if not any(start <= message.at <= end for start, end in windows)]


def trial_windows(evidence: Iterable[EvidenceItem]) -> list[tuple[datetime, datetime]]:
    """When trials ran that are evidence now."""
    return [window for item in evidence if item.kind in _TRIALS and (window := _window(item))]


def urgent(case: Case) -> list[PoolMessageFacts] | Unknown:
    """The messages of the last month that somebody has to read: no trial explains them. Oldest first."""
    names = {message.name for message in case.facts.messages if message.priority <= URGENT or message.name in SERIOUS}
    found = messages(case, *names)
    if isinstance(found, Unknown):
        return found
    return [each for each in outside_trials(case, found) if each.priority <= URGENT or each.name in SERIOUS]


def triaged_alerts(case: Case) -> dict[str, EvidenceItem]:
    """Who acknowledged which message, by the message's uuid."""
    return {item.subject: item for item in case.attested(EvidenceKind.ALERT_TRIAGE)}
