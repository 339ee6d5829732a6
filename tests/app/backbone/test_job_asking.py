"""Asking for jobs: in a transaction, once while unfinished, once per key, for later, and on whose behalf."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from project.backbone import clock
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record, verify
from project.backbone.jobs import handlers, queue, services
from project.backbone.jobs.services import IdempotencyKey, IdempotencyKeyReused
from project.backbone.jobs.states import JobEvent, JobState
from project.backbone.models import AuditEntry, Job
from project.backbone.problems import Conflict
from tests.builders.jobs import HERE, KIND, ask, reloaded, run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def test_a_job_vanishes_with_the_transaction_that_asked_for_it(people: People, work: Any) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ask(people)
        raise ZeroDivisionError
    assert not Job.objects.exists()


def test_a_unique_job_is_asked_for_once_while_it_is_unfinished(people: People, work: Any) -> None:
    first = ask(people, unique="collect:1")
    assert ask(people, unique="collect:1") == first
    assert ask(people, unique="collect:2") != first
    run_jobs()
    assert ask(people, unique="collect:1") != first


def test_a_kind_asked_anew_while_running_joins_only_what_nobody_has_begun(people: People, work: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(handlers._handlers, KIND, replace(handlers.handler_of(KIND), asked_anew_while_running=True))
    first = ask(people, unique="assess:1")
    assert ask(people, unique="assess:1") == first
    claimed = queue.claim(first.pk, worker=HERE)
    assert claimed is not None
    follows = ask(people, unique="assess:1")
    assert follows != first and ask(people, unique="assess:1") == follows
    assert queue.end(claimed[0], JobEvent.FINISHED)
    assert [job.pk for job in run_jobs(kind=KIND)] == [follows.pk]
    assert Job.objects.filter(kind=KIND, state=JobState.SUCCEEDED).count() == 2


def test_a_job_begun_while_another_request_looks_at_it_is_not_joined(people: People, work: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(handlers._handlers, KIND, replace(handlers.handler_of(KIND), asked_anew_while_running=True))
    first, joins = ask(people, unique="assess:1"), services.asked_anew_while_running

    def begun_meanwhile(kind: str) -> bool:
        queue.claim(first.pk, worker=HERE)
        return joins(kind)

    monkeypatch.setattr(services, "asked_anew_while_running", begun_meanwhile)
    assert ask(people, unique="assess:1") != first


@pytest.mark.django_db(transaction=True)
def test_a_job_is_begun_only_after_what_its_second_asker_wrote_is_committed(people: People, work: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(handlers._handlers, KIND, replace(handlers.handler_of(KIND), asked_anew_while_running=True))
    first = ask(people, unique="assess:1")
    seen: list[int] = []

    def begin() -> None:
        assert queue.claim(first.pk, worker=HERE) is not None
        seen.append(AuditEntry.objects.filter(action="fact.written").count())
        connection.close()

    worker = Thread(target=begin)
    with transaction.atomic():
        record(people.actor("owner"), "fact.written", "a fact", project=people.project)
        assert ask(people, unique="assess:1") == first
        worker.start()
        worker.join(0.5)
        assert seen == []
    worker.join(10)
    assert seen == [1]


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(people: People, work: Any) -> None:
    first = ask(people, params={"a": 1}, idempotency_key="k")
    assert ask(people, params={"a": 1}, idempotency_key="k") == first
    with pytest.raises(IdempotencyKeyReused):
        ask(people, params={"a": 2}, idempotency_key="k")
    assert ask(people, params={"a": 2}, idempotency_key="k", actor=people.actor("teammate")) != first


def test_a_requests_digest_counts_instead_of_the_params(people: People, work: Any) -> None:
    first = ask(people, params={"row": 1}, idempotency_key=IdempotencyKey("k", digest="same body"))
    again = IdempotencyKey("k", digest="same body")
    assert ask(people, params={"row": 2}, idempotency_key=again) == first
    assert services.job_of_key(again, project=people.project, actor=people.actor("owner")) == first
    with pytest.raises(Conflict):
        services.job_of_key(IdempotencyKey("k", digest="another"), project=people.project, actor=people.actor("owner"))


def test_a_job_for_later_is_not_run_early(people: People, work: Any) -> None:
    job = ask(people, run_at=clock.now() + timedelta(hours=1))
    assert run_jobs() == []
    with clock.frozen(clock.now() + timedelta(hours=2)):
        assert run_jobs() == [job]


def test_asking_and_ending_are_audited_with_the_persons_name(people: People, work: Any) -> None:
    names: list[str] = []
    work(lambda job: names.append(job.actor.username))
    ask(people)
    run_jobs()
    actions = list(AuditEntry.objects.filter(project=people.project).values_list("action", "actor"))
    assert actions == [("job.asked_for", "owner"), ("job.finished", f"job:{KIND}")]
    assert names == [f"job:{KIND} (owner)"]
    assert verify(people.project).whole


def test_jobs_of_no_project_are_for_superusers(people: People, work: Any) -> None:
    job = ask(people, project=None, actor=Actor.system("clock"))
    assert people.client("admin").get(f"/api/v1/jobs/{job.id}").status_code == 404
    run_jobs()
    assert reloaded(job).state == JobState.SUCCEEDED
