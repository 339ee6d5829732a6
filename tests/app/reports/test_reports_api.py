"""Reports over the API: asked for, rendered by a job, fetched in three forms, and nobody else's business."""

from __future__ import annotations

import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from migration.reports.models import Report
from project.backbone import clock
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from tests.builders.jobs import run_jobs
from tests.builders.kms import day
from tests.builders.kms_api import a_read_host
from tests.builders.pages import HOSTILE, a_world
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def base(people: People) -> str:
    return f"/api/v1/projects/{people.project.pk}/reports"


def asked(people: People, who: str = "owner", kind: str = "readiness") -> dict[str, Any]:
    answer = people.client(who).post(base(people), {"kind": kind})
    assert answer.status_code == 202, answer.content
    return dict(answer.json())


def made(people: People, kind: str = "readiness") -> Report:
    job = asked(people, kind=kind)
    run_jobs()
    result = people.client("owner").get(f"/api/v1/jobs/{job['id']}").json()["result"]
    return Report.objects.get(pk=result["report_id"])


def test_a_report_of_an_empty_project_says_that_readiness_is_unknown(people: People) -> None:
    report = made(people)
    page = people.client("owner").get(f"{base(people)}/{report.pk}.html").content.decode()
    assert "No target pool has been collected yet: readiness is unknown." in page
    assert "No KMS host has been read" in page


def test_a_report_of_a_real_project_draws_the_pool_and_lists_what_stays_behind(people: People) -> None:
    a_world(people, at=now())
    report = made(people)
    page = people.client("owner").get(f"{base(people)}/{report.pk}.html").content.decode()
    assert "data:image/svg+xml;base64," in page
    assert "ora-01" in page
    assert "DSK-004" in page
    assert people.client("owner").get(f"{base(people)}/{report.pk}.pdf").content.startswith(b"%PDF-")


def test_the_three_forms_come_with_their_types_and_may_run_nothing(people: People) -> None:
    report = made(people)
    for form, kind in (("html", "text/html"), ("pdf", "application/pdf"), ("json", "application/json")):
        answer = people.client("owner").get(f"{base(people)}/{report.pk}.{form}")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith(kind)
    page = people.client("owner").get(f"{base(people)}/{report.pk}.html")
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert "sandbox" in page["Content-Security-Policy"]


def test_the_kms_report_of_a_read_host_draws_its_chart_in_every_form(people: People) -> None:
    a_world(people, at=now())
    with clock.frozen(day(35)):
        a_read_host(people)
        report = made(people, "kms")
    client = people.client("owner")
    page = client.get(f"{base(people)}/{report.pk}.html").content.decode()
    assert "Ok: " in page and "Count of KMS01 over time. Last observed 9" in page and "data:image/svg+xml;base64," in page
    assert client.get(f"{base(people)}/{report.pk}.pdf").content.startswith(b"%PDF-")
    sheet = client.get(f"{base(people)}/{report.pk}.xlsx")
    assert (
        sheet["Content-Type"].endswith("spreadsheetml.sheet")
        and f"kms-{report.made_at:%Y%m%d-%H%M}.xlsx" in sheet["Content-Disposition"]
    )
    book = CalamineWorkbook.from_filelike(io.BytesIO(sheet.content))
    assert {"Report", "Waves", "Clients of KMS01", "Count of KMS01 by day"} <= set(book.sheet_names)
    assert len(book.get_sheet_by_name("Clients of KMS01").to_python()) == 10


def test_the_kms_report_of_an_empty_project_says_that_activation_is_unknown(people: People) -> None:
    report = made(people, "kms")
    page = people.client("owner").get(f"{base(people)}/{report.pk}.html").content.decode()
    assert 'class="verdict unknown"' in page


def test_a_report_made_before_there_were_spreadsheets_says_to_ask_for_a_new_one(people: People) -> None:
    report = made(people)
    Report.objects.filter(pk=report.pk).update(xlsx=None)
    answer = people.client("owner").get(f"{base(people)}/{report.pk}.xlsx")
    assert (answer.status_code, answer.json()["code"]) == (409, "report_form_missing")


def test_a_hostile_project_name_stays_text(people: People) -> None:
    people.project.name = HOSTILE
    people.project.save()
    report = made(people)
    assert HOSTILE not in people.client("owner").get(f"{base(people)}/{report.pk}.html").content.decode()


def test_a_report_that_is_not_made_yet_says_what_to_do(people: People) -> None:
    asked(people)
    report = Report.objects.get()
    answer = people.client("owner").get(f"{base(people)}/{report.pk}.pdf")
    assert answer.status_code == 409
    assert answer.json()["code"] == "report_not_made"
    assert answer.json()["next_step"]


def test_another_kind_and_another_project_are_refused(people: People) -> None:
    answer = people.client("owner").post(base(people), {"kind": "weather"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert people.client("stranger").post(base(people), {"kind": "readiness"}).status_code == 404
    report = made(people)
    assert people.client("stranger").get(f"{base(people)}/{report.pk}.html").status_code == 404
    other = f"/api/v1/projects/{people.other_project.pk}/reports/{report.pk}.html"
    assert people.client("stranger").get(other).status_code == 404


def test_the_same_key_gives_the_same_report_and_another_body_is_refused(people: People) -> None:
    client, headers = people.client("owner"), {"Idempotency-Key": "monday"}
    first = client.post(base(people), {"kind": "readiness"}, headers=headers)
    again = client.post(base(people), {"kind": "readiness"}, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert Report.objects.count() == 1
    other = client.post(base(people), {"kind": "kms"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_the_list_costs_the_same_with_more_reports(people: People, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        made(people)
    client = people.client("owner")
    with django_assert_max_num_queries(8):
        answer = client.get(base(people))
    assert answer.json()["count"] == 5


def test_a_job_that_runs_twice_makes_one_report(people: People) -> None:
    report = made(people)
    before = (report.made_at, report.html)
    jobs.enqueue("reports.render", project=people.project, params={"report_id": str(report.pk)}, actor=people.actor("owner"))
    assert [job.state for job in run_jobs()] == ["succeeded"]
    report.refresh_from_db()
    assert (report.made_at, report.html) == before
