"""The page of reports: asking for one, waiting for it, opening its forms, and one that failed."""

from __future__ import annotations

import pytest
from django.urls import reverse

from migration.reports.models import Report
from project.backbone.models import Job
from tests.builders.jobs import run_jobs
from tests.builders.pages import World, signed_in
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def text(people: People) -> str:
    return str(signed_in(people.owner).get(reverse("project-reports", args=[people.project.id])).content.decode())


def ask(people: People, kind: str = "readiness") -> str:
    address = reverse("report-ask-form", args=[people.project.id])
    return str(signed_in(people.owner).post(address, {"kind": kind}, follow=True).content.decode())


def test_no_report_yet_is_said(people: People) -> None:
    assert "No report has been asked for yet." in text(people)


def test_a_report_that_was_asked_for_is_being_made(people: People) -> None:
    page = ask(people)
    assert "is being made" in page and 'class="mark busy">being made' in page and "not yet" in page


def test_a_made_report_opens_in_the_browser_that_signed_in(world: World) -> None:
    ask(world.people)
    run_jobs(kind="reports.render")
    report = Report.objects.get()
    page = text(world.people)
    assert 'class="mark good">made' in page
    for form in ("html", "pdf", "json"):
        address = f"/api/v1/projects/{world.people.project.id}/reports/{report.id}.{form}"
        assert f'href="{address}"' in page
        assert signed_in(world.people.owner).get(address).status_code == 200
        assert signed_in(world.people.stranger).get(address).status_code == 404


def test_a_report_whose_job_failed_says_why(people: People) -> None:
    ask(people)
    Job.objects.update(state="failed", error={"code": "x", "message": "the typesetter stopped", "next_step": "Ask again."})
    page = text(people)
    assert 'class="mark bad">failed' in page and "the typesetter stopped" in page and "Ask again." in page


def test_a_kind_that_nobody_offers_is_refused_on_the_page(people: People) -> None:
    assert "There is no such kind of report." in ask(people, "gossip")
    assert not Report.objects.exists()


def test_a_stranger_asks_for_no_report_here(people: People) -> None:
    address = reverse("report-ask-form", args=[people.project.id])
    assert signed_in(people.stranger).post(address, {"kind": "readiness"}).status_code == 404
    assert not Report.objects.exists()
