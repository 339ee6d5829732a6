"""The audit log: insert-only, one whole chain per project, and a chain that tells when somebody touched the table."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connection, connections, transaction

from project.backbone.accounts.policy import Actor
from project.backbone.audit.models import AuditEntry, AuditIsInsertOnly
from project.backbone.audit.services import record, verify
from project.backbone.models import Project
from tests.builders.people import People, a_project

SYSTEM = Actor.system("test")


def three_entries(project: Project) -> None:
    for number in range(3):
        record(
            SYSTEM,
            "thing.changed",
            f"thing {number}",
            project=project,
            before={"n": number},
            after={"n": number + 1, "share": 0.1, "huge": 1e22},
        )  # type: ignore[arg-type]


def tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_entries_are_numbered_from_one_per_project_and_chained(people: People) -> None:
    three_entries(people.project)
    three_entries(people.other_project)
    assert list(AuditEntry.objects.filter(project=people.project).values_list("number", flat=True)) == [1, 2, 3]
    verdict = verify(people.project)
    assert (verdict.whole, verdict.entries) == (True, 3)
    assert verdict.head == AuditEntry.objects.get(project=people.project, number=3).hash


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("UPDATE backbone_auditentry SET action = 'thing.hidden' WHERE number = 2", 2),
        ("UPDATE backbone_auditentry SET actor = 'somebody else' WHERE number = 1", 1),
        ("DELETE FROM backbone_auditentry WHERE number = 2", 2),
        ("UPDATE backbone_auditentry SET previous_hash = hash WHERE number = 3", 3),
    ],
)
def test_a_touched_table_breaks_the_chain_at_that_entry(people: People, sql: str, number: int) -> None:
    three_entries(people.project)
    tamper(sql)
    verdict = verify(people.project)
    assert (verdict.whole, verdict.broken_at) == (False, number)
    answer = people.client("owner").get(f"/api/v1/projects/{people.project.id}/audit/verify").json()
    assert (answer["whole"], answer["broken_at"]) == (False, number)


@pytest.mark.django_db
def test_entries_can_be_neither_changed_nor_deleted(people: People) -> None:
    three_entries(people.project)
    entry = AuditEntry.objects.filter(project=people.project).first()
    assert entry is not None
    for forbidden in (entry.save, entry.delete, AuditEntry.objects.all().delete, lambda: AuditEntry.objects.update(action="x")):
        with pytest.raises(AuditIsInsertOnly):
            forbidden()


@pytest.mark.django_db
def test_an_entry_vanishes_with_the_change_that_was_rolled_back(people: People) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(SYSTEM, "thing.changed", "thing", project=people.project)
        raise ZeroDivisionError
    assert verify(people.project).entries == 0


@pytest.mark.django_db
def test_the_log_is_read_in_order_and_filtered(people: People) -> None:
    three_entries(people.project)
    client = people.client("owner")
    rows = client.get(f"/api/v1/projects/{people.project.id}/audit").json()["results"]
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert client.get(f"/api/v1/projects/{people.project.id}/audit?subject=thing 1").json()["count"] == 1


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_leave_one_whole_chain() -> None:
    project = a_project()

    def write() -> None:
        try:
            for number in range(10):
                record(SYSTEM, "thing.changed", f"thing {number}", project=project)
        finally:
            connections.close_all()

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(project)
    assert (verdict.whole, verdict.entries) == (True, 40)
