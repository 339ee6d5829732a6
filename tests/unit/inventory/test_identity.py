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
hardware = st.lists(st.sampled_from(["m1", "m2"]), unique=True).map(tuple)
machines = st.sampled_from([UUID(int=number) for number in range(1, 5)])
befores = st.lists(
    st.builds(Sighted, machines, st.sampled_from([BOOK, OVA, LIVE]), st.sampled_from(["", "vc", "other"]), ids, uuids, hardware),
    unique_by=lambda row: (row.source_id, row.native_id),
)
seens = st.lists(st.builds(Seen, ids, uuids, hardware_ids=hardware), unique_by=lambda vm: vm.native_id)


@given(seens, befores)
def test_no_machine_is_given_to_two_vms_of_a_source_and_order_does_not_matter(seen: list[Seen], before: list[Sighted]) -> None:
    found = identify(seen, source_id=LIVE, vcenter="vc", sighted=before)
    asked = {candidate for decision in found.values() if isinstance(decision, Fresh) for candidate in decision.candidates}
    joined = [decision.machine_id for decision in found.values() if isinstance(decision, Same)]
    assert len(joined) == len(set(joined))
    assert not asked & set(joined), "nobody is asked about a machine that is somebody's"
    assert identify(seen[::-1], source_id=LIVE, vcenter="vc", sighted=before[::-1]) == found


def test_a_source_that_shows_another_vcenter_takes_no_machine_over_by_moref() -> None:
    assert of_one(Seen("vm-1", "u9"), sighted(FIRST, LIVE, "old"), vcenter="new") == Fresh()
    assert of_one(Seen("vm-1", ""), sighted(FIRST, LIVE, "old", uuid=""), vcenter="new") == Fresh()


def test_a_rebuilt_vcenter_gives_machines_other_morefs_and_keeps_them_by_instance_uuid() -> None:
    before = [sighted(FIRST, LIVE, "old", "vm-1", "u1"), sighted(SECOND, LIVE, "old", "vm-2", "u2")]
    found = identify([Seen("vm-2", "u1"), Seen("vm-1", "u2")], source_id=LIVE, vcenter="new", sighted=before)
    assert found == {"vm-2": Same(FIRST), "vm-1": Same(SECOND)}


def test_a_vcenter_that_comes_back_finds_its_machines_where_another_one_had_taken_their_morefs() -> None:
    kept = sighted(FIRST, LIVE, "vc", sighted(FIRST, LIVE, "vc").superseded, "")
    assert kept.is_superseded
    assert kept.moref == "vm-1"
    assert of_one(Seen("vm-1", ""), kept, sighted(SECOND, LIVE, "other", uuid="")) == Same(FIRST)


def test_an_id_that_is_kept_beside_another_one_is_never_too_long_to_be_stored() -> None:
    kept = sighted(FIRST, LIVE, "", native_id="n" * 200, uuid="u" * 64).superseded
    assert len(kept) <= 200
    assert sighted(FIRST, LIVE, "", native_id=kept, uuid="u" * 64).is_superseded


def test_where_no_vcenter_is_told_another_instance_uuid_under_a_moref_asks_a_person() -> None:
    assert of_one(Seen("vm-1", "u9"), sighted(FIRST, LIVE, ""), vcenter="") == Fresh((FIRST,))
    assert of_one(Seen("vm-1", "u1"), sighted(FIRST, LIVE, ""), vcenter="") == Same(FIRST)
    assert of_one(Seen("vm-1", ""), sighted(FIRST, LIVE, ""), vcenter="") == Same(FIRST)
    assert of_one(Seen("vm-1", "u1"), sighted(FIRST, LIVE, "vc"), vcenter="") == Same(FIRST), "a workbook without vSource"


def test_a_bios_uuid_or_mac_asks_a_person_where_a_side_tells_no_instance_uuid() -> None:
    mac = "00:50:56:aa:bb:cc"
    package = Sighted(FIRST, OVA, "", "vm", "", (mac,))
    assert of_one(Seen("vm-9", "u9", hardware_ids=("b", mac)), package) == Fresh((FIRST,))
    assert of_one(Seen("vm-9", "u9", hardware_ids=("b",)), package) == Fresh()
    told = Sighted(FIRST, BOOK, "other", "vm-1", "u1", (mac,))
    assert of_one(Seen("vm-9", "u9", hardware_ids=(mac,)), told) == Fresh(), "their instance UUIDs say that they are two"
    assert of_one(Seen("vm-9", "", hardware_ids=(mac,)), told) == Fresh((FIRST,))


def test_hardware_of_a_machine_that_another_vm_surely_is_asks_nobody() -> None:
    before = [Sighted(FIRST, BOOK, "vc", "vm-1", "u1", ("b",))]
    found = identify([Seen("vm-1", "u1"), Seen("vm-2", "", hardware_ids=("b",))], source_id=LIVE, vcenter="vc", sighted=before)
    assert found == {"vm-1": Same(FIRST), "vm-2": Fresh()}
