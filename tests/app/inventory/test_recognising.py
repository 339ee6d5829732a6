"""One machine through several sources: its id stays, and it is acted on where it lives."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from msgspec.structs import replace

from migration.inventory import selectors
from migration.inventory.models import Inventory, Machine, Sighting, Source
from migration.inventory.services import collecting
from migration.inventory.services.recognising import seen_vm
from tests.builders.estate import a_source_about, a_vm
from tests.builders.inventory import SYSTEM, a_source, an_inventory
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def of_kind(people: People, kind: str) -> Source:
    source = a_source(people.project)
    Source.objects.filter(pk=source.pk).update(kind=kind)
    source.refresh_from_db()
    return source


def collected(source: Source, *vms: object, vcenter: str = "") -> Inventory:
    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)
    collecting.add_page(inventory, vms)
    about = replace(a_source_about(), instance_uuid=vcenter, is_vcenter=bool(vcenter))
    return collecting.complete(inventory, about=about, vms={vm.native_id: seen_vm(vm) for vm in vms}, actor=SYSTEM)


def test_a_machine_of_a_workbook_keeps_its_id_when_its_vcenter_is_read_and_is_acted_on_there(people: People) -> None:
    workbook, live = of_kind(people, "rvtools"), of_kind(people, "vcenter")
    vm = a_vm("web", native_id="vm-1", instance_uuid="u1")
    collected(workbook, vm, vcenter="vc")
    before = Machine.objects.get()
    collected(live, replace(vm, vcpus=16), vcenter="vc")
    after = Machine.objects.get()
    assert (after.id, after.source_id) == (before.id, live.id)
    assert [sighting.machine_id for sighting in Sighting.objects.filter(native_id="vm-1")] == [before.id, before.id]
    assert selectors.machine_views(selectors.machines(people.project))[0].vm.vcpus == 16


def test_a_workbook_read_later_adds_a_sighting_and_takes_no_machine_over(people: People) -> None:
    live, workbook = of_kind(people, "vcenter"), of_kind(people, "rvtools")
    vm = a_vm("web", native_id="vm-1", instance_uuid="u1")
    first = collected(live, vm, vcenter="vc")
    inventory = collected(workbook, replace(vm, native_id="row-7"))
    assert Machine.objects.get().source == live
    assert Sighting.objects.count() == 2
    assert selectors.machine_ids_held(people.project, [inventory.id]) == set(), "it is not acted on through the workbook"
    assert selectors.machine_ids_held(people.project, [live.latest_id or first.id]) == {Machine.objects.get().id}


def test_clones_with_one_instance_uuid_stay_machines_of_their_own(people: People) -> None:
    one, other = of_kind(people, "vcenter"), of_kind(people, "esxi")
    twins = [a_vm(name, native_id=name, instance_uuid="u1") for name in ("a", "b")]
    collected(one, *twins, vcenter="vc")
    collected(other, a_vm("c", native_id="1", instance_uuid="u1"))
    assert Machine.objects.count() == 3


def test_machines_known_before_there_were_sightings_were_seen_where_they_are(people: People) -> None:
    an_inventory(a_source(people.project), *(a_vm(f"m{number}") for number in range(3)))
    before = set(Sighting.objects.values_list("machine_id", "source_id", "native_id", "instance_uuid", "last_seen_at"))
    Sighting.objects.all().delete()
    import_module("migration.inventory.migrations.0002_sightings").sight_what_is_known(apps, None)
    assert len(before) == 3
    assert set(Sighting.objects.values_list("machine_id", "source_id", "native_id", "instance_uuid", "last_seen_at")) == before
