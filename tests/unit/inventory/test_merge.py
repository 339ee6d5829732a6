"""The merged view: the freshest known value of each field, never an unknown over a known one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from estate.facts.source import AllocationFacts, PowerState, VmFacts
from estate.facts.source.devices import ALLOCATION_NOT_READ
from estate.facts.unknown import UNKNOWN, Unknown
from migration.inventory.core.disagreement import disagreements
from migration.inventory.core.merge import REFERENCES, Telling, merge
from tests.builders.estate import SEEN_AT, a_disk, a_nic, a_vm

BOOK, LIVE = uuid4(), uuid4()
ALLOCATIONS = {"cpu_allocation", "memory_allocation"}


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
    assert merged.provenance["disks[0].thin"][0] == BOOK


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
    gone = replace(
        vm, **{name: ALLOCATION_NOT_READ if name in ALLOCATIONS else UNKNOWN for name in unread - REFERENCES - {"name"}}
    )
    merged = merge(live(gone), [book(vm, days=1 if fresher else -1)])
    lost = [name for name in unread if isinstance(getattr(merged.vm, name), Unknown)]
    assert all(isinstance(getattr(vm, name), Unknown) for name in lost)
    assert all(getattr(merged.vm, name) == getattr(vm, name) for name in ALLOCATIONS)


SOME = st.sampled_from([UNKNOWN, 1, 2])


@given(st.lists(st.tuples(st.integers(-3, 3), SOME, SOME), min_size=1, max_size=4))
def test_a_merged_value_is_one_that_somebody_told_and_the_freshest_known_one(told: list[tuple[int, object, object]]) -> None:
    tellings = [
        Telling(uuid4(), SEEN_AT + timedelta(days=days), a_vm(vcpus=vcpus, cpu_allocation=AllocationFacts(limit=limit)))
        for days, vcpus, limit in told
    ]
    merged = merge(tellings[0], tellings[1:])
    for path, value, read in (
        ("vcpus", merged.vm.vcpus, lambda vm: vm.vcpus),
        ("cpu_allocation.limit", merged.vm.cpu_allocation.limit, lambda vm: vm.cpu_allocation.limit),
    ):
        known = [telling for telling in tellings if not isinstance(read(telling.vm), Unknown)]
        if not known:
            assert isinstance(value, Unknown)
            continue
        newest = max(telling.at for telling in known)
        assert value in [read(telling.vm) for telling in known if telling.at == newest]
        assert merged.provenance[path][1] == newest


def test_disks_follow_the_acting_source_however_fresh_the_other_is() -> None:
    merged = merge(live(a_vm(disks=(a_disk(0),))), [book(a_vm(disks=(a_disk(0), a_disk(1))), days=5)])
    assert merged.vm.disks == (a_disk(0),)
    assert merged.provenance["disks"][0] == LIVE


def test_disks_that_only_another_source_lists_refer_to_nothing_here() -> None:
    merged = merge(live(a_vm(disks=UNKNOWN)), [book(a_vm(disks=(a_disk(0),)))])
    (disk,) = merged.vm.disks
    assert (disk.capacity_bytes, isinstance(disk.datastore_id, Unknown)) == (a_disk(0).capacity_bytes, True)


@pytest.mark.parametrize(
    ("mine", "theirs", "named"),
    [
        ({"vcpus": 2}, {"vcpus": 4}, ("vcpus",)),
        ({"vcpus": 2}, {"vcpus": UNKNOWN}, ()),
        ({"firmware": "bios"}, {"firmware": "efi"}, ("firmware",)),
        ({"disks": (a_disk(0),)}, {"disks": (a_disk(0), a_disk(1))}, ("disks",)),
        ({"disks": (a_disk(0), a_disk(1))}, {"disks": (a_disk(1), a_disk(0))}, ()),
        ({"disks": (a_disk(0),)}, {"disks": (a_disk(0, capacity_bytes=UNKNOWN),)}, ()),
        ({"nics": (a_nic(0, mac_address="00:50:56:AA:00:01"),)}, {"nics": (a_nic(0, mac_address="00-50-56-aa-00-01"),)}, ()),
        ({"nics": (a_nic(0),)}, {"nics": ()}, ("nics",)),
        ({"power_state": PowerState.ON}, {"power_state": PowerState.OFF}, ()),
    ],
)
def test_sources_disagree_only_where_both_know_and_it_decides_about_the_move(
    mine: Any, theirs: Any, named: tuple[str, ...]
) -> None:
    assert disagreements(live(a_vm(**mine)), [book(a_vm(**theirs))]) == named
