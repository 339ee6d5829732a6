"""Moves of a conversion: compare-and-set, with event and audit entry in one commit, and lost races told as such."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from migration.conversion.core.states import Event, State
from migration.conversion.models import Conversion, ConversionEvent
from migration.conversion.services import transitions
from migration.conversion.services.transitions import LostRace, WrongState, fail, move
from project.backbone.audit.services import verify
from project.backbone.models import AuditEntry
from tests.builders.conversions import SYSTEM, a_conversion
from tests.builders.people import People

pytestmark = pytest.mark.django_db
ERROR = {"code": "sr_full", "message": "no room", "next_step": "make room"}


def state_of(row: Conversion) -> str:
    return Conversion.objects.get(pk=row.pk).state


def test_a_move_writes_state_event_and_audit_entry_together(people: People) -> None:
    row = a_conversion(people.project)
    assert move(row.pk, Event.PREPARE, actor=people.actor("owner"), message="Go") is State.PREPARING

    event = row.events.get()
    assert (event.from_state, event.to_state, event.message) == ("planned", "preparing", "Go")
    entry = AuditEntry.objects.get(action="conversion.prepare")
    assert (entry.before, entry.after["state"]) == ({"state": "planned"}, "preparing")
    assert verify(people.project).whole


def test_a_move_whose_audit_entry_cannot_be_written_did_not_happen(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    row = a_conversion(people.project)

    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(transitions.audit, "record", refuse)
    with pytest.raises(OSError, match="disk full"):
        move(row.pk, Event.PREPARE, actor=SYSTEM, message="Go")
    assert (state_of(row), ConversionEvent.objects.count()) == ("planned", 0)


def test_an_event_without_a_place_in_the_state_is_a_conflict_by_name(people: People) -> None:
    row = a_conversion(people.project, "sql01", state=State.DONE)
    with pytest.raises(WrongState) as refused:
        move(row.pk, Event.PREPARE, actor=SYSTEM, message="Go")
    assert (refused.value.status, refused.value.code) == (409, "wrong_state")
    assert "sql01 is done" in refused.value.detail and refused.value.next_step


def test_who_is_slower_learns_it_and_changes_nothing(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    row = a_conversion(people.project, state=State.COPYING)
    faster(monkeypatch, row, State.CANCELLED)
    with pytest.raises(LostRace) as lost:
        move(row.pk, Event.DISKS_COPIED, actor=SYSTEM, message="All copied")
    assert lost.value.code == "conversion_moved"
    assert (state_of(row) != "verifying", row.events.count()) == (True, 0)


def faster(monkeypatch: pytest.MonkeyPatch, row: Conversion, state: State) -> None:
    """Somebody else moves the conversion between the look and the move, once."""
    real, pending = transitions.next_state, [state]

    def deciding(*arguments: Any) -> State:
        if pending:
            Conversion.objects.filter(pk=row.pk).update(state=pending.pop().value)
        return real(*arguments)

    monkeypatch.setattr(transitions, "next_state", deciding)


def test_failing_loses_no_race(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    row = a_conversion(people.project, state=State.COPYING)
    faster(monkeypatch, row, State.VERIFYING)
    with transaction.atomic():
        fail(row.pk, actor=SYSTEM, error=ERROR)
    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", ERROR)


@pytest.mark.parametrize("state", [State.DONE, State.CANCELLED, State.ROLLED_BACK, State.FAILED])
def test_what_ended_is_not_failed_afterwards(people: People, state: State) -> None:
    row = a_conversion(people.project, state=state)
    fail(row.pk, actor=SYSTEM, error=ERROR)
    assert (state_of(row), row.events.count()) == (state.value, 0)


def test_an_older_job_has_no_say(people: People) -> None:
    row = a_conversion(people.project, state=State.COPYING)
    Conversion.objects.filter(pk=row.pk).update(job_id=uuid4())
    fail(row.pk, actor=SYSTEM, error=ERROR, job_id=uuid4())
    assert state_of(row) == "copying"
