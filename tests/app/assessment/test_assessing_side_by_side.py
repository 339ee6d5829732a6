"""Two assessments of one inventory at once: no answer given meanwhile is lost, and the older facts never win."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from migration.assessment.models import Assessment
from migration.assessment.services import assessing
from migration.inventory.models import Inventory
from project.backbone.accounts.policy import Actor
from project.backbone.jobs.states import JobState
from project.backbone.models import AuditEntry, Job
from tests.builders.estate import a_vm
from tests.builders.inventory import SYSTEM, a_source, an_inventory
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db
KIND = "assessment.assess"


@pytest.fixture
def inventory(people: People) -> Inventory:
    return an_inventory(a_source(people.project), a_vm("web"))


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> list[int]:
    """Lets something happen once, after the facts were read and before they are judged; grows with every judging."""
    judge, judged = assessing.judge, []

    def judging(*args: Any) -> Any:
        judged.append(1)
        if len(judged) == 1:
            happens()
        return judge(*args)

    monkeypatch.setattr(assessing, "judge", judging)
    return judged


def test_a_request_that_comes_while_one_runs_leads_to_one_more(people: People, inventory: Inventory, monkeypatch: Any) -> None:
    run_jobs(kind=KIND)
    owner, asked = people.actor("owner"), []

    def two_answers_are_given() -> None:
        asked.extend(job.pk for _ in range(2) for job in assessing.ask_latest(people.project, actor=owner))

    (first,) = assessing.ask_latest(people.project, actor=owner)
    judged = meanwhile(monkeypatch, two_answers_are_given)
    assert [job.pk for job in run_jobs(kind=KIND)] == [first.pk, asked[0]]
    assert asked[0] == asked[1] != first.pk and len(judged) == 2
    assert not Job.objects.filter(kind=KIND).exclude(state=JobState.SUCCEEDED).exists()


@pytest.mark.parametrize("assessed_before", [False, True])
def test_one_that_was_overtaken_judges_anew(inventory: Inventory, monkeypatch: Any, assessed_before: bool) -> None:
    if assessed_before:
        assessing.assess(inventory, actor=SYSTEM)
    other = Actor.system("other")
    judged = meanwhile(monkeypatch, lambda: assessing.assess(inventory, actor=other))
    stored = assessing.assess(inventory, actor=SYSTEM)
    assert len(judged) == 3, "the overtaken one, the one that overtook it, and the first one again"
    assert Assessment.objects.get() == stored
    assert AuditEntry.objects.filter(action="inventory.assessed").count() == 2 + assessed_before
