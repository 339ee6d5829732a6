"""Family E: whether protected VMs could start on every host, and find room there, a table per check."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from estate.facts.planned import PlannedVm
from estate.facts.pool import PoolDriveFacts, PoolFacts, PoolNetworkFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.results import Result
from tests.builders.pools import GIB, HEARTBEAT_SR, a_planned_vm, a_pool, a_vm, an_sr, changed, with_host, with_pbd, with_pif
from tests.unit.readiness.cases import a_case, ask

POOL = a_pool()
PASS, WARN, FAIL, UNKNOWN_ = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN
LOCAL = an_sr("sr-local", name="local", shared=False, kind="ext")
ODD = an_sr("sr-odd", name="odd", shared=UNKNOWN)


def holding(**changes: object) -> PoolFacts:
    return replace(POOL, vms=(a_vm(**changes),), srs=(*POOL.srs, LOCAL, ODD))


def drive(sr: object, kind: str = "Disk") -> tuple[PoolDriveFacts, ...]:
    return (PoolDriveFacts("v-disk", "Disk", HEARTBEAT_SR), PoolDriveFacts("v-x", kind, sr))  # type: ignore[arg-type]  # bad ones too


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (changed(vms=())(POOL), PASS),
        (holding(drives=drive("sr-local")), FAIL),
        (holding(drives=drive("sr-local", "CD")), FAIL),
        (holding(drives=drive(None, "CD")), PASS),
        (holding(drives=drive("sr-local"), ha_restart_priority="best-effort"), WARN),
        (holding(drives=drive("sr-local"), ha_restart_priority=""), PASS),
        (holding(drives=drive("sr-local"), is_control_domain=True), PASS),
        (holding(drives=drive("sr-local"), power_state="Halted", resident_on_uuid=None), FAIL),
        (holding(drives=drive("sr-odd")), UNKNOWN_),
        (holding(drives=drive("sr-not-seen")), UNKNOWN_),
        (holding(drives=drive(UNKNOWN)), UNKNOWN_),
        (holding(drives=UNKNOWN), UNKNOWN_),
        (holding(drives=UNKNOWN, ha_restart_priority="best-effort"), WARN),
        (with_pbd(POOL, "h3", currently_attached=False), FAIL),
        (with_pbd(POOL, "h3", currently_attached=UNKNOWN), UNKNOWN_),
        (replace(POOL, pbds=POOL.pbds[:2]), FAIL),
        (with_host(with_pbd(POOL, "h3", currently_attached=False), "h3", enabled=False), PASS),
        (replace(POOL, unreadable=(("VM", "not allowed"),), vms=()), UNKNOWN_),
        (replace(POOL, unreadable=(("VM 1234", "unusable field: VCPUs_max"),)), UNKNOWN_),
    ],
)
def test_ha_082_wants_every_drive_within_reach_of_every_host(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-082", a_case(pool)).result is expected


def test_ha_082_names_vm_and_sr() -> None:
    assert ask("HA-082", a_case(holding(drives=drive("sr-local", "CD")))).detail == "guest-vm1 has an ISO on the local SR local."


INTERNAL = PoolNetworkFacts("net-internal", "internal", "xapi9", 1500, ())
SLAVES = PoolNetworkFacts("net-eth0", "of eth0", "xenbr0", 1500, ("h1-eth0", "h2-eth0", "h3-eth0"))


def on_network(uuid: str) -> PoolFacts:
    return replace(POOL, vms=(a_vm(network_uuids=(uuid,)),), networks=(*POOL.networks, INTERNAL, SLAVES))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (on_network("net-internal"), FAIL),
        (on_network("net-eth0"), FAIL),
        (on_network("net-not-seen"), UNKNOWN_),
        (with_pif(POOL, "h2-bond0", currently_attached=False), FAIL),
        (with_pif(POOL, "h2-bond0", currently_attached=UNKNOWN), UNKNOWN_),
        (replace(POOL, pifs=tuple(p for p in POOL.pifs if p.uuid != "h2-bond0")), FAIL),
        (holding(network_uuids=UNKNOWN), UNKNOWN_),
        (holding(network_uuids=()), PASS),
        (holding(network_uuids=UNKNOWN, ha_restart_priority="best-effort"), WARN),
        (holding(network_uuids=("net-eth0",), ha_restart_priority="best-effort"), WARN),
    ],
)
def test_ha_083_wants_every_network_on_every_host(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-083", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (holding(host_devices=("VGPUs",)), FAIL),
        (holding(host_devices=("VUSBs",), ha_restart_priority="best-effort"), WARN),
        (holding(host_devices=UNKNOWN), UNKNOWN_),
    ],
)
def test_ha_084_wants_no_device_of_a_host(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-084", a_case(pool)).result is expected


def protected(name: str, gib: float) -> PlannedVm:
    return a_planned_vm(name, memory_bytes=int(gib * GIB), priority="restart", mac=f"52:{name}")


def crowd(gib: float, count: int) -> list[PlannedVm]:
    return [protected(f"v{n}", gib) for n in range(count)]


@pytest.mark.parametrize(
    ("pool", "planned", "expected"),
    [
        (POOL, (), PASS),
        (POOL, crowd(20, 3), PASS),
        (POOL, crowd(28, 4), PASS),
        (POOL, crowd(29, 4), WARN),
        (POOL, crowd(30, 4), FAIL),
        (POOL, crowd(40, 3), FAIL),
        (POOL, crowd(70, 1), FAIL),
        (POOL, [a_planned_vm("big", memory_bytes=58 * GIB, mac="52:big")], PASS),
        (changed(ha_host_failures_to_tolerate=2)(POOL), crowd(40, 2), FAIL),
        (changed(ha_host_failures_to_tolerate=0)(POOL), crowd(40, 3), FAIL),
        (changed(ha_host_failures_to_tolerate=UNKNOWN)(POOL), crowd(40, 3), FAIL),
        (with_host(POOL, "h2", memory_total_bytes=UNKNOWN), (), UNKNOWN_),
        (with_host(POOL, "h2", live=UNKNOWN), (), UNKNOWN_),
        (changed(unreadable=(("VM 1234", "unusable field: VCPUs_max"),))(POOL), (), UNKNOWN_),
        (changed(unreadable=(("VM_guest_metrics", "not allowed"),))(POOL), (), PASS),
        (with_host(with_host(POOL, "h2", live=False), "h3", live=False), (), FAIL),
    ],
)
def test_ha_086_wants_room_for_all_after_the_failures(pool: PoolFacts, planned: Sequence[PlannedVm], expected: Result) -> None:
    assert ask("HA-086", a_case(pool, planned=planned)).result is expected


@pytest.mark.parametrize(
    ("pool", "planned", "expected"),
    [
        (POOL, (), PASS),
        (changed(vms=())(POOL), (), PASS),
        (POOL, [protected("big", 30)], PASS),
        (POOL, [protected("big", 53)], PASS),
        (POOL, [protected("big", 56)], WARN),
        (POOL, [protected("big", 62), protected("two", 30)], FAIL),
        (POOL, [protected("big", 70)], FAIL),
        (with_host(POOL, "h2", memory_total_bytes=UNKNOWN), (), UNKNOWN_),
        (with_host(with_host(POOL, "h2", live=False), "h3", live=False), (), FAIL),
    ],
)
def test_ha_087_wants_one_survivor_with_room_for_the_largest(
    pool: PoolFacts, planned: Sequence[PlannedVm], expected: Result
) -> None:
    assert ask("HA-087", a_case(pool, planned=planned)).result is expected
