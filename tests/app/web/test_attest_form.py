"""Open questions on the inventory page: shown by rule, answered by a form that operators alone may send."""

from __future__ import annotations

from typing import Any

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.models import Attestation
from project.backbone.accounts.policy import Role
from tests.builders.estate import a_vm
from tests.builders.inventory import a_source, an_inventory
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(people: People, client: Any) -> str:
    an_inventory(a_source(people.project), a_vm("unread", snapshots=UNKNOWN))
    run_jobs(kind="assessment.assess")
    return f"/projects/{people.project.id}/inventory"


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
    assert "SNP-001" in shown and "/attest" not in shown
    assert client.post(f"{page}/attest", {"rule_id": "SNP-001", "answer": "false", "who": "me"}).status_code == 403
