"""Applications, and what people decide on machines: who may, what is refused, what is written down."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migration.inventory.models import Application, Machine
from migration.inventory.services import applications, machines
from project.backbone.accounts.policy import Role
from project.backbone.models import AuditEntry
from project.backbone.problems import PreconditionFailed
from tests.builders.estate import a_vm
from tests.builders.inventory import SYSTEM, a_source, an_inventory, machine_named
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db


def url(people: People, rest: str = "applications") -> str:
    return f"/api/v1/projects/{people.project.id}/{rest}"


def made(people: People, name: str, **values: Any) -> dict[str, Any]:
    answer = people.client("owner").post(url(people), {"name": name, **values})
    assert answer.status_code == 201, answer.json()
    document: dict[str, Any] = answer.json()
    return document


def changed(people: People, application: dict[str, Any], headers: dict[str, str] | None = None, **values: Any) -> Any:
    return people.client("owner").patch(url(people, f"applications/{application['id']}"), values, headers=headers)


def test_an_application_says_what_is_not_known_of_it(people: People) -> None:
    application = made(people, "  Payroll ")
    told = {
        field: application[field] for field in ("name", "owner", "criticality", "rto_s", "depends_on", "machines", "in_cycle")
    }
    assert told == {
        "name": "Payroll", "owner": "", "criticality": "", "rto_s": None, "depends_on": [], "machines": 0, "in_cycle": False,
    }  # fmt: skip
    assert AuditEntry.objects.get(action="application.created").after["name"] == "Payroll"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a; b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"criticality": "very"}, "criticality"),
        ({"rto_s": -1}, "rto_s"),
        ({"rto_s": 10**9}, "rto_s"),
        ({"depends_on": [str(uuid4())]}, "depends_on"),
    ],
)
def test_a_wrong_value_is_named(people: People, values: dict[str, Any], field: str) -> None:
    answer = people.client("owner").post(url(people), {"name": "Payroll", **values})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Application.objects.exists()


def test_a_name_is_taken_in_any_spelling_and_only_in_its_project(people: People) -> None:
    made(people, "Payroll")
    assert people.client("owner").post(url(people), {"name": "PAYROLL"}).json()["code"] == "name_taken"
    theirs = f"/api/v1/projects/{people.other_project.id}/applications"
    assert people.client("stranger").post(theirs, {"name": "Payroll"}).status_code == 201


def test_a_cycle_is_shown_and_a_need_of_itself_refused(people: People) -> None:
    database = made(people, "Database")
    payroll = made(people, "Payroll", depends_on=[database["id"]])
    portal = made(people, "Portal", depends_on=[payroll["id"]])
    assert changed(people, database, depends_on=[payroll["id"]]).status_code == 200
    listed = people.client("owner").get(url(people)).json()["results"]
    assert {row["name"]: row["in_cycle"] for row in listed} == {"Database": True, "Payroll": True, "Portal": False}
    refused = changed(people, portal, depends_on=[portal["id"]])
    assert refused.json()["errors"][0]["code"] == "depends_on_itself"


def test_an_application_of_another_project_is_neither_seen_nor_needed(people: People) -> None:
    theirs = Application.objects.create(project=people.other_project, name="Theirs")
    client = people.client("owner")
    for method in (client.get, client.patch, client.delete):
        assert method(url(people, f"applications/{theirs.id}"), {}).status_code == 404
    refused = client.post(url(people), {"name": "Ours", "depends_on": [str(theirs.id)]})
    assert refused.json()["errors"][0]["code"] == "does_not_exist"


def test_an_edit_of_an_old_version_is_refused(people: People) -> None:
    application = made(people, "Payroll")
    assert changed(people, application, {"If-Match": '"1"'}, owner="Ann").json()["version"] == 2
    assert changed(people, application, {"If-Match": '"1"'}, owner="Bob").status_code == 412
    assert changed(people, application, owner="Ann").json()["version"] == 2, "nothing changed"


def test_a_lost_race_writes_nothing(people: People) -> None:
    row = Application.objects.create(project=people.project, name="Payroll")
    Application.objects.filter(pk=row.pk).update(version=2)
    with pytest.raises(PreconditionFailed):
        applications.change_application(row, owner="Ann", actor=SYSTEM)
    with pytest.raises(PreconditionFailed):
        applications.delete_application(row, actor=SYSTEM)
    assert Application.objects.get().owner == ""


def test_a_deleted_application_leaves_its_machines_and_says_who_they_were(people: People) -> None:
    payroll = made(people, "Payroll")
    portal = made(people, "Portal", depends_on=[payroll["id"]])
    an_inventory(a_source(people.project), a_vm("app-01"))
    machine = machine_named("app-01")
    machines.change_machine(machine, application_id=Application.objects.get(name="Payroll").id, actor=SYSTEM)
    assert people.client("owner").delete(url(people, f"applications/{payroll['id']}")).status_code == 204
    machine.refresh_from_db()
    assert machine.application_id is None
    told = AuditEntry.objects.get(action="application.deleted").before
    assert told["machines"] == [str(machine.id)]
    assert told["needed_by"] == [portal["id"]]


def test_the_list_filters_orders_and_needs_no_more_queries_as_it_grows(people: People) -> None:
    for number in range(3):
        made(people, f"App {number}", owner="Ann" if number else "Bob", criticality="high", rto_s=number * 3600)
    client = people.client("owner")

    def names(query: str) -> list[str]:
        return [row["name"] for row in client.get(url(people, f"applications?{query}")).json()["results"]]

    assert names("owner=Ann&ordering=-rto_s") == ["App 2", "App 1"]
    assert names("q=bob") == ["App 0"]
    assert names("rto_s__lte=3600&criticality=high") == ["App 0", "App 1"]
    with CaptureQueriesContext(
        connection,
    ) as few:
        names("")
    needed = [str(row.id) for row in Application.objects.all()]
    for number in range(3, 9):
        made(people, f"App {number}", depends_on=needed)
    with CaptureQueriesContext(connection) as many:
        assert len(names("")) == 9
    assert len(many) == len(few)


def test_viewers_look_and_strangers_do_not(people: People) -> None:
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    assert viewer.get(url(people)).status_code == 200
    assert viewer.post(url(people), {"name": "x"}).status_code == 403
    assert viewer.post(url(people, "machines/set"), {"machines": [str(uuid4())], "note": "x"}).status_code == 403
    assert people.client("stranger").get(url(people)).status_code == 404


def test_a_machine_carries_its_application_and_is_found_by_it(people: People) -> None:
    payroll = made(people, "Payroll")
    an_inventory(a_source(people.project), a_vm("app-01"), a_vm("app-02"))
    client, machine = people.client("owner"), machine_named("app-01")
    answer = client.patch(url(people, f"machines/{machine.id}"), {"application": payroll["id"], "note": "two of these"})
    assert (answer.json()["application_name"], answer.json()["note"], answer["ETag"]) == ("Payroll", "two of these", '"2"')
    stale = client.patch(url(people, f"machines/{machine.id}"), {"note": ""}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412

    def names(query: str) -> list[str]:
        return [row["name"] for row in client.get(url(people, f"machines?{query}")).json()["results"]]

    assert names(f"application={payroll['id']}") == ["app-01"]
    assert names("application__isnull=true") == ["app-02"]
    assert client.get(url(people)).json()["results"][0]["machines"] == 1


@pytest.mark.parametrize("body", [{}, {"disposition": "sell"}, {"application": str(uuid4())}, {"note": "x" * 2001}])
def test_a_machine_refuses_what_means_nothing(people: People, body: dict[str, Any]) -> None:
    an_inventory(a_source(people.project), a_vm("app-01"))
    machine = machine_named("app-01")
    assert people.client("owner").patch(url(people, f"machines/{machine.id}"), body).status_code == 400
    many = people.client("owner").post(url(people, "machines/set"), {"machines": [str(machine.id)], **body})
    assert many.status_code == 400
    machine.refresh_from_db()
    assert (machine.disposition, machine.application_id, machine.note) == ("migrate", None, "")


def test_many_machines_are_set_at_once_or_none_is(people: People) -> None:
    an_inventory(a_source(people.project), *(a_vm(f"app-{number}") for number in range(3)))
    an_inventory(a_source(people.other_project), a_vm("theirs"))
    ours = [str(machine.id) for machine in Machine.objects.filter(project=people.project)]
    client = people.client("owner")
    refused = client.post(
        url(people, "machines/set"), {"machines": [*ours, str(machine_named("theirs").id)], "disposition": "retire"}
    )
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "does_not_exist")
    assert not Machine.objects.filter(disposition="retire").exists()
    done = client.post(url(people, "machines/set"), {"machines": ours, "disposition": "retire"})
    assert done.json() == {"machines": 3, "changed": 3}
    assert client.post(url(people, "machines/set"), {"machines": ours, "disposition": "retire"}).json()["changed"] == 0
    entry = AuditEntry.objects.get(action="machines.changed")
    assert entry.before == {machine: {"disposition": "migrate"} for machine in ours}
    assert entry.after == {machine: {"disposition": "retire"} for machine in ours}


def test_a_machine_decided_on_meanwhile_stops_all(people: People) -> None:
    an_inventory(a_source(people.project), a_vm("app-01"), a_vm("app-02"))
    rows = list(Machine.objects.all())
    Machine.objects.filter(pk=rows[1].pk).update(version=7)
    decided = machines.Decided("retain", None, "")
    with pytest.raises(PreconditionFailed):
        machines.decide(people.project, [(row, decided) for row in rows], actor=SYSTEM)
    assert not Machine.objects.filter(disposition="retain").exists()
