"""The gate on the wire: asked, signed by another person, refused with its reasons when closed, stale or unsigned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from migration.cutover.models import GateDecisionRow, Phase
from migration.planning.models import Wave
from project.backbone.accounts.policy import Role
from project.backbone.clock import frozen, now
from project.backbone.models import AuditEntry, Job
from project.backbone.problems import Conflict
from tests.builders.conversions import REASON, a_wave, an_answer
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def wave(people: People) -> Wave:
    return a_wave(people.project)


def post(people: People, wave: Wave, what: str, *, who: str = "owner", **headers: str) -> Any:
    return people.client(who).post(f"/api/v1/projects/{people.project.id}/waves/{wave.pk}/{what}", {}, headers=headers)


def open_and_signed(people: People, wave: Wave, **more: Any) -> GateDecisionRow:
    row = an_answer(wave, asked_by=people.actor("owner"), **more)
    assert post(people, wave, "gate/sign", who="teammate").status_code == 200
    return row


def test_a_gate_that_was_never_asked_shows_nothing_and_lets_nobody_through(people: People, wave: Wave) -> None:
    assert people.client("owner").get(f"/api/v1/projects/{people.project.id}/waves/{wave.pk}/gate").status_code == 404
    refused = post(people, wave, "cutover")
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_closed")


def test_asking_is_one_job_however_often(people: People, wave: Wave) -> None:
    first, second = post(people, wave, "gate"), post(people, wave, "gate")
    assert (first.status_code, first.json()["kind"]) == (202, "cutover.gate")
    assert first.json()["id"] == second.json()["id"]


def test_the_answer_is_read_with_its_reasons(people: People, wave: Wave) -> None:
    an_answer(wave, REASON)
    shown = people.client("owner").get(f"/api/v1/projects/{people.project.id}/waves/{wave.pk}/gate").json()
    assert shown["state"] == "closed" and shown["decided_at"]
    assert shown["reasons"] == [
        {
            "code": "HA-022",
            "subject": "pool01",
            "detail": "the timeout is 60 s",
            "remedy": "set it to 120 s",
            "evidence": "pool.ha_configuration",
        }
    ]


def test_an_answer_tells_what_changed_since_the_one_before(people: People, wave: Wave) -> None:
    with frozen(now() - timedelta(hours=1)):
        first = an_answer(wave, REASON)
    place = f"/api/v1/projects/{people.project.id}/waves/{wave.pk}/gate"
    assert people.client("owner").get(place).json()["since_last"] is None
    an_answer(wave)
    since = people.client("owner").get(place).json()["since_last"]
    assert (since["state"], since["came"], [each["code"] for each in since["went"]]) == ("closed", [], ["HA-022"])
    assert since["decided_at"] == first.decided_at.isoformat().replace("+00:00", "Z")
    browser = Client()
    browser.force_login(people.owner)
    page = browser.get(f"/projects/{people.project.id}").content.decode()
    assert "gone <code>HA-022</code> pool01." in page


def test_a_closed_gate_refuses_the_cutover_with_every_reason(people: People, wave: Wave) -> None:
    an_answer(wave, REASON)
    refused = post(people, wave, "cutover")
    problem = refused.json()
    assert (refused.status_code, refused["Content-Type"], problem["code"]) == (409, "application/problem+json", "gate_closed")
    assert [reason["code"] for reason in problem["reasons"]] == ["HA-022"] and problem["next_step"]
    assert not Job.objects.filter(kind="cutover.cut_over_wave").exists()


def test_an_unsigned_answer_refuses_the_cutover(people: People, wave: Wave) -> None:
    an_answer(wave)
    problem = post(people, wave, "cutover").json()
    assert (problem["code"], [reason["code"] for reason in problem["reasons"]]) == ("gate_closed", ["gate_not_signed"])


def test_an_answer_of_yesterday_refuses_the_cutover_and_the_signature(people: People, wave: Wave) -> None:
    with frozen(now() - timedelta(hours=5)):
        open_and_signed(people, wave)
    assert post(people, wave, "cutover").json()["code"] == "gate_stale"
    assert post(people, wave, "gate/sign", who="teammate").json()["code"] == "gate_stale"


def test_who_asked_does_not_sign(people: People, wave: Wave) -> None:
    an_answer(wave, asked_by=people.actor("teammate"))
    refused = post(people, wave, "gate/sign", who="teammate")
    assert (refused.status_code, refused.json()["code"]) == (409, "own_request")
    assert GateDecisionRow.objects.get().signed_at is None


def test_only_an_approver_signs(people: People, wave: Wave) -> None:
    an_answer(wave)
    refused = post(people, wave, "gate/sign", who="owner")
    assert (refused.status_code, refused.json()["role_needed"]) == (403, "approver")
    assert post(people, wave, "gate/sign", who="stranger").status_code == 404


def test_a_signature_is_given_once_and_audited(people: People, wave: Wave) -> None:
    an_answer(wave, asked_by=people.actor("owner"))
    second = a_client(a_user(Role.VIEWER, project=people.project, username="second", approver=True))
    signed = post(people, wave, "gate/sign", who="teammate").json()
    later = second.post(f"/api/v1/projects/{people.project.id}/waves/{wave.pk}/gate/sign").json()
    assert (signed["signed_by_name"], later["signed_by_name"]) == ("teammate", "teammate")
    assert AuditEntry.objects.filter(action="gate.sign").count() == 1


def test_a_closed_answer_cannot_be_signed(people: People, wave: Wave) -> None:
    an_answer(wave, REASON)
    assert post(people, wave, "gate/sign", who="teammate").json()["code"] == "gate_closed"


def test_a_signed_open_gate_starts_the_cutover_once_per_key(people: People, wave: Wave) -> None:
    open_and_signed(people, wave)
    first = post(people, wave, "cutover", **{"Idempotency-Key": "k1"})
    again = post(people, wave, "cutover", **{"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()["id"]) == (202, again.json()["id"])
    other_wave = a_wave(people.project)
    open_and_signed(people, other_wave)
    reused = post(people, other_wave, "cutover", **{"Idempotency-Key": "k1"})
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")


def test_an_answer_inside_a_cutover_carries_the_signature_but_never_makes_it_younger(people: People, wave: Wave) -> None:
    with frozen(now() - timedelta(hours=3)):
        signed = open_and_signed(people, wave)
        signed.refresh_from_db()
    inside = an_answer(wave, phase=Phase.BEFORE_COPY, signed_as=signed.pk)
    assert (inside.signed_by_name, inside.signed_at) == ("teammate", signed.signed_at)
    assert post(people, wave, "cutover").status_code == 202
    with frozen(now() + timedelta(hours=2)):
        an_answer(wave, phase=Phase.BEFORE_START, signed_as=inside.pk)
        assert post(people, wave, "cutover").json()["code"] == "gate_stale"


def test_a_gate_asked_meanwhile_lends_and_takes_no_signature_of_a_running_cutover(people: People, wave: Wave) -> None:
    signed = open_and_signed(people, wave)
    job = post(people, wave, "cutover").json()
    meanwhile = an_answer(wave)
    decision_id = Job.objects.get(pk=job["id"]).params["decision_id"]
    assert decision_id == str(signed.pk)
    assert an_answer(wave, phase=Phase.BEFORE_COPY, signed_as=signed.pk).signed_by_name == "teammate"
    with pytest.raises(Conflict, match="not signed"):
        an_answer(wave, phase=Phase.BEFORE_COPY, signed_as=meanwhile.pk)


def test_the_signature_of_another_wave_is_worth_nothing(people: People, wave: Wave) -> None:
    signed = open_and_signed(people, a_wave(people.project))
    with pytest.raises(Conflict, match="not signed"):
        an_answer(wave, phase=Phase.BEFORE_COPY, signed_as=signed.pk)


def test_a_newer_closed_answer_takes_the_signature_away(people: People, wave: Wave) -> None:
    signed = open_and_signed(people, wave)
    closed = an_answer(wave, REASON, phase=Phase.BEFORE_START, signed_as=signed.pk)
    assert closed.signed_at is None
    assert post(people, wave, "cutover").json()["code"] == "gate_closed"
    an_answer(wave)
    assert post(people, wave, "cutover").json()["reasons"][0]["code"] == "gate_not_signed"


@pytest.mark.parametrize("what", ["start", "gate", "cutover", "rollback"])
def test_roles_and_tenancy_of_every_step(people: People, wave: Wave, what: str) -> None:
    viewer = a_client(a_user(Role.PLANNER, project=people.project))
    path = f"/api/v1/projects/{people.project.id}/waves/{wave.pk}/{what}"
    assert (viewer.post(path).status_code, viewer.post(path).json()["role_needed"]) == (403, "operator")
    assert people.client("stranger").post(path).status_code == 404
    assert people.client("admin").post(path.replace(str(wave.pk), str(people.project.id))).status_code == 404


def test_a_wave_of_a_plan_nobody_approved_does_not_start(people: People) -> None:
    refused = post(people, a_wave(people.project, approved=False), "start")
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_not_approved")


def test_a_wave_with_nothing_to_roll_back_says_so(people: People, wave: Wave) -> None:
    refused = post(people, wave, "rollback")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
