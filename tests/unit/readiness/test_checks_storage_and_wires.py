"""Families C and D: cards, bond modes, protected interfaces, paths to every storage node, room, a table per check."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import PifFacts, PoolFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.results import Result
from tests.builders.evidence import a_switch, an_item, full_evidence, said, switches
from tests.builders.pools import (
    HEARTBEAT_SR,
    NOW,
    a_bond,
    a_pbd,
    a_pool,
    an_sr,
    changed,
    with_pbd,
    with_pif,
    with_sr,
    without_bond,
)
from tests.unit.readiness.cases import a_case, ask
from tests.unit.readiness.test_checks_uniformity import deaf, saying

POOL = a_pool()
PASS, WARN, FAIL, UNKNOWN_, NOT_APPLICABLE = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN, Result.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_pif(POOL, "h2-eth1", pci_bus_path="0000:3b:00.1"), WARN),
        (with_pif(POOL, "h2-eth1", pci_bus_path="N/A"), UNKNOWN_),
        (with_pif(POOL, "h2-eth1", pci_bus_path=UNKNOWN), UNKNOWN_),
        (replace(POOL, pifs=tuple(pif for pif in POOL.pifs if pif.uuid != "h2-eth1")), UNKNOWN_),
        (without_bond(a_pool(hosts=1), "h1"), NOT_APPLICABLE),
    ],
)
def test_ha_043_wants_two_cards(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-043", a_case(pool)).result is expected


def bonded(mode: object) -> PoolFacts:
    return replace(POOL, bonds=tuple(a_bond(host.uuid, mode=mode) for host in POOL.hosts))


APART = switches(POOL)
STACKED = tuple(a_switch(item.subject, item.value["switch"], stack="stack-1") for item in APART)


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, (), PASS),
        (bonded("lacp"), STACKED, PASS),
        (bonded("lacp"), APART, FAIL),
        (bonded("lacp"), (), UNKNOWN_),
        (bonded("lacp"), STACKED[1:], UNKNOWN_),
        (bonded("balance-slb"), APART, WARN),
        (bonded(UNKNOWN), (), UNKNOWN_),
        (without_bond(a_pool(hosts=1), "h1"), (), NOT_APPLICABLE),
    ],
)
def test_ha_046_holds_the_bond_mode_to_the_switches(pool: PoolFacts, evidence: Sequence[EvidenceItem], expected: Result) -> None:
    assert ask("HA-046", a_case(pool, evidence)).result is expected


def with_storage_nic(pool: PoolFacts, **changes: object) -> PoolFacts:
    """Each host also has a plain NIC with an address for its storage."""
    extra = tuple(
        replace(
            next(pif for pif in pool.pifs if pif.uuid == f"{host.uuid}-eth0"),
            uuid=f"{host.uuid}-eth2", device="eth2", network_uuid="net-san", ip_mode="Static", disallow_unplug=True,
        )
        for host in pool.hosts
    )  # fmt: skip
    return with_pif(replace(pool, pifs=pool.pifs + extra), "h2-eth2", **changes)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_storage_nic(POOL), PASS),
        (with_storage_nic(POOL, disallow_unplug=False), WARN),
        (with_pif(POOL, "h2-bond0", disallow_unplug=False), PASS),
        (with_storage_nic(POOL, currently_attached=False), FAIL),
        (with_storage_nic(POOL, disallow_unplug=UNKNOWN), UNKNOWN_),
        (with_storage_nic(POOL, currently_attached=UNKNOWN), UNKNOWN_),
        (changed(pifs=())(POOL), UNKNOWN_),
    ],
)
def test_ha_049_wants_addressed_interfaces_protected(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-049", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_pif(POOL, "h2-bond0", mtu=9000), FAIL),
        (with_pif(POOL, "h2-bond0", mtu=UNKNOWN), UNKNOWN_),
        (with_pif(POOL, "h2-eth0", mtu=9000), PASS),
        (changed(networks=())(POOL), UNKNOWN_),
    ],
)
def test_ha_050_wants_one_mtu_a_network(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-050", a_case(pool)).result is expected


def with_a_backup_nic(pool: PoolFacts, **changes: object) -> PoolFacts:
    """Each host has one address more, and `changes` say whether its storage's portals are near it."""
    spare = [pif for pif in pool.pifs if pif.device == "eth2"]
    extra = tuple(replace(pif, uuid=pif.uuid.replace("eth2", "eth3"), device="eth3", **changes) for pif in spare)
    return replace(pool, pifs=pool.pifs + extra)


def near_portals(pif: PifFacts) -> PifFacts:
    """The management bond has an address in the portals' network."""
    return replace(pif, ip_address="10.9.0.50", netmask="255.255.0.0") if pif.management else pif


FULL = full_evidence(POOL)
NO_NODES = tuple(item for item in FULL if item.kind is not EvidenceKind.STORAGE_NODES)


