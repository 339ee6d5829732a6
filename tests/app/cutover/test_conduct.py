"""Conducting a wave: gate, copy, gate, go live; each machine asked once, whatever happens to the conductor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from estate.errors import AskPerson
from migration.conversion.core.states import Event, State
from migration.conversion.models import Conversion
from migration.conversion.selectors import conversions_of_wave
from migration.conversion.services.transitions import move
from migration.conversion.work import going_live, legs, preflight
from migration.cutover.core.batch import BatchOptions
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.services import waves
from migration.cutover.work import conduct
from migration.planning.models import Wave
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.runner import run_job
from project.backbone.models import Job
from project.backbone.problems import Conflict
from tests.builders.conversions import REASON, SYSTEM, a_conversion, a_wave, an_answer
from tests.builders.jobs import HERE, run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db


class Stage:
    """A wave whose gate answers as told and whose legs only move states; `fails` names machines whose copy is refused."""

    def __init__(self, people: People) -> None:
        self.people, self.wave = people, a_wave(people.project)
        self.closed_in: set[Phase] = set()
        self.fails: set[str] = set()
        self.looks: list[dict[str, str]] = []
        self.asked: list[Phase] = []
        self.ran: list[tuple[str, str]] = []

    def machine(self, name: str, state: State = State.READY) -> Conversion:
        return a_conversion(self.people.project, name, state=state, wave_id=self.wave.pk)

    def sign(self) -> None:
        row = an_answer(self.wave)
        GateDecisionRow.objects.filter(pk=row.pk).update(signed_at=row.decided_at, signed_by_name="teammate")

    def cut_over(self) -> Job:
        self.sign()
        return waves.cut_over(self.people.project, wave_id=self.wave.pk, actor=self.people.actor("owner"))

    def states(self) -> dict[str, str]:
        return dict(Conversion.objects.filter(wave_id=self.wave.pk).values_list("name", "state"))

    def answer(self, _job: JobContext, _wave_id: str, phase: Phase, *, signed_as: UUID) -> GateDecisionRow:
        self.asked.append(phase)
        return an_answer(self.wave, *([REASON] if phase in self.closed_in else []), phase=phase, signed_as=signed_as)

    def leg(self, name: str, *events: Event) -> Any:
        def run(_job: JobContext, conversion_id: str, **_more: Any) -> dict[str, Any]:
            row = Conversion.objects.get(pk=conversion_id)
            self.ran.append((name, row.name))
            if name == "copy" and row.name in self.fails:
                raise AskPerson(f"{row.name} cannot be copied", code="sr_full", next_step="Make room.")
            for event in events:
                move(row.pk, event, actor=SYSTEM, message=name)
            return {}

        return run


@pytest.fixture
def stage(people: People, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage(people)
    monkeypatch.setattr(conduct, "answer", stage.answer)
    monkeypatch.setattr(conduct, "POLL_S", 0.0)
    monkeypatch.setattr(preflight, "look_at_wave", lambda _job, _wave_id: {"looks": stage.looks, "counts": {}})
    monkeypatch.setattr(legs, "prepare", stage.leg("prepare", Event.PREPARED))
    monkeypatch.setattr(legs, "copy", stage.leg("copy", Event.SOURCE_STOPPED, Event.DISKS_COPIED, Event.DISKS_VERIFIED))
    monkeypatch.setattr(going_live, "go_live", stage.leg("go_live", Event.STARTED))
    monkeypatch.setattr(legs, "roll_back", stage.leg("roll_back", Event.ROLL_BACK))
    return stage


def ended(job: Job) -> Job:
    run_jobs(most=80)
    job.refresh_from_db()
    return job


def test_a_wave_goes_through_two_gates_and_arrives(stage: Stage) -> None:
    stage.machine("one")
    stage.machine("two")
    job = ended(stage.cut_over())

    assert (job.state, job.result) == ("succeeded", {"conversions": {"done": 2}, "left_behind": []})
    assert stage.asked == [Phase.BEFORE_COPY, Phase.BEFORE_START]
    assert stage.ran == [("copy", "one"), ("copy", "two"), ("go_live", "one"), ("go_live", "two")]


def test_the_conductor_holds_no_slot_while_others_copy(stage: Stage) -> None:
    stage.machine("one")
    job = stage.cut_over()
    one_turn(job)
    run_jobs(kind="conversion.preflight")
    Job.objects.filter(pk=job.pk).update(state="queued")
    one_turn(job)
    assert (job.state, job.message) == ("waiting", "1 machines are being copied")
    assert stage.ran == []


def one_turn(job: Job) -> None:
    run_job(job.pk, worker=HERE)
    job.refresh_from_db()


def test_a_gate_that_closes_before_the_copy_touches_no_machine(stage: Stage) -> None:
    stage.machine("one")
    stage.closed_in = {Phase.BEFORE_COPY}
    job = ended(stage.cut_over())

    assert (job.state, job.error["code"]) == ("failed", "gate_closed")
    assert "HA-022 pool01" in job.error["message"] and job.error["next_step"]
    assert (stage.ran, stage.states()) == ([], {"one": "ready"})


def test_a_preflight_that_fails_touches_no_machine_and_tells_everything(stage: Stage) -> None:
    stage.machine("one")
    full = {"code": "sr_space", "subject": "san", "result": "fail", "detail": "no room", "next_step": "Make room."}
    stage.looks = [full, {**full, "subject": "nas"}, {**full, "subject": "odd", "result": "unknown"}]
    job = ended(stage.cut_over())
    assert (job.state, job.error["code"], stage.ran, stage.states()) == ("failed", "preflight_failed", [], {"one": "ready"})
    assert "san: no room. Make room." in job.error["message"] and "nas" in job.error["message"]
    assert "odd" not in job.error["message"], "what is unknown is shown and does not stand against it"


def test_a_second_gate_that_closes_leaves_proven_copies_and_a_new_cutover_goes_on(stage: Stage) -> None:
    stage.machine("one")
    stage.closed_in = {Phase.BEFORE_START}
    first = ended(stage.cut_over())
    assert (first.state, first.error["code"], stage.states()) == ("failed", "gate_closed", {"one": "cutting_over"})

    stage.closed_in = set()
    second = ended(stage.cut_over())
    assert (second.state, stage.states()) == ("succeeded", {"one": "done"})
    assert stage.ran == [("copy", "one"), ("go_live", "one")], "it was not copied twice"


def test_a_cutover_that_ended_is_never_run_again(stage: Stage) -> None:
    """Its signature and its gate's answer were for then: whatever phase it ended in, a new one asks anew."""
    stage.machine("one")
    stage.closed_in = {Phase.BEFORE_START}
    job = ended(stage.cut_over())
    stage.closed_in = set()
    with pytest.raises(Conflict) as refused:
        jobs.retry(job, SYSTEM)
    assert (refused.value.code, "signed" in refused.value.next_step) == ("job_not_repeatable", True)
    run_jobs()
    assert (ended(job).state, stage.states()) == ("failed", {"one": "cutting_over"})


