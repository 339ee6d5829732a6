"""Machines that must be looked at together: what ties them, how ties join, and what is not known."""

from __future__ import annotations

import time
from typing import Any

import pytest

from estate.facts.source import ClusterFacts, ClusterGroupFacts, ClusterRuleFacts, ContainerFacts, VmFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.groups import Group, KeptApart, Tie, TieKind, groups_of, kept_apart, untold
from tests.builders.estate import a_cluster, a_disk, a_nic, a_vm


def vm(name: str, **changes: Any) -> VmFacts:
    """A machine that shares nothing with any other."""
    number = sum(ord(char) * 31**index for index, char in enumerate(name))
    own = {
        "disks": (a_disk(file_name=f"[s] {name}/d.vmdk", disk_uuid=f"uuid-{name}"),),
        "nics": (a_nic(mac_address=f"00:50:56:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"),),
    }
    return a_vm(name, native_id=name, **{**own, **changes})


def with_rules(*rules: ClusterRuleFacts, groups: Any = (), **changes: Any) -> ClusterFacts:
    return a_cluster(**{"rules": rules, "groups": groups, **changes})


def rule(kind: str, *vm_ids: str, enabled: Any = True, vm_group: str = "") -> ClusterRuleFacts:
    return ClusterRuleFacts("keep", kind, enabled=enabled, vm_ids=vm_ids, vm_group=vm_group)


def members(vms: list[VmFacts], clusters: Any = (), containers: Any = ()) -> list[tuple[str, ...]]:
    return [group.machines for group in groups_of(vms, clusters, containers)]


SHARED = {"disks": (a_disk(file_name="[s] q/Quorum.vmdk", disk_uuid="u1"),)}


def test_machines_without_ties_are_in_no_group() -> None:
    assert groups_of([vm("a"), vm("b")], [with_rules()], [ContainerFacts("p", "Pool", "ResourcePool")]) == ()


def test_a_disk_file_of_two_machines_ties_them_however_it_is_written() -> None:
    other = {"disks": (a_disk(file_name=" [S] q/quorum.vmdk ", disk_uuid="u2"),)}
    (group,) = groups_of([vm("a", **SHARED), vm("x"), vm("b", **other)], [], [])
    assert group == Group((TieKind.SHARED_DISK,), ("a", "b"), (Tie(TieKind.SHARED_DISK, "[s] q/quorum.vmdk", ("a", "b")),))


def test_a_disk_id_of_two_machines_ties_them() -> None:
    same = [vm(name, disks=(a_disk(file_name=f"[s] {name}", disk_uuid="6000C29-A"),)) for name in "ab"]
    assert [group.why[0].what for group in groups_of(same, [], [])] == ["6000c29-a"]


def test_the_same_mac_ties_machines_and_two_nics_of_one_machine_do_not() -> None:
    twice = vm("t", nics=(a_nic(0, mac_address="00:50:56:00:00:77"), a_nic(1, mac_address="00:50:56:00:00:77")))
    same = [vm("a", nics=(a_nic(mac_address="00-50-56-AA-00-01"),)), vm("b", nics=(a_nic(mac_address="00:50:56:aa:00:01"),))]
    (group,) = groups_of([twice, *same], [], [])
    assert (group.kinds, group.machines, group.why[0].what) == ((TieKind.SAME_MAC,), ("a", "b"), "00:50:56:aa:00:01")


@pytest.mark.parametrize("value", ["", " ", UNKNOWN])
def test_empty_and_unread_values_tie_nobody(value: Any) -> None:
    blank = {"disks": (a_disk(file_name=value, disk_uuid=value),), "nics": (a_nic(mac_address=value),)}
    assert members([vm("a", **blank), vm("b", **blank)]) == []


def test_unread_disks_and_nics_tie_nobody() -> None:
    assert members([vm("a", disks=UNKNOWN, nics=UNKNOWN), vm("b", disks=UNKNOWN, nics=UNKNOWN)]) == []


@pytest.mark.parametrize(("enabled", "expected"), [(True, [("a", "b")]), (UNKNOWN, [("a", "b")]), (False, [])])
def test_affinity_rules_tie_unless_switched_off(enabled: Any, expected: list) -> None:
    assert members([vm("a"), vm("b")], [with_rules(rule("affinity", "b", "a", "gone", enabled=enabled))]) == expected


def test_a_rule_with_one_machine_left_ties_nobody() -> None:
    assert members([vm("a")], [with_rules(rule("affinity", "a", "gone"))]) == []


def test_a_group_of_machines_counts_while_a_rule_names_it() -> None:
    groups = (ClusterGroupFacts("sql", ("b", "a")), ClusterGroupFacts("idle", ("c", "d")))
    vms = [vm(name) for name in "abcd"]
    (found,) = groups_of(vms, [with_rules(rule("vm_host", vm_group="sql"), groups=groups)], [])
    assert found.why == (Tie(TieKind.VM_GROUP, "sql", ("a", "b")),)
    assert members(vms, [with_rules(rule("vm_host", vm_group="sql", enabled=False), groups=groups)]) == []


