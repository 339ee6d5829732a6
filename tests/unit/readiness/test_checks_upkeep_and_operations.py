"""Families A and B: upkeep of hosts and what people agreed to do, a table per check."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolCertificateFacts, PoolFacts, PoolMessageFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.results import Result
from tests.builders.evidence import said, said_of_hosts
from tests.builders.pools import NOW, a_pool, changed, with_host
from tests.unit.readiness.cases import a_case, ask

POOL, K = a_pool(), EvidenceKind
PASS, WARN, FAIL, UNKNOWN_ = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN


def older(item: EvidenceItem, days: int) -> EvidenceItem:
    return dataclasses.replace(item, tested_at=NOW - timedelta(days=days))


def complaining(name: str) -> PoolFacts:
    return replace(POOL, messages=(PoolMessageFacts("m1", name, 3, "Host", "h1", "", NOW - timedelta(days=2)),))


DEAF = replace(POOL, unreadable=(("message", "not allowed"),))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_host(POOL, "h2", pending_recommended=("restart_toolstack",)), WARN),
        (with_host(POOL, "h2", pending_mandatory=("reboot_host",)), FAIL),
        (with_host(POOL, "h2", pending_mandatory=("reboot_host",), pending_recommended=UNKNOWN), FAIL),
        (with_host(POOL, "h2", pending_mandatory=UNKNOWN), UNKNOWN_),
        (with_host(POOL, "h2", pending_recommended=UNKNOWN), UNKNOWN_),
        (changed(hosts=())(POOL), UNKNOWN_),
    ],
)
def test_ha_005_wants_nothing_pending(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-005", a_case(pool)).result is expected


def test_ha_005_names_the_host_in_its_commands() -> None:
    result = ask("HA-005", a_case(with_host(POOL, "h2", pending_mandatory=("reboot_host",))))
    assert result.remediation == (
        "xe host-disable uuid=h2",
        "xe host-evacuate uuid=h2",
        "xe host-reboot uuid=h2",
        "xe host-enable uuid=h2",
    )


def ending(days: float) -> PoolFacts:
    first = PoolCertificateFacts("h1-cert", "host", "h1", NOW + timedelta(days=days))
    assert not isinstance(POOL.certificates, type(UNKNOWN))
    return replace(POOL, certificates=(first, *POOL.certificates[1:]))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (ending(31), PASS),
        (ending(30), WARN),
        (ending(8), WARN),
        (ending(7), FAIL),
        (ending(-1), FAIL),
        (changed(certificates=UNKNOWN)(POOL), UNKNOWN_),
        (changed(certificates=())(POOL), UNKNOWN_),
        (changed(certificates=POOL.certificates[:2])(POOL), UNKNOWN_),  # type: ignore[index]
    ],
)
def test_ha_010_wants_certificates_that_last(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-010", a_case(pool)).result is expected


def clocks(**value: object) -> tuple[EvidenceItem, ...]:
    return (*said_of_hosts(POOL, K.NTP_TRACKING)[:2], said(POOL, K.NTP_TRACKING, "h3", **value))


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, clocks(offset_s=2.0), PASS),
        (POOL, clocks(offset_s=-2.0), PASS),
        (POOL, clocks(offset_s=2.1), WARN),
        (POOL, clocks(offset_s=-30.0), WARN),
        (POOL, clocks(offset_s=-30.1), FAIL),
        (POOL, clocks()[:2], UNKNOWN_),
        (POOL, (), UNKNOWN_),
        (complaining("HOST_CLOCK_SKEW_DETECTED"), clocks(), FAIL),
        (DEAF, clocks(), UNKNOWN_),
    ],
)
def test_ha_011_wants_every_clock_measured_and_right(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-011", a_case(pool, evidence)).result is expected


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, clocks(), PASS),
        (POOL, clocks(servers=1), WARN),
        (POOL, clocks(synced=False), FAIL),
        (with_host(POOL, "h1", ntp_mode="Disabled"), clocks(), FAIL),
        (with_host(POOL, "h1", ntp_mode=UNKNOWN), clocks(), WARN),
        (POOL, clocks()[:2], UNKNOWN_),
    ],
)
def test_ha_012_wants_time_servers_that_are_followed(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-012", a_case(pool, evidence)).result is expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ((said(POOL, K.COORDINATOR_CHOICE),), PASS),
        ((said(POOL, K.COORDINATOR_CHOICE, stays=False),), WARN),
        ((said(POOL, K.COORDINATOR_CHOICE, "h2"),), UNKNOWN_),
        ((), UNKNOWN_),
    ],
)
def test_ha_013_wants_a_coordinator_that_stays(evidence: tuple, expected: Result) -> None:
    assert ask("HA-013", a_case(POOL, evidence)).result is expected


DUMP = said(POOL, K.DATABASE_DUMP)
NO_LOG = changed(ha_enabled=False)(POOL)


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, (older(DUMP, 7),), PASS),
        (POOL, (older(DUMP, 8),), WARN),
        (POOL, (older(DUMP, 30),), WARN),
        (POOL, (older(DUMP, 31),), FAIL),
        (POOL, (), FAIL),
        (POOL, (said(POOL, K.DATABASE_DUMP, stored_off_pool=False),), FAIL),
        (NO_LOG, (DUMP,), FAIL),
        (replace(NO_LOG, redo_log_enabled=True), (DUMP,), PASS),
        (replace(NO_LOG, redo_log_enabled=UNKNOWN), (DUMP,), UNKNOWN_),
    ],
)
def test_ha_014_wants_the_database_on_shared_storage_and_off_the_pool(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-014", a_case(pool, evidence)).result is expected


@pytest.mark.parametrize(
    ("pool", "rto_s", "expected"),
    [
        (POOL, 480, PASS),
        (POOL, 479, WARN),
        (POOL, 240, WARN),
        (POOL, 239, FAIL),
        (POOL, None, UNKNOWN_),
        (changed(ha_enabled=False)(POOL), 480, UNKNOWN_),
    ],
)
def test_ha_025_holds_the_timeout_against_recovery_times(pool: PoolFacts, rto_s: int | None, expected: Result) -> None:
    assert ask("HA-025", a_case(pool, (said(POOL, K.BUSINESS_ROLE, rto_s=rto_s),))).result is expected


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, (said(POOL, K.GUEST_SHUTDOWN_CHOICE),), PASS),
        (POOL, (said(POOL, K.GUEST_SHUTDOWN_CHOICE, restart=False),), WARN),
        (POOL, (), WARN),
        (changed(ha_reboot_vm_on_internal_shutdown=UNKNOWN)(POOL), (), UNKNOWN_),
    ],
)
def test_ha_030_wants_a_choice_about_guest_shutdowns(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-030", a_case(pool, evidence)).result is expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ((said(POOL, K.MAINTENANCE_PLAN),), PASS),
        ((older(said(POOL, K.MAINTENANCE_PLAN), 91),), WARN),
        ((said(POOL, K.MAINTENANCE_PLAN, rechecks_timeout=False),), FAIL),
        ((), FAIL),
    ],
)
def test_ha_031_wants_a_plan_that_knows_ha(evidence: tuple, expected: Result) -> None:
    assert ask("HA-031", a_case(POOL, evidence)).result is expected


@pytest.mark.parametrize(
    ("evidence", "for_cutover", "expected"),
    [
        ((older(said(POOL, K.EMERGENCY_RUNBOOK), 180),), True, PASS),
        ((older(said(POOL, K.EMERGENCY_RUNBOOK), 181),), False, WARN),
        ((older(said(POOL, K.EMERGENCY_RUNBOOK), 181),), True, FAIL),
        ((said(POOL, K.EMERGENCY_RUNBOOK, console_tested=False),), True, WARN),
        ((said(POOL, K.EMERGENCY_RUNBOOK, has_commands=False),), True, FAIL),
        ((), True, FAIL),
    ],
)
def test_ha_032_wants_an_emergency_runbook_that_was_tried(evidence: tuple, for_cutover: bool, expected: Result) -> None:
    assert ask("HA-032", a_case(POOL, evidence, for_cutover=for_cutover)).result is expected


def test_ha_032_prints_the_emergency_command_for_every_host() -> None:
    lines = ask("HA-032", a_case(POOL)).remediation
    assert "xe host-emergency-ha-disable --force" in lines
    assert [line for line in lines if line.startswith("on the console of")] == [
        f"on the console of 'xen-h{n} (10.0.0.{n})':" for n in (1, 2, 3)
    ]
