"""Family D, corosync: pools on GFS2 are clustered, and a cluster that is not whole fences by rules of its own."""

from __future__ import annotations

from estate.facts.pool import ClusterMemberFacts, PoolClusterFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine

_COROSYNC, _GFS2, _XCP = "corosync", "gfs2", "XCP-ng"
_LEAST_HOSTS = 3


def _has_gfs2(case: Case) -> bool:
    return any(sr.kind == _GFS2 for sr in case.facts.srs)


def _member(case: Case, member: ClusterMemberFacts) -> Answer:
    states = {"enabled": member.enabled, "joined": member.joined, "live": member.live}
    points = tuple(case.point(f"Cluster_host[{member.host_uuid}].{name}", value) for name, value in states.items())
    name = case.host_name(member.host_uuid)
    if False in states.values():
        return Answer(Result.FAIL, f"{name} is not whole in the cluster.", points)
    if any(isinstance(value, Unknown) for value in states.values()):
        return Answer(Result.UNKNOWN, f"How {name} stands in the cluster could not be read.", points)
    return _wire(case, member, Answer(Result.PASS, "", points))


def _wire(case: Case, member: ClusterMemberFacts, answer: Answer) -> Answer:
    """The cluster network wants a static address on a bond."""
    pif = next((pif for pif in case.facts.pifs if pif.uuid == member.pif_uuid), None)
    name = case.host_name(member.host_uuid)
    if pif is None or isinstance(pif.ip_mode, Unknown):
        return Answer(Result.UNKNOWN, f"The cluster interface of {name} could not be read.", answer.evidence)
    bonded = any(pif.uuid == bond.master_pif_uuid or pif.untagged_pif_uuid == bond.master_pif_uuid for bond in case.facts.bonds)
    if pif.ip_mode != "Static" or not bonded:
        return Answer(Result.FAIL, f"The cluster interface of {name} is not static on a bond.", answer.evidence)
    return answer


def _shape(case: Case, cluster: PoolClusterFacts) -> Answer:
    hosts, most = len(cluster.members), case.policy.cluster_hosts_most
    points = (
        case.point(f"Cluster[{cluster.uuid}].is_quorate", cluster.is_quorate),
        case.point(f"Cluster[{cluster.uuid}].token_timeout", cluster.token_timeout_s),
        case.point("count of Cluster_host", hosts),
    )
    if cluster.is_quorate is False or not _LEAST_HOSTS <= hosts <= most or hosts < len(case.facts.hosts):
        text = f"The cluster of {hosts} hosts (of {len(case.facts.hosts)}) is not whole and quorate, or not of 3 to {most} hosts."
        return Answer(Result.FAIL, text, points)
    if isinstance(cluster.is_quorate, Unknown) or isinstance(cluster.token_timeout_s, Unknown):
        return Answer(Result.UNKNOWN, "The state of the cluster could not be read.", points)
    if hosts % 2 == 0 or cluster.token_timeout_s != case.policy.cluster_token_timeout_s:
        wanted = f"an odd number and {case.policy.cluster_token_timeout_s} s are wanted"
        text = f"{hosts} hosts, token timeout {cluster.token_timeout_s} s: {wanted}."
        return Answer(Result.WARN, text, points)
    return Answer(Result.PASS, "", points)


@check(
    "HA-073",
    family="heartbeat",
    title="GFS2/corosync used? then cluster sane",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="A clustered pool fences by corosync's quorum; a member that is not joined counts as lost from the start.",
    remedy=("xe cluster-host-enable uuid=<cluster host>", "xe cluster-pool-resync cluster-uuid={cluster_uuid}"),
)
def cluster_is_whole(case: Case) -> Answer:
    """Where corosync decides, every host is an enabled, joined, live member on a bond, and the cluster is quorate."""
    stack, clusters = case.facts.ha_cluster_stack, case.facts.clusters
    point = case.point("pool.ha_cluster_stack", stack)
    if isinstance(stack, Unknown) and not _has_gfs2(case):
        return Answer(Result.UNKNOWN, "Which cluster stack the pool uses is not known.", (point,))
    if stack != _COROSYNC and not _has_gfs2(case):
        return Answer(Result.NOT_APPLICABLE, "The pool uses neither corosync nor GFS2.", (point,))
    if any(host.product_brand == _XCP for host in case.facts.hosts):
        return Answer(Result.FAIL, "XCP-ng does not support GFS2.", (point,))
    if isinstance(clusters, Unknown):
        return Answer(Result.UNKNOWN, f"The cluster could not be read: {clusters.reason}.", (point,))
    fills = ({"cluster_uuid": clusters[0].uuid if clusters else "<cluster>"},)
    if not clusters:
        return Answer(Result.FAIL, "The pool has no cluster.", (point,), fills)
    parts = [answer for each in clusters for answer in (_shape(case, each), *(_member(case, m) for m in each.members))]
    answer = combine(parts, good="The cluster is whole.")
    return Answer(answer.result, answer.detail, (point, *answer.evidence), fills)


@check(
    "HA-074",
    family="heartbeat",
    title="No dead cluster without GFS2?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="A cluster that serves no SR can only fence, never help.",
    remedy=("xe cluster-pool-destroy cluster-uuid={cluster_uuid}",),
)
def no_dead_cluster(case: Case) -> Answer:
    """No cluster exists without an SR that needs it."""
    clusters = case.facts.clusters
    if isinstance(clusters, Unknown):
        return Answer(
            Result.UNKNOWN, f"Whether a cluster exists is not known: {clusters.reason}.", (case.point("Cluster", clusters),)
        )
    point = case.point("Cluster.uuid", [cluster.uuid for cluster in clusters])
    if not clusters or _has_gfs2(case):
        return Answer(Result.PASS, "No unused cluster.", (point,))
    return Answer(Result.WARN, "A cluster exists, and no SR of type gfs2.", (point,), ({"cluster_uuid": clusters[0].uuid},))