def test_anti_affinity_ties_nobody_and_is_listed_apart() -> None:
    clusters = [with_rules(rule("anti_affinity", "a", "b", "gone"), rule("affinity", "a", "b"), name="Cluster A")]
    assert kept_apart([vm("a"), vm("b")], clusters) == (KeptApart("keep", "Cluster A", ("a", "b")),)
    assert members([vm("a"), vm("b")], [with_rules(rule("anti_affinity", "a", "b"))]) == []


@pytest.mark.parametrize(("enabled", "count"), [(True, 1), (UNKNOWN, 1), (False, 0)])
def test_anti_affinity_counts_unless_switched_off(enabled: Any, count: int) -> None:
    assert len(kept_apart([vm("a"), vm("b")], [with_rules(rule("anti_affinity", "a", "b", enabled=enabled))])) == count


def test_anti_affinity_of_one_machine_or_of_unread_rules_is_none() -> None:
    assert kept_apart([vm("a")], [with_rules(rule("anti_affinity", "a", "b")), a_cluster(rules=UNKNOWN)]) == ()


def test_a_vapp_ties_its_machines_and_those_of_vapps_inside() -> None:
    vapps = [
        ContainerFacts("v1", "Shop", "vapp"),
        ContainerFacts("v2", "Shop DB", "vapp", parent_id="v1", member_ids=("c", "v9")),
        ContainerFacts("rp", "Pool", "ResourcePool", member_ids=("a", "x")),
    ]
    (group,) = groups_of([vm("a", vapp_id="v1"), vm("b", vapp_id="v2"), vm("c"), vm("x", vapp_id=None)], [], vapps)
    assert group.why == (Tie(TieKind.VAPP, "Shop", ("a", "b", "c")),)


def test_a_vapp_without_a_container_is_named_by_its_id() -> None:
    (group,) = groups_of([vm("a", vapp_id="v7"), vm("b", vapp_id="v7"), vm("c", vapp_id=UNKNOWN)], [], [])
    assert (group.machines, group.why[0].what) == (("a", "b"), "v7")


def test_vapps_in_a_circle_end() -> None:
    circle = [ContainerFacts("v1", "One", "vapp", parent_id="v2"), ContainerFacts("v2", "Two", "vapp", parent_id="v1")]
    assert len(groups_of([vm("a", vapp_id="v1"), vm("b", vapp_id="v1")], [], circle)) == 1


def test_ties_of_every_kind_join_into_one_group_with_all_reasons() -> None:
    vms = [vm("a", **SHARED), vm("lone"), vm("b", **SHARED), vm("c"), vm("d", vapp_id="v"), vm("c2", vapp_id="v")]
    clusters = [with_rules(rule("affinity", "b", "c"), ClusterRuleFacts("two", "affinity", True, vm_ids=("c", "d")))]
    (group,) = groups_of(vms, clusters, [])
    assert group.machines == ("a", "b", "c", "d", "c2")
    assert group.kinds == (TieKind.SHARED_DISK, TieKind.AFFINITY, TieKind.VAPP)
    assert [tie.what for tie in group.why] == ["[s] q/quorum.vmdk", "u1", "keep", "two", "v"]


def test_groups_come_in_the_order_of_the_inventory() -> None:
    clusters = [with_rules(rule("affinity", "d", "b"), ClusterRuleFacts("two", "affinity", True, vm_ids=("c", "a")))]
    assert members([vm(name) for name in "abcd"], clusters) == [("a", "c"), ("b", "d")]


@pytest.mark.parametrize(
    ("changes", "cluster", "expected"),
    [
        ({"vapp_id": None}, {}, ()),
        ({"vapp_id": UNKNOWN}, {}, ("a",)),
        ({"disks": UNKNOWN}, {}, ("a",)),
        ({"nics": UNKNOWN}, {}, ("a",)),
        ({"disks": (a_disk(file_name=UNKNOWN),)}, {}, ("a",)),
        ({"nics": (a_nic(mac_address=UNKNOWN),)}, {}, ("a",)),
        ({"cluster_id": UNKNOWN}, {}, ("a",)),
        ({"cluster_id": None}, {"rules": UNKNOWN}, ()),
        ({}, {"rules": UNKNOWN}, ("a",)),
        ({}, {"groups": UNKNOWN}, ("a",)),
    ],
)
def test_machines_with_unread_ties_are_named(changes: dict, cluster: dict, expected: tuple) -> None:
    assert untold([vm("a", **changes)], [with_rules(**cluster)]) == expected


def seconds_for(count: int) -> float:
    vms = [vm(f"vm-{n}", vapp_id=f"v{n // 20}") for n in range(count)]
    chain = tuple(ClusterRuleFacts(f"r{n}", "affinity", True, vm_ids=(f"vm-{n}", f"vm-{n + 1}")) for n in range(count - 1))
    started = time.perf_counter()
    (group,) = groups_of(vms, [with_rules(*chain)], [])
    assert len(group.machines) == count
    return time.perf_counter() - started


def test_ten_thousand_chained_machines_take_a_moment() -> None:
    assert seconds_for(10_000) < 3
