"""The page of open questions: rules by rule, answered by a form that operators alone may send."""

from __future__ import annotations

from typing import Any

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.models import Attestation
from migration.inventory.models import IdentityQuestion, Machine, Source
from project.backbone.accounts.policy import Role
from tests.builders.estate import a_nic, a_vm
from tests.builders.inventory import a_source, an_inventory
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(people: People, client: Any) -> str:
    an_inventory(a_source(people.project), a_vm("unread", snapshots=UNKNOWN))
    run_jobs(kind="assessment.assess")
    return f"/projects/{people.project.id}/questions"


def test_an_operator_answers_an_open_question_for_all(page: str, people: People, client: Any) -> None:
    client.force_login(people.owner)
    assert f'action="{page}/attest"' in client.get(page).content.decode()
    sent = client.post(f"{page}/attest", {"rule_id": "SNP-001", "answer": "false", "who": "Ann"})
    assert (sent.status_code, sent.headers["Location"]) == (303, page)
    row = Attestation.objects.get()
    assert (row.rule_id, row.answer, row.who, len(row.subjects)) == ("SNP-001", False, "Ann", 1)


def test_an_answer_without_a_name_is_refused_on_the_page(page: str, people: People, client: Any) -> None:
    client.force_login(people.owner)
    client.post(f"{page}/attest", {"rule_id": "SNP-001", "answer": "false", "who": " "})
    assert not Attestation.objects.exists()
    assert "whose word it is" in client.get(page).content.decode()


def test_a_viewer_sees_the_question_and_no_form(page: str, people: People, client: Any) -> None:
    client.force_login(a_user(Role.VIEWER, project=people.project))
    shown = client.get(page).content.decode()
    assert "SNP-001" in shown and f"{page}/attest" not in shown and f"{page}/answers" not in shown
    assert client.post(f"{page}/attest", {"rule_id": "SNP-001", "answer": "false", "who": "me"}).status_code == 403


@pytest.fixture
def twins(people: People) -> tuple[Machine, Machine]:
    """A clone pair in a vCenter, and one of the two in a workbook that knows no moref."""
    clones = [a_vm(name, native_id=name, instance_uuid="u1", nics=(a_nic(n),)) for n, name in enumerate(("web-a", "web-b"))]
    an_inventory(a_source(people.project, name="vc-one"), *clones)
    book = Source.objects.create(project=people.project, kind="rvtools", name="book", path="0/book.xlsx")
    an_inventory(book, a_vm("web", native_id="row-1", instance_uuid="u1", nics=(a_nic(0),)))
    return Machine.objects.get(name="web-a"), Machine.objects.get(name="web")


def test_a_planner_joins_a_machine_to_the_one_it_is(twins: Any, people: People, client: Any) -> None:
    known, fresh = twins
    client.force_login(people.owner)
    page = f"/projects/{people.project.id}/questions"
    shown = client.get(page).content.decode()
    assert "the same as web-a" in shown and "the same as web-b" in shown and "00:50:56:aa:00:00" in shown
    assert "1 question" in client.get(f"/projects/{people.project.id}/inventory").content.decode()
    question = IdentityQuestion.objects.get()
    client.post(f"{page}/{question.id}/identity", {"machine": str(known.id)})
    assert not Machine.objects.filter(pk=fresh.id).exists()
    assert known.sightings.count() == 2
    assert "the same as" not in client.get(page).content.decode()


@pytest.mark.parametrize("said", ["", "nobody", "00000000-0000-4000-8000-000000000000"])
def test_a_choice_that_was_not_offered_decides_nothing(said: str, twins: Any, people: People, client: Any) -> None:
    client.force_login(people.owner)
    question = IdentityQuestion.objects.get()
    sent = client.post(f"/projects/{people.project.id}/questions/{question.id}/identity", {"machine": said})
    assert sent.status_code == 303
    assert IdentityQuestion.objects.get().answered_at is None


def test_a_viewer_sees_both_sides_and_decides_nothing(twins: Any, people: People, client: Any) -> None:
    client.force_login(a_user(Role.VIEWER, project=people.project))
    page = f"/projects/{people.project.id}/questions"
    shown = client.get(page).content.decode()
    assert "web-a" in shown and 'type="radio"' not in shown
    assert client.post(f"{page}/{IdentityQuestion.objects.get().id}/identity", {"machine": "own"}).status_code == 403
