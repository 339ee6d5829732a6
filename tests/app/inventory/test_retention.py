"""Old inventories go with what was made of them; what is needed stays, whatever happens at the same time."""

from __future__ import annotations

import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from migration.assessment.models import Assessment
from migration.assessment.services.assessing import assess
from migration.inventory.models import FactBlob, Inventory, InventoryEntry, Source, SourceKind
from migration.inventory.services import collecting, retention, storing
from migration.inventory.services.workbooks import FOLDER
from migration.reports.models import Report
from project.backbone.clock import now
from project.backbone.jobs.periodic import ask_due
from project.backbone.models import AuditEntry, Job
from tests.builders.estate import a_vm
from tests.builders.inventory import SYSTEM, a_source, an_inventory, estate_of
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_is_kept(settings: Any, tmp_path: Path) -> None:
    settings.KEEP_INVENTORIES = 1
    settings.VAR_DIR = tmp_path


def aged(inventory: Inventory, days: int) -> Inventory:
    moment = now() - timedelta(days=days)
    Inventory.objects.filter(pk=inventory.pk).update(created_at=moment, collected_at=moment)
    return inventory


def two(people: People) -> tuple[Inventory, Inventory]:
    """An old inventory and a newer one of one source; `gone` is in the old one alone."""
    source = a_source(people.project)
    old = aged(an_inventory(source, a_vm("app"), a_vm("gone")), 200)
    return old, aged(an_inventory(source, a_vm("app")), 150)


def purged() -> dict[str, Any]:
    Job.objects.filter(kind="inventory.purge").delete()
    ask_due()
    run_jobs(kind="inventory.purge")
    job = Job.objects.get(kind="inventory.purge")
    assert job.state == "succeeded", job.error
    return dict(job.result)


def test_an_old_inventory_goes_with_its_assessment_and_its_facts_a_day_later(people: People) -> None:
    old, newer = two(people)
    assess(old, actor=SYSTEM)
    assess(newer, actor=SYSTEM)
    facts = FactBlob.objects.count()
    assert purged() == {"inventories": 1, "facts": 0, "facts_marked": 1, "workbooks": 0}
    assert list(Inventory.objects.all()) == [newer]
    assert [row.inventory_id for row in Assessment.objects.all()] == [newer.id]
    assert AuditEntry.objects.get(action="inventory.dropped").before["counts"]["vms"] == 2
    FactBlob.objects.filter(orphaned_at__isnull=False).update(orphaned_at=now() - timedelta(days=2))
    assert purged()["facts"] == 1
    assert FactBlob.objects.count() == facts - 1
    assert InventoryEntry.objects.filter(inventory=newer).count() == newer.counts["vms"] + 4
    assert purged() == {"inventories": 0, "facts": 0, "facts_marked": 0, "workbooks": 0}


def test_what_was_known_when_a_report_was_made_stays(people: People) -> None:
    old, newer = two(people)
    report = Report.objects.create(project=people.project, kind="readiness", asked_by_name="owner")
    Report.objects.filter(pk=report.pk).update(created_at=now() - timedelta(days=160))
    assert purged()["inventories"] == 0
    assert set(Inventory.objects.all()) == {old, newer}


def test_the_newest_of_a_source_and_one_being_made_are_never_dropped(people: People) -> None:
    _old, newer = two(people)
    begun = aged(collecting.begin(newer.source, job_id=None, actor=SYSTEM), 300)
    assert not retention.drop(newer.id, actor=SYSTEM)
    assert not retention.drop(begun.id, actor=SYSTEM)
    assert purged()["inventories"] == 1
    assert set(Inventory.objects.all()) == {newer, begun}


def test_facts_that_are_stored_again_after_they_were_marked_stay(people: People) -> None:
    old, _newer = two(people)
    retention.drop(old.id, actor=SYSTEM)
    assert retention.mark_orphans() == 1
    FactBlob.objects.filter(orphaned_at__isnull=False).update(orphaned_at=now() - timedelta(days=2))
    assert retention.orphans().count() == 1
    again = collecting.begin(old.source, job_id=None, actor=SYSTEM)
    collecting.add_page(again, estate_of(a_vm("app"), a_vm("gone")))
    assert retention.drop_some_orphans() == 0
    assert not FactBlob.objects.filter(orphaned_at__isnull=False).exists()


def test_facts_that_were_known_before_they_were_marked_are_not_dropped_under_a_pointer(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page looks, then the facts are marked, then the page writes its pointers: the next purge sees them."""
    old, _newer = two(people)
    retention.drop(old.id, actor=SYSTEM)
    looked = storing._new_blobs

    def marked_meanwhile(inventory: Inventory, facts: Any) -> Any:
        found = looked(inventory, facts)
        assert not found, "they are known, so that only pointers are written"
        retention.mark_orphans()
        FactBlob.objects.filter(orphaned_at__isnull=False).update(orphaned_at=now() - timedelta(days=2))
        return found

    monkeypatch.setattr(storing, "_new_blobs", marked_meanwhile)
    again = collecting.begin(Source.objects.get(pk=old.source_id), job_id=None, actor=SYSTEM)
    collecting.add_page(again, estate_of(a_vm("app"), a_vm("gone")))
    assert purged()["facts"] == 0
    assert not FactBlob.objects.filter(orphaned_at__isnull=False).exists()


def test_workbooks_that_no_source_reads_go_when_they_are_old(people: People, tmp_path: Path) -> None:
    source = a_source(people.project)
    source.endpoint, source.kind, source.name, source.path = None, SourceKind.RVTOOLS, "book", "b" * 64 + "/book.xlsx"
    source.save()
    for name, days in (("a" * 64, 200), ("b" * 64, 200), ("c" * 64, 1)):
        file = tmp_path / FOLDER / name / "book.xlsx"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
        for place in (file, file.parent):
            os.utime(place, (now().timestamp() - days * 86400,) * 2)
    part = tmp_path / FOLDER / ".uploading-x"
    part.write_bytes(b"x")
    os.utime(part, (0, 0))
    assert purged()["workbooks"] == 2
    assert sorted(each.name[0] for each in (tmp_path / FOLDER).iterdir()) == ["b", "c"]


def test_it_is_asked_for_once_a_day(people: People) -> None:
    def purges_asked() -> int:
        return [job.kind for job in ask_due()].count("inventory.purge")

    assert purges_asked() == 1
    assert purges_asked() == 0
    run_jobs(kind="inventory.purge")
    assert purges_asked() == 0
    Job.objects.update(created_at=now() - timedelta(days=1, minutes=1))
    assert purges_asked() == 1


def test_the_command_lists_first_and_drops_only_when_told(people: People) -> None:
    old, _newer = two(people)
    told = StringIO()
    call_command("retention", stdout=told)
    assert str(old.id) in told.getvalue() and "1 inventories may go" in told.getvalue()
    assert not Job.objects.filter(kind="inventory.purge").exists()
    call_command("retention", "--drop", stdout=told)
    run_jobs(kind="inventory.purge")
    assert not Inventory.objects.filter(pk=old.pk).exists()
    assert "0 judgements that watches" in told.getvalue() and Job.objects.filter(kind="readiness.purge").exists()