def nodes(*pairs: tuple[str, str], **changes: object) -> EvidenceItem:
    named = [{"name": name, "portals": [portal]} for name, portal in pairs]
    return an_item(EvidenceKind.STORAGE_NODES, HEARTBEAT_SR, {"nodes": named}, **changes)


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, FULL, PASS),
        (POOL, NO_NODES, UNKNOWN_),
        (POOL, (*NO_NODES, nodes(("san-a", "10.9.0.1"))), FAIL),
        (POOL, (*NO_NODES, nodes(("san-a", "10.9.0.1"), ("san-c", "10.9.0.3"))), FAIL),
        (POOL, (*NO_NODES, nodes(("san-a", "10.9.0.1"), ("san-b", "10.9.0.2"), expires_at=NOW - timedelta(days=1))), WARN),
        (with_pbd(POOL, "h2", portals=("10.9.0.1:3260",)), FULL, FAIL),
        (with_pbd(POOL, "h2", portals=()), FULL, UNKNOWN_),
        (replace(POOL, pbds=tuple(p for p in POOL.pbds if p.host_uuid != "h2")), FULL, UNKNOWN_),
        (with_sr(POOL, kind="nfs"), FULL, NOT_APPLICABLE),
        (changed(statefiles=())(POOL), FULL, UNKNOWN_),
        (POOL, tuple(item for item in FULL if item.subject != "h2-eth1"), UNKNOWN_),
        (with_storage_nic(POOL), FULL, WARN),
        (with_a_backup_nic(with_storage_nic(POOL)), FULL, UNKNOWN_),
        (with_a_backup_nic(with_storage_nic(POOL), ip_address="10.9.0.77", netmask="255.255.255.0"), FULL, WARN),
        (replace(POOL, pifs=tuple(near_portals(pif) for pif in POOL.pifs)), FULL, PASS),
    ],
)
def test_ha_066_wants_paths_to_every_node_over_two_switches(
    pool: PoolFacts, evidence: Sequence[EvidenceItem], expected: Result
) -> None:
    assert ask("HA-066", a_case(pool, evidence)).result is expected


def test_ha_066_is_not_content_with_one_switch_or_one_stack() -> None:
    others = tuple(item for item in FULL if item.kind is not EvidenceKind.SWITCH_OF_SLAVE)
    answer = ask("HA-066", a_case(POOL, (*others, *STACKED)))
    assert (answer.result, "one switch or stack" in answer.detail) == (FAIL, True)


def test_ha_066_with_stale_words_warns_and_fails_at_cutover() -> None:
    expired = NOW - timedelta(days=1)
    old = tuple(dataclasses.replace(i, expires_at=expired) if i.kind is EvidenceKind.SWITCH_OF_SLAVE else i for i in FULL)
    assert ask("HA-066", a_case(POOL, old)).result is WARN
    assert ask("HA-066", a_case(POOL, old, for_cutover=True)).result is FAIL


FIBRE = with_pbd(with_pbd(with_pbd(with_sr(POOL, kind="lvmohba"), "h1", portals=()), "h2", portals=()), "h3", portals=())


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"port": "hba1", "node": "san-b", "switch": "fab-b"}, PASS),
        ({"port": "hba1", "node": "san-b", "switch": "fab-a"}, FAIL),
        ({"port": "hba1", "node": "san-a", "switch": "fab-b"}, FAIL),
        ({"port": "hba1", "node": "san-b"}, UNKNOWN_),
        ({"port": "hba0", "node": "san-b", "switch": "fab-b"}, WARN),
    ],
)
def test_ha_066_takes_a_persons_word_where_a_fibre_channel_sr_tells_no_paths(second: dict[str, str], expected: Result) -> None:
    assert ask("HA-066", a_case(FIBRE, FULL)).result is UNKNOWN_
    ways = [{"port": "hba0", "node": "san-a", "switch": "fab-a"}, second]
    told = tuple(said(FIBRE, EvidenceKind.STORAGE_PATHS, host, paths=ways) for host in ("h1", "h2", "h3"))
    assert ask("HA-066", a_case(FIBRE, (*FULL, *told))).result is expected
    assert ask("HA-066", a_case(FIBRE, (*FULL, *told[:2]))).result in (expected, UNKNOWN_)


def with_iso(attached: object) -> PoolFacts:
    iso = an_sr("sr-iso", content_type="iso", kind="iso", name="isos")
    pbd = a_pbd("h2", "sr-iso", uuid="h2-pbd-iso", currently_attached=attached)
    return replace(POOL, srs=(*POOL.srs, iso), pbds=(*POOL.pbds, pbd))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_iso(attached=False), WARN),
        (with_iso(attached=UNKNOWN), UNKNOWN_),
        (with_pbd(POOL, "h2", currently_attached=False), FAIL),
        (with_pbd(POOL, "h2", currently_attached=UNKNOWN), UNKNOWN_),
        (with_sr(with_pbd(POOL, "h2", currently_attached=False), shared=UNKNOWN), FAIL),
        (changed(pbds=())(POOL), UNKNOWN_),
        (changed(unreadable=(("PBD 77", "unusable field: SR"),))(POOL), UNKNOWN_),
    ],
)
def test_ha_070_wants_shared_srs_attached(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-070", a_case(pool)).result is expected


def filled(used: int, size: int = 1000) -> PoolFacts:
    return with_sr(POOL, physical_size_bytes=size, physical_utilisation_bytes=used)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (filled(799), PASS),
        (filled(800), WARN),
        (filled(899), WARN),
        (filled(900), FAIL),
        (filled(1, size=0), UNKNOWN_),
        (with_sr(POOL, physical_utilisation_bytes=UNKNOWN), UNKNOWN_),
        (saying(POOL, "SM_GC_NO_SPACE"), FAIL),
        (deaf(POOL), UNKNOWN_),
    ],
)
def test_ha_071_wants_room(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-071", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (saying(POOL, "METADATA_LUN_BROKEN"), FAIL),
        (saying(POOL, "METADATA_LUN_BROKEN", "METADATA_LUN_HEALTHY"), PASS),
        (saying(POOL, "METADATA_LUN_HEALTHY", "METADATA_LUN_BROKEN"), FAIL),
        (deaf(POOL), UNKNOWN_),
    ],
)
def test_ha_072_takes_the_last_word_on_the_metadata_log(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-072", a_case(pool)).result is expected
