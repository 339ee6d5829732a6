"""A wave that is stopped or taken back in the middle: sources stay or come back on, and nothing goes live behind it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from estate.errors import AskPerson
from estate.vsphere import power
from lab.testing import Lab
from migration.cutover.core.batch import BatchOptions
from migration.cutover.work import conduct
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.runner import run_job
from project.backbone.jobs.sweep import wake_due
from project.backbone.models import Job, Waiver
from tests.builders.jobs import HERE
from tests.builders.operator import Operator
from tests.builders.path import SYSTEM, settle
from tests.builders.people import People

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
NAMES = ("web02", "db01")


@pytest.fixture
def operator(people: People, lab: Lab) -> Operator:
    return Operator(people, lab)


@pytest.fixture
def wave(operator: Operator) -> str:
    operator.added("sources", "vcenter", kind="vcenter")
    path = operator.planned(operator.pool_without_ha(), *NAMES)
    operator.ran(f"{path}/start")
    operator.accept_named_risks(path)
    operator.asked_and_signed(path)
    return path


def sources(lab: Lab) -> set[str]:
    seen = lab.control("GET", "/state")["source_vms"]
    return {seen[name] for name in NAMES}


def running_in_pool(lab: Lab) -> list[str]:
    store = lab.whole.pool.pool.store  # type: ignore[union-attr]
    return [row.record["name_label"] for _, row in store.rows("VM") if row.record["name_label"] in NAMES
            and row.record["power_state"] != "Halted"]  # fmt: skip


def driven_until(reached: Callable[[], bool], *, but: str = "") -> None:
    """Run jobs one by one, leaving out one kind, until this holds."""
    for _ in range(400):
        if reached():
            return
        Job.objects.filter(state__in=["waiting", "queued"]).update(run_at=now())
        wake_due()
        job = Job.objects.filter(state="queued").exclude(kind=but).first()
        if job is not None:
            run_job(job.pk, worker=HERE)
    raise AssertionError("never reached")


def is_asked(kind: str) -> Callable[[], bool]:
    return Job.objects.filter(kind=kind).exists


def test_a_cutover_cancelled_before_its_copies_begin_leaves_the_sources_on(operator: Operator, wave: str, lab: Lab) -> None:
    operator.post(f"{wave}/cutover")
    driven_until(is_asked("conversion.copy"), but="conversion.copy")
    jobs.cancel(Job.objects.get(kind="cutover.cut_over_wave"), SYSTEM)
    settle()

    assert sources(lab) == {"on"}
    assert set(operator.states().values()) == {"failed"}
    refused = operator.people.client("owner").post(f"/api/v1/jobs/{Job.objects.get(kind='cutover.cut_over_wave').pk}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_repeatable")
    assert operator.ran(f"{wave}/retry").result == {"conversions": {"ready": 2}, "left_behind": []}
    nothing = operator.people.client("owner").post(f"{operator.base}/{wave}/retry")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_failed")


def test_a_rollback_during_the_cutover_lets_no_machine_go_live_behind_it(
    operator: Operator, wave: str, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conduct, "options_of_wave", lambda _wave: BatchOptions(parallel=1))
    operator.post(f"{wave}/cutover")
    driven_until(lambda: "done" in operator.states().values())
    back = operator.ran(f"{wave}/rollback")

    assert (back.state, set(operator.states().values())) == ("succeeded", {"rolled_back"}), back.error
    assert (sources(lab), running_in_pool(lab)) == ({"on"}, [])


def test_a_wave_held_at_its_second_gate_is_taken_back(
    operator: Operator, wave: str, lab: Lab, at_first_segment: Callable[..., None]
) -> None:
    at_first_segment(lambda: Waiver.objects.update(expires_at=now()))
    assert operator.ran(f"{wave}/cutover").error["code"] == "gate_closed"
    assert sources(lab) == {"off"}
    back = operator.ran(f"{wave}/rollback")

    assert (back.state, set(operator.states().values())) == ("succeeded", {"rolled_back"}), back.error
    assert (sources(lab), running_in_pool(lab)) == ({"on"}, [])


def test_a_source_that_cannot_be_powered_on_fails_the_rollback_by_name_and_is_tried_again(
    operator: Operator, wave: str, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert operator.ran(f"{wave}/cutover").state == "succeeded"

    def refuse(*_: object, **_more: object) -> None:
        raise AskPerson("vc01, web02: no compatible host has enough resources", code="no_resources", next_step="Free a host.")

    with monkeypatch.context() as patched:
        patched.setattr(power, "power_on", refuse)
        back = operator.ran(f"{wave}/rollback")
    assert (back.state, back.error["code"]) == ("failed", "rollback_incomplete")
    assert "no compatible host" in back.error["message"]
    shown = operator.get("conversions")["results"]
    assert {row["error"]["code"] for row in shown} == {"no_resources"}
    assert running_in_pool(lab) == []

    assert operator.ran(f"{wave}/rollback").state == "succeeded"
    assert (sources(lab), set(operator.states().values())) == ({"on"}, {"rolled_back"})


def test_a_start_that_was_never_asked_of_the_pool_ends_with_its_cutover(operator: Operator, wave: str, lab: Lab) -> None:
    """Tried once and put off: nobody shall start it hours later, and no rollback shall wait for it."""
    operator.post(f"{wave}/cutover")
    driven_until(is_asked("conversion.go_live"), but="conversion.go_live")
    Job.objects.filter(kind="conversion.go_live").update(state="waiting", attempts=1, run_at=now())
    jobs.cancel(Job.objects.get(kind="cutover.cut_over_wave"), SYSTEM)
    settle()
    assert (set(operator.states().values()), running_in_pool(lab)) == ({"failed"}, [])
    assert operator.ran(f"{wave}/rollback").state == "succeeded"
    assert sources(lab) == {"on"}


def test_a_machine_taken_up_again_whose_source_is_down_is_rolled_back_with_its_wave(
    operator: Operator, wave: str, lab: Lab, at_first_segment: Callable[..., None]
) -> None:
    broken = {"kind": "task_failure", "error": ["SR_BACKEND_FAILURE_46", "", "", ""]}
    at_first_segment(lambda: lab.control("POST", "/pool/fault", broken))
    operator.ran(f"{wave}/cutover")
    assert "failed" in operator.states().values()
    operator.ran(f"{wave}/retry")
    assert "ready" in operator.states().values()
    back = operator.ran(f"{wave}/rollback")
    assert (back.state, set(operator.states().values()), sources(lab)) == ("succeeded", {"rolled_back"}, {"on"})


def test_nothing_of_a_wave_is_taken_up_while_it_is_rolled_back(operator: Operator, wave: str) -> None:
    assert operator.ran(f"{wave}/cutover").state == "succeeded"
    operator.post(f"{wave}/rollback")
    for verb in ("start", "retry", "cutover"):
        refused = operator.people.client("owner").post(f"{operator.base}/{wave}/{verb}")
        assert (refused.status_code, refused.json()["code"]) in {(409, "wave_busy"), (409, "nothing_failed")}, verb
    settle()
    assert set(operator.states().values()) == {"rolled_back"}
