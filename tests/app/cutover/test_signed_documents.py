"""A customer without a login signs on paper: the document is about one answer, kept and shown, and nobody hands in their own."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from migration.cutover.core.answer_code import answer_code, same_code
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.selectors import code_of
from migration.cutover.services.gate import record, require_signed
from migration.planning.models import Wave
from migration.reports.services.gather import _gates
from project.backbone.accounts.policy import Role
from project.backbone.attachments import LARGEST_BYTES, place_of
from project.backbone.clock import frozen, now
from project.backbone.models import AuditEntry
from project.backbone.problems import Conflict
from tests.builders.conversions import REASON, a_wave, an_answer
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 signed with a pen"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def wave(people: People) -> Wave:
    return a_wave(people.project)


@pytest.fixture
def answer(people: People, wave: Wave) -> GateDecisionRow:
    return an_answer(wave, asked_by=people.actor("owner"))


def url(people: People, wave: Wave) -> str:
    return f"/api/v1/projects/{people.project.id}/waves/{wave.pk}/gate/document"


def hand_in(
    people: People, wave: Wave, *, who: str = "teammate", content: bytes = PDF, name: str = "signed.pdf", **said: str
) -> Any:
    file = BytesIO(content)
    file.name = name
    row = GateDecisionRow.objects.filter(wave_id=wave.pk).first()
    body = {
        "file": file,
        "signatory": "Grace Hopper",
        "organisation": "Navy",
        "signed_on": now().date().isoformat(),
        "answer_code": code_of(row) if row else "0000",
    } | said
    return people.client(who).post(url(people, wave), body, format="multipart")


def test_a_signed_document_counts_as_the_second_person_and_can_be_downloaded(
    people: People, wave: Wave, answer: GateDecisionRow
) -> None:
    told = hand_in(people, wave, answer_code=code_of(answer).upper().replace("-", " "))
    assert told.status_code == 200, told.json()
    shown = told.json()
    assert shown["signed_by_name"] == "Grace Hopper, Navy (signed document)"
    assert (shown["signed_document"]["signatory"], shown["signed_document"]["recorded_by_name"]) == ("Grace Hopper", "teammate")
    assert require_signed(people.project, wave_id=wave.pk).pk == answer.pk
    saved = people.client("owner").get(url(people, wave))
    assert (saved.content, saved["Content-Disposition"], saved["Content-Type"]) == (
        PDF,
        'attachment; filename="signed.pdf"',
        "application/pdf",
    )
    entry = AuditEntry.objects.get(action="gate.sign_by_document")
    assert (entry.actor, entry.after["sha256"]) == ("teammate", shown["signed_document"]["sha256"])


def test_the_cutovers_own_answers_carry_the_document_on_and_reports_name_who_signed(
    people: People, wave: Wave, answer: GateDecisionRow
) -> None:
    (line,) = _gates(people.project)
    assert line.signed_by == f"not signed; its code is {code_of(answer)}"
    hand_in(people, wave)
    answer.refresh_from_db()
    inside = record(
        people.project,
        wave_id=wave.pk,
        phase=Phase(answer.phase),
        decision=_open_decision(),
        fact_ids={},
        actor=people.actor("owner"),
        signed_as=answer.pk,
    )
    assert (inside.signed_document, inside.signed_by_name) == (answer.signed_document, answer.signed_by_name)
    assert {line.signed_by for line in _gates(people.project)} == {"Grace Hopper, Navy (signed document)"}


def _open_decision() -> Any:
    from migration.cutover.core.gate import GateDecision, GateState

    return GateDecision(GateState.OPEN, now(), (), ())


REFUSED = [
    ({"who": "owner"}, 409, "own_request"),
    ({"who": "stranger"}, 404, "not_found"),
    ({"answer_code": "0123-4567-89ab-cdef"}, 409, "answer_differs"),
    ({"signed_on": "2020-01-01"}, 400, "invalid"),
    ({"signed_on": "tomorrow"}, 400, "invalid"),
    ({"signatory": "  "}, 400, "invalid"),
    ({"organisation": "x" * 81}, 400, "invalid"),
    ({"content": b"MZ a program", "name": "signed.pdf"}, 400, "attachment_refused"),
    ({"content": b"I agree. Grace", "name": "signed.txt"}, 400, "attachment_refused"),
    ({"content": b"%PDF-" + bytes(LARGEST_BYTES)}, 400, "attachment_refused"),
]


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED)
def test_what_is_no_signature_of_this_answer_is_refused_and_nothing_is_signed(
    people: People, wave: Wave, answer: GateDecisionRow, changes: dict[str, Any], status: int, code: str, tmp_path: Path
) -> None:
    told = hand_in(people, wave, **changes)
    assert (told.status_code, told.json()["code"]) == (status, code), told.json()
    answer.refresh_from_db()
    assert (answer.signed_at, answer.signed_document) == (None, {})
    assert not AuditEntry.objects.filter(action="gate.sign_by_document").exists()
    with pytest.raises(Conflict):
        require_signed(people.project, wave_id=wave.pk)


def test_a_viewer_hands_nothing_in(people: People, wave: Wave, answer: GateDecisionRow) -> None:
    viewer = a_client(a_user(Role.VIEWER, project=people.project, approver=True))
    file = BytesIO(PDF)
    file.name = "signed.pdf"
    said = {
        "signatory": "G",
        "organisation": "N",
        "signed_on": now().date().isoformat(),
        "answer_code": code_of(answer),
    }
    assert viewer.post(url(people, wave), {"file": file, **said}, format="multipart").status_code == 403


def test_a_closed_a_stale_and_a_signed_answer_take_no_document(people: People, wave: Wave) -> None:
    assert hand_in(people, wave).json()["code"] == "gate_closed"
    an_answer(wave, REASON)
    assert hand_in(people, wave).json()["code"] == "gate_closed"
    with frozen(now() - timedelta(hours=5)):
        an_answer(wave, asked_by=people.actor("owner"))
    GateDecisionRow.objects.filter(state="closed").delete()
    assert hand_in(people, wave).json()["code"] == "gate_stale"
    an_answer(wave, asked_by=people.actor("owner"))
    assert hand_in(people, wave).status_code == 200
    kept = set(place_of("x").parent.iterdir())
    assert hand_in(people, wave, signatory="Eve", content=PDF + b" again").json()["code"] == "already_signed"
    assert set(place_of("x").parent.iterdir()) == kept
    assert GateDecisionRow.objects.first().signed_document["signatory"] == "Grace Hopper"  # type: ignore[union-attr]


def test_a_document_that_got_lost_is_told_as_not_there(people: People, wave: Wave, answer: GateDecisionRow) -> None:
    assert people.client("owner").get(url(people, wave)).status_code == 404
    place_of(hand_in(people, wave).json()["signed_document"]["sha256"]).unlink()
    assert people.client("owner").get(url(people, wave)).status_code == 404


def test_the_code_is_of_everything_the_answer_says_and_is_read_as_people_write_it() -> None:
    said = {"state": "open", "reasons": [], "decided_at": "2026-11-27T10:00:00+00:00"}
    code = answer_code(said)
    assert len(code) == 19 and same_code(code, f" {code.upper().replace('-', '')} ")
    assert all(answer_code(said | {key: "other"}) != code for key in said)


def test_the_page_shows_the_code_takes_the_document_and_then_links_it(
    people: People, wave: Wave, answer: GateDecisionRow
) -> None:
    browser = Client()
    browser.force_login(people.teammate)
    page = f"/projects/{people.project.id}/waves/{wave.pk}/document"
    assert f'href="{page}"' in browser.get(f"/projects/{people.project.id}").content.decode()
    assert code_of(answer) in browser.get(page).content.decode()
    file = BytesIO(PDF)
    file.name = "signed.pdf"
    said = {"signatory": "Grace Hopper", "organisation": "Navy", "answer_code": code_of(answer)}
    wrong = browser.post(f"{page}/send", {"file": file, "signed_on": "soon", **said}, follow=True).content.decode()
    assert "is no day" in wrong
    file.seek(0)
    done = browser.post(
        f"{page}/send", {"file": file, "signed_on": now().date().isoformat(), **said}, follow=True
    ).content.decode()
    assert "Recorded: signed by Grace Hopper, Navy (signed document)" in done and "signed.pdf" in done
    assert browser.get(f"/projects/{people.other_project.id}/waves/{wave.pk}/document").status_code == 404
