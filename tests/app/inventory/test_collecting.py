"""Collections: nothing half read is ever seen, a killed one is replaced, equal facts are stored once."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from estate.errors import AskPerson, Retry
from migration.inventory import selectors, work
from migration.inventory.models import FactBlob, Inventory, InventoryEntry, Machine
from migration.inventory.services import collecting, sources
from migration.inventory.services.collecting import InventoryReplaced
from project.backbone.jobs.context import JobCancelled
from project.backbone.models import AuditEntry, Job
from project.backbone.problems import Conflict
from tests.builders.estate import SEEN_AT, a_source_about, a_vm
from tests.builders.inventory import SYSTEM, a_feed, a_source, an_inventory, estate_of, seen_vm
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def collected(monkeypatch: pytest.MonkeyPatch, people: People, feed: Any) -> Job:
    monkeypatch.setattr(work, "vsphere_feed", feed)
    job = sources.collect(a_source(people.project), actor=people.actor("owner"))
    run_jobs(kind="inventory.collect")
    job.refresh_from_db()
    return job


def test_a_collection_becomes_a_complete_inventory_with_counts_and_machines(
    monkeypatch: pytest.MonkeyPatch, people: People
) -> None:
    pages = (estate_of(), [a_vm("a")], [a_vm("b")])
    job = collected(monkeypatch, people, a_feed(*pages))
    inventory = Inventory.objects.get()
    assert job.state == "succeeded", job.error
    assert job.result == {"inventory_id": str(inventory.id), "counts": inventory.counts}
    around = {"hosts": 1, "clusters": 1, "datastores": 1, "networks": 1, "switches": 0, "containers": 0}
    assert inventory.counts == {"vms": 2, "disks": 2, **around}
    assert inventory.source.latest == inventory
    assert {vm.name: vm for vm in selectors.vms(inventory)} == {"a": a_vm("a"), "b": a_vm("b")}
    assert list(Machine.objects.values_list("name", "native_id")) == [("a", "vm-a"), ("b", "vm-b")]
    assert Job.objects.filter(kind="assessment.assess", state="queued").count() == 1
    assert AuditEntry.objects.filter(action="inventory.completed", actor="job:inventory.collect (owner)").exists()


def test_a_collection_that_fails_leaves_nothing_to_be_seen(monkeypatch: pytest.MonkeyPatch, people: People) -> None:
    wrong = AskPerson("vc1 refuses the password", code="login_refused", next_step="Enter it again.")
    job = collected(monkeypatch, people, a_feed([a_vm("a")], fails=wrong))
    assert (job.state, job.error["code"]) == ("failed", "login_refused")
    assert Inventory.objects.get().state == "failed"
    assert not InventoryEntry.objects.exists()
    assert not Machine.objects.exists()


def test_a_collection_that_is_tried_again_makes_one_complete_inventory(monkeypatch: pytest.MonkeyPatch, people: People) -> None:
    tries = iter([a_feed([a_vm("a")], fails=Retry("line broke", after_s=0.0)), a_feed([a_vm("a")])])
    job = collected(monkeypatch, people, lambda *args, **named: next(tries)(*args, **named))
    assert (job.state, job.attempts) == ("succeeded", 2)
    assert sorted(Inventory.objects.values_list("state", flat=True)) == ["complete", "failed"]
    assert InventoryEntry.objects.count() == 1


def test_a_cancelled_collection_leaves_nothing_to_be_seen(monkeypatch: pytest.MonkeyPatch, people: People) -> None:
    def feed(*args: Any, on_page: Any, alive: Any, **named: Any) -> Any:
        on_page("vm", [a_vm("a")])
        raise JobCancelled

    assert collected(monkeypatch, people, feed).state == "cancelled"
    assert Inventory.objects.get().state == "failed"
    assert not InventoryEntry.objects.exists()


def test_a_killed_collection_is_replaced_and_cannot_come_back(people: People) -> None:
    source = a_source(people.project)
    killed = collecting.begin(source, job_id=None, actor=SYSTEM)
    collecting.add_page(killed, [a_vm("a")])
    an_inventory(source, a_vm("b"))
    with pytest.raises(InventoryReplaced):
        collecting.add_page(killed, [a_vm("c")])
    with pytest.raises(InventoryReplaced):
        collecting.complete(killed, about=a_source_about(), vms={}, actor=SYSTEM)
    assert [machine.name for machine in Machine.objects.all()] == ["b"]
    assert not InventoryEntry.objects.filter(inventory=killed).exists()


def test_a_collecting_inventory_shows_nothing(people: People) -> None:
    inventory = collecting.begin(a_source(people.project), job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, [a_vm("a")])
    with pytest.raises(Conflict, match="collecting"):
        selectors.vms(inventory)
    assert selectors.latest_inventories(people.project) == []


def test_an_object_read_twice_is_kept_as_it_came_last(people: People) -> None:
    source = a_source(people.project)
    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, [a_vm("a", vcpus=2)])
    collecting.add_page(inventory, [a_vm("a", vcpus=4), a_vm("a", vcpus=8)])
    collecting.complete(inventory, about=a_source_about(), vms={"vm-a": seen_vm(a_vm("a"))}, actor=SYSTEM)
    (vm,) = selectors.vms(inventory)
    assert vm.vcpus == 8


def test_unchanged_machines_are_stored_once_and_keep_their_identity(people: People) -> None:
    source = a_source(people.project)
    vm = a_vm("a")
    an_inventory(source, vm)
    before, blobs = Machine.objects.get(), FactBlob.objects.count()
    later = an_inventory(source, replace(vm, boot_time=SEEN_AT, tools_running=True))
    assert FactBlob.objects.count() == blobs
    assert Machine.objects.get() == before
    assert selectors.vms(later)[0].boot_time == SEEN_AT


def test_a_renamed_machine_stays_the_same_machine(people: People) -> None:
    source = a_source(people.project)
    an_inventory(source, a_vm("old", native_id="vm-7"))
    machine = Machine.objects.get()
    an_inventory(source, a_vm("new", native_id="vm-7"))
    assert Machine.objects.get().id == machine.id
    assert Machine.objects.get().name == "new"


def test_a_machine_that_is_gone_stays_known_without_facts(people: People) -> None:
    source = a_source(people.project)
    an_inventory(source, a_vm("a"), a_vm("b"))
    an_inventory(source, a_vm("b"))
    views = {view.name: view.vm for view in selectors.machine_views(selectors.machines(people.project))}
    assert views == {"a": None, "b": a_vm("b")}


def test_the_latest_view_costs_the_same_for_few_and_many(people: People, django_assert_num_queries: Any) -> None:
    an_inventory(a_source(people.project), *(a_vm(f"m{number}") for number in range(40)))
    with django_assert_num_queries(5):
        assert len(selectors.machine_views(selectors.machines(people.project))) == 40


def test_two_vcenters_may_use_the_same_moref(people: People) -> None:
    for name in ("left", "right"):
        an_inventory(a_source(people.project), a_vm(name, native_id="vm-1"))
    views = selectors.machine_views(selectors.machines(people.project))
    assert [(view.name, view.vm and view.vm.name) for view in views] == [("left", "left"), ("right", "right")]
