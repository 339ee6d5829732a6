"""Family D, the heartbeat SR itself: type, room, attached everywhere, one state file.

Its paths are in heartbeat_paths.py.
"""

from __future__ import annotations

from estate.facts.pool import PoolHostFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.case import Case, heartbeat_sr, pbd_of, statefiles_in_use
from readiness.core.policy import Policy
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result, combine


def no_heartbeat_sr(case: Case, why: Unknown) -> Answer:
    """The answer of every check of this family when no heartbeat SR is known."""
    points = (case.point("pool.ha_statefiles", why),)
    return Answer(Result.UNKNOWN, f"Which SR carries the state file is not known: {why.reason}.", points)


def _accepted_types(case: Case) -> tuple[str, ...]:
    policy, facts = case.policy, case.facts
    brands = {host.product_brand for host in facts.hosts if not isinstance(host.product_brand, Unknown)}
    xcp = policy.heartbeat_types_xcp if brands == {"XCP-ng"} else ()
    clustered = policy.heartbeat_types_clustered if facts.ha_cluster_stack == "corosync" and "XCP-ng" not in brands else ()
    return policy.heartbeat_types + xcp + clustered


def _type_answer(case: Case, sr: SrFacts, chap: list[str], points: tuple[EvidencePoint, ...]) -> Answer:
    fills = ({"sr_uuid": sr.uuid},)
    if sr.shared is False or sr.kind in case.policy.heartbeat_types_refused:
        return Answer(
            Result.FAIL, f"SR {sr.name} ({sr.kind}) is local or of a type that cannot carry the state file.", points, fills
        )
    if chap:
        return Answer(
            Result.FAIL, f"SR {sr.name} logs in with CHAP on {', '.join(chap)}; a heartbeat SR must not.", points, fills
        )
    if sr.can_host_statefile is False:
        return Answer(Result.FAIL, f"The pool itself says that SR {sr.name} cannot carry the state file.", points, fills)
    if isinstance(sr.shared, Unknown) or sr.kind not in _accepted_types(case):
        return Answer(Result.UNKNOWN, f"Whether an SR of type {sr.kind} fits is not known for this product.", points, fills)
    return Answer(Result.PASS, f"SR {sr.name} is shared and of type {sr.kind}.", points)


@check(
    "HA-060",
    family="heartbeat",
    title="Heartbeat SR shared and right type?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="Every host must write its heartbeat to the same disk, or the survivors cannot agree who lives.",
    remedy=("xe sr-list shared=true params=uuid,type,name-label   (choose or create one that fits; now {sr_uuid})",),
)
def heartbeat_sr_fits(case: Case) -> Answer:
    """The SR of the state file is shared, of an accepted type, and without CHAP."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    chap = [case.host_name(pbd.host_uuid) for pbd in case.facts.pbds if pbd.sr_uuid == sr.uuid and pbd.uses_chap]
    points = (
        case.point(f"SR[{sr.uuid}].shared", sr.shared),
        case.point(f"SR[{sr.uuid}].type", sr.kind),
        case.point(f"SR[{sr.uuid}] assert_can_host_ha_statefile", sr.can_host_statefile),
        case.point('PBD.device_config["chapuser"] on', chap),
    )
    return _type_answer(case, sr, chap, points)


def _has_files(case: Case, sr: SrFacts, policy: Policy) -> bool:
    """Whether state file and redo log of sufficient size lie on the SR already."""
    files = case.facts.statefiles
    if isinstance(files, Unknown):
        return False
    here = [file for file in files if file.sr_uuid == sr.uuid]
    has_state = any(f.vdi_type != "redo_log" and f.size_bytes >= policy.statefile_min_bytes for f in here)
    return has_state and any(f.vdi_type == "redo_log" and f.size_bytes >= policy.redo_log_min_bytes for f in here)


@check(
    "HA-061",
    family="heartbeat",
    title="Room for state file and redo log?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="The next enable needs room for the state file and the redo log, or it fails when it is needed.",
    remedy=("grow the LUN, then: xe sr-scan uuid={sr_uuid}",),
    prerequisites=("HA-060",),
)
def room_for_statefile(case: Case) -> Answer:
    """Both files exist in sufficient size, or there is room to make them."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    points = (
        case.point(f"SR[{sr.uuid}].physical_size", sr.physical_size_bytes),
        case.point(f"SR[{sr.uuid}].physical_utilisation", sr.physical_utilisation_bytes),
    )
    fills, free, policy = ({"sr_uuid": sr.uuid},), sr.free_bytes, case.policy
    if _has_files(case, sr, policy):
        return Answer(Result.PASS, f"State file and redo log lie on SR {sr.name}.", points)
    if isinstance(free, Unknown):
        return Answer(Result.UNKNOWN, f"The free space of SR {sr.name} could not be read.", points, fills)
    if free < policy.heartbeat_room_min_bytes:
        text = f"SR {sr.name} has {free} bytes free; {policy.heartbeat_room_min_bytes} are needed."
        return Answer(Result.FAIL, text, points, fills)
    result = Result.PASS if free >= policy.heartbeat_room_good_bytes else Result.WARN
    return Answer(result, f"SR {sr.name} has {free} bytes free; {policy.heartbeat_room_min_bytes} are needed.", points, fills)


