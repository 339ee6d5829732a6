"""Waivers: one asks, another approves, and a waiver counts only between approval and its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from project.backbone import clock
from project.backbone.accounts.policy import Role
from project.backbone.models import Membership
from project.backbone.waivers.selectors import waivers_in_force
from tests.builders.people import People

pytestmark = pytest.mark.django_db


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
    assert (refused.status_code, refused.json()["code"]) == (409, "same_person")


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


def test_editing_honours_if_match(people: People) -> None:
    client = people.client("owner")
    waiver = ask(people).json()
    url = f"/api/v1/projects/{people.project.id}/waivers/{waiver['id']}"
    tag = client.get(url)["ETag"]
    assert client.patch(url, {"reason": "better"}, headers={"If-Match": tag}).json()["reason"] == "better"
    stale = client.patch(url, {"reason": "older"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_changed")


def test_an_approved_waiver_cannot_be_edited(people: People) -> None:
    waiver = ask(people).json()
    act(people, "teammate", waiver, "approve")
    answer = people.client("owner").patch(f"/api/v1/projects/{people.project.id}/waivers/{waiver['id']}", {"reason": "wider"})
    assert answer.json()["code"] == "waiver_not_open"


def test_a_viewer_reads_but_does_not_ask(people: People) -> None:
    Membership.objects.filter(user=people.owner).update(role=Role.VIEWER)
    assert ask(people).json()["role_needed"] == "planner"
    assert people.client("owner").get(f"/api/v1/projects/{people.project.id}/waivers").status_code == 200
