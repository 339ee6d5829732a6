"""Content addresses, volatile paths, differences and states of inventories."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from estate.facts.codec import canonical_json
from estate.facts.source import SourceFact
from estate.facts.unknown import UNKNOWN
from migration.inventory.core.blobs import digest_of, fact_of, stored
from migration.inventory.core.diff import PathChange, Pointer, changed_paths, diff
from migration.inventory.core.kinds import FACTS_CLASS, FactKind
from migration.inventory.core.states import IllegalTransition, InventoryEvent, InventoryState, next_state
from migration.inventory.core.volatile import VOLATILE_PATHS
from tests.builders.estate import SEEN_AT, a_cluster, a_datastore, a_disk, a_host, a_network, a_snapshot, a_vm

FACTS = [a_vm(snapshots=(a_snapshot(),)), a_vm(disks=UNKNOWN), a_host(), a_cluster(), a_datastore(), a_network()]


@pytest.mark.parametrize("fact", FACTS)
def test_stored_facts_come_back_as_they_were(fact: SourceFact) -> None:
    kept = stored(fact)
    assert fact_of(kept.kind, kept.body, kept.volatile) == fact


@pytest.mark.parametrize(
    "change",
    [{"boot_time": SEEN_AT + timedelta(days=1)}, {"change_version": "later"}, {"tools_running": False}, {"committed_bytes": 1}],
)
def test_volatile_values_do_not_change_the_address(change: dict) -> None:
    vm = a_vm()
    assert stored(replace(vm, **change)).digest == stored(vm).digest
    assert stored(replace(vm, **change)).volatile != stored(vm).volatile


@pytest.mark.parametrize("change", [{"name": "app-02"}, {"vcpus": 4}, {"disks": (a_disk(thin=False),)}, {"firmware": UNKNOWN}])
def test_lasting_values_change_the_address(change: dict) -> None:
    assert stored(replace(a_vm(), **change)).digest != stored(a_vm()).digest


def test_every_volatile_path_is_a_field_of_its_kind() -> None:
    for kind, paths in VOLATILE_PATHS.items():
        assert paths <= set(FACTS_CLASS[kind].__struct_fields__)


def test_no_kept_fact_holds_a_floating_number() -> None:
    """One that is not a number has no JSON form, and would be spelled as none."""
    spelled = json.dumps(msgspec.json.schema(tuple[tuple(FACTS_CLASS.values())]))
    assert '"integer"' in spelled and '"number"' not in spelled


def test_two_kinds_never_share_an_address() -> None:
    assert digest_of(FactKind.HOST, "{}") != digest_of(FactKind.CLUSTER, "{}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@given(st.dictionaries(st.text(), json_values))
def test_the_order_of_keys_does_not_matter(body: dict) -> None:
    assert canonical_json(dict(reversed(body.items()))) == canonical_json(body)


@given(json_values, json_values)
def test_paths_differ_exactly_when_values_do(old: object, new: object) -> None:
    assert bool(list(changed_paths(old, new))) is (old != new)


def test_a_diff_lists_added_gone_and_changed() -> None:
    old = {(FactKind.VM, "vm-1"): Pointer("a", "1"), (FactKind.VM, "vm-2"): Pointer("b", "2")}
    new = {(FactKind.VM, "vm-2"): Pointer("b", "3"), (FactKind.VM, "vm-3"): Pointer("c", "4")}
    found = diff(old, new)
    assert (found.added, found.gone, found.changed) == (
        ((FactKind.VM, "vm-3"),), ((FactKind.VM, "vm-1"),), ((FactKind.VM, "vm-2"),),
    )  # fmt: skip


def body_of(**changes: Any) -> Any:
    return json.loads(stored(a_vm(**changes)).body)


def test_a_changed_path_says_old_and_new() -> None:
    old, new = body_of(disks=(a_disk(),)), body_of(disks=(a_disk(thin=False),))
    assert list(changed_paths(old, new)) == [PathChange("disks[2000].thin", True, False)]


def test_a_disk_that_went_shifts_no_other_and_differs_as_a_whole() -> None:
    old, new = body_of(disks=(a_disk(0), a_disk(1))), body_of(disks=(a_disk(1),))
    assert list(changed_paths(old, new)) == [PathChange("disks[2000]", old["disks"][0], None)]


def test_a_complete_inventory_never_changes_again() -> None:
    assert next_state(InventoryState.COLLECTING, InventoryEvent.ALL_READ) is InventoryState.COMPLETE
    for event in InventoryEvent:
        with pytest.raises(IllegalTransition):
            next_state(InventoryState.COMPLETE, event)
