"""Family D, the paths to the heartbeat SR: multipathing on, and enough paths alive on every host."""

from __future__ import annotations

from estate.facts.pool import PoolHostFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case, heartbeat_sr, is_multipathed, pbd_of
from readiness.core.checks.heartbeat import no_heartbeat_sr
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine


def _multipathed(case: Case, sr: SrFacts, host: PoolHostFacts) -> Answer:
    pbd = pbd_of(case.facts, sr, host)
    if pbd is None:
        return Answer(Result.UNKNOWN, f"{host.name} has no PBD of SR {sr.name} (see HA-062).")
    points = (
        case.point(f"host[{host.uuid}].multipathing", host.multipathing),
        case.point(f'PBD[{pbd.uuid}].other_config["multipathed"]', pbd.multipathed),
    )
    on, fills = is_multipathed(host, pbd), ({"host_uuid": host.uuid, "pbd_uuid": pbd.uuid},)
    if isinstance(on, Unknown):
        return Answer(Result.UNKNOWN, f"Whether {host.name} uses multipathing is not known.", points, fills)
    return (
        Answer(Result.PASS, "", points)
        if on
        else Answer(Result.FAIL, f"{host.name} reaches SR {sr.name} by one path only.", points, fills)
    )


@check(
    "HA-064",
    family="heartbeat",
    title="Multipathing on?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="One path to the heartbeat disk makes each cable of it a single point at which a host fences.",
    remedy=(
        "xe pool-ha-disable",
        "xe host-evacuate uuid={host_uuid}",
        "xe pbd-unplug uuid={pbd_uuid}",
        "xe host-param-set uuid={host_uuid} multipathing=true",
        "xe pbd-plug uuid={pbd_uuid}",
    ),
    prerequisites=("HA-060", "HA-062", "HA-063"),
)
def multipathing_on(case: Case) -> Answer:
    """Block SRs are multipathed on every host; NFS has no multipathing and is told to look at its server."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    if sr.kind == "nfs":
        point = case.point(f"SR[{sr.uuid}].type", sr.kind)
        return Answer(Result.WARN, f"SR {sr.name} is NFS: its redundancy lies in the server and the bond (HA-067).", (point,))
    if sr.kind not in case.policy.block_types:
        point = case.point(f"SR[{sr.uuid}].type", sr.kind)
        return Answer(Result.UNKNOWN, f"How an SR of type {sr.kind} is made redundant is not known.", (point,))
    parts = [_multipathed(case, sr, host) for host in case.facts.hosts]
    return combine(parts, good=f"SR {sr.name} is multipathed on every host.")


def _paths(case: Case, sr: SrFacts, host: PoolHostFacts, most: int) -> Answer:
    pbd = pbd_of(case.facts, sr, host)
    if pbd is None:
        return Answer(Result.UNKNOWN, f"{host.name} has no PBD of SR {sr.name} (see HA-062).")
    active, known = pbd.paths_active, pbd.paths_max
    points = (
        case.point(f'PBD[{pbd.uuid}].other_config["mpath-{pbd.scsi_id or "?"}"] active', active),
        case.point(f'PBD[{pbd.uuid}].other_config["mpath-{pbd.scsi_id or "?"}"] max', known),
    )
    fills = ({"pbd_uuid": pbd.uuid},)
    if isinstance(active, Unknown) or isinstance(known, Unknown):
        return _no_counter(host, is_multipathed(host, pbd), Answer(Result.UNKNOWN, "", points, fills))
    if active < 2:
        return Answer(Result.FAIL, f"{host.name}: {active} active path of {known}.", points, fills)
    if active < known or known < most:
        return Answer(Result.WARN, f"{host.name}: {active} active paths of {max(known, most)}.", points, fills)
    return Answer(Result.PASS, "", points)


def _no_counter(host: PoolHostFacts, multipathed: bool | Unknown, answer: Answer) -> Answer:
    """A host without a path counter: with multipathing off it has one path; with it on, the missing counter is itself a fault."""
    if multipathed is False:
        return Answer(Result.FAIL, f"{host.name}: one path, because multipathing is off.", answer.evidence, answer.fills)
    if multipathed is True:
        text = f"{host.name}: multipathing is on, yet the pool keeps no path counter, which it does only in a fault."
        return Answer(Result.FAIL, text, answer.evidence, answer.fills)
    return Answer(Result.UNKNOWN, f"{host.name}: the number of paths is not known.", answer.evidence, answer.fills)


@check(
    "HA-065",
    family="heartbeat",
    title="Path counts healthy?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A lost path is silent until the second one goes. A host that counts fewer paths than its peers has lost some for good.",
    remedy=(
        "multipath -ll   (in dom0; repair the failed paths)",
        "xe pbd-param-get uuid={pbd_uuid} param-name=other-config   (the counter is right again after a re-plug)",
    ),
    prerequisites=("HA-003", "HA-060", "HA-062", "HA-063"),
)
def paths_healthy(case: Case) -> Answer:
    """At least two active paths on every host, none lost, and as many as on the other hosts."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    if sr.kind not in case.policy.block_types:
        point = case.point(f"SR[{sr.uuid}].type", sr.kind)
        return Answer(Result.NOT_APPLICABLE, f"An SR of type {sr.kind} has no multipath counter.", (point,))
    pbds = [pbd for pbd in case.facts.pbds if pbd.sr_uuid == sr.uuid]
    most = max((pbd.paths_max for pbd in pbds if not isinstance(pbd.paths_max, Unknown)), default=0)
    parts = [_paths(case, sr, host, most) for host in case.facts.hosts]
    return combine(parts, good=f"All paths to SR {sr.name} are active on every host.")
