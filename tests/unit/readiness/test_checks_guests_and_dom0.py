"""Family E: guests by what the business says of them, and the hosts' own system; a table per check."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolDriveFacts, PoolFacts, PoolMessageFacts, VmGroupFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.results import Result
from tests.builders.evidence import a_trial, said, said_of_hosts
from tests.builders.pools import GIB, NOW, a_planned_vm, a_pool, a_vm, changed, with_host
from tests.unit.readiness.cases import a_case, ask

POOL, K = a_pool(), EvidenceKind
PASS, WARN, FAIL, UNKNOWN_ = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN
ROLE = K.BUSINESS_ROLE
DEAF = replace(POOL, unreadable=(("message", "not allowed"),))


def with_vm(**changes: object) -> PoolFacts:
    return replace(POOL, vms=(a_vm(**changes),))


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, (said(POOL, ROLE),), PASS),
        (with_vm(ha_restart_priority="best-effort"), (said(POOL, ROLE),), WARN),
        (with_vm(ha_restart_priority=""), (said(POOL, ROLE),), FAIL),
        (with_vm(ha_restart_priority=""), (said(POOL, ROLE, critical=False),), PASS),
        (POOL, (said(POOL, ROLE, "gone"),), UNKNOWN_),
        (POOL, (), UNKNOWN_),
    ],
)
def test_ha_080_wants_critical_vms_protected(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-080", a_case(pool, evidence)).result is expected


@pytest.mark.parametrize(("priority", "expected"), [("restart", PASS), ("best-effort", WARN), ("", FAIL)])
def test_ha_080_asks_of_planned_vms_too(priority: str, expected: Result) -> None:
    case = a_case(POOL, (said(POOL, ROLE, "db1"),), planned=[a_planned_vm("db1", priority=priority)])
    assert ask("HA-080", case).result is expected


def ordered(first: object, second: object) -> PoolFacts:
    return replace(POOL, vms=(a_vm("dc", order=first), a_vm("app", order=second)))


@pytest.mark.parametrize(
    ("pool", "needs", "expected"),
    [
        (ordered(0, 1), ["dc"], PASS),
        (ordered(0, 0), ["dc"], WARN),
        (ordered(2, 1), ["dc"], FAIL),
        (ordered(UNKNOWN, 1), ["dc"], UNKNOWN_),
        (ordered(0, 1), ["gone"], UNKNOWN_),
        (ordered(0, 1), [], UNKNOWN_),
    ],
)
def test_ha_081_wants_what_is_needed_to_start_first(pool: PoolFacts, needs: list, expected: Result) -> None:
    assert ask("HA-081", a_case(pool, (said(POOL, ROLE, "app", start_after=needs),))).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_vm(tools_up_to_date=False), WARN),
        (with_vm(tools_detected=False), FAIL),
        (with_vm(tools_detected=UNKNOWN), UNKNOWN_),
        (with_vm(tools_detected=False, power_state="Halted"), PASS),
        (replace(POOL, unreadable=(("VM", "no"),)), UNKNOWN_),
    ],
)
def test_ha_088_wants_tools_in_every_running_guest(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-088", a_case(pool)).result is expected


def said_by_pool(name: str, *, days: float = 1, uuid: str = "m1", body: str = "", priority: int = 3) -> PoolMessageFacts:
    return PoolMessageFacts(uuid, name, priority, "Host", "h1", body, NOW - timedelta(days=days))


def apart(hosts: tuple[str, str], placement: str = "anti_affinity") -> PoolFacts:
    vms = (a_vm("a", resident_on_uuid=hosts[0]), a_vm("b", resident_on_uuid=hosts[1]))
    return replace(POOL, vms=vms, vm_groups=(VmGroupFacts("g", "web", placement, ("a", "b")),))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (apart(("h1", "h2")), PASS),
        (apart(("h1", "h1"), "normal"), PASS),
        (apart(("h1", "h1")), WARN),
        (replace(POOL, messages=(said_by_pool("ALL_RUNNING_VMS_IN_ANTI_AFFINITY_GRP_ON_SINGLE_HOST"),)), WARN),
        (changed(vm_groups=UNKNOWN)(POOL), UNKNOWN_),
        (DEAF, UNKNOWN_),
    ],
)
def test_ha_089_wants_groups_apart(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-089", a_case(pool)).result is expected


def two(hosts: tuple[str, str], srs: tuple[object, object]) -> PoolFacts:
    vms = [
        a_vm(uuid, resident_on_uuid=host, drives=UNKNOWN if sr is UNKNOWN else (PoolDriveFacts(f"{uuid}-d", "Disk", sr),))  # type: ignore[arg-type]
        for uuid, host, sr in zip(("dc1", "dc2"), hosts, srs, strict=True)
    ]
    return replace(POOL, vms=tuple(vms))


ROLES = tuple(said(POOL, ROLE, uuid, role="domain_controller") for uuid in ("dc1", "dc2"))


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (two(("h1", "h2"), ("s1", "s2")), ROLES, PASS),
        (two(("h1", "h2"), ("s1", "s1")), ROLES, WARN),
        (two(("h1", "h1"), ("s1", "s2")), ROLES, FAIL),
        (two(("h1", "h2"), ("s1", UNKNOWN)), ROLES, UNKNOWN_),
        (POOL, ROLES, UNKNOWN_),
        (POOL, (), UNKNOWN_),
    ],
)
def test_ha_096_wants_infrastructure_apart(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-096", a_case(pool, evidence)).result is expected


def with_dom0(gib: object = 5, *said_: PoolMessageFacts) -> PoolFacts:
    size = gib * GIB if isinstance(gib, int) else gib
    domains = [
        a_vm(f"{h.uuid}-dom0", is_control_domain=True, resident_on_uuid=h.uuid, memory_dynamic_max_bytes=size) for h in POOL.hosts
    ]
    return replace(POOL, vms=(*POOL.vms, *domains), messages=said_)


MEM_ALARM = '<config><variable><name value="mem_usage"/></variable></config>'


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (with_dom0(5), PASS),
        (with_dom0(4), WARN),
        (with_dom0(5, said_by_pool("ALARM", body=MEM_ALARM, days=8)), WARN),
        (with_dom0(5, said_by_pool("ALARM", body=MEM_ALARM, days=6)), FAIL),
        (with_dom0(5, said_by_pool("ALARM", body='"cpu_usage"')), PASS),
        (with_dom0(UNKNOWN), UNKNOWN_),
        (POOL, UNKNOWN_),
        (with_host(with_dom0(5), "h1", memory_total_bytes=UNKNOWN), UNKNOWN_),
        (DEAF, UNKNOWN_),
    ],
)
def test_ha_090_wants_memory_for_dom0(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-090", a_case(pool)).result is expected


def disks(percent: float) -> tuple[EvidenceItem, ...]:
    return (*said_of_hosts(POOL, K.DOM0_DISK)[1:], said(POOL, K.DOM0_DISK, "h1", used_percent=percent))


def alarmed(days: float) -> PoolFacts:
    return replace(POOL, messages=(said_by_pool("ALARM", days=days, body='<name value="log_fs_usage"/>'),))


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, disks(79), PASS),
        (POOL, disks(80), WARN),
        (POOL, disks(90), FAIL),
        (POOL, disks(40)[:2], UNKNOWN_),
        (alarmed(0.5), disks(40), FAIL),
        (alarmed(2), disks(40), PASS),
        (DEAF, disks(40), UNKNOWN_),
    ],
)
def test_ha_091_wants_room_in_dom0(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-091", a_case(pool, evidence)).result is expected


def open_alert(name: str, priority: int = 3) -> PoolFacts:
    return replace(POOL, messages=(said_by_pool(name, priority=priority),))


WINDOW = {"started_at": (NOW - timedelta(days=1, hours=1)).isoformat(), "ended_at": (NOW - timedelta(hours=23)).isoformat()}


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, (), PASS),
        (open_alert("VM_STARTED", 5), (), PASS),
        (open_alert("BOND_STATUS_CHANGED"), (), WARN),
        (open_alert("HA_HOST_FAILED"), (), FAIL),
        (open_alert("HA_HOST_WAS_FENCED", 4), (), FAIL),
        (open_alert("HA_HOST_FAILED"), (said(POOL, K.ALERT_TRIAGE, "m1"),), WARN),
        (open_alert("HA_HOST_FAILED"), (said(POOL, K.ALERT_TRIAGE, "m2"),), FAIL),
        (open_alert("HA_HOST_FAILED"), (a_trial(POOL, **WINDOW),), PASS),
        (open_alert("HA_HOST_FAILED"), (a_trial(POOL, started_at="soon", ended_at="later"),), FAIL),
        (DEAF, (), UNKNOWN_),
    ],
)
def test_ha_092_wants_alerts_read(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-092", a_case(pool, evidence)).result is expected


def late(times: int) -> PoolFacts:
    name = "HA_XAPI_HEALTHCHECK_APPROACHING_TIMEOUT"
    return replace(POOL, messages=tuple(said_by_pool(name, uuid=f"m{n}", priority=5) for n in range(times)))


WELL = said_of_hosts(POOL, K.XAPI_HEALTHCHECK)


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, WELL, PASS),
        (late(1), WELL, WARN),
        (late(2), WELL, FAIL),
        (POOL, (*WELL[1:], said(POOL, K.XAPI_HEALTHCHECK, "h1", ok=False)), FAIL),
        (POOL, WELL[1:], UNKNOWN_),
        (DEAF, WELL, UNKNOWN_),
    ],
)
def test_ha_093_wants_every_toolstack_well(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-093", a_case(pool, evidence)).result is expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [((said(POOL, K.FEATURE_REVIEW),), PASS), ((said(POOL, K.FEATURE_REVIEW, ha_left_on=False),), FAIL), ((), WARN)],
)
def test_ha_094_wants_other_features_reviewed(evidence: tuple, expected: Result) -> None:
    assert ask("HA-094", a_case(POOL, evidence)).result is expected


TEST = said(POOL, K.HOST_FAILURE_TEST)


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, (TEST,), PASS),
        (POOL, (said(POOL, K.HOST_FAILURE_TEST, restart_s=240.0),), PASS),
        (POOL, (said(POOL, K.HOST_FAILURE_TEST, restart_s=241.0),), FAIL),
        (POOL, (said(POOL, K.HOST_FAILURE_TEST, restart_s=241.0, boot_s=30.0),), PASS),
        (POOL, (said(POOL, K.HOST_FAILURE_TEST, vms_restarted=False),), FAIL),
        (POOL, (dataclasses.replace(TEST, tested_at=NOW - timedelta(days=181)),), WARN),
        (with_host(POOL, "h2", build_number="101"), (TEST,), WARN),
        (changed(ha_host_failures_to_tolerate=2)(POOL), (TEST,), WARN),
        (changed(ha_enabled=False)(POOL), (TEST,), UNKNOWN_),
        (POOL, (), FAIL),
    ],
)
def test_ha_095_wants_a_host_to_have_been_switched_off(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-095", a_case(pool, evidence)).result is expected
