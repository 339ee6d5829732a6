"""Family D: the file server, multipath settings, latency and corosync; a table per check."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from estate.facts.pool import ClusterMemberFacts, PoolClusterFacts, PoolFacts, PoolMessageFacts
from estate.facts.unknown import UNKNOWN
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.results import Result
from tests.builders.evidence import a_trial, said, said_of_hosts
from tests.builders.pools import NOW, a_pool, changed, with_host, with_pif, with_sr
from tests.unit.readiness.cases import a_case, ask

POOL, K = a_pool(), EvidenceKind
NFS = with_sr(POOL, kind="nfs")
PASS, WARN, FAIL, UNKNOWN_, NOT_APPLICABLE = Result.PASS, Result.WARN, Result.FAIL, Result.UNKNOWN, Result.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (NFS, (said(POOL, K.NFS_SERVER),), PASS),
        (NFS, (said(POOL, K.NFS_SERVER, failover_s=None),), WARN),
        (NFS, (said(POOL, K.NFS_SERVER, failover_s=120.0),), FAIL),
        (NFS, (said(POOL, K.NFS_SERVER, heads=1),), FAIL),
        (NFS, (), UNKNOWN_),
        (changed(ha_configuration=UNKNOWN)(NFS), (said(POOL, K.NFS_SERVER),), UNKNOWN_),
        (POOL, (said(POOL, K.NFS_SERVER, heads=1),), NOT_APPLICABLE),
        (changed(statefiles=UNKNOWN)(NFS), (), UNKNOWN_),
    ],
)
def test_ha_067_wants_a_file_server_with_two_heads(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-067", a_case(pool, evidence)).result is expected


def settings(**value: object) -> tuple[EvidenceItem, ...]:
    return (*said_of_hosts(POOL, K.MULTIPATH_CONF)[:2], said(POOL, K.MULTIPATH_CONF, "h3", **value))


@pytest.mark.parametrize(
    ("pool", "evidence", "expected"),
    [
        (POOL, settings(), PASS),
        (POOL, settings(digest="AB12 "), PASS),
        (POOL, settings(per_vendor=False), WARN),
        (POOL, settings(digest="cd34"), FAIL),
        (POOL, settings()[:2], UNKNOWN_),
        (POOL, (), UNKNOWN_),
        (NFS, settings(), NOT_APPLICABLE),
        (changed(statefiles=UNKNOWN)(POOL), settings(), UNKNOWN_),
    ],
)
def test_ha_068_wants_the_vendors_settings_on_every_host(pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-068", a_case(pool, evidence)).result is expected


def saying(name: str) -> PoolFacts:
    return replace(POOL, messages=(PoolMessageFacts("m1", name, 2, "Host", "h1", "", NOW - timedelta(days=2)),))


def latencies(**value: object) -> tuple[EvidenceItem, ...]:
    return (*said_of_hosts(POOL, K.HEARTBEAT_LATENCY)[:2], said(POOL, K.HEARTBEAT_LATENCY, "h3", **value))


def trial(hours: int) -> EvidenceItem:
    """A trial around the time at which `saying` has its message."""
    start, end = NOW - timedelta(days=2, hours=1), NOW - timedelta(days=2, hours=1) + timedelta(hours=hours)
    return a_trial(POOL, started_at=start.isoformat(), ended_at=end.isoformat())


@pytest.mark.parametrize(
    ("story", "pool", "evidence", "expected"),
    [
        ("quiet", POOL, latencies(), PASS),
        ("at half", POOL, latencies(statefile_max_s=60.0), PASS),
        ("beyond half", POOL, latencies(statefile_max_s=60.1), WARN),
        ("network beyond half", POOL, latencies(network_max_s=61.0), WARN),
        ("one host unmeasured", POOL, latencies()[:2], UNKNOWN_),
        ("timeout unknown", changed(ha_configuration=UNKNOWN)(POOL), latencies(), UNKNOWN_),
        ("an older pool warned", saying("HA_STATEFILE_APPROACHING_TIMEOUT"), latencies(), WARN),
        ("lost", saying("HA_STATEFILE_LOST"), latencies(), FAIL),
        ("lost in a trial", saying("HA_STATEFILE_LOST"), (*latencies(), trial(2)), PASS),
        ("lost after a trial", saying("HA_STATEFILE_LOST"), (*latencies(), trial(0)), FAIL),
        ("a trial too long to be one", saying("HA_STATEFILE_LOST"), (*latencies(), trial(13)), FAIL),
        ("messages unread", replace(POOL, unreadable=(("message", "no"),)), latencies(), UNKNOWN_),
    ],
)
def test_ha_069_wants_latency_below_half_of_t(story: str, pool: PoolFacts, evidence: tuple, expected: Result) -> None:
    assert ask("HA-069", a_case(pool, evidence)).result is expected, story


def clustered(
    hosts: int = 3, *, members: int | None = None, quorate: object = True, token_s: object = 20, **state: object
) -> PoolFacts:
    pool = a_pool(hosts=hosts)
    of = [ClusterMemberFacts(h.uuid, f"{h.uuid}-bond0", True, True, True) for h in pool.hosts[: members or hosts]]
    of[-1] = replace(of[-1], **state)
    return replace(
        with_sr(pool, kind="gfs2"),
        ha_cluster_stack="corosync",
        clusters=(PoolClusterFacts("c1", quorate, token_s, tuple(of)),),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("story", "pool", "expected"),
    [
        ("whole", clustered(), PASS),
        ("even", clustered(4), WARN),
        ("token timeout changed", clustered(token_s=60), WARN),
        ("not quorate", clustered(quorate=False), FAIL),
        ("two hosts", clustered(2), FAIL),
        ("seventeen hosts", clustered(17), FAIL),
        ("a host outside", clustered(4, members=3), FAIL),
        ("not joined", clustered(joined=False), FAIL),
        ("disabled", clustered(enabled=False), FAIL),
        ("not live", clustered(live=False), FAIL),
        ("live unread", clustered(live=UNKNOWN), UNKNOWN_),
        ("quorum unread", clustered(quorate=UNKNOWN), UNKNOWN_),
        ("by DHCP", with_pif(clustered(), "h3-bond0", ip_mode="DHCP"), FAIL),
        ("on one NIC", clustered(pif_uuid="h3-eth0"), FAIL),
        ("interface unread", clustered(pif_uuid=""), UNKNOWN_),
        ("no cluster", changed(clusters=())(clustered()), FAIL),
        ("cluster unread", changed(clusters=UNKNOWN)(clustered()), UNKNOWN_),
        ("XCP-ng", with_host(clustered(), "h1", product_brand="XCP-ng"), FAIL),
        ("stack unread", changed(ha_cluster_stack=UNKNOWN)(POOL), UNKNOWN_),
        ("xhad", POOL, NOT_APPLICABLE),
    ],
)
def test_ha_073_wants_a_whole_cluster_where_corosync_decides(story: str, pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-073", a_case(pool)).result is expected, story


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (POOL, PASS),
        (clustered(), PASS),
        (with_sr(clustered(), kind="lvmoiscsi"), WARN),
        (changed(clusters=UNKNOWN)(POOL), UNKNOWN_),
    ],
)
def test_ha_074_wants_no_cluster_without_gfs2(pool: PoolFacts, expected: Result) -> None:
    assert ask("HA-074", a_case(pool)).result is expected


def test_ha_074_names_the_cluster_in_its_command() -> None:
    result = ask("HA-074", a_case(with_sr(clustered(), kind="lvmoiscsi")))
    assert result.remediation == ("xe cluster-pool-destroy cluster-uuid=c1",)
