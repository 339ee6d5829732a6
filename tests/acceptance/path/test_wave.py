"""A wave of two machines over the API, by two people: planned, prepared, gated twice, cut over, and held when it must be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.testing import Lab
from migration.conversion.models import Conversion
from migration.cutover.models import GateDecisionRow
from project.backbone.clock import now
from project.backbone.models import Job, Waiver
from tests.builders.operator import BOOT_RISK, Operator
from tests.builders.path import settle
from tests.builders.people import People

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own


@pytest.fixture
def operator(people: People, lab: Lab) -> Operator:
    return Operator(people, lab)


@pytest.fixture
def wave(operator: Operator) -> str:
    operator.added("sources", "vcenter", kind="vcenter")
    pool = operator.pool_without_ha()
    path = operator.planned(pool, "web02", "db01")
    assert operator.ran(f"{path}/start").result == {"conversions": {"ready": 2}, "left_behind": []}
    return path


def test_a_wave_arrives_through_two_gates(operator: Operator, wave: str) -> None:
    operator.accept_named_risks(wave)
    first = operator.get(f"{wave}/gate")
    assert first["state"] == "closed" and BOOT_RISK in {reason["code"] for reason in first["reasons"]}
    operator.asked_and_signed(wave)
    job = operator.ran(f"{wave}/cutover")

    assert (job.state, job.result) == ("succeeded", {"conversions": {"done": 2}, "left_behind": []}), job.error
    phases = list(GateDecisionRow.objects.order_by("decided_at").values_list("phase", "state", "signed_by_name"))
    assert phases == [
        ("asked", "closed", ""),
        ("asked", "open", "teammate"),
        ("before_copy", "open", "teammate"),
        ("before_start", "open", "teammate"),
    ]
    assert Job.objects.filter(kind="readiness.collect_pool").count() == 1 + 4, "each answer stands on a reading of its own"


def test_an_acceptance_that_runs_out_during_the_copy_closes_the_second_gate_and_nothing_starts(
    operator: Operator, wave: str, at_first_segment: Callable[..., None]
) -> None:
    operator.accept_named_risks(wave)
    operator.asked_and_signed(wave)
    at_first_segment(lambda: Waiver.objects.update(expires_at=now()))
    held = operator.ran(f"{wave}/cutover")

    assert (held.state, held.error["code"]) == ("failed", "gate_closed")
    assert operator.states() == {"web02": "cutting_over", "db01": "cutting_over"}
    refused = operator.people.client("owner").post(f"{operator.base}/{wave}/cutover")
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_closed")
    operator.accept_named_risks(wave)
    operator.asked_and_signed(wave)
    assert operator.ran(f"{wave}/cutover").state == "succeeded"
    assert operator.states() == {"web02": "done", "db01": "done"}
    assert Job.objects.filter(kind="conversion.copy").count() == 2, "nothing was copied twice"


def test_a_pool_that_went_away_closes_the_gate(operator: Operator, wave: str) -> None:
    operator.lab.whole.pool.stop()  # type: ignore[union-attr]
    operator.post(f"{wave}/gate")
    settle(within_s=30)
    answer = operator.get(f"{wave}/gate")

    assert answer["state"] == "closed"
    assert "pool_unreachable" in [reason["code"] for reason in answer["reasons"]]
    assert all(reason["remedy"] for reason in answer["reasons"])


def test_a_wave_rolls_back_as_a_whole(operator: Operator, wave: str) -> None:
    operator.accept_named_risks(wave)
    operator.asked_and_signed(wave)
    operator.ran(f"{wave}/cutover")
    assert operator.ran(f"{wave}/rollback").state == "succeeded"

    assert set(operator.states().values()) == {"rolled_back"}
    sources = operator.lab.control("GET", "/state")["source_vms"]
    assert (sources["web02"], sources["db01"]) == ("on", "on")
    assert not Conversion.objects.filter(target_vm_uuid="").exists()
