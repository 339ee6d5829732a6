"""What a watch judged by itself goes when it is old; what anybody asked for, decided on or is warned by stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from migration.cutover.models import GateDecisionRow
from migration.planning.models import Mapping, Plan
from migration.reports.models import Report
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.jobs.periodic import ask_due
from project.backbone.models import AuditEntry, Job
from readiness.models import Evaluation, Pool, PoolAlarm, PoolInventory, PoolWatch
from readiness.selectors import watches
from readiness.selectors.evaluations import view_of
from readiness.services import retention, watching
from readiness.services.evaluation import evaluate
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.builders.pools import a_pool
from tests.builders.readiness import a_confirmed_pool, collected

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("job:test")


@pytest.fixture
def pool(people: People) -> Iterator[Pool]:
    made = a_confirmed_pool(people)
    watching.set_watch(made, enabled=True, actor=people.actor("owner"))
    return made


def judged(pool: Pool, days: int, *, by_watch: bool = True) -> Evaluation:
    """A judgement made so many days ago, on a reading of that moment."""
    at = now() - timedelta(days=days)
    reading = collected(pool, a_pool())
    PoolInventory.objects.filter(pk=reading.pk).update(collected_at=at)
    view = evaluate(pool.id, at=at, actor=SYSTEM, facts_id=reading.id)
    row = Evaluation.objects.get(pk=view.id)
    if by_watch:
        retention.made_by_watch(row)
    return row


def purged() -> Any:
    Job.objects.filter(kind="readiness.purge").delete()
    ask_due()
    run_jobs(kind="readiness.purge")
    job = Job.objects.get(kind="readiness.purge")
    assert job.state == "succeeded", job.error
    return job.result["judgements"]


def left(*rows: Evaluation) -> list[bool]:
    return [
        Evaluation.objects.filter(pk=row.pk).exists() and PoolInventory.objects.filter(pk=row.inventory_id).exists()
        for row in rows
    ]


def test_old_judgements_of_the_watch_go_with_their_readings(pool: Pool) -> None:
    old, young = judged(pool, 40), judged(pool, 20)
    assert purged() == 1
    assert left(old, young) == [False, True]
    assert not PoolInventory.objects.filter(pk=old.inventory_id).exists()
    assert AuditEntry.objects.filter(action="pool.judgement_dropped").count() == 1


def test_what_a_person_asked_for_stays_whatever_its_age(pool: Pool) -> None:
    asked = judged(pool, 400, by_watch=False)
    judged(pool, 1)
    assert (purged(), left(asked)) == (0, [True])


def test_the_newest_stays_however_old(pool: Pool) -> None:
    older, newest = judged(pool, 90), judged(pool, 60)
    purged()
    assert left(older, newest) == [False, True]


def test_what_the_watch_compares_with_and_what_alarms_name_stays(pool: Pool) -> None:
    baseline, before, found, other = (judged(pool, days) for days in (90, 80, 70, 60))
    judged(pool, 1)
    PoolWatch.objects.filter(pool=pool).update(baseline=baseline)
    told = {"kind": "x", "path": "y", "before": "", "after": "", "detail": "", "opened_at": now()}
    PoolAlarm.objects.create(pool=pool, compared_with=before, found_by=found, **told)
    purged()
    assert left(baseline, before, found, other) == [True, True, True, False]


def a_plan(people: People, pool: Pool, reading_id: Any) -> None:
    mapping = Mapping.objects.create(project=people.project, name="m")
    values = {"mapping": mapping, "mapping_values": {}, "job_id": uuid4(), "created_by_name": "x"}
    Plan.objects.create(project=people.project, name="p", kind="migration", pool_id=pool.pk, pool_facts_id=reading_id, **values)


def a_decision(people: People, at: datetime, **fact_ids: str) -> None:
    GateDecisionRow.objects.create(
        project=people.project, wave_id=uuid4(), state="open", decided_at=at, fact_ids=fact_ids, asked_by_name="x"
    )


def test_what_plans_and_gates_name_stays(people: People, pool: Pool) -> None:
    planned, decided, other = judged(pool, 90), judged(pool, 80), judged(pool, 70)
    judged(pool, 1)
    a_plan(people, pool, planned.inventory_id)
    a_decision(people, now(), evaluation=str(decided.pk), pool_facts="")
    purged()
    assert left(planned, decided, other) == [True, True, False]


def test_what_was_the_newest_when_a_report_was_handed_out_stays(people: People, pool: Pool) -> None:
    older, newest_then, later = judged(pool, 90), judged(pool, 80), judged(pool, 70)
    judged(pool, 1)
    report = Report.objects.create(project=people.project, kind="readiness", asked_by_name="x")
    Report.objects.filter(pk=report.pk).update(created_at=now() - timedelta(days=75))
    purged()
    assert left(older, newest_then, later) == [False, True, False]


def test_a_reading_that_two_judgements_rest_on_goes_with_the_last(pool: Pool) -> None:
    first = judged(pool, 90)
    at = now() - timedelta(days=89)
    second = Evaluation.objects.get(pk=evaluate(pool.id, at=at, actor=SYSTEM, facts_id=first.inventory_id).id)
    judged(pool, 1)
    assert (purged(), left(second)) == (1, [True]), "a person asked for the second"


def test_what_the_watch_judges_is_marked(pool: Pool) -> None:
    row = judged(pool, 0, by_watch=False)
    watch = watches.watch_of(pool)
    assert watch is not None
    watching.judged(watch, view_of(row), SYSTEM)
    assert Evaluation.objects.filter(pk=row.pk, by_watch__isnull=False).exists()