def test_machines_that_are_started_long_after_the_gate_was_asked_need_a_new_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        stage.machine(name, State.CUTTING_OVER)
    monkeypatch.setattr(conduct, "options_of_wave", lambda _wave: BatchOptions(parallel=1))
    job = stage.cut_over()
    one_turn(job)
    assert (job.message, stage.asked) == (
        "1 machines are being started, 1 wait their turn",
        [Phase.BEFORE_COPY, Phase.BEFORE_START],
    )
    GateDecisionRow.objects.update(decided_at=now() - timedelta(days=1))
    stage.closed_in = {Phase.BEFORE_START}
    Job.objects.filter(pk=job.pk).update(state="queued")
    job = ended(job)

    assert (job.state, job.error["code"], stage.states()) == ("failed", "gate_closed", {"one": "done", "two": "cutting_over"})


def test_a_cancelled_cutover_stops_the_copies_it_asked_for(stage: Stage) -> None:
    stage.machine("one")
    job = stage.cut_over()
    one_turn(job)
    run_jobs(kind="conversion.preflight")
    Job.objects.filter(pk=job.pk).update(state="queued")
    one_turn(job)
    jobs.cancel(job, SYSTEM)
    run_jobs(most=80)

    assert (stage.ran, stage.states()) == ([], {"one": "failed"})
    assert Conversion.objects.get(name="one").error["code"] == "job_cancelled"


def test_a_rollback_ends_the_cutover_first(stage: Stage) -> None:
    stage.machine("one")
    stage.machine("arrived", State.DONE)
    job = stage.cut_over()
    one_turn(job)
    run_jobs(kind="conversion.preflight")
    Job.objects.filter(pk=job.pk).update(state="queued")
    one_turn(job)
    back = ended(waves.roll_back(stage.people.project, wave_id=stage.wave.pk, actor=stage.people.actor("owner")))
    job.refresh_from_db()

    assert (job.state, back.state) == ("cancelled", "succeeded")
    assert stage.states() == {"one": "rolled_back", "arrived": "rolled_back"}
    assert [name for name, _ in stage.ran] == ["roll_back", "roll_back"], "nothing was copied or started behind it"


