"""Deciding on many machines in the table: the same service as the API's, all or none, and back to the table as it was."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from migration.inventory.models import Application, Machine
from project.backbone.accounts.policy import Role
from project.backbone.models import AuditEntry
from tests.builders.inventory import machine_named
from tests.builders.pages import World, signed_in
from tests.builders.people import a_user

pytestmark = pytest.mark.django_db


def decide(world: World, client: Client | None = None, **given: Any) -> Any:
    target = reverse("decide-form", args=[world.people.project.id])
    return (client or signed_in(world.people.owner)).post(target, given, follow=True)


def ids(*names: str) -> list[str]:
    return [str(machine_named(name).id) for name in names]


def an_application(world: World, name: str = "CRM") -> Application:
    return Application.objects.create(project=world.people.project, name=name)


def test_several_machines_get_a_disposition_and_an_application_at_once(world: World) -> None:
    crm = an_application(world)
    chosen = ids("app-01", "db-01")
    answer = decide(world, machine=chosen, disposition="retire", application=str(crm.pk), name="01", page="1")
    assert "2 of 2 chosen machines changed." in answer.content.decode()
    assert answer.redirect_chain == [(f"/projects/{world.people.project.id}/inventory?name=01&page=1", 303)]
    assert set(Machine.objects.filter(disposition="retire", application=crm).values_list("name", flat=True)) == {
        "app-01",
        "db-01",
    }
    entry = AuditEntry.objects.get(action="machines.changed")
    assert set(entry.after) == set(chosen)
    assert "retire, serves CRM" in answer.content.decode()


def test_what_is_left_open_stays_and_an_application_can_be_taken_away(world: World) -> None:
    Machine.objects.update(application=an_application(world), disposition="rebuild", note="keep me")
    decide(world, machine=ids("app-01"), application="none")
    machine = machine_named("app-01")
    assert (machine.application_id, machine.disposition, machine.note) == (None, "rebuild", "keep me")
    assert machine_named("db-01").application_id is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"disposition": "retire"}, "No machine is chosen."),
        ({"machine": ["app-01"]}, "Nothing is said about the machines."),
        ({"machine": ["app-01", "not-an-id"], "disposition": "retire"}, "is the id of no machine"),
        ({"machine": ["app-01", str(uuid4())], "disposition": "retire"}, "The project has no machine"),
        ({"machine": ["app-01"], "disposition": "explode"}, "is no disposition"),
        ({"machine": ["app-01"], "application": str(uuid4())}, "The project has no application"),
        ({"machine": ["app-01"], "application": "x\0"}, "NUL"),
        ({"machine": ["app-01"], "application": "<b>"}, "is the id of no application"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_on_the_page_and_changes_nothing(world: World, given: Any, said: str) -> None:
    named = {"machine": [*ids(*given["machine"][:1]), *given["machine"][1:]]} if "machine" in given else {}
    answer = decide(world, **{**given, **named})
    assert answer.status_code == 200 and said in answer.content.decode()
    assert not Machine.objects.exclude(disposition="migrate").exists()
    assert not AuditEntry.objects.filter(action__startswith="machine").exists()


def test_the_application_of_another_project_is_none_of_this_one(world: World) -> None:
    other = Application.objects.create(project=world.people.other_project, name="theirs")
    assert "The project has no application" in decide(world, machine=ids("app-01"), application=str(other.pk)).content.decode()


def test_who_only_looks_is_offered_nothing_and_refused(world: World) -> None:
    viewer = signed_in(a_user(Role.VIEWER, project=world.people.project))
    page = viewer.get(reverse("project-inventory", args=[world.people.project.id])).content.decode()
    assert "decide" not in page and "checkbox" not in page
    assert decide(world, viewer, machine=ids("app-01"), disposition="retire").status_code == 403
    assert decide(world, signed_in(world.people.stranger), machine=ids("app-01"), disposition="retire").status_code == 404
    assert not Machine.objects.exclude(disposition="migrate").exists()


def test_a_form_without_its_token_is_refused(world: World) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(world.people.owner)
    assert decide(world, careful, machine=ids("app-01"), disposition="retire").status_code == 403
    assert not Machine.objects.exclude(disposition="migrate").exists()
