"""The only writer of `Conversion.state`: compare-and-set along the table of core.states, with event and audit row together."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from migration.conversion.core.states import Event, State, next_state
from migration.conversion.models import Conversion, ConversionEvent
from project.backbone.accounts.policy import Actor
from project.backbone.audit import services as audit
from project.backbone.clock import now


class LostRace(RuntimeError):
    """Another worker moved the conversion first; reload and decide again."""

    def __init__(self, conversion_id: UUID) -> None:
        super().__init__(f"conversion {conversion_id} was moved by somebody else")


def move(conversion_id: UUID, event: Event, *, actor: Actor, message: str, **fields: Any) -> State:
    """Apply `event` and set `fields` with it. Raises IllegalTransition, or LostRace when somebody was faster."""
    with transaction.atomic():
        conversion = Conversion.objects.select_related("project").get(pk=conversion_id)
        source = State(conversion.state)
        target = next_state(source, event)
        moved = Conversion.objects.filter(pk=conversion_id, state=source.value).update(
            state=target.value, updated_at=now(), **fields
        )
        if not moved:
            raise LostRace(conversion_id)
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


def fail(conversion_id: UUID, *, actor: Actor, error: dict[str, str]) -> None:
    """Move an unfinished conversion to failed with its error; a conversion that already ended is left as it is."""
    conversion = Conversion.objects.get(pk=conversion_id)
    if State(conversion.state) in {State.DONE, State.FAILED, State.CANCELLED, State.ROLLED_BACK}:
        return
    move(conversion_id, Event.FAIL, actor=actor, message=error.get("message", "it failed"), error=error)
