"""What a cancelled conversion left in the lab's pool is listed, then removed; nothing else is touched."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from lab.testing import Lab
from migration.conversion.core.states import State
from migration.conversion.models import Conversion, LedgerEntry
from migration.conversion.services import sweeping
from project.backbone.models import Job
from project.backbone.problems import Invalid
from tests.builders.conversions import SYSTEM
from tests.builders.path import Site, a_site, prepared, settle
from tests.builders.people import People

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own


def ran(people: People, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = people.client("owner").post(f"/api/v1/projects/{people.project.id}/{path}", body)
    assert answer.status_code == 202, answer.content
    settle()
    job = Job.objects.get(pk=answer.json()["id"])
    assert job.state == "succeeded", job.error
    return {**job.result, "job": str(job.pk)}


def test_what_a_cancelled_conversion_left_is_listed_and_then_removed(site: Site, lab: Lab, people: People) -> None:
    left, wanted = prepared(site.conversion("git01")), prepared(site.conversion("db01"))
    Conversion.objects.filter(pk=left.pk).update(state=State.CANCELLED)  # as if its cleaning up had failed
    before = len(lab.control("GET", "/vdis"))

    listed = ran(people, "leftovers", {"pool": str(site.pool.pk)})
    verdicts = {each["name"]: (each["verdict"], len(each["objects"])) for each in listed["leftovers"]}
    assert verdicts["git01"] == ("remove", 1 + left.disks.count()) and verdicts["db01"][0] == "keep"
    assert len(lab.control("GET", "/vdis")) == before, "a list changes nothing"

    swept = ran(people, "leftovers/remove", {"listing": listed["job"]})
    assert len(swept["removed"]) == 1 + left.disks.count() and not swept["refused"]
    assert not LedgerEntry.objects.filter(conversion=left, removed_at=None).exists()
    assert LedgerEntry.objects.filter(conversion=wanted, removed_at=None).count() == 1 + wanted.disks.count()
    again = ran(people, "leftovers", {"pool": str(site.pool.pk)})
    assert [each["name"] for each in again["leftovers"]] == ["db01"]


def test_what_no_list_offers_is_not_removed(site: Site, people: People) -> None:
    row = prepared(site.conversion("git01"))
    listed = ran(people, "leftovers", {"pool": str(site.pool.pk)})
    url = f"/api/v1/projects/{people.project.id}/leftovers/remove"
    kept = people.client("owner").post(url, {"listing": listed["job"], "conversions": [str(row.pk)]})
    assert (kept.status_code, kept.json()["code"]) == (409, "leftovers_not_listed")
    assert people.client("owner").post(url, {"listing": str(row.pk)}).status_code == 404
    assert people.client("stranger").post(url, {"listing": listed["job"]}).status_code == 404


def test_an_empty_selection_removes_nothing_and_least_of_all_everything(site: Site, lab: Lab, people: People) -> None:
    left = prepared(site.conversion("git01"))
    Conversion.objects.filter(pk=left.pk).update(state=State.CANCELLED)
    listed = ran(people, "leftovers", {"pool": str(site.pool.pk)})["job"]
    url, before = f"/api/v1/projects/{people.project.id}/leftovers/remove", len(lab.control("GET", "/vdis"))
    for none in ([], None):
        refused = people.client("owner").post(url, {"listing": listed, "conversions": none})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "conversions")
    with pytest.raises(Invalid, match="No conversion is named"):
        sweeping.ask_sweep(people.project, listing=UUID(listed), conversion_ids=[], actor=SYSTEM)
    settle()
    assert len(lab.control("GET", "/vdis")) == before


def test_another_projects_leftovers_in_the_same_pool_are_kept(site: Site, lab: Lab, people: People) -> None:
    theirs = prepared(site.conversion("git01"))
    Conversion.objects.filter(pk=theirs.pk).update(state=State.ROLLED_BACK)
    own = a_site(people.other_project, lab.json)
    url = f"/api/v1/projects/{people.other_project.id}/leftovers"
    listed = people.client("stranger").post(url, {"pool": str(own.pool.pk)}).json()["id"]
    settle()

    [shown] = Job.objects.get(pk=listed).result["leftovers"]
    assert (shown["conversion_id"], shown["verdict"], shown["state"]) == (str(theirs.pk), "keep", "unknown")
    refused = people.client("stranger").post(f"{url}/remove", {"listing": listed, "conversions": [str(theirs.pk)]})
    assert (refused.status_code, refused.json()["code"]) == (409, "leftovers_not_listed")
