"""Family C: what else rides on the peer network, and whether its redundancy was tried; a table per check."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import PifFacts, PoolFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.results import Result
from tests.builders.evidence import a_switch, full_evidence, said, said_of_hosts, switches
from tests.builders.pools import NOW, a_bond, a_pool, a_vm, changed, with_pif, with_sr
from tests.unit.readiness.cases import a_case, ask

POOL, K = a_pool(), EvidenceKind
PASS, WARN, FAIL, UNKNOWN_, NOT_APPLICABLE = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN, Result.NOT_APPLICABLE
ONE_SWITCH = (*switches(POOL)[:4], a_switch("h3-eth0", "sw-a"), a_switch("h3-eth1", "sw-a"))


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, switches(POOL), PASS),
        (POOL, ONE_SWITCH, FAIL),
        (POOL, tuple(dataclasses.replace(e, value={**e.value, "stack": "core"}) for e in switches(POOL)), FAIL),
        (POOL, switches(POOL)[:5], UNKNOWN_),
        (POOL, (), UNKNOWN_),
        (with_pif(POOL, "h1-eth0", carrier=UNKNOWN), switches(POOL), UNKNOWN_),
        (with_pif(POOL, "h1-eth0", carrier=False), switches(POOL), FAIL),
    ],
)
def test_ha_045_wants_no_switch_to_take_a_host(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-045", a_case(pool, evidence)).result is expected


def a_pif(uuid: str, network: str, *, host: str = "h1", under: str | None = None, ip: str = "") -> PifFacts:
    return PifFacts(uuid, host, uuid, network, 7 if under else -1, False, not under, "None", ip, True, untagged_pif_uuid=under)


def with_guest(*networks: str) -> PoolFacts:
    return replace(POOL, vms=(a_vm(network_uuids=networks),), pifs=(*POOL.pifs, a_pif("vlan7", "net-7", under="h1-bond0")))


@pytest.mark.parametrize(
    ("pool", "profile", "expected"),
    [
        (with_guest("net-other"), "xenserver-8", PASS),
        (with_guest("net-7"), "xenserver-8", WARN),
        (with_guest("net-7"), "xenserver-2010", FAIL),
        (with_guest("net-mgmt"), "xenserver-8", FAIL),
        (replace(POOL, vms=(a_vm(network_uuids=UNKNOWN),)), "xenserver-8", UNKNOWN_),
        (changed(hosts=(), vms=())(POOL), "xenserver-8", UNKNOWN_),
    ],
)
def test_ha_047_wants_no_guest_on_the_management_bond(pool: PoolFacts, profile: str, expected: Result) -> None:
    assert ask("HA-047", a_case(pool, profile=profile)).result is expected


def with_storage(under: str | None) -> PoolFacts:
    pifs = tuple(
        a_pif(f"{h.uuid}-st", "net-st", host=h.uuid, under=f"{h.uuid}-bond0" if under else None, ip="10.9.1.1")
        for h in POOL.hosts
    )
    return replace(POOL, pifs=(*POOL.pifs, *pifs))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (with_storage(None), PASS),
        (with_storage("bond"), WARN),
        (POOL, FAIL),
        (with_sr(POOL, kind="lvmohba"), NOT_APPLICABLE),
        (changed(statefiles=UNKNOWN)(POOL), UNKNOWN_),
        (replace(with_storage(None), pifs=()), UNKNOWN_),
    ],
)
def test_ha_048_wants_storage_on_nics_of_its_own(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-048", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ((said(POOL, K.HEARTBEAT_PORT),), PASS),
        ((dataclasses.replace(said(POOL, K.HEARTBEAT_PORT), expires_at=NOW),), WARN),
        ((said(POOL, K.HEARTBEAT_PORT, open=False),), FAIL),
        ((), UNKNOWN_),
    ],
)
def test_ha_051_wants_somebody_to_have_looked_at_the_port(evidence: tuple, expected: Result) -> None:
    assert ask("HA-051", a_case(POOL, evidence)).result is expected


def pulls(**value: object) -> tuple[EvidenceItem, ...]:
    return (*said_of_hosts(POOL, K.NETWORK_PULL_TEST)[:2], said(POOL, K.NETWORK_PULL_TEST, "h3", **value))


def aged_by(days: int) -> tuple[EvidenceItem, ...]:
    return tuple(dataclasses.replace(item, tested_at=NOW - timedelta(days=days)) for item in pulls())


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (pulls(), PASS),
        (aged_by(180), PASS),
        (aged_by(181), WARN),
        (pulls(fenced=True), FAIL),
        (pulls(switch_off=False), FAIL),
        (pulls()[:2], FAIL),
        ((), FAIL),
    ],
)
def test_ha_052_wants_a_pull_on_every_host(evidence: tuple, expected: Result) -> None:
    assert ask("HA-052", a_case(POOL, evidence)).result is expected


def test_ha_052_is_stale_for_the_host_whose_bond_changed_and_for_no_other() -> None:
    rewired = replace(POOL, bonds=(a_bond("h1"), a_bond("h2", mode="balance-slb"), a_bond("h3")))
    result = ask("HA-052", a_case(rewired, pulls(), for_cutover=True))
    assert result.result is FAIL and "stale" in result.detail
    assert [point.path for point in result.evidence] == [
        f"evidence[network_pull_test-{h}].network_pull_test" for h in ("h1", "h2", "h3")
    ]


def test_the_2010_gate_closes_on_the_three_network_checks_it_adds() -> None:
    case = a_case(with_guest("net-7"), full_evidence(POOL), profile="xenserver-2010")
    assert [ask(check_id, case).result for check_id in ("HA-045", "HA-047", "HA-052")] == [PASS, FAIL, FAIL]