def test_a_rollback_that_leaves_machines_behind_says_so_and_can_be_repeated(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.machine("one", State.DONE)
    stage.machine("two", State.DONE)
    works = legs.roll_back

    def refuse(job: JobContext, conversion_id: str) -> dict[str, Any]:
        if Conversion.objects.get(pk=conversion_id).name == "one":
            raise AskPerson("vc01: no host has room for one", code="no_resources", next_step="Free a host.")
        return works(job, conversion_id)

    monkeypatch.setattr(legs, "roll_back", refuse)
    asked: dict[str, Any] = {"wave_id": stage.wave.pk, "actor": stage.people.actor("owner")}
    job = ended(waves.roll_back(stage.people.project, **asked))
    assert (job.state, job.error["code"]) == ("failed", "rollback_incomplete")
    assert "no host has room for one" in job.error["message"]
    row = Conversion.objects.get(name="one")
    assert (row.state, row.error["code"], row.events.last().message) == ("done", "no_resources", "vc01: no host has room for one")

    monkeypatch.setattr(legs, "roll_back", works)
    assert ended(waves.roll_back(stage.people.project, **asked)).state == "succeeded"
    assert stage.states() == {"one": "rolled_back", "two": "rolled_back"}


def test_a_machine_that_fails_stays_behind_alone(stage: Stage) -> None:
    stage.machine("one")
    stage.machine("two")
    stage.fails = {"one"}
    job = ended(stage.cut_over())

    assert (job.state, stage.states()) == ("succeeded", {"one": "failed", "two": "done"})
    assert job.result == {"conversions": {"failed": 1, "done": 1}, "left_behind": ["one"]}


def test_a_wave_of_which_nothing_arrived_is_not_asked_to_start(stage: Stage) -> None:
    stage.machine("one")
    stage.fails = {"one"}
    assert ended(stage.cut_over()).result == {"conversions": {"failed": 1}, "left_behind": ["one"]}
    assert stage.asked == [Phase.BEFORE_COPY]


@pytest.mark.parametrize("turns", range(1, 5))
def test_a_conductor_that_is_lost_after_any_turn_asks_nobody_twice(stage: Stage, turns: int) -> None:
    stage.machine("one")
    job = stage.cut_over()
    for _ in range(turns):
        one_turn(job)
        Job.objects.filter(pk=job.pk, state="waiting").update(state="queued")  # as the sweep revives a lost one
    job = ended(job)

    assert (job.state, stage.states()) == ("succeeded", {"one": "done"})
    assert stage.ran == [("copy", "one"), ("go_live", "one")]
    assert stage.asked == [Phase.BEFORE_COPY, Phase.BEFORE_START]
    assert Job.objects.filter(kind="conversion.copy").count() == 1


def test_a_machine_left_copying_by_a_cancelled_cutover_is_taken_along(stage: Stage) -> None:
    stage.machine("one")
    first = stage.cut_over()
    one_turn(first)
    jobs.cancel(first, SYSTEM)
    Job.objects.filter(kind="conversion.copy").update(run_at=now() + timedelta(hours=1))
    second = stage.cut_over()
    one_turn(second)
    Job.objects.filter(kind="conversion.copy").update(run_at=now())
    second = ended(second)

    assert (first.state, second.state, stage.states()) == ("cancelled", "succeeded", {"one": "done"})
    assert stage.ran == [("copy", "one"), ("go_live", "one")]


def test_starting_a_wave_prepares_each_machine_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.machine("one", State.PLANNED)
    stage.machine("gone", State.CANCELLED)
    monkeypatch.setattr(conduct, "create_conversions", lambda wave_id, *, actor: conversions_of_wave(wave_id))
    job = ended(waves.start(stage.people.project, wave_id=stage.wave.pk, actor=stage.people.actor("owner")))

    assert (job.state, stage.states()) == ("succeeded", {"one": "ready", "gone": "cancelled"})
    again = ended(waves.start(stage.people.project, wave_id=stage.wave.pk, actor=stage.people.actor("owner")))
    assert (again.pk != job.pk, again.state) == (True, "succeeded")
    assert stage.ran == [("prepare", "one")]


def test_a_wave_is_rolled_back_where_it_can_be(stage: Stage) -> None:
    for name, state in (("arrived", State.DONE), ("broken", State.FAILED), ("waiting", State.READY)):
        stage.machine(name, state)
    job = ended(waves.roll_back(stage.people.project, wave_id=stage.wave.pk, actor=stage.people.actor("owner")))

    assert job.state == "succeeded"
    assert stage.states() == {"arrived": "rolled_back", "broken": "rolled_back", "waiting": "ready"}


def test_two_waves_do_not_meet(stage: Stage, people: People) -> None:
    stage.machine("one")
    other: Wave = a_wave(people.project)
    a_conversion(people.project, "elsewhere", state=State.READY, wave_id=other.pk)
    ended(stage.cut_over())
    assert Conversion.objects.get(name="elsewhere").state == "ready"
