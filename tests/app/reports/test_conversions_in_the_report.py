"""What the readiness report says of conversions: what became of each machine, and the whole digest of each disk."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from migration.conversion.models import Conversion
from migration.reports import html, xlsx
from migration.reports.core.document import Document, Table
from migration.reports.core.readiness_report import build
from migration.reports.services.gather import readiness_view
from project.backbone.clock import now
from tests.builders.conversions import a_conversion
from tests.builders.people import People

pytestmark = pytest.mark.django_db
DIGEST = hashlib.sha256(b"a disk").hexdigest()
BOOTED = {"power_state": "Running"}
MADE = {"target_vm_uuid": "4b4f0b0e-6b1c-4b0e-9d53-0d7a0c1f6c11"}


def report(people: People) -> Document:
    return build(readiness_view(people.project, at=now(), made_by="op"))


def table(document: Document, last_column: str) -> Table:
    return next(each for each in document.blocks if isinstance(each, Table) and each.columns[-1] == last_column)


def ended(people: People, state: str, **fields: Any) -> Conversion:
    row = a_conversion(people.project, state=state)
    Conversion.objects.filter(pk=row.pk).update(**fields)
    return row


@pytest.mark.parametrize(
    ("state", "fields", "says"),
    [
        ("done", {"boot_proof": BOOTED}, "runs in the pool"),
        (
            "done",
            {"boot_proof": {**BOOTED, "unprotected_because": "why"}},
            "runs in the pool; HA does not protect it: why",
        ),
        ("rolled_back", {"boot_proof": BOOTED, **MADE}, "stopped in the pool, where VM and disks are kept"),
        (
            "rolled_back",
            {"error": {"message": "The line broke."}, **MADE},
            "stopped in the pool, where VM and disks are kept; it had failed: The line broke.",
        ),
        ("rolled_back", {}, "it was never made in the pool"),
        ("cancelled", {"boot_proof": BOOTED}, "given up; its source was left as it is"),
        ("failed", {"error": {"message": "The line broke."}}, "The line broke."),
        (
            "failed",
            {"error": {"message": "It hung."}, "boot_proof": BOOTED, "start_asked_at": now()},
            "It hung. Its VM was asked to start and may run in the pool.",
        ),
        ("cutting_over", {"boot_proof": BOOTED}, ""),
    ],
)
def test_only_a_machine_that_is_done_is_said_to_run_in_the_pool(
    people: People, state: str, fields: dict[str, Any], says: str
) -> None:
    ended(people, state, **fields)
    [line] = table(report(people), "Remark").rows
    assert (line[1].text, line[-1].text) == (state.replace("_", " "), says)


def test_each_disk_has_its_whole_digest_in_page_and_spreadsheet(people: People) -> None:
    row = ended(people, "done")
    row.disks.update(digest=DIGEST, verified=True, compared="full")
    document = report(people)
    [line] = table(document, "Digest").rows
    assert [cell.text for cell in line][3:] == ["every block, equal", DIGEST]
    assert DIGEST in html.render(document)
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx.render(document, made_at=now())))
    assert DIGEST in book.get_sheet_by_name("What was proven of each disk").to_python()[1]


@pytest.mark.parametrize(
    ("disk", "says"),
    [
        ({"digest": DIGEST}, ["no", DIGEST]),
        (
            {"digest": DIGEST, "verified": True, "compared": "sampled 9 %", "blocks_compared": 3},
            ["3 of 5120 blocks, equal", DIGEST],
        ),
        ({"digest": DIGEST, "verified": False, "blocks_compared": 0}, ["no", DIGEST]),
        ({}, ["no", "not copied in full"]),
    ],
)
def test_a_disk_is_said_to_be_read_back_only_as_far_as_it_was(people: People, disk: dict[str, Any], says: list[str]) -> None:
    row = ended(people, "verifying")
    row.disks.update(**disk)
    [line] = table(report(people), "Digest").rows
    assert [cell.text for cell in line][3:] == says
