"""Sources that are files, from the command line against a live server: a workbook is sent, a package is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from migration.inventory.models import Source
from project.backbone.models import Job
from tests.app.cli.conftest import DeskOf
from tests.builders import workbooks
from tests.builders.large_estate import large_estate
from tests.builders.ova import folder, package
from tests.builders.people import People

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_workbook_is_sent_and_waits_to_be_collected(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    export = tmp_path / "export.xlsx"
    export.write_bytes(workbooks.xlsx(workbooks.workbook_of(large_estate(2, hosts=25))))
    desk = desk_of("owner")
    ran = desk.run("source", "add-workbook", str(export), "--name", "customer's list")
    assert (ran.code, "Next: xenbound source collect" in ran.out) == (0, True)
    assert Source.objects.get().path.endswith("/export.xlsx")
    assert desk.run("source", "collect", "customer's list", "--no-wait").code == 0
    assert Job.objects.get(kind="inventory.collect").params == {"source_id": str(Source.objects.get().id)}


def test_a_newer_workbook_takes_the_place_of_the_older_one(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    export = tmp_path / "export.xlsx"
    export.write_bytes(b"first")
    desk = desk_of("owner")
    desk.run("source", "add-workbook", str(export))
    before = Source.objects.get().path
    export.write_bytes(b"second")
    assert desk.run("source", "upload", "export.xlsx", str(export)).code == 0
    assert Source.objects.get().path != before


def test_a_refused_workbook_leaves_a_source_and_says_how_to_go_on(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    export = tmp_path / "export.xlsx"
    export.write_bytes(b"x" * 8192)
    with override_settings(WORKBOOK_BYTES=1024):
        ran = desk_of("owner").run("source", "add-workbook", str(export))
    assert ran.code == 1
    assert "workbook_too_large" in ran.err
    assert f"xenbound source upload {Source.objects.get().id} FILE" in ran.err


def test_a_missing_file_is_a_usage_error_before_anything_is_made(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    ran = desk_of("owner").run("source", "add-workbook", str(tmp_path / "none.xlsx"))
    assert (ran.code, Source.objects.count()) == (2, 0)


def test_a_package_is_named_by_its_path_in_the_import_folder(people: People, desk_of: DeskOf, tmp_path: Path) -> None:
    folder(package(b"disk"), tmp_path / "appliance")
    with override_settings(IMPORT_DIR=tmp_path):
        assert desk_of("owner").run("source", "add-package", "appliance", "--name", "box").code == 0
        refused: Any = desk_of("owner").run("source", "add-package", "../etc")
    assert refused.code == 1, refused.err
    assert "import folder" in refused.err, refused.err
    assert [source.name for source in Source.objects.all()] == ["box"]
