"""Files that go with evidence: the one that was named, of a kind that is kept, given out to be saved."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.backbone.accounts.policy import Role
from project.backbone.attachments import LARGEST_BYTES, content_type_of
from project.backbone.models import AuditEntry
from tests.builders.inventory import a_pool_row
from tests.builders.people import People, a_client, a_user
from tests.builders.pools import NOW, a_pool

PDF = b"%PDF-1.7 a photo of the console"


@pytest.fixture(autouse=True)
def var(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture
def place(people: People) -> str:
    return f"/api/v1/projects/{people.project.id}/pools/{a_pool_row(people.project, a_pool()).id}/evidence"


def recorded(people: People, place: str, name: str = "console.pdf", content: bytes = PDF, **changes: Any) -> str:
    attachment = {"name": name, "sha256": hashlib.sha256(content).hexdigest()}
    body = {"kind": "other", "tested_at": NOW.isoformat(), "who": "Ada", "attachment": attachment, **changes}
    answer = people.client("owner").post(place, body, format="json")
    assert answer.status_code == 201, answer.json()
    return f"{place}/{answer.json()['id']}"


def handed_in(people: People, where: str, content: bytes, username: str = "owner") -> Any:
    return people.client(username).post(f"{where}/file", content, content_type="application/octet-stream")


@pytest.mark.django_db
def test_the_named_file_is_kept_by_its_hash_and_given_out_to_be_saved(people: People, place: str, var: Path) -> None:
    where = recorded(people, place, name="../../console \u2713.pdf")
    assert people.client("owner").get(f"{where}/file").status_code == 404
    assert handed_in(people, where, PDF).json()["file_stored"] is True
    (kept,) = (var / "attachments").iterdir()
    assert (kept.name, kept.read_bytes()) == (hashlib.sha256(PDF).hexdigest(), PDF)
    assert kept.stat().st_mode & 0o077 == 0
    answer = people.client("owner").get(f"{where}/file")
    assert (answer.content, answer["Content-Type"], answer["X-Content-Type-Options"]) == (PDF, "application/pdf", "nosniff")
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert handed_in(people, where, PDF).status_code == 201, "again is no fault"
    assert AuditEntry.objects.filter(action="evidence.file_stored").count() == 1


@pytest.mark.django_db
def test_a_file_that_got_lost_is_kept_anew(people: People, place: str, var: Path) -> None:
    where = recorded(people, place)
    handed_in(people, where, PDF)
    (kept,) = (var / "attachments").iterdir()
    kept.unlink()
    assert people.client("owner").get(f"{where}/file").status_code == 404
    assert handed_in(people, where, PDF).status_code == 201
    assert people.client("owner").get(f"{where}/file").content == PDF
    assert [file.name for file in (var / "attachments").iterdir()] == [kept.name], "no half-written file is left"


@pytest.mark.django_db
def test_a_data_folder_that_takes_no_file_is_told_and_nothing_counts_as_handed_in(people: People, place: str, var: Path) -> None:
    where = recorded(people, place)
    (var / "attachments").write_text("a file where the folder should be")
    answer = handed_in(people, where, PDF)
    assert (answer.status_code, answer.json()["code"]) == (507, "file_not_stored")
    assert "XENBOUND_VAR" in answer.json()["next_step"]
    assert people.client("owner").get(where).json()["file_stored"] is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "named", "sent", "status", "code"),
    [
        ("a.pdf", PDF, PDF + b" ", 409, "attachment_differs"),
        ("a.png", PDF, PDF, 400, "attachment_refused"),
        ("a.html", b"<script>alert(1)</script>", b"<script>alert(1)</script>", 400, "attachment_refused"),
        ("a.txt", b"nul \x00 in it", b"nul \x00 in it", 400, "attachment_refused"),
        ("a.txt", b"", b"", 400, "attachment_refused"),
    ],
)
def test_another_file_or_one_of_another_kind_is_refused_and_nothing_left(
    people: People, place: str, var: Path, name: str, named: bytes, sent: bytes, status: int, code: str
) -> None:
    where = recorded(people, place, name, named)
    answer = handed_in(people, where, sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not list(var.rglob("*.*")) and not (var / "attachments").exists()


@pytest.mark.django_db
def test_a_file_that_is_too_large_or_was_not_named_is_refused(people: People, place: str) -> None:
    large = b"x" * (LARGEST_BYTES + 5)
    answer = handed_in(people, recorded(people, place, "a.txt", large), large)
    assert (answer.status_code, answer.json()["code"]) == (400, "attachment_refused")
    bare = recorded(people, place, attachment=None)
    assert handed_in(people, bare, PDF).json()["code"] == "no_attachment_named"


@pytest.mark.django_db
def test_only_operators_hand_in_and_strangers_see_nothing(people: People, place: str) -> None:
    where = recorded(people, place)
    handed_in(people, where, PDF)
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    assert viewer.get(f"{where}/file").status_code == 200
    assert viewer.post(f"{where}/file", PDF, content_type="application/octet-stream").status_code == 403
    assert people.client("stranger").get(f"{where}/file").status_code == 404


@given(st.binary(max_size=40), st.sampled_from(["a.pdf", "a.png", "a.jpg", "a.txt", "a.exe", "a", ".pdf", ""]))
def test_any_bytes_under_any_name_are_told_or_refused(content: bytes, name: str) -> None:
    assert content_type_of(name, content) in (None, "application/pdf", "image/png", "image/jpeg", "text/plain")
