"""Family D: the heartbeat SR and the paths to it, a table per check."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts, StatefileFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.results import Result
from tests.builders.pools import HEARTBEAT_SR, MIB, a_pbd, a_pool, changed, with_host, with_pbd, with_sr
from tests.unit.readiness.cases import a_case, ask

POOL = a_pool()
PASS, WARN, FAIL, UNKNOWN_ = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN


def branded(pool: PoolFacts, brand: str) -> PoolFacts:
    return replace(pool, hosts=tuple(replace(host, product_brand=brand) for host in pool.hosts))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_sr(POOL, kind="lvmohba"), PASS),
        (with_sr(POOL, kind="nfs"), PASS),
        (with_sr(POOL, kind="linstor"), UNKNOWN_),
        (branded(with_sr(POOL, kind="linstor"), "XCP-ng"), PASS),
        (with_sr(POOL, kind="gfs2"), UNKNOWN_),
        (replace(with_sr(POOL, kind="gfs2"), ha_cluster_stack="corosync"), PASS),
        (branded(replace(with_sr(POOL, kind="gfs2"), ha_cluster_stack="corosync"), "XCP-ng"), UNKNOWN_),
        (with_sr(POOL, kind="smb"), FAIL),
        (with_sr(POOL, kind="ext"), FAIL),
        (with_sr(POOL, shared=False), FAIL),
        (with_sr(POOL, shared=UNKNOWN), UNKNOWN_),
        (with_sr(POOL, can_host_statefile=False), FAIL),
        (with_sr(POOL, kind="from-the-future"), UNKNOWN_),
        (with_pbd(POOL, "h2", uses_chap=True), FAIL),
        (changed(statefiles=UNKNOWN)(POOL), UNKNOWN_),
        (changed(statefiles=())(POOL), UNKNOWN_),
        (changed(srs=())(POOL), UNKNOWN_),
    ],
)
def test_ha_060_wants_a_shared_sr_of_a_fitting_type(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-060", a_case(pool)).result is expected


ONLY_STATEFILE = (StatefileFacts("vdi-statefile", "ha_statefile", HEARTBEAT_SR, 4 * MIB, True),)
SMALL_REDO = (*ONLY_STATEFILE, StatefileFacts("vdi-redo", "redo_log", HEARTBEAT_SR, 256 * MIB, False))


def with_free(pool: PoolFacts, free_bytes: int) -> PoolFacts:
    return with_sr(pool, physical_size_bytes=free_bytes + 1000, physical_utilisation_bytes=1000)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (with_free(POOL, 0), PASS),
        (with_free(changed(statefiles=ONLY_STATEFILE)(POOL), 4_000_000_000), PASS),
        (with_free(changed(statefiles=ONLY_STATEFILE)(POOL), 3_999_999_999), WARN),
        (with_free(changed(statefiles=ONLY_STATEFILE)(POOL), 3_992_977_408), WARN),
        (with_free(changed(statefiles=ONLY_STATEFILE)(POOL), 3_992_977_407), FAIL),
        (with_free(changed(statefiles=SMALL_REDO)(POOL), 0), FAIL),
        (with_sr(changed(statefiles=ONLY_STATEFILE)(POOL), physical_size_bytes=UNKNOWN), UNKNOWN_),
        (changed(statefiles=UNKNOWN)(POOL), UNKNOWN_),
    ],
)
def test_ha_061_wants_both_files_or_room_for_them(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-061", a_case(pool)).result is expected


def test_ha_061_asks_less_room_in_the_2010_profile() -> None:
    pool = with_free(changed(statefiles=ONLY_STATEFILE)(POOL), 400 * MIB)
    assert ask("HA-061", a_case(pool, profile="xenserver-2010")).result is PASS


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_pbd(POOL, "h2", currently_attached=False), FAIL),
        (with_pbd(POOL, "h2", currently_attached=UNKNOWN), UNKNOWN_),
        (replace(POOL, pbds=(a_pbd("h1"), a_pbd("h3"))), FAIL),
        (changed(statefiles=())(POOL), UNKNOWN_),
    ],
)
def test_ha_062_wants_the_sr_on_every_host(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-062", a_case(pool)).result is expected


def test_ha_062_names_the_host_and_its_pbd() -> None:
    result = ask("HA-062", a_case(with_pbd(POOL, "h2", currently_attached=False)))
    assert "xen-h2" in result.detail and result.remediation == ("xe pbd-plug uuid=h2-pbd-hb",)


TWO_FILES = (*ONLY_STATEFILE, StatefileFacts("vdi-other", "ha_statefile", HEARTBEAT_SR, 4 * MIB, True))


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (changed(statefiles=())(POOL), FAIL),
        (changed(statefiles=TWO_FILES)(POOL), FAIL),
        (changed(statefiles=UNKNOWN)(POOL), UNKNOWN_),
        (with_host(POOL, "h2", ha_statefiles=()), FAIL),
        (with_host(POOL, "h2", ha_statefiles=("vdi-other",)), FAIL),
        (with_host(POOL, "h2", ha_statefiles=UNKNOWN), UNKNOWN_),
        (changed(ha_enabled=False)(POOL), UNKNOWN_),
    ],
)
def test_ha_063_wants_one_state_file_seen_by_all(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-063", a_case(pool)).result is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (with_sr(POOL, kind="nfs"), WARN),
        (with_sr(POOL, kind="linstor"), UNKNOWN_),
        (with_host(POOL, "h2", multipathing=False), FAIL),
        (with_pbd(POOL, "h2", multipathed=False), FAIL),
        (with_pbd(POOL, "h2", multipathed=UNKNOWN), PASS),
        (with_pbd(with_host(POOL, "h2", multipathing=UNKNOWN), "h2", multipathed=UNKNOWN), UNKNOWN_),
        (replace(POOL, pbds=(a_pbd("h1"), a_pbd("h3"))), UNKNOWN_),
    ],
)
def test_ha_064_wants_multipathing_on_block_storage(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-064", a_case(pool)).result is expected


def with_paths(active: object, most: object, **changes: object) -> PoolFacts:
    return with_pbd(POOL, "h2", paths_active=active, paths_max=most, **changes)


@pytest.mark.parametrize(
    ("story", "pool", "expected"),
    [
        ("2 of 2", POOL, PASS),
        ("1 of 2", with_paths(1, 2), FAIL),
        ("0 of 2", with_paths(0, 2), FAIL),
        ("3 of 4", with_paths(3, 4), WARN),
        (
            "others count four paths",
            with_pbd(with_pbd(POOL, "h1", paths_active=4, paths_max=4), "h3", paths_active=4, paths_max=4),
            WARN,
        ),
        ("no counter, multipathing on", with_paths(UNKNOWN, UNKNOWN), FAIL),
        ("no counter, multipathing off", with_host(with_paths(UNKNOWN, UNKNOWN), "h2", multipathing=False), FAIL),
        (
            "no counter, setting unknown",
            with_host(with_paths(UNKNOWN, UNKNOWN, multipathed=UNKNOWN), "h2", multipathing=UNKNOWN),
            UNKNOWN_,
        ),
        ("NFS", with_sr(POOL, kind="nfs"), Result.NOT_APPLICABLE),
    ],
)
def test_ha_065_wants_two_active_paths_and_none_lost(story: str, pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-065", a_case(pool)).result is expected, story
