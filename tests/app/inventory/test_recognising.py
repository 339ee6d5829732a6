"""One machine through several sources: its id stays, and it is acted on where it lives."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from msgspec.structs import replace

from estate.facts.unknown import Unknown
from migration.inventory import selectors
from migration.inventory.models import IdentityQuestion, Inventory, Machine, Sighting, Source
from migration.inventory.services import collecting, identity
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


def test_another_vcenter_in_a_source_takes_no_machine_over_and_the_first_finds_its_own_again(people: People) -> None:
    source = of_kind(people, "vcenter")
    first = a_vm("web", native_id="vm-1", instance_uuid="u1")
    collected(source, first, vcenter="a")
    web = Machine.objects.get()
    collected(source, a_vm("other", native_id="vm-1", instance_uuid="u9"), vcenter="b")
    web.refresh_from_db()
    assert (web.native_id, web.name) == ("vm-1@a", "web"), "nothing can act on it by another machine's moref"
    other = Machine.objects.exclude(pk=web.pk).get()
    assert (other.native_id, other.name) == ("vm-1", "other")
    collected(source, first, vcenter="a")
    assert dict(Machine.objects.values_list("id", "native_id")) == {web.id: "vm-1", other.id: "vm-1@b"}
    assert sorted(Sighting.objects.values_list("machine_id", "native_id")) == sorted([(web.id, "vm-1"), (other.id, "vm-1@b")])


def test_a_rebuilt_vcenter_that_swaps_morefs_keeps_every_machine(people: People) -> None:
    source = of_kind(people, "vcenter")
    collected(source, *(a_vm(f"m{n}", native_id=f"vm-{n}", instance_uuid=f"u{n}") for n in (1, 2, 3)), vcenter="a")
    before = dict(Machine.objects.values_list("name", "id"))
    collected(source, *(a_vm(f"m{n}", native_id=f"vm-{n % 3 + 1}", instance_uuid=f"u{n}") for n in (1, 2, 3)), vcenter="b")
    assert dict(Machine.objects.values_list("name", "id")) == before
    assert dict(Machine.objects.values_list("name", "native_id")) == {"m1": "vm-2", "m2": "vm-3", "m3": "vm-1"}
    assert set(Sighting.objects.values_list("native_id", "vcenter")) == {(f"vm-{n}", "b") for n in (1, 2, 3)}


def test_a_machine_that_its_source_lost_is_acted_on_where_it_still_lives(people: People) -> None:
    source, host = of_kind(people, "vcenter"), of_kind(people, "esxi")
    vm = a_vm("web", native_id="vm-1", instance_uuid="u1")
    collected(source, vm, vcenter="a")
    collected(host, replace(vm, native_id="7"))
    collected(source, a_vm("other", native_id="vm-1", instance_uuid="u9"), vcenter="b")
    web = Machine.objects.get(name="web")
    assert (web.source_id, web.native_id) == (host.id, "7")


def test_another_machine_under_a_moref_of_an_unnamed_vcenter_is_asked_about_and_may_be_the_same(people: People) -> None:
    book = of_kind(people, "rvtools")
    collected(book, a_vm("web", native_id="vm-1", instance_uuid="u1"))
    web = Machine.objects.get()
    collected(book, a_vm("web", native_id="vm-1", instance_uuid="u9"))
    question = IdentityQuestion.objects.get()
    assert question.candidates == [str(web.id)]
    identity.answer(question, same_as=web.id, actor=SYSTEM)
    assert Machine.objects.get().id == web.id
    assert [seen.native_id for seen in Sighting.objects.all()] == ["vm-1"]
    collected(book, a_vm("web", native_id="vm-1", instance_uuid="u9"))
    assert Machine.objects.get().id == web.id


def test_a_package_without_an_instance_uuid_is_asked_about_by_its_bios_uuid(people: People) -> None:
    package, live = of_kind(people, "ova"), of_kind(people, "vcenter")
    collected(package, replace(a_vm("app", native_id="app"), instance_uuid=Unknown("an OVF has none"), bios_uuid="4210-AB"))
    app = Machine.objects.get()
    collected(live, replace(a_vm("app01", native_id="vm-5", instance_uuid="u5"), bios_uuid="4210-ab"), vcenter="vc")
    assert IdentityQuestion.objects.get().candidates == [str(app.id)]


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
