"""Family D, storage around the heartbeat: paths to every storage node, SRs attached, room, the metadata log."""

from __future__ import annotations

from estate.facts.pool import PbdFacts, PoolHostFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import cited, messages
from readiness.core.cabling import Cabling, attested_paths, cabling_of, storage_nics
from readiness.core.case import Case, heartbeat_sr, pbd_of
from readiness.core.checks.heartbeat import no_heartbeat_sr
from readiness.core.evidence import EvidenceItem
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result, combine

_BROKEN, _HEALTHY = "METADATA_LUN_BROKEN", "METADATA_LUN_HEALTHY"
_ISO = "iso"


def _nodes(case: Case, cabling: Cabling, host: PoolHostFacts, pbd: PbdFacts) -> Answer:
    said = (case.cite(cabling.nodes_item),) if cabling.nodes_item else ()
    points = (case.point(f"PBD[{pbd.uuid}].device_config", list(pbd.portals)), *said)
    names, reached = cabling.node_names(), cabling.nodes_reached_by(pbd)
    if isinstance(names, Unknown) or isinstance(reached, Unknown):
        why = names if isinstance(names, Unknown) else reached
        assert isinstance(why, Unknown)
        return Answer(Result.UNKNOWN, f"{host.name}: {why.reason}.", points)
    if len(names) < 2:
        return Answer(Result.FAIL, f"The heartbeat SR has one storage node, {names[0]}.", points)
    missing = [name for name in names if name not in reached]
    if missing:
        return Answer(Result.FAIL, f"{host.name} has no path to {', '.join(missing)}.", points)
    if cabling.nodes_stale:
        result = Result.FAIL if case.for_cutover else Result.WARN
        return Answer(result, "What was said of the storage nodes is stale; look again and record it.", points)
    return Answer(Result.PASS, "", points)


def _ways(case: Case, cabling: Cabling, host: PoolHostFacts, pbd: PbdFacts) -> Answer:
    """Over how many NICs and switches a host reaches its storage."""
    nics = storage_nics(case, host, pbd.portals)
    if isinstance(nics, Unknown):
        return Answer(
            Result.UNKNOWN, f"{host.name}: {nics.reason}.", (case.point(f"PBD[{pbd.uuid}].device_config", pbd.portals),)
        )
    ports = [cabling.switch_of_pif.get(nic.uuid) for nic in nics]
    points: tuple[EvidencePoint, ...] = tuple(case.point(f"PIF[{nic.uuid}].device", nic.device) for nic in nics)
    points += tuple(case.cite(port.item) for port in ports if port is not None)
    if not nics:
        return Answer(Result.UNKNOWN, f"{host.name}: which NICs carry its storage is not known.", points)
    if len(nics) < 2:
        return Answer(Result.WARN, f"{host.name} reaches its storage through {nics[0].device} alone.", points)
    unattested = [nic.device for nic, port in zip(nics, ports, strict=True) if port is None]
    if unattested:
        return Answer(Result.UNKNOWN, f"{host.name}: the switch behind {', '.join(unattested)} is not known.", points)
    known = [port for port in ports if port is not None]
    if len({port.failure_domain for port in known}) < 2:
        return Answer(Result.FAIL, f"{host.name}: all its storage NICs hang on one switch or stack.", points)
    if any(port.stale for port in known):
        result = Result.FAIL if case.for_cutover else Result.WARN
        return Answer(result, f"{host.name}: a switch attestation is stale; look again and record it.", points)
    return Answer(Result.PASS, "", points)


def _told(case: Case, cabling: Cabling, host: PoolHostFacts, item: EvidenceItem) -> Answer:
    """A host whose paths a person wrote down: HBAs and fabrics show in no fact of the pool."""
    points = (case.cite(item), *((case.cite(cabling.nodes_item),) if cabling.nodes_item else ()))
    names, paths = cabling.node_names(), item.value["paths"]
    if isinstance(names, Unknown):
        return Answer(Result.UNKNOWN, f"{host.name}: {names.reason}.", points)
    missing = [name for name in names if name not in {path["node"] for path in paths}]
    if len(names) < 2 or missing:
        what = f"has no path to {', '.join(missing)}" if missing else f"has one storage node, {names[0]}"
        return Answer(Result.FAIL, f"{host.name} {what}.", points)
    if any(not path.get("switch") for path in paths):
        return Answer(Result.UNKNOWN, f"{host.name}: the switch of {paths[0]['port']} or another port is not known.", points)
    if len({path["switch"] for path in paths}) < 2:
        return Answer(Result.FAIL, f"{host.name}: all its paths run through {paths[0]['switch']}.", points)
    if len({path["port"] for path in paths}) < 2:
        return Answer(Result.WARN, f"{host.name} reaches its storage through {paths[0]['port']} alone.", points)
    if case.is_stale(item) or cabling.nodes_stale:
        result = Result.FAIL if case.for_cutover else Result.WARN
        return Answer(result, f"{host.name}: what was said of its paths is stale; look again and record it.", points)
    return Answer(Result.PASS, "", points)


