"""What the apps registered as waivable: checks on pools, rules on machines, risks on waves, each on its own terms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from project.backbone import clock
from tests.builders.conversions import a_wave
from tests.builders.estate import a_vm
from tests.builders.inventory import a_source, an_inventory, machine_named
from tests.builders.people import People
from tests.builders.pools import a_pool
from tests.builders.readiness import a_confirmed_pool, collected

pytestmark = pytest.mark.django_db


def ask(people: People, subject: str, *, days: int = 7, **named: str) -> Any:
    end = (clock.now() + timedelta(days=days)).isoformat()
    body = {"subject": subject, "reason": "agreed", "expires_at": end, **named}
    return people.client("owner").post(f"/api/v1/projects/{people.project.id}/waivers", body)


def said(answer: Any) -> tuple[int, list[str]]:
    return answer.status_code, [error["field"] for error in answer.json().get("errors", [])]


def test_a_check_is_waived_on_a_pool_by_its_id_uuid_or_name(people: People) -> None:
    pool = a_confirmed_pool(people)
    collected(pool, a_pool())
    pool.refresh_from_db()
    assert pool.pool_uuid
    for subject in (str(pool.id), pool.pool_uuid, pool.name):
        assert said(ask(people, subject, check_id="HA-041")) == (201, [])
    assert said(ask(people, "pool02", check_id="HA-041")) == (400, ["subject"])


def test_a_check_an_approver_waives_is_waived_for_as_long_as_the_policy_says(people: People) -> None:
    pool = a_confirmed_pool(people)
    assert said(ask(people, pool.name, check_id="HA-041", days=30)) == (201, [])
    assert said(ask(people, pool.name, check_id="HA-041", days=31)) == (400, ["expires_at"])


def test_a_check_that_nobody_may_waive_is_refused(people: People) -> None:
    answer = ask(people, a_confirmed_pool(people).name, check_id="HA-003")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_waivable")


def test_a_rule_is_waived_on_a_machine_of_the_project(people: People) -> None:
    an_inventory(a_source(people.project), a_vm("app"))
    an_inventory(a_source(people.other_project), a_vm("foreign"))
    assert said(ask(people, str(machine_named("app").id), rule_id="SNP-001")) == (201, [])
    for subject in (str(machine_named("foreign").id), str(machine_named("app").id).upper(), "app", str(uuid4())):
        assert said(ask(people, subject, rule_id="SNP-001")) == (400, ["subject"]), subject


@pytest.mark.parametrize("risk", ["RISK-BOOT-NOT-PROVEN", "kms_unknown"])
def test_a_risk_is_accepted_for_a_wave_of_the_project_for_a_month(people: People, risk: str) -> None:
    wave, foreign = a_wave(people.project), a_wave(people.other_project)
    assert said(ask(people, f"wave:{wave.pk}", check_id=risk, days=30)) == (201, [])
    assert said(ask(people, f"wave:{wave.pk}", check_id=risk, days=31)) == (400, ["expires_at"])
    for subject in (f"wave:{foreign.pk}", str(wave.pk), "wave:1"):
        assert said(ask(people, subject, check_id=risk)) == (400, ["subject"]), subject


@pytest.mark.parametrize(
    "named", [{"rule_id": "NOPE-1"}, {"check_id": "SNP-001"}, {"rule_id": "HA-041"}, {"check_id": "kms_low"}]
)
def test_an_id_nobody_registered_cannot_be_waived(people: People, named: dict[str, str]) -> None:
    assert said(ask(people, a_confirmed_pool(people).name, **named)) == (400, list(named))
