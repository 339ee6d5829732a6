"""Where ids do not decide which machine a VM is: people are asked once, and joining or parting keeps what others rely on."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from rest_framework.test import APIClient

from migration.conversion.core.states import State
from migration.conversion.models import Conversion
from migration.inventory import selectors
from migration.inventory.models import IdentityQuestion, Inventory, Machine, Sighting, Source
from migration.inventory.services import collecting
from migration.inventory.services.recognising import seen_vm
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.models import AuditEntry, Job
from tests.builders.estate import a_nic, a_source_about, a_vm
from tests.builders.inventory import SYSTEM, a_source, estate_of
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db
CLONES = tuple(a_vm(name, native_id=name, instance_uuid="u1", nics=(a_nic(n),)) for n, name in enumerate(("web-a", "web-b")))
ROW = a_vm("web", native_id="row-1", instance_uuid="u1", nics=(a_nic(0),))


def told(source: Source, *vms: Any, vcenter: str = "") -> Inventory:
    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, estate_of(*vms))
    about = replace(a_source_about(), instance_uuid=vcenter, is_vcenter=bool(vcenter))
    return collecting.complete(inventory, about=about, vms={vm.native_id: seen_vm(vm) for vm in vms}, actor=SYSTEM)


@pytest.fixture
def book(people: People) -> Source:
    """A vCenter with two clones that share their instance UUID, and a workbook with one of them."""
    told(a_source(people.project, name="vc-one"), *CLONES, vcenter="vc")
    book = Source.objects.create(project=people.project, kind="rvtools", name="book", path="0/book.xlsx")
    told(book, ROW)
    return book


def asked(people: People, rest: str = "") -> str:
    return f"/api/v1/projects/{people.project.id}/identity-questions{rest}"


def answer(client: APIClient, people: People, machine: object) -> Any:
    question = IdentityQuestion.objects.get()
    said = None if machine is None else str(machine)
    return client.post(asked(people, f"/{question.id}/answer"), {"machine": said}, format="json")


def test_a_question_names_the_machines_and_what_tells_them_apart(book: Source, people: People) -> None:
    (row,) = people.client("owner").get(asked(people, "?open=true")).json()["results"]
    assert (row["source_name"], row["machine"]["name"], row["answer"]) == ("book", "web", "")
    assert sorted(each["name"] for each in row["candidates"]) == ["web-a", "web-b"]
    assert row["machine"]["mac_addresses"] == ["00:50:56:aa:00:00"]


def test_nobody_is_asked_twice(book: Source, people: People) -> None:
    told(book, ROW)
    assert IdentityQuestion.objects.count() == 1
    answer(people.client("owner"), people, None)
    told(book, ROW)
    assert people.client("owner").get(asked(people, "?open=true")).json()["count"] == 0
    assert Machine.objects.count() == 3


def test_joined_machines_keep_the_older_id_and_are_acted_on_by_the_better_source(people: People) -> None:
    book = Source.objects.create(project=people.project, kind="rvtools", name="book", path="0/book.xlsx")
    told(book, ROW, replace(ROW, native_id="row-2", name="web (copy)"))
    planned = Machine.objects.get(name="web")
    live = a_source(people.project)
    told(live, CLONES[0], vcenter="vc")
    shown = answer(people.client("owner"), people, planned.id)
    assert (shown.status_code, shown.json()["answer"], shown.json()["machine"]["id"]) == (200, "same", str(planned.id))
    planned.refresh_from_db()
    assert (planned.source_id, planned.native_id, planned.name) == (live.id, "web-a", "web-a")
    assert {view.source_name for view in selectors.machine_views([planned])[0].seen_by} == {"book", str(live)}
    assert AuditEntry.objects.filter(action="machine.joined").exists()
    told(live, CLONES[0], vcenter="vc")
    assert Machine.objects.filter(source=live).get().id == planned.id


def test_both_sources_are_assessed_again_after_an_answer(book: Source, people: People) -> None:
    Job.objects.all().delete()
    answer(people.client("owner"), people, Machine.objects.get(name="web-a").id)
    again = Job.objects.filter(kind="assessment.assess").values_list("subject", flat=True)
    assert sorted(again) == ["book", "vc-one"]


def test_an_answered_question_is_closed(book: Source, people: People) -> None:
    answer(people.client("owner"), people, None)
    refused = answer(people.client("owner"), people, Machine.objects.get(name="web-a").id)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_answered")
    assert refused.json()["next_step"]


def test_only_a_candidate_can_be_the_machine(book: Source, people: People) -> None:
    refused = answer(people.client("owner"), people, Machine.objects.get(name="web").id)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "no_candidate")


def test_a_machine_that_its_source_shows_beside_the_candidate_is_another_one(book: Source, people: People) -> None:
    Sighting.objects.filter(machine__name="web-a").update(source=book)
    refused = answer(people.client("owner"), people, Machine.objects.get(name="web-a").id)
    assert (refused.status_code, refused.json()["code"]) == (409, "seen_apart")
    assert IdentityQuestion.objects.get().answered_at is None


@pytest.mark.parametrize(
    ("name", "state", "refused"),
    [
        ("web", State.DONE, True),
        ("web", State.CANCELLED, False),
        ("web-a", State.COPYING, True),
        ("web-a", State.READY, True),
        ("web-a", State.DONE, False),
    ],
)
def test_no_conversion_is_torn_from_its_machine(name: str, state: State, refused: bool, book: Source, people: People) -> None:
    machine = Machine.objects.get(name=name)
    Conversion.objects.create(
        project=people.project, wave_id=machine.id, machine_id=machine.id, pool_id=machine.id, name=name, state=state.value,
        spec={}, updated_at=now(),
    )  # fmt: skip
    said = answer(people.client("owner"), people, Machine.objects.get(name="web-a").id)
    assert said.status_code == (409 if refused else 200)
    assert not refused or (said.json()["code"], state.value in said.json()["detail"]) == ("machine_in_use", True)


def test_a_wrong_joining_is_taken_back_and_stays_so(book: Source, people: People) -> None:
    known = Machine.objects.get(name="web-a")
    answer(people.client("owner"), people, known.id)
    path = f"/api/v1/projects/{people.project.id}/machines/{known.id}/part"
    parted = people.client("owner").post(path, {"source": str(book.id)}, format="json")
    assert (parted.status_code, parted.json()["name"]) == (201, "web")
    told(book, ROW)
    assert Machine.objects.count() == 3
    assert Machine.objects.get(source=book).id != known.id
    again = people.client("owner").post(path, {"source": str(book.id)}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "not_joined")


def test_parting_the_acting_source_leaves_the_machine_to_the_next_best(book: Source, people: People) -> None:
    known = Machine.objects.get(name="web-a")
    live = known.source
    answer(people.client("owner"), people, known.id)
    path = f"/api/v1/projects/{people.project.id}/machines/{known.id}/part"
    assert people.client("owner").post(path, {"source": str(live.id)}, format="json").status_code == 201
    known.refresh_from_db()
    assert (known.source_id, known.native_id, known.name) == (book.id, "row-1", "web")
    assert Machine.objects.get(source=live, native_id="web-a").id != known.id


def test_answers_are_for_planners_of_this_project(book: Source, people: People) -> None:
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    assert answer(viewer, people, None).status_code == 403
    assert answer(people.client("stranger"), people, None).status_code == 404
    assert IdentityQuestion.objects.get().answered_at is None


def test_a_list_of_questions_never_needs_more_queries(people: People, django_assert_max_num_queries: Any) -> None:
    told(
        a_source(people.project),
        *(replace(CLONES[0], native_id=f"a{n}", instance_uuid=f"u{n // 2}") for n in range(40)),
        vcenter="v",
    )
    book = Source.objects.create(project=people.project, kind="rvtools", name="book", path="0/book.xlsx")
    told(book, *(replace(ROW, native_id=f"r{n}", instance_uuid=f"u{n}") for n in range(20)))
    owner = people.client("owner")
    with django_assert_max_num_queries(10):
        assert owner.get(asked(people)).json()["count"] == 20
