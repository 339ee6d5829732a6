"""The only writer of `Conversion.state`: compare-and-set along the table of core.states, with event and audit row together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from migration.conversion.core.states import ENDED, Event, IllegalTransition, State, next_state
from migration.conversion.models import Conversion, ConversionEvent
from project.backbone.accounts.policy import Actor
from project.backbone.audit import services as audit
from project.backbone.clock import now
from project.backbone.problems import Conflict

MOST_RACES = 5


class LostRace(Conflict):
    """Somebody else moved the conversion between our look and our move; reload and decide again."""

    code = "conversion_moved"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was moved on by somebody else.", next_step="Reload the conversion and decide again.")


class WrongState(Conflict):
    """The event has no place in the conversion's present state."""

    code = "wrong_state"

    def __init__(self, name: str, state: str, event: Event) -> None:
        super().__init__(
            f"{name} is {state}; {event.value.replace('_', ' ')} does not apply.",
            next_step="Reload the conversion and choose what its state allows.",
        )


def move(
    conversion_id: UUID,
    event: Event,
    *,
    actor: Actor,
    message: str,
    while_still: Mapping[str, Any] | None = None,
    **fields: Any,
) -> State:
    """Apply `event` and set `fields` with it, only while the fields of `while_still` have the values given there.

    Raises WrongState, or LostRace when somebody was faster.
    """
    with transaction.atomic():
        conversion = Conversion.objects.select_related("project").get(pk=conversion_id)
        source = State(conversion.state)
        try:
            target = next_state(source, event)
        except IllegalTransition:
            raise WrongState(conversion.name, source, event) from None
        held = Conversion.objects.filter(pk=conversion_id, state=source.value, **(while_still or {}))
        moved = held.update(state=target.value, updated_at=now(), **fields)
        if not moved:
            raise LostRace(conversion.name)
        note(conversion, message, from_state=source, to_state=target)
        audit.record(
            actor,
            f"conversion.{event.value}",
            conversion,
            project=conversion.project,
            before={"state": source.value},
            after={"state": target.value, "message": message},
        )
    return target


def note(
    conversion: Conversion, message: str, *, from_state: State | str = "", to_state: State | str = "", step: str = ""
) -> None:
    """Write one event for people; part of the caller's transaction."""
    ConversionEvent.objects.create(
        conversion=conversion, at=now(), from_state=str(from_state), to_state=str(to_state), step=step, message=message[:500]
    )


def fail(conversion_id: UUID, *, actor: Actor, error: dict[str, str], job_id: UUID | None = None) -> None:
    """Move an unfinished conversion to failed with its error; one that already ended is left as it is. Loses no race.

    With `job_id`, only if that is the job asked for last: an older one has no say any more.
    """
    for _ in range(MOST_RACES):
        seen = Conversion.objects.only("state", "job_id").filter(pk=conversion_id).first()
        if seen is None or State(seen.state) in ENDED or job_id not in (None, seen.job_id):
            return
        try:
            move(conversion_id, Event.FAIL, actor=actor, message=error.get("message", "it failed"), error=error)
        except (LostRace, WrongState):
            continue
        return
