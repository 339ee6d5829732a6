"""Workbooks of RVTools: uploaded once, kept under their hash, bounded in size, collected like any other source."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from estate.sheets import Column, SheetToWrite, write_workbook
from migration.inventory.models import Inventory, Machine, Source
from project.backbone.accounts.policy import Role
from project.backbone.models import AuditEntry, Job
from tests.builders.estate import SEEN_AT
from tests.builders.inventory import a_source
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def exported(*names: str, without: str = "") -> bytes:
    """A small export of RVTools with these machines."""
    vms = [(name, "poweredOn", 2, 4096, f"vm-{number}") for number, name in enumerate(names)]
    sheets: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {
        "vInfo": (("VM", "Powerstate", "CPUs", "Memory", "VM ID"), list(vms)),
        "vDisk": (("VM", "Disk", "Capacity MiB", "VM ID"), [(name, "Hard disk 1", 1024, key) for name, *_, key in vms]),
        "vNetwork": (("VM", "NIC label", "Network", "VM ID"), [(name, "Network adapter 1", "LAN", key) for name, *_, key in vms]),
        "vHost": (("Host", "# CPU"), [("esx1", 2)]),
    }
    return write_workbook(
        [
            SheetToWrite(name, [Column(header) for header in headers], rows)
            for name, (headers, rows) in sheets.items()
            if name != without
        ],
        made_at=SEEN_AT,
    )


def url(people: People, rest: str = "") -> str:
    return f"/api/v1/projects/{people.project.id}/sources{rest}"


def added(people: People, client: APIClient) -> str:
    answer = client.post(url(people), {"kind": "rvtools", "name": "export of May"})
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def uploaded(people: People, client: APIClient, sid: str, content: bytes, name: str = "May export.xlsx") -> Any:
    return client.post(url(people, f"/{sid}/workbook"), {"file": SimpleUploadedFile(name, content)}, format="multipart")


def collected(people: People, client: APIClient, sid: str) -> Job:
    asked = client.post(url(people, f"/{sid}/collect"))
    assert asked.status_code == 202, asked.content
    run_jobs()
    return Job.objects.get(pk=asked.json()["id"])


def test_an_uploaded_workbook_becomes_an_assessed_inventory(people: People, data_dir: Path) -> None:
    owner, content = people.client("owner"), exported("web", "db")
    sid = added(people, owner)
    answer = uploaded(people, owner, sid, content)
    assert answer.status_code == 200, answer.content
    digest = hashlib.sha256(content).hexdigest()
    assert re.fullmatch(rf"{digest}-[0-9a-f]{{8}}/May_export.xlsx", answer.json()["path"])
    assert (data_dir / "workbooks" / answer.json()["path"]).read_bytes() == content
    job = collected(people, owner, sid)
    assert job.state == "succeeded", job.error
    assert Inventory.objects.get().counts["vms"] == 2
    assert set(Machine.objects.values_list("name", flat=True)) == {"web", "db"}
    assert Job.objects.get(kind="assessment.assess").state == "succeeded"
    assert AuditEntry.objects.filter(action="source.workbook_uploaded").count() == 1


def test_a_newer_workbook_makes_the_next_inventory_of_the_same_machines(people: People) -> None:
    owner = people.client("owner")
    sid = added(people, owner)
    for names in (("web",), ("web", "db")):
        assert uploaded(people, owner, sid, exported(*names)).status_code == 200
        assert collected(people, owner, sid).state == "succeeded"
    assert [inventory.counts["vms"] for inventory in Inventory.objects.order_by("created_at")] == [1, 2]
    assert Machine.objects.count() == 2


def test_nothing_is_collected_before_a_workbook_was_uploaded(people: People) -> None:
    owner = people.client("owner")
    answer = owner.post(url(people, f"/{added(people, owner)}/collect"))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_workbook")


def test_a_workbook_over_the_bound_is_refused_and_nothing_of_it_stays(people: People, data_dir: Path, settings: Any) -> None:
    owner = people.client("owner")
    sid, content = added(people, owner), exported("web")
    for bound in (len(content) - 1, len(content) - 5000):
        settings.WORKBOOK_BYTES = bound
        answer = uploaded(people, owner, sid, content)
        assert (answer.status_code, answer.json()["code"]) == (413, "workbook_too_large")
    assert Source.objects.get().path == ""
    assert [path for path in data_dir.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("content", "code"), [(b"no workbook", "workbook_not_readable"), (exported("web", without="vDisk"), "workbook_sheet_missing")]
)
def test_what_is_no_workbook_fails_its_job_with_a_next_step(people: People, content: bytes, code: str) -> None:
    owner = people.client("owner")
    sid = added(people, owner)
    uploaded(people, owner, sid, content)
    job = collected(people, owner, sid)
    assert (job.state, job.attempts, job.error["code"]) == ("failed", 1, code)
    assert job.error["next_step"]
    assert not Machine.objects.exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden", "a/b\\c.xlsx", "x" * 200 + ".xlsx", "Übersicht.xlsx"])
def test_the_name_of_an_upload_leads_nowhere(people: People, data_dir: Path, name: str) -> None:
    owner = people.client("owner")
    answer = uploaded(people, owner, added(people, owner), b"x", name=name)
    if answer.status_code == 200:
        kept = (data_dir / "workbooks" / answer.json()["path"]).resolve()
        assert kept.parent.parent == data_dir / "workbooks"
    else:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")


@pytest.mark.parametrize("body", [{}, {"file": "text"}])
def test_an_upload_without_a_file_is_refused_with_the_field(people: People, body: dict[str, str]) -> None:
    owner = people.client("owner")
    answer = owner.post(url(people, f"/{added(people, owner)}/workbook"), body, format="multipart")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")


def test_a_server_takes_no_workbook_and_a_workbook_source_no_path(people: People) -> None:
    owner = people.client("owner")
    refused = uploaded(people, owner, str(a_source(people.project).id), b"x")
    assert (refused.status_code, refused.json()["code"]) == (409, "source_takes_no_workbook")
    for body in ({"kind": "rvtools", "name": "n", "path": "/etc/passwd"}, {"kind": "rvtools"}):
        assert owner.post(url(people), body).status_code == 400


def test_a_planner_uploads_nothing(people: People) -> None:
    sid = added(people, people.client("owner"))
    planner = a_client(a_user(Role.PLANNER, project=people.project))
    refused = uploaded(people, planner, sid, b"x")
    assert (refused.status_code, refused.json()["role_needed"]) == (403, "operator")
    assert uploaded(people, people.client("stranger"), sid, b"x").status_code == 404