@check(
    "HA-066",
    family="heartbeat",
    title="Paths to each storage node and over two switches?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Two paths that end at one storage node, or run through one switch, are lost together.",
    remedy=(
        "give each host a portal of every storage node (multihomelist), over two NICs that end on two switches",
        "record the storage nodes with their portals, and the switch of each storage NIC (switch_of_slave)",
        "on Fibre Channel record each host's paths (storage_paths): port, switch and node",
    ),
    prerequisites=("HA-060", "HA-062", "HA-063"),
)
def paths_to_every_node(case: Case) -> Answer:
    """Every host has a path to each of at least two storage nodes, over two NICs and two switches."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return no_heartbeat_sr(case, sr)
    if sr.kind not in case.policy.block_types:
        point = case.point(f"SR[{sr.uuid}].type", sr.kind)
        return Answer(Result.NOT_APPLICABLE, f"An SR of type {sr.kind} has one server address (see HA-067).", (point,))
    cabling, parts = cabling_of(case), []
    for host in case.facts.hosts:
        pbd = pbd_of(case.facts, sr, host)
        if pbd is None:
            parts.append(Answer(Result.UNKNOWN, f"{host.name} has no PBD of SR {sr.name}."))
            continue
        item = attested_paths(case, host)
        told = [_told(case, cabling, host, item)] if item is not None else []
        parts += told or [_nodes(case, cabling, host, pbd), _ways(case, cabling, host, pbd)]
    return combine(parts, good="Every host has a path to each storage node, over two switches.")


def _attached(case: Case, pbd: PbdFacts, sr: SrFacts) -> Answer:
    host = case.host_name(pbd.host_uuid)
    points, fills = (case.point(f"PBD[{pbd.uuid}].currently_attached", pbd.currently_attached),), ({"pbd_uuid": pbd.uuid},)
    if isinstance(pbd.currently_attached, Unknown):
        return Answer(Result.UNKNOWN, f"Whether SR {sr.name} is attached on {host} could not be read.", points, fills)
    if pbd.currently_attached:
        return Answer(Result.PASS, "", points)
    result = Result.WARN if sr.content_type == _ISO else Result.FAIL
    return Answer(result, f"SR {sr.name} is not attached on {host}.", points, fills)


@check(
    "HA-070",
    family="heartbeat",
    title="All PBDs attached?",
    severity=Severity.BLOCKS_PROTECTED,
    waiver=WaiverClass.APPROVER,
    why="A host that lacks an SR cannot restart the VMs whose disks are on it.",
    remedy=("xe pbd-plug uuid={pbd_uuid}",),
    prerequisites=("HA-003",),
)
def all_srs_attached(case: Case) -> Answer:
    """Every shared SR is attached on each of its hosts; a detached library of ISOs only warns."""
    unread = case.facts.unread("PBD") or case.facts.unread("SR")
    if unread:
        return Answer(Result.UNKNOWN, f"Not all SRs and their connections could be read: {unread}.")
    shared = {sr.uuid: sr for sr in case.facts.srs if sr.shared is not False}
    parts = [_attached(case, pbd, shared[pbd.sr_uuid]) for pbd in case.facts.pbds if pbd.sr_uuid in shared]
    return combine(parts, good="Every shared SR is attached on all its hosts.")


def _room(case: Case, sr: SrFacts) -> Answer:
    size, used = sr.physical_size_bytes, sr.physical_utilisation_bytes
    points = (case.point(f"SR[{sr.uuid}].physical_size", size), case.point(f"SR[{sr.uuid}].physical_utilisation", used))
    if isinstance(size, Unknown) or isinstance(used, Unknown) or size <= 0:
        return Answer(Result.UNKNOWN, f"How full SR {sr.name} is is not known.", points)
    text = f"SR {sr.name} is {used * 100 // size} % full."
    if used >= case.policy.sr_used_fail * size:
        return Answer(Result.FAIL, text, points)
    return Answer(Result.WARN if used >= case.policy.sr_used_warn * size else Result.PASS, text, points)


@check(
    "HA-071",
    family="heartbeat",
    title="SR space and GC?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="A full SR stops every VM on it that writes, and snapshots can no longer be coalesced.",
    remedy=("free space or grow the SR, then: xe sr-scan uuid=<sr>   (starts the garbage collector)",),
)
def srs_have_room(case: Case) -> Answer:
    """Every shared SR for disks has room, and its garbage collector was never short of it."""
    found = messages(case, "SM_GC_NO_SPACE")
    stuck = [] if isinstance(found, Unknown) else found
    parts = [_room(case, sr) for sr in case.facts.srs if sr.shared is not False and sr.content_type != _ISO]
    parts += [Answer(Result.FAIL, f"The garbage collector found no space: {each.body}.", (cited(each),)) for each in stuck]
    parts += [Answer(Result.UNKNOWN, f"Not known: {found.reason}.")] if isinstance(found, Unknown) else []
    return combine(parts, good="Every shared SR has room.")


@check(
    "HA-072",
    family="heartbeat",
    title="Metadata redo log healthy?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="Without its redo log a pool whose coordinator dies comes back with an old database.",
    remedy=("repair the heartbeat SR, then: xe pool-ha-disable; xe pool-ha-enable heartbeat-sr-uuids={sr_uuid}",),
)
def metadata_log_healthy(case: Case) -> Answer:
    """The newest word of the pool on its metadata log is not `broken`."""
    found, sr = messages(case, _BROKEN, _HEALTHY), heartbeat_sr(case.facts)
    fills = ({"sr_uuid": "<heartbeat-sr-uuid>" if isinstance(sr, Unknown) else sr.uuid},)
    if isinstance(found, Unknown):
        return Answer(Result.UNKNOWN, f"Not known: {found.reason}.", (case.point("message.name", found),), fills)
    if found and found[-1].name == _BROKEN:
        text = f"The pool said {found[-1].at:%Y-%m-%d %H:%M} UTC that its metadata log is broken, and nothing since."
        return Answer(Result.FAIL, text, (cited(found[-1]),), fills)
    return Answer(Result.PASS, "The pool does not complain of its metadata log.", tuple(cited(each) for each in found[-1:]))
