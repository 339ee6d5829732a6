"""What people and waves ask of conversions: each asks for a job once, by the rules of the states."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from estate.errors import AskPerson, Retry
from migration.conversion.core.states import State
from migration.conversion.models import Conversion, DiskCopy
from migration.conversion.services import lifecycle, progress
from migration.conversion.services.transitions import LostRace
from migration.conversion.work import legs
from project.backbone.clock import now
from project.backbone.jobs.services import enqueue
from project.backbone.models import AuditEntry, Job
from project.backbone.problems import Conflict, NotVisible, RoleTooLow
from tests.builders.conversions import SYSTEM, a_conversion, a_spec
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_user, actor_of_user

pytestmark = pytest.mark.django_db


def again(row: Conversion) -> Conversion:
    return Conversion.objects.select_related("project").get(pk=row.pk)


def test_asking_for_the_conversions_of_a_wave_twice_gives_the_same_rows(people: People) -> None:
    asked = {"wave_id": uuid4(), "pool_id": uuid4(), "specs": [a_spec("app-01"), a_spec("sql01")], "actor": people.actor("owner")}
    first = lifecycle.create(people.project, **asked)
    second = lifecycle.create(people.project, **asked)

    assert [row.pk for row in first] == [row.pk for row in second]
    assert (DiskCopy.objects.count(), AuditEntry.objects.filter(action="conversion.create").count()) == (2, 2)


def test_a_viewer_cannot_make_conversions_and_a_stranger_sees_none(people: People) -> None:
    viewer = actor_of_user(a_user("viewer", project=people.project))
    for actor, refusal in ((viewer, RoleTooLow), (people.actor("stranger"), NotVisible)):
        with pytest.raises(refusal):
            lifecycle.create(people.project, wave_id=uuid4(), pool_id=uuid4(), specs=[a_spec()], actor=actor)


def test_preparation_asked_for_twice_is_one_job(people: People) -> None:
    row = a_conversion(people.project)
    first = lifecycle.start_preparing(row, actor=SYSTEM)
    second = lifecycle.start_preparing(again(row), actor=SYSTEM)
    assert (first.pk, again(row).state, again(row).job_id) == (second.pk, "preparing", first.pk)


RULES = [
    (lifecycle.retry, {State.FAILED}),
    (lifecycle.cancel, set(State) - {State.DONE, State.ROLLED_BACK, State.CANCELLED}),
    (lifecycle.roll_back, {State.DONE, State.FAILED}),
]


@pytest.mark.parametrize(("ask", "allowed"), RULES)
@pytest.mark.parametrize("state", list(State))
def test_each_wish_is_granted_in_its_states_only(people: People, ask: Any, allowed: set[State], state: State) -> None:
    row = a_conversion(people.project, state=state)
    if state in allowed:
        assert ask(row, actor=people.actor("owner")).state == "queued"
        return
    with pytest.raises(Conflict) as refused:
        ask(row, actor=people.actor("owner"))
    assert (refused.value.code, bool(refused.value.next_step)) == ("wrong_state", True)
    assert (again(row).state, Job.objects.count()) == (state.value, 0)


def test_a_retry_keeps_what_is_copied_and_proves_it_anew(people: People) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    Conversion.objects.filter(pk=row.pk).update(source_marker={"power_state": "poweredOff"}, error={"code": "x"})
    row.disks.update(durable_bytes=4096, hashes=b"x", verified=True, compared="full", bytes_sent=4096)
    lifecycle.retry(again(row), actor=SYSTEM)

    disk = row.disks.get()
    assert (disk.durable_bytes, disk.hashes, disk.bytes_sent, disk.written_before) == (4096, b"x", 4096, False)
    assert (disk.verified, disk.compared) == (False, "")
    assert (again(row).source_marker, again(row).error) == ({"power_state": "poweredOff"}, None)
    assert again(row).state == "preparing"


def test_a_retry_forgets_the_copy_of_a_disk_with_a_fault_and_remembers_that_its_bytes_lie_there(people: People) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    row.disks.update(durable_bytes=4096, hashes=b"x", verified=True, bytes_sent=4096, fault={"code": "source_changed"})
    lifecycle.retry(again(row), actor=SYSTEM)

    disk = row.disks.get()
    assert (disk.durable_bytes, disk.hashes, disk.verified, disk.bytes_sent, disk.written_before) == (0, None, False, 0, True)
    assert disk.fault is None


def test_a_retry_of_what_was_never_copied_need_not_send_zeros(people: People) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    lifecycle.retry(row, actor=SYSTEM)
    assert row.disks.get().written_before is False


def test_a_machine_that_is_being_rolled_back_is_not_taken_up_again(people: People) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    lifecycle.roll_back(row, actor=SYSTEM)
    with pytest.raises(Conflict) as refused:
        lifecycle.retry(again(row), actor=SYSTEM)
    assert (refused.value.code, again(row).state) == ("conversion_busy", "failed")


def test_cancelling_stops_the_job_at_work_and_asks_for_one_that_removes(people: People) -> None:
    row = a_conversion(people.project)
    preparing = lifecycle.start_preparing(row, actor=SYSTEM)
    removing = lifecycle.cancel(again(row), actor=people.actor("owner"))
    preparing.refresh_from_db()

    assert (preparing.state, removing.kind, again(row).state) == ("cancelled", "conversion.clean_up", "cancelled")
    assert again(row).error is None, "a person's cancel is no failure"


def test_a_machine_that_is_being_started_is_not_cancelled_under_its_feet(people: People) -> None:
    row = a_conversion(people.project, state=State.CUTTING_OVER)
    job = lifecycle.start_going_live(row, actor=SYSTEM)
    Job.objects.filter(pk=job.pk).update(state="running", attempts=1)
    assert progress.claim_start(row, job_id=job.pk)
    for discard in (False, True):
        with pytest.raises(Conflict) as refused:
            lifecycle.cancel(again(row), actor=people.actor("owner"), discard_writes=discard)
        assert (refused.value.code, again(row).state) == ("conversion_busy", "cutting_over")
    progress.forget_start(row)
    assert lifecycle.cancel(again(row), actor=people.actor("owner")).kind == "conversion.clean_up"
    assert not progress.claim_start(row, job_id=job.pk), "a cancelled machine is not started any more"
    assert again(row).start_asked_at is None


def test_a_cancel_that_is_slower_than_the_start_changes_nothing(people: People) -> None:
    row = a_conversion(people.project, state=State.CUTTING_OVER)
    job = lifecycle.start_going_live(row, actor=SYSTEM)
    seen = again(row)
    assert progress.claim_start(row, job_id=job.pk)
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    with pytest.raises(LostRace):
        lifecycle.cancel(seen, actor=people.actor("owner"))
    assert (again(row).state, Job.objects.filter(kind="conversion.clean_up").count()) == ("cutting_over", 0)


@pytest.mark.parametrize("ask", [lifecycle.retry, lifecycle.cancel])
def test_what_a_vm_may_have_written_is_given_up_only_when_somebody_says_so(people: People, ask: Any) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    Conversion.objects.filter(pk=row.pk).update(start_asked_at=now())
    with pytest.raises(Conflict) as refused:
        ask(again(row), actor=people.actor("owner"))
    assert (refused.value.code, again(row).state, Job.objects.count()) == ("vm_has_run", "failed", 0)

    job = ask(again(row), actor=people.actor("owner"), discard_writes=True)
    assert job.params == {"conversion_id": str(row.pk), "discard_writes": True}
    told = AuditEntry.objects.get(action=f"conversion.{ask.__name__}").after["message"]
    assert "may be lost" in told


def test_a_job_that_failed_for_good_fails_its_conversion_with_the_same_error(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **_more: Any) -> dict[str, Any]:
        raise AskPerson("pool01 has no room", code="sr_full", next_step="Free space.")

    monkeypatch.setattr(legs, "prepare", refused)
    row = a_conversion(people.project)
    lifecycle.start_preparing(row, actor=SYSTEM)
    [job] = run_jobs()

    row = again(row)
    assert (job.state, row.state, row.error) == ("failed", "failed", job.error)
    assert (row.error["code"], row.error["next_step"]) == ("sr_full", "Free space.")
    assert row.events.last().message == "pool01 has no room"


def test_a_passing_fault_leaves_the_conversion_where_it_is(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **_more: Any) -> dict[str, Any]:
        raise Retry("the line broke", code="stream_broken")

    monkeypatch.setattr(legs, "prepare", broken)
    row = a_conversion(people.project)
    lifecycle.start_preparing(row, actor=SYSTEM)
    [job] = run_jobs()
    assert (job.state, again(row).state, again(row).error) == ("queued", "preparing", None)


def test_a_leg_that_was_not_asked_for_last_does_nothing(people: People) -> None:
    row = a_conversion(people.project, state=State.READY)
    strange = enqueue(
        "conversion.copy", project=people.project, params={"conversion_id": str(row.pk)}, actor=SYSTEM, unique="another"
    )
    run_jobs()
    strange.refresh_from_db()
    assert (strange.state, strange.error["code"], again(row).state) == ("failed", "job_superseded", "ready")


def test_a_clean_up_waits_for_the_job_that_lets_go(people: People) -> None:
    row = a_conversion(people.project)
    preparing = lifecycle.start_preparing(row, actor=SYSTEM)
    Job.objects.filter(pk=preparing.pk).update(state="running")
    lifecycle.cancel(again(row), actor=SYSTEM)
    [waiting] = run_jobs(kind="conversion.clean_up")
    assert (waiting.state, waiting.message) == ("waiting", "the cancelled job is still letting go")
