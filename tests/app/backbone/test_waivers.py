"""Waivers: one asks, another approves, and a waiver counts only between approval and its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from project.backbone import clock
from project.backbone.accounts.policy import Role
from project.backbone.models import Membership, Waiver
from project.backbone.waivers import catalogue
from project.backbone.waivers.catalogue import Kind, Terms, Waivable
from project.backbone.waivers.selectors import waivers_in_force
from tests.builders.people import People

pytestmark = pytest.mark.django_db
MOST_DAYS = 30


@pytest.fixture(autouse=True)
def one_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """The backbone with one family of ids, as an app would register it."""
    terms = {"SNP-001": Terms(longest=timedelta(days=MOST_DAYS)), "NVR-001": Terms(waivable=False)}
    rules = Waivable(Kind.RULE, lambda project: terms, "name of a machine", lambda project, subject: subject == "vm-7")
    monkeypatch.setattr(catalogue, "_families", [rules])


def body(**changes: Any) -> dict[str, Any]:
    end = (clock.now() + timedelta(days=30)).isoformat()
    return {"rule_id": "SNP-001", "subject": "vm-7", "reason": "snapshot goes in the window", "expires_at": end, **changes}


def ask(people: People, who: str = "owner", **changes: Any) -> Any:
    return people.client(who).post(f"/api/v1/projects/{people.project.id}/waivers", body(**changes))


def act(people: People, who: str, waiver: dict[str, Any], verb: str) -> Any:
    return people.client(who).post(f"/api/v1/projects/{people.project.id}/waivers/{waiver['id']}/{verb}")


def test_a_waiver_counts_only_after_somebody_else_approved_it(people: People) -> None:
    waiver = ask(people).json()
    assert waiver["state"] == "requested"
    assert waivers_in_force(people.project, clock.now()) == ()
    approved = act(people, "teammate", waiver, "approve").json()
    assert (approved["state"], approved["approved_by"]) == ("in_force", "teammate")
    (value,) = waivers_in_force(people.project, clock.now())
    assert value.covers == ("SNP-001", "vm-7")
    assert (value.requested_by, value.approved_by) == ("owner", "teammate")


def test_who_asked_cannot_approve(people: People) -> None:
    waiver = ask(people, "teammate").json()
    refused = act(people, "teammate", waiver, "approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "own_request")


def test_approving_needs_the_right_whatever_the_role(people: People) -> None:
    waiver = ask(people).json()
    refused = act(people, "admin", waiver, "approve")
    assert (refused.status_code, refused.json()["role_needed"]) == (403, "approver")


def test_a_waiver_ends_by_itself(people: People) -> None:
    act(people, "teammate", ask(people).json(), "approve")
    later = clock.now() + timedelta(days=31)
    assert waivers_in_force(people.project, later) == ()
    with clock.frozen(later):
        (row,) = people.client("owner").get(f"/api/v1/projects/{people.project.id}/waivers").json()["results"]
    assert row["state"] == "expired"


def test_withdrawing_ends_it_and_is_for_the_asker_or_an_approver(people: People) -> None:
    waiver = ask(people).json()
    act(people, "teammate", waiver, "approve")
    assert act(people, "admin", waiver, "withdraw").status_code == 403
    assert act(people, "owner", waiver, "withdraw").json()["state"] == "withdrawn"
    assert waivers_in_force(people.project, clock.now()) == ()
    assert act(people, "teammate", waiver, "approve").json()["code"] == "waiver_not_open"


@pytest.mark.parametrize(
    "changes",
    [
        {"rule_id": ""}, {"check_id": "HA-001"}, {"reason": "  "}, {"reason": "x" * 3000}, {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "soon"}, {"expires_at": "9999-12-31T23:59:59.999999-14:00"}, {"subject": ""}, {"rule_id": "X" * 100},
    ],
)  # fmt: skip
def test_a_waiver_that_makes_no_sense_is_refused(people: People, changes: dict[str, Any]) -> None:
    answer = ask(people, **changes)
    assert answer.status_code == 400
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"rule_id": "NOPE-1"}, "rule_id", "does_not_exist"),
        ({"rule_id": "", "check_id": "SNP-001"}, "check_id", "does_not_exist"),
        ({"subject": "vm-8"}, "subject", "does_not_exist"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "expires_at", "out_of_range"),
    ],
)
def test_what_no_app_registered_is_refused_by_field_with_a_next_step(
    people: People, changes: dict[str, Any], field: str, code: str
) -> None:
    answer = ask(people, **changes)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, answer.json()["code"], error["field"], error["code"]) == (400, "invalid", field, code)
    assert answer.json()["next_step"]


def test_what_nobody_may_accept_is_not_even_asked_for(people: People) -> None:
    answer = ask(people, rule_id="NVR-001")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_waivable")
    assert not Waiver.objects.exists()


def test_a_waiver_is_not_made_longer_than_allowed_by_editing(people: People) -> None:
    waiver = ask(people).json()
    end = (clock.now() + timedelta(days=MOST_DAYS + 1)).isoformat()
    answer = people.client("owner").patch(f"/api/v1/projects/{people.project.id}/waivers/{waiver['id']}", {"expires_at": end})
    assert [error["code"] for error in answer.json()["errors"]] == ["out_of_range"]


def test_editing_honours_if_match(people: People) -> None:
    client = people.client("owner")
    waiver = ask(people).json()
    url = f"/api/v1/projects/{people.project.id}/waivers/{waiver['id']}"
    tag = client.get(url)["ETag"]
    assert client.patch(url, {"reason": "better"}, headers={"If-Match": tag}).json()["reason"] == "better"
    stale = client.patch(url, {"reason": "older"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_changed")
    assert "only the members that you change" in stale.json()["next_step"]


def test_an_approved_waiver_cannot_be_edited(people: People) -> None:
    waiver = ask(people).json()
    act(people, "teammate", waiver, "approve")
    answer = people.client("owner").patch(f"/api/v1/projects/{people.project.id}/waivers/{waiver['id']}", {"reason": "wider"})
    assert answer.json()["code"] == "waiver_not_open"


def test_a_viewer_reads_but_does_not_ask(people: People) -> None:
    Membership.objects.filter(user=people.owner).update(role=Role.VIEWER)
    assert ask(people).json()["role_needed"] == "planner"
    assert people.client("owner").get(f"/api/v1/projects/{people.project.id}/waivers").status_code == 200
