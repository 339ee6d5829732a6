"""What the pool's own messages of the last month say; a pool whose messages could not be read says nothing at all."""

from __future__ import annotations

from estate.facts.pool import PoolMessageFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case
from readiness.core.results import Answer, EvidencePoint, Result

_CLASS = "message"


def messages(case: Case, *names: str) -> list[PoolMessageFacts] | Unknown:
    """Messages with one of these names, oldest first."""
    unread = next((why for what, why in case.facts.unreadable if what == _CLASS), None)
    if unread is not None:
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
