"""Small promises of every answer: Location of a started job, entity tags, cookies that fit the site's address."""

from __future__ import annotations

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from project.backbone.accounts.policy import Actor
from project.backbone.api.accepted import accepted
from project.backbone.api.etags import etag_of, require_match
from project.backbone.jobs import handlers, services
from project.backbone.problems import PreconditionFailed
from tests.builders.people import People


def a_request(**headers: str) -> Request:
    return Request(APIRequestFactory().post("/api/v1/x", headers=headers))


@pytest.mark.parametrize("header", ['"3"', 'W/"3"', '"1", "3"', "*", ""])
def test_a_matching_tag_passes(header: str) -> None:
    require_match(a_request(**{"If-Match": header}), 3)


@pytest.mark.parametrize("header", ['"2"', "3", "nonsense", '"33"'])
def test_another_tag_is_a_failed_precondition(header: str) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        require_match(a_request(**{"If-Match": header}), 3)
    assert etag_of(3) in refusal.value.detail


@pytest.mark.django_db
def test_a_started_job_is_answered_with_202_and_its_place(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "_handlers", dict(handlers._handlers))
    handlers.handler("test.started")(lambda job: None)
    job = services.enqueue("test.started", project=people.project, params={}, actor=Actor.system("test"), subject="vm-7")
    answer = accepted(job, a_request())
    assert answer.status_code == 202
    assert answer["Location"] == f"http://testserver/api/v1/jobs/{job.id}"
    assert answer.data["state"] == "queued"
    assert set(answer.data) >= {"id", "kind", "state", "progress", "message", "error", "result"}
    assert set(answer.data["progress"]) == {"done", "total", "unit", "rate_per_s", "eta_s"}