def _attached(case: Case, sr: SrFacts, host: PoolHostFacts) -> Answer:
    pbd = pbd_of(case.facts, sr, host)
    if pbd is None:
        point = case.point(f"SR[{sr.uuid}].PBDs on {host.name}", None)
        return Answer(Result.FAIL, f"{host.name} has no PBD of SR {sr.name}.", (point,), ({"pbd_uuid": f"<PBD of {host.name}>"},))
    points = (case.point(f"PBD[{pbd.uuid}].currently_attached", pbd.currently_attached),)
    fills = ({"pbd_uuid": pbd.uuid},)
    if isinstance(pbd.currently_attached, Unknown):
        return Answer(Result.UNKNOWN, f"Whether SR {sr.name} is attached on {host.name} is not known.", points, fills)
    if pbd.currently_attached:
        return Answer(Result.PASS, "", points)
    return Answer(Result.FAIL, f"SR {sr.name} is not attached on {host.name}.", points, fills)


@check(
    "HA-062",
    family="heartbeat",
    title="SR attached on every host?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="A host without the heartbeat disk fences.",
    remedy=("xe pbd-plug uuid={pbd_uuid}",),
    prerequisites=("HA-060",),
)
def attached_everywhere(case: Case) -> Answer:
    """One attached PBD per host."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    parts = [_attached(case, sr, host) for host in case.facts.hosts]
    return combine(parts, good=f"SR {sr.name} is attached on all {len(parts)} hosts.")


def _host_files(case: Case, host: PoolHostFacts, expected: set[str]) -> Answer:
    seen = host.ha_statefiles
    if isinstance(seen, Unknown):
        point = case.point(f"host[{host.uuid}].ha_statefiles", seen)
        return Answer(Result.UNKNOWN, f"Which state file {host.name} uses could not be read.", (point,))
    points = (case.point(f"host[{host.uuid}].ha_statefiles", list(seen)),)
    if set(seen) == expected:
        return Answer(Result.PASS, "", points)
    text = f"{host.name} has no access to the state file." if not seen else f"{host.name} uses another state file."
    return Answer(Result.FAIL, text, points)


@check(
    "HA-063",
    family="heartbeat",
    title="State file count right?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="Hosts that do not share one state file cannot see each other on disk.",
    remedy=("xe pool-ha-disable", "xe pool-ha-enable heartbeat-sr-uuids={sr_uuid} ha-config:timeout={timeout_s}"),
    prerequisites=("HA-060",),
)
def one_statefile(case: Case) -> Answer:
    """Exactly one state file, the same on every host, while HA is on."""
    if case.facts.ha_enabled is not True:
        point = case.point("pool.ha_enabled", case.facts.ha_enabled)
        return Answer(Result.UNKNOWN, "State files mean something only while HA is on.", (point,))
    files = statefiles_in_use(case.facts)
    if isinstance(files, Unknown):
        return no_heartbeat_sr(case, files)
    points = (case.point("pool.ha_statefiles", [file.vdi_uuid for file in files]),)
    sr_uuid = files[0].sr_uuid if files else "<heartbeat-sr-uuid>"
    fills = ({"sr_uuid": sr_uuid, "timeout_s": str(case.policy.proposed_timeout_s)},)
    if len(files) != 1:
        return Answer(Result.FAIL, f"The pool names {len(files)} state files; it must be one.", points, fills)
    parts = [_host_files(case, host, {files[0].vdi_uuid}) for host in case.facts.hosts]
    answer = combine(parts, good="One state file, the same on every host.")
    shown = () if answer.result is Result.PASS else fills
    return Answer(answer.result, answer.detail, (*points, *answer.evidence), shown)
