"""What stands against powering storage off: HA off, production near it, hosts or paths away, an unsynced mirror."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import cabling_of
from readiness.core.campaign.overlap import EsxiStorage, Overlap, overlap_of, pool_storage, spelled
from readiness.core.campaign.preflight import ChangeWindow, Conditions, StorageWord, preflight, storage_obstacles
from tests.builders.evidence import an_item, storage_nodes
from tests.builders.pools import HEARTBEAT_SR, NOW, a_pool, a_vm, with_host, with_pbd
from tests.unit.readiness.cases import a_case

QUIET = a_pool(vms=())
CLEAR = Conditions(frozenset(), Overlap())


def codes(facts: PoolFacts = QUIET, conditions: Conditions = CLEAR, nodes: object = None) -> list[str]:
    case = a_case(facts, (storage_nodes(),) if nodes is None else tuple(nodes))  # type: ignore[arg-type]
    return [obstacle.code for obstacle in preflight(case, conditions)]


def test_a_quiet_healthy_pool_may_be_tried() -> None:
    assert codes() == []


CASES: list[tuple[Callable[[PoolFacts], PoolFacts], str]] = [
    (lambda facts: replace(facts, ha_enabled=False), "ha_off"),
    (lambda facts: replace(facts, ha_enabled=Unknown("not told")), "ha_off"),
    (lambda facts: replace(facts, hosts=()), "hosts_missing"),
    (lambda facts: with_host(facts, "h2", live=False), "hosts_missing"),
    (lambda facts: with_host(facts, "h2", enabled=Unknown("not told")), "hosts_missing"),
    (lambda facts: with_pbd(facts, "h2", currently_attached=False), "heartbeat_sr_detached"),
    (lambda facts: with_pbd(facts, "h2", currently_attached=Unknown("not told")), "heartbeat_sr_detached"),
    (lambda facts: with_pbd(facts, "h2", paths_active=1), "paths_missing"),
    (lambda facts: replace(facts, vms=(a_vm(),)), "vms_running"),
    (lambda facts: replace(facts, vms=(a_vm(power_state="Paused", ha_restart_priority=""),)), "vms_running"),
    (lambda facts: replace(facts, vms=(a_vm(power_state="something new"),)), "vms_running"),
    (lambda facts: replace(facts, unreadable=(("VM", "refused"),)), "vms_unknown"),
    (lambda facts: replace(facts, statefiles=Unknown("not told")), "heartbeat_sr_unknown"),
]


@pytest.mark.parametrize(("change", "code"), CASES)
def test_one_thing_wrong_is_one_obstacle(change: Callable[[PoolFacts], PoolFacts], code: str) -> None:
    assert codes(change(QUIET)) == [code]


def test_halted_vms_dom0_and_expendable_vms_stand_against_nothing() -> None:
    vms = (a_vm(power_state="Halted"), a_vm("dom0", is_control_domain=True), a_vm("test1"), a_vm("test2"))
    conditions = Conditions(frozenset({"test1", "guest-test2"}), Overlap())
    assert codes(replace(QUIET, vms=vms), conditions) == []


def test_storage_nodes_must_be_named_and_be_two() -> None:
    assert codes(nodes=()) == ["storage_nodes_unknown"]
    assert codes(nodes=(storage_nodes(("san-a",)),)) == ["single_storage_node"]


def test_storage_that_esxi_uses_refuses_the_trial_and_so_does_not_knowing() -> None:
    assert codes(conditions=Conditions(frozenset(), Overlap(("esx1: 10.9.0.1",)))) == ["vmware_on_storage"]
    assert codes(conditions=Conditions(frozenset(), Overlap(unknown="no inventory"))) == ["vmware_unknown"]


@pytest.mark.parametrize(
    ("starts_h", "ends_h", "opens"), [(-1, 1, True), (-2, -1, False), (1, 2, False), (0, 1, True), (-1, 0, False)]
)
def test_a_signed_change_window_opens_the_trial_while_it_lasts(starts_h: int, ends_h: int, opens: bool) -> None:
    window = ChangeWindow("Vera VMware", NOW + timedelta(hours=starts_h), NOW + timedelta(hours=ends_h))
    found = codes(conditions=Conditions(frozenset(), Overlap(("esx1: 10.9.0.1",)), window))
    assert found == ([] if opens else ["vmware_on_storage"])


def test_unhealthy_storage_and_a_mirror_out_of_sync_are_named() -> None:
    assert storage_obstacles(StorageWord(healthy=True, mirror_in_sync=True)) == ()
    found = [each.code for each in storage_obstacles(StorageWord(healthy=False, mirror_in_sync=False))]
    assert found == ["storage_unhealthy", "mirror_out_of_sync"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("10.20.0.201", "10.20.0.201:3260"),
        ("360030d903131325f48415f4865617274", "naa.60030d903131325f48415f4865617274"),
        ("36000ABC000000001", "naa.6000abc000000001"),
        ("50:06:01:60:3b:a0:11:22", "500601603BA01122"),
        ("iqn.2000-08.example.san:lun01", "IQN.2000-08.example.san:lun01"),
        ("[fe80::1]:3260", "fe80::1"),
        ("nfs01.example.", "NFS01.example"),
    ],
)
def test_two_spellings_of_one_thing_meet(ours: str, theirs: str) -> None:
    assert spelled(ours) == spelled(theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("10.20.0.201", "10.20.0.20"),
        ("iqn.2000-08.example:1", "iqn.2000-08.example:2"),
        ("fe80::1", "fe80::2"),
        ("360030d903131325f48415f4865617274", "360030d903131325f48415f4865617275"),
        ("50:06:01:60:3b:a0:11:22", "50:06:01:61:3b:a0:11:22"),
    ],
)
def test_two_things_do_not_meet(ours: str, theirs: str) -> None:
    assert spelled(ours) != spelled(theirs)


def storage(facts: PoolFacts = QUIET, nodes: object = None) -> frozenset[str] | Unknown:
    return pool_storage(facts, cabling_of(a_case(facts, (storage_nodes() if nodes is None else nodes,))), HEARTBEAT_SR)  # type: ignore[arg-type]


def test_the_pools_storage_is_its_targets_its_nodes_and_every_lun_on_them() -> None:
    data = replace(
        QUIET.pbds[0], uuid="p9", sr_uuid="sr-data", scsi_id="3600def0000000000600def0000000000a", portals=("10.9.0.2:3260",)
    )
    far = replace(data, uuid="p8", sr_uuid="sr-far", scsi_id="360000000000000000000000000000000b", portals=("10.7.7.7",))
    names = storage(replace(QUIET, pbds=(*QUIET.pbds, data, far)))
    assert not isinstance(names, Unknown)
    assert {"10.9.0.1", "10.9.0.2", spelled("3600def0000000000600def0000000000a")} <= names
    assert spelled(str(far.scsi_id)) not in names


def test_nodes_without_portals_leave_the_overlap_unknown() -> None:
    bare = an_item(storage_nodes().kind, HEARTBEAT_SR, {"nodes": [{"name": "san-a"}, {"name": "san-b"}]})
    assert isinstance(storage(nodes=bare), Unknown)
    assert not overlap_of(storage(nodes=bare), ()).is_clear


def test_what_both_sides_use_is_named_by_host() -> None:
    esxi = [EsxiStorage("esx1", frozenset({"10.9.0.1:3260", "naa.1"})), EsxiStorage("esx2", frozenset({"10.1.1.1"}))]
    assert overlap_of(storage(), esxi).shared == ("esx1: 10.9.0.1:3260",)
    assert overlap_of(storage(), esxi[1:]).is_clear


def test_a_gap_on_the_other_side_is_unknown_and_never_clear() -> None:
    assert overlap_of(storage(), [EsxiStorage("esx1", frozenset(), gap="its LUNs could not be read")]).unknown
    assert overlap_of(storage(), Unknown("no inventory")).unknown == "no inventory"
