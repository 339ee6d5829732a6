"""Identity of machines: moref inside one vCenter, instance UUID across sources where unique, a person otherwise."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from migration.inventory.core.identity import Fresh, Same, Seen, Sighted, identify

BOOK, LIVE, OVA = uuid4(), uuid4(), uuid4()
FIRST, SECOND = UUID(int=1), UUID(int=2)


def sighted(machine: UUID, source: UUID = BOOK, vcenter: str = "", native_id: str = "vm-1", uuid: str = "u1") -> Sighted:
    return Sighted(machine, source, vcenter, native_id, uuid)


def of_one(seen: Seen, *before: Sighted, vcenter: str = "vc") -> object:
    return identify([seen], source_id=LIVE, vcenter=vcenter, sighted=before)[seen.native_id]


def test_a_vm_seen_before_in_its_source_is_the_same_even_with_another_uuid() -> None:
    assert of_one(Seen("vm-1", "new"), sighted(FIRST, LIVE, "vc")) == Same(FIRST)


def test_a_workbook_of_the_same_vcenter_joins_by_moref() -> None:
    assert of_one(Seen("vm-1", ""), sighted(FIRST, BOOK, "vc", uuid="")) == Same(FIRST)


def test_a_moref_of_another_or_unknown_vcenter_says_nothing() -> None:
    assert of_one(Seen("vm-1", ""), sighted(FIRST, BOOK, "other", uuid="")) == Fresh()
    assert of_one(Seen("vm-1", ""), sighted(FIRST, BOOK, "", uuid=""), vcenter="") == Fresh()


def test_an_instance_uuid_joins_across_sources_where_one_vm_on_either_side_has_it() -> None:
    assert of_one(Seen("vm-9", "u1"), sighted(FIRST)) == Same(FIRST)


def test_an_instance_uuid_of_two_machines_asks_a_person() -> None:
    assert of_one(Seen("vm-9", "u1"), sighted(FIRST), sighted(SECOND, native_id="vm-2")) == Fresh((FIRST, SECOND))


def test_two_clones_with_one_uuid_ask_a_person_each() -> None:
    found = identify([Seen("vm-8", "u1"), Seen("vm-9", "u1")], source_id=LIVE, vcenter="vc", sighted=[sighted(FIRST)])
    assert set(found.values()) == {Fresh((FIRST,))}


def test_inside_one_vcenter_another_moref_is_another_machine() -> None:
    assert of_one(Seen("vm-9", "u1"), sighted(FIRST, BOOK, "vc")) == Fresh()


ids = st.sampled_from(["vm-1", "vm-2", "vm-3"])
uuids = st.sampled_from(["", "u1", "u2"])
machines = st.sampled_from([UUID(int=number) for number in range(1, 5)])
befores = st.lists(
    st.builds(Sighted, machines, st.sampled_from([BOOK, OVA]), st.sampled_from(["", "vc", "other"]), ids, uuids),
    unique_by=lambda row: (row.source_id, row.native_id),
)
seens = st.lists(st.builds(Seen, ids, uuids), unique_by=lambda vm: vm.native_id)


@given(seens, befores)
def test_no_machine_is_given_to_two_vms_of_a_source_and_order_does_not_matter(seen: list[Seen], before: list[Sighted]) -> None:
    found = identify(seen, source_id=LIVE, vcenter="vc", sighted=before)
    joined = [decision.machine_id for decision in found.values() if isinstance(decision, Same)]
    assert len(joined) == len(set(joined))
    assert identify(seen[::-1], source_id=LIVE, vcenter="vc", sighted=before[::-1]) == found
