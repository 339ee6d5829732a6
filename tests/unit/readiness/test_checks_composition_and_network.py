"""Families A and C: pool composition and the peer network, a table per check."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceKind
from readiness.core.results import Result
from tests.builders.evidence import a_switch, an_item, switches
from tests.builders.pools import NOW, a_bond, a_pool, host_pifs, with_host, with_pif, without_bond
from tests.unit.readiness.cases import a_case, ask

POOL = a_pool()
PASS, WARN, FAIL, UNKNOWN_ = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (a_pool(hosts=2), FAIL),
        (with_host(POOL, "h3", live=False), FAIL),
        (with_host(POOL, "h3", enabled=False), FAIL),
        (with_host(POOL, "h3", live=UNKNOWN), UNKNOWN_),
        (with_host(a_pool(hosts=4), "h4", live=UNKNOWN), PASS),
    ],
)
def test_ha_001_counts_hosts_that_are_live_and_enabled(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-001", a_case(pool)).result is expected


def test_ha_001_cannot_be_waived_in_the_2010_profile() -> None:
    assert ask("HA-001", a_case(POOL)).waiver_class == "A"
    assert ask("HA-001", a_case(POOL, profile="xenserver-2010")).waiver_class == "N"


TICKET = an_item(EvidenceKind.MAINTENANCE, "h2", {"ticket": "CHG-1"})
OLD_TICKET = dataclasses.replace(TICKET, expires_at=NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, (), PASS),
        (with_host(POOL, "h2", enabled=False), (TICKET,), WARN),
        (with_host(POOL, "h2", enabled=False), (OLD_TICKET,), FAIL),
        (with_host(POOL, "h2", enabled=False), (), FAIL),
        (with_host(POOL, "h2", live=False), (TICKET,), FAIL),
        (with_host(POOL, "h2", live=UNKNOWN), (), UNKNOWN_),
        (replace(POOL, hosts=()), (), UNKNOWN_),
    ],
)
def test_ha_003_wants_every_host_up_or_a_ticket(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-003", a_case(pool, evidence)).result is expected


def test_ha_003_names_the_host_and_fills_in_its_uuid() -> None:
    result = ask("HA-003", a_case(with_host(POOL, "h2", enabled=False)))
    assert "xen-h2" in result.detail
    assert result.remediation == ("xe host-enable uuid=h2",)


@pytest.mark.parametrize(("mode", "expected"), [("Static", PASS), ("DHCP", FAIL), ("None", UNKNOWN_), (UNKNOWN, UNKNOWN_)])
def test_ha_040_wants_a_static_management_address(mode: object, expected: Result) -> None:
    assert ask("HA-040", a_case(with_pif(POOL, "h2-bond0", ip_mode=mode))).result is expected


def test_ha_040_is_unknown_when_a_host_shows_no_management_interface() -> None:
    assert ask("HA-040", a_case(with_pif(POOL, "h2-bond0", management=False))).result is UNKNOWN_


def _tagged(pool: PoolFacts, host: str) -> PoolFacts:
    """Management on VLAN 20 over the bond."""
    plain = with_pif(pool, f"{host}-bond0", management=False)
    bond_pif = host_pifs(host)[2]
    vlan = replace(bond_pif, uuid=f"{host}-vlan20", vlan=20, untagged_pif_uuid=f"{host}-bond0")
    return replace(plain, pifs=(*plain.pifs, vlan))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (_tagged(POOL, "h2"), PASS),
        (without_bond(POOL, "h2"), FAIL),
        (replace(POOL, bonds=(a_bond("h1", slave_pif_uuids=("h1-eth0",)), a_bond("h2"), a_bond("h3"))), FAIL),
        (replace(POOL, pifs=()), UNKNOWN_),
    ],
)
def test_ha_041_wants_management_on_a_bond_of_two(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-041", a_case(pool)).result is expected


def test_ha_041_fills_the_bond_command_with_the_hosts_own_network() -> None:
    result = ask("HA-041", a_case(without_bond(POOL, "h2")))
    assert any("xe bond-create network-uuid=net-mgmt pif-uuids=h2-eth0," in line for line in result.remediation)
    assert "1/3" in result.detail


def _bond(**changes: object) -> PoolFacts:
    return replace(POOL, bonds=(a_bond("h1"), a_bond("h2", **changes), a_bond("h3")))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (_bond(links_up=1), FAIL),
        (_bond(links_up=UNKNOWN), UNKNOWN_),
        (with_pif(POOL, "h2-eth1", carrier=False), FAIL),
        (with_pif(POOL, "h2-eth1", carrier=UNKNOWN), UNKNOWN_),
        (replace(POOL, pifs=tuple(p for p in POOL.pifs if p.uuid != "h2-eth1")), UNKNOWN_),
        (without_bond(without_bond(without_bond(POOL, "h1"), "h2"), "h3"), Result.NOT_APPLICABLE),
    ],
)
def test_ha_042_wants_every_link_of_the_bond_up(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-042", a_case(pool)).result is expected


ALL = switches(POOL)


def _but(pif: str, item: object) -> tuple:
    """All switch attestations, one of them replaced or (None) missing."""
    rest = tuple(e for e in ALL if e.subject != pif)
    return rest if item is None else (*rest, item)


@pytest.mark.parametrize(
    ("evidence", "for_cutover", "expected"),
    [
        (ALL, True, PASS),
        (switches(POOL, source="attested"), True, WARN),
        (_but("h2-eth1", a_switch("h2-eth1", "sw-b", source="attested")), True, WARN),
        (_but("h2-eth1", a_switch("h2-eth1", "sw-a")), True, FAIL),
        (_but("h2-eth1", a_switch("h2-eth1", "")), True, FAIL),
        (_but("h2-eth1", None), True, FAIL),
        ((), True, FAIL),
        (tuple(dataclasses.replace(e, value={**e.value, "stack": "core"}) for e in ALL), True, WARN),
        (tuple(dataclasses.replace(e, tested_at=NOW - timedelta(days=91)) for e in ALL), False, WARN),
        (tuple(dataclasses.replace(e, tested_at=NOW - timedelta(days=91)) for e in ALL), True, FAIL),
        (_but("h2-eth1", a_switch("h2-eth1", "sw-b", bound_to={"bond:h2-eth1": "h2-eth1,h2-eth7"})), True, FAIL),
    ],
)
def test_ha_044_wants_two_switches_that_do_not_fail_together(evidence: tuple, for_cutover: bool, expected: Result) -> None:
    assert ask("HA-044", a_case(POOL, evidence, for_cutover=for_cutover)).result is expected


def test_ha_044_the_newest_attestation_of_a_nic_counts() -> None:
    moved = a_switch("h2-eth1", "sw-a", id="later", tested_at=NOW)
    assert ask("HA-044", a_case(POOL, (*ALL, moved))).result is FAIL


@pytest.mark.parametrize("spelling", ["SW-A", " sw-a ", "Sw-A"])
def test_ha_044_one_switch_in_two_spellings_is_one_switch(spelling: str) -> None:
    twice = (a_switch("h2-eth0", "sw-a", id="one", tested_at=NOW), a_switch("h2-eth1", spelling, id="two", tested_at=NOW))
    assert ask("HA-044", a_case(POOL, (*ALL, *twice))).result is FAIL


def test_ha_044_names_the_host_and_the_nic_nobody_knows_a_switch_of() -> None:
    assert "xen-h2: the switch behind eth1 is not known" in ask("HA-044", a_case(POOL, _but("h2-eth1", None))).detail
