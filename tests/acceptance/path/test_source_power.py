"""What the source's power does behind our back: a suspended one is left alone, a shutdown under way is waited out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from estate.vsphere import power
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.models import Job
from tests.builders.path import SYSTEM, Site, again, copied, gone_live, prepared, settle
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
PATIENCE_S = 30.0
SHUTDOWN_LAB_S = 3000.0


def rolled_back(row: Conversion) -> tuple[str, str]:
    """Its state after the rollback, and the last that was said of it."""
    lifecycle.roll_back(again(row), actor=SYSTEM)
    settle()
    return again(row).state, again(row).events.last().message


@pytest.fixture
def cancelled_while_shutting_down(
    site: Site, looks: Looks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Conversion]:
    """A machine whose copy was cancelled right after its guest was asked to shut down, which takes three seconds."""
    settings.SHUTDOWN_DEADLINE_S = PATIENCE_S

    def arrange() -> Conversion:
        row = prepared(site.conversion("git01"))
        looks.source_obeys_slowly(SHUTDOWN_LAB_S)
        wait_off = power._wait_off

        def cancelling(*arguments: Any) -> None:
            monkeypatch.setattr(power, "_wait_off", wait_off)
            jobs.cancel(Job.objects.get(kind="conversion.copy"), SYSTEM)
            wait_off(*arguments)

        monkeypatch.setattr(power, "_wait_off", cancelling)
        return copied(row)

    return arrange


def test_a_rollback_waits_until_the_guest_that_was_asked_is_off_and_then_powers_it_on(
    cancelled_while_shutting_down: Callable[[], Conversion], looks: Looks
) -> None:
    row = cancelled_while_shutting_down()
    assert told(row, "git01") == "job_cancelled"
    assert row.stop_asked_at is not None

    state, said = rolled_back(row)

    assert (state, "the source runs again" in said) == ("rolled_back", True)
    assert looks.calls("vcenter", "PowerOnVM_Task") == 1, "it went off and was powered on again"
    assert looks.source_is("git01") == "on"


def test_a_guest_that_stays_on_past_the_deadline_runs(site: Site, looks: Looks, settings: Any) -> None:
    row = prepared(site.conversion("git01"))
    asked_at = now() - timedelta(seconds=settings.SHUTDOWN_DEADLINE_S / 2)
    Conversion.objects.filter(pk=row.pk).update(state="failed", source_was_running=True, stop_asked_at=asked_at)

    assert rolled_back(row)[0] == "rolled_back"
    assert (looks.source_is("git01"), looks.calls("vcenter", "PowerOnVM_Task")) == ("on", 0)


def test_a_retry_after_such_a_cancel_is_copied_with_the_source_confirmed_off(
    cancelled_while_shutting_down: Callable[[], Conversion], looks: Looks
) -> None:
    row = cancelled_while_shutting_down()
    assert looks.retried_and_done(row)
    assert again(row).stop_asked_at is None, "it was confirmed off since"


def test_a_suspended_source_is_left_alone_by_copy_and_rollback(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    looks.switch("git01", "suspended")
    row = copied(row)

    assert told(row, "git01", "suspended") == "source_suspended"
    assert looks.source_is("git01") == "suspended"
    assert (row.source_was_running, row.stop_asked_at, row.source_marker) == (False, None, None)
    state, said = rolled_back(row)
    assert (state, "left as it was found" in said) == ("rolled_back", True)
    assert looks.source_is("git01") == "suspended"


def test_a_source_that_was_suspended_is_taken_up_again_once_it_is_off(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    looks.switch("git01", "suspended")
    copied(row)
    looks.switch("git01", "off")
    assert looks.retried_and_done(row)


def test_a_source_suspended_after_it_was_proven_is_never_cut_over(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    looks.switch("git01", "on")
    looks.switch("git01", "suspended")
    row = gone_live(row)
    assert told(row, "git01", "suspended") == "source_ran_again"
