"""The merged view: the freshest known value of each field, never an unknown over a known one."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from estate.facts.source import VmFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.inventory.core.merge import REFERENCES, Telling, merge
from tests.builders.estate import SEEN_AT, a_disk, a_vm

BOOK, LIVE = uuid4(), uuid4()


def live(vm: VmFacts, days: int = 0) -> Telling:
    return Telling(LIVE, SEEN_AT + timedelta(days=days), vm)


def book(vm: VmFacts, days: int = -1) -> Telling:
    return Telling(BOOK, SEEN_AT + timedelta(days=days), vm)


def test_the_freshest_known_value_wins_and_says_who_told_it() -> None:
    merged = merge(live(a_vm(vcpus=4, firmware=UNKNOWN)), [book(a_vm(vcpus=2, firmware="efi"))])
    assert (merged.vm.vcpus, merged.vm.firmware) == (4, "efi")
    assert merged.provenance["vcpus"] == (LIVE, SEEN_AT)
    assert merged.provenance["firmware"] == (BOOK, SEEN_AT - timedelta(days=1))


def test_a_fresher_workbook_wins_but_never_tells_what_the_acting_source_refers_to() -> None:
    merged = merge(live(a_vm(vcpus=4, host_id="host-1")), [book(a_vm(vcpus=2, host_id="esx.corp"), days=1)])
    assert (merged.vm.vcpus, merged.vm.host_id) == (2, "host-1")


def test_an_unknown_field_of_a_disk_is_filled_from_the_same_disk() -> None:
    merged = merge(live(a_vm(disks=(a_disk(0, thin=UNKNOWN),))), [book(a_vm(disks=(a_disk(0, thin=True), a_disk(1))))])
    assert merged.vm.disks == (a_disk(0, thin=True),)
    assert merged.provenance["disks[2000].thin"][0] == BOOK


def test_a_disk_of_another_size_or_one_of_two_with_a_label_fills_nothing() -> None:
    unread = a_disk(0, thin=UNKNOWN)
    bigger = merge(live(a_vm(disks=(unread,))), [book(a_vm(disks=(a_disk(0, capacity_bytes=5),)))])
    twins = (a_disk(7, label=unread.label), a_disk(8, label=unread.label))
    doubtful = merge(live(a_vm(disks=(unread,))), [book(a_vm(disks=twins))])
    assert bigger.vm.disks == doubtful.vm.disks == (unread,)


def test_one_telling_is_its_own_merged_view() -> None:
    assert merge(live(a_vm()), []).vm == a_vm()


@given(st.sets(st.sampled_from([field.name for field in fields(VmFacts)])), st.booleans())
def test_a_field_is_unknown_only_where_all_sources_leave_it_unknown(unread: set[str], fresher: bool) -> None:
    vm = a_vm()
    gone = replace(vm, **dict.fromkeys(unread - REFERENCES - {"name"}, UNKNOWN))
    merged = merge(live(gone), [book(vm, days=1 if fresher else -1)])
    lost = [name for name in unread if isinstance(getattr(merged.vm, name), Unknown)]
    assert all(isinstance(getattr(vm, name), Unknown) for name in lost)
