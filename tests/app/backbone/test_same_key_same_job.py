"""Work that is asked for twice under one Idempotency-Key is one job, also where asking moves something by itself."""

from __future__ import annotations

from typing import Any

import pytest

from migration.conversion.core.states import State
from migration.cutover.models import GateDecisionRow
from migration.reports.models import Report
from project.backbone.models import Job
from tests.builders.conversions import a_conversion, a_wave
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def post(people: People, path: str, body: dict[str, Any] | None = None, *, key: str = "k-1") -> Any:
    address = f"/api/v1/projects/{people.project.id}/{path}"
    return people.client("owner").post(address, body or {}, headers={"Idempotency-Key": key})


def one_job(people: People, path: str, body: dict[str, Any] | None = None) -> None:
    first, second = post(people, path, body), post(people, path, body)
    assert (first.status_code, second.status_code) == (202, 202), second.json()
    assert first.json()["id"] == second.json()["id"] == str(Job.objects.get(idempotency_key="k-1").id)
    assert first["Location"] == second["Location"]


def test_a_report_is_made_once(people: People) -> None:
    one_job(people, "reports", {"kind": "readiness"})
    assert Report.objects.count() == 1
    assert post(people, "reports", {"kind": "readiness"}, key="k-2").status_code == 202
    assert Report.objects.count() == 2


def test_the_gate_is_asked_once(people: People) -> None:
    one_job(people, f"waves/{a_wave(people.project).pk}/gate")
    assert not GateDecisionRow.objects.exists()


def test_a_wave_is_rolled_back_once(people: People) -> None:
    wave = a_wave(people.project)
    a_conversion(people.project, state=State.DONE, wave_id=wave.pk)
    one_job(people, f"waves/{wave.pk}/rollback")


@pytest.mark.parametrize(("state", "verb"), [(State.FAILED, "retry"), (State.READY, "cancel")])
def test_a_conversion_is_moved_once(people: People, state: State, verb: str) -> None:
    row = a_conversion(people.project, state=state)
    one_job(people, f"conversions/{row.pk}/{verb}")


def test_the_same_key_for_another_request_is_refused(people: People) -> None:
    wave = a_wave(people.project)
    assert post(people, f"waves/{wave.pk}/gate").status_code == 202
    refused = post(people, "reports", {"kind": "readiness"})
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")
