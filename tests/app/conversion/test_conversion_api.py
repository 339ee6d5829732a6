"""Conversions on the wire: the names of the contract, roles, tenancy, and a list that needs no more queries as it grows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migration.conversion.core.states import State
from migration.conversion.models import Conversion
from tests.builders.conversions import a_conversion
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db


def place(people: People, rest: str = "") -> str:
    return f"/api/v1/projects/{people.project.id}/conversions{rest}"


def test_a_conversion_shows_its_state_step_and_disks(people: People) -> None:
    row = a_conversion(people.project, state=State.COPYING)
    Conversion.objects.filter(pk=row.pk).update(step="copy_disks")
    shown = people.client("owner").get(place(people, f"/{row.pk}")).json()

    assert {"id", "name", "state", "step", "disks", "target_vm_uuid", "boot_proof", "error", "wave_id"} <= shown.keys()
    assert (shown["state"], shown["step"], shown["step_title"]) == ("copying", "copy_disks", "Copy the disks")
    [disk] = shown["disks"]
    assert {"bytes_total", "bytes_copied", "bytes_zero", "verified", "digest"} <= disk.keys()
    assert (disk["bytes_total"], disk["verified"]) == (10 << 30, False)


def test_the_list_is_filtered_by_state_and_wave(people: People) -> None:
    wave = uuid4()
    a_conversion(people.project, "one", state=State.FAILED, wave_id=wave)
    a_conversion(people.project, "two", state=State.DONE, wave_id=wave)
    a_conversion(people.project, "three", state=State.FAILED)
    a_conversion(people.other_project, "elsewhere", state=State.FAILED)

    found = people.client("owner").get(place(people), {"state": "failed", "wave_id": str(wave)}).json()
    assert [row["name"] for row in found["results"]] == ["one"]
    assert found["count"] == 1


def test_a_longer_list_needs_no_more_queries(people: People) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert people.client("owner").get(place(people)).status_code == 200
        return len(seen)

    a_conversion(people.project, "first")
    one = queries()
    for number in range(8):
        a_conversion(people.project, f"app-{number}")
    assert queries() == one


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_roles_and_tenancy_of_the_actions(people: People, action: str) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    viewer = a_client(a_user("viewer", project=people.project))
    refused = viewer.post(place(people, f"/{row.pk}/{action}"))
    assert (refused.status_code, refused.json()["code"], refused.json()["role_needed"]) == (403, "role_too_low", "operator")
    assert people.client("stranger").post(place(people, f"/{row.pk}/{action}")).status_code == 404
    assert people.client("stranger").get(place(people, f"/{row.pk}")).status_code == 404

    accepted = people.client("owner").post(place(people, f"/{row.pk}/{action}"))
    assert accepted.status_code == 202
    assert accepted["Location"].endswith(f"/api/v1/jobs/{accepted.json()['id']}")


@pytest.mark.parametrize(("action", "state"), [("retry", State.DONE), ("cancel", State.ROLLED_BACK)])
def test_the_wrong_state_is_a_problem_document_with_a_next_step(people: People, action: str, state: State) -> None:
    row = a_conversion(people.project, "sql01", state=state)
    answer = people.client("owner").post(place(people, f"/{row.pk}/{action}"))
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, answer["Content-Type"], problem["code"]) == (409, "application/problem+json", "wrong_state")
    assert "sql01" in problem["detail"] and problem["next_step"]


def test_events_tell_what_happened_in_order(people: People) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    people.client("owner").post(place(people, f"/{row.pk}/retry"))
    people.client("owner").post(place(people, f"/{row.pk}/cancel"))
    page = people.client("owner").get(place(people, f"/{row.pk}/events")).json()
    moves = [(event["from_state"], event["to_state"]) for event in page["results"] if event["to_state"]]
    assert moves == [("failed", "preparing"), ("preparing", "cancelled")]


def test_events_come_in_pages_like_every_list(people: People) -> None:
    row = a_conversion(people.project, state=State.FAILED)
    people.client("owner").post(place(people, f"/{row.pk}/retry"))
    people.client("owner").post(place(people, f"/{row.pk}/cancel"))
    whole = people.client("owner").get(place(people, f"/{row.pk}/events")).json()
    first = people.client("owner").get(place(people, f"/{row.pk}/events?limit=1")).json()
    second = people.client("owner").get(first["next"]).json()
    assert (whole["count"], whole["next"], whole["previous"]) == (len(whole["results"]), None, None)
    assert [*first["results"], *second["results"]] == whole["results"][:2]
