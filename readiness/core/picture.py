"""The picture of a pool as a value: hosts, NICs, bonds, switches, storage nodes, and the lines between them with their state.

Pages and reports draw it (drawing.py); nothing is decided here. What nobody knows is UNKNOWN_ and is drawn as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from estate.facts.pool import BondFacts, PbdFacts, PifFacts, PoolHostFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import Cabling, SwitchPort, cabling_of
from readiness.core.case import Case, heartbeat_sr, management_bond, management_nics, pbd_of
from readiness.core.timeouts import effective_timeout

UNKNOWN_SWITCH = "?"


class Status(StrEnum):
    """State of a thing or a line in the picture."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN_ = "unknown"


@dataclass(frozen=True, slots=True)
class NicBox:
    """A management NIC and the wire to its switch. `switch` is `?` where nobody attested one."""

    device: str
    status: Status
    switch: str
    wire: Status
    label: str


@dataclass(frozen=True, slots=True)
class HostBox:
    """A host with its NICs. `bond` names the bond's mode and links, or says that there is none."""

    uuid: str
    name: str
    status: Status
    coordinator: bool
    bond: str
    bond_status: Status
    nics: tuple[NicBox, ...]


@dataclass(frozen=True, slots=True)
class PathLine:
    """A host's way to the heartbeat SR through one storage node (`node` is `?` where nodes are not known)."""

    host_uuid: str
    node: str
    status: Status
    label: str


@dataclass(frozen=True, slots=True)
class PoolPicture:
    """All of it. `storage_nodes` holds at least one name; `title` and `summary` are for readers who cannot see the drawing."""

    title: str
    summary: str
    hosts: tuple[HostBox, ...]
    switches: tuple[str, ...]
    storage_nodes: tuple[str, ...]
    paths: tuple[PathLine, ...]
    heartbeat_sr: str
    heartbeat_status: Status
    timeout: str


def _status(value: bool | Unknown) -> Status:
    if isinstance(value, Unknown):
        return Status.UNKNOWN_
    return Status.OK if value else Status.BROKEN


def _host_status(host: PoolHostFacts) -> Status:
    if host.live is False or host.enabled is False:
        return Status.BROKEN
    return Status.OK if host.live is True and host.enabled is True else Status.UNKNOWN_


def _wire(nic: PifFacts, port: SwitchPort | None) -> tuple[Status, str]:
    if nic.carrier is False:
        return Status.BROKEN, "no link"
    if port is None:
        return Status.UNKNOWN_, "switch not known"
    if port.stale:
        return Status.UNKNOWN_, "attestation stale"
    return _status(nic.carrier), "link not known" if isinstance(nic.carrier, Unknown) else port.source


def _nic(cabling: Cabling, nic: PifFacts) -> NicBox:
    port = cabling.switch_of_pif.get(nic.uuid)
    wire, label = _wire(nic, port)
    return NicBox(nic.device, _status(nic.carrier), port.switch if port else UNKNOWN_SWITCH, wire, label)


def _bond(bond: BondFacts | None) -> tuple[str, Status]:
    if bond is None:
        return "no bond", Status.BROKEN
    mode = "mode not known" if isinstance(bond.mode, Unknown) else bond.mode
    if isinstance(bond.links_up, Unknown):
        return f"{mode}, links not known", Status.UNKNOWN_
    slaves = len(bond.slave_pif_uuids)
    return f"{mode}, {bond.links_up} of {slaves} links", _status(bond.links_up >= slaves >= 2)


def _host(case: Case, cabling: Cabling, host: PoolHostFacts) -> HostBox:
    label, status = _bond(management_bond(case.facts, host))
    nics = tuple(_nic(cabling, nic) for nic in management_nics(case.facts, host))
    coordinator = host.uuid == case.facts.coordinator_uuid
    return HostBox(host.uuid, host.name, _host_status(host), coordinator, label, status, nics)


def _path_state(pbd: PbdFacts) -> tuple[Status, str]:
    """State of a PBD's paths as a whole: the pool counts paths, but not per node."""
    if pbd.currently_attached is False:
        return Status.BROKEN, "not attached"
    if isinstance(pbd.paths_active, Unknown) or isinstance(pbd.paths_max, Unknown):
        return Status.UNKNOWN_, "paths not counted"
    label = f"{pbd.paths_active} of {pbd.paths_max} paths"
    if pbd.paths_active == 0:
        return Status.BROKEN, label
    return (Status.OK, label) if pbd.paths_active >= pbd.paths_max else (Status.UNKNOWN_, f"{label}, some lost")


def _paths(case: Case, cabling: Cabling, host: PoolHostFacts, sr: SrFacts, nodes: tuple[str, ...]) -> list[PathLine]:
    pbd = pbd_of(case.facts, sr, host)
    if pbd is None:
        return [PathLine(host.uuid, node, Status.BROKEN, "no PBD") for node in nodes]
    status, label = _path_state(pbd)
    reached = cabling.nodes_reached_by(pbd)
    if isinstance(reached, Unknown):
        shown = Status.BROKEN if status is Status.BROKEN else Status.UNKNOWN_
        return [PathLine(host.uuid, node, shown, f"{label}, way not known") for node in nodes]
    return [
        PathLine(
            host.uuid, node, status if node in reached else Status.BROKEN, label if node in reached else "no path configured"
        )
        for node in nodes
    ]


def _timeout(case: Case) -> str:
    effective = effective_timeout(case.facts, case.policy)
    if isinstance(effective.timeout_s, Unknown):
        return f"HA timeout not known: {effective.timeout_s.reason}"
    return f"HA timeout {effective.timeout_s} s"


def _storage(case: Case, cabling: Cabling) -> tuple[str, Status, tuple[str, ...], tuple[PathLine, ...]]:
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        lines = tuple(PathLine(h.uuid, "?", Status.UNKNOWN_, "not known") for h in case.facts.hosts)
        return "heartbeat SR not known", Status.UNKNOWN_, ("?",), lines
    named = cabling.node_names()
    nodes = ("?",) if isinstance(named, Unknown) else named
    lines = tuple(line for host in case.facts.hosts for line in _paths(case, cabling, host, sr, nodes))
    return f"{sr.name} ({sr.kind})", _status(sr.shared), nodes, lines


def _summary(hosts: tuple[HostBox, ...], paths: tuple[PathLine, ...], sr: str, timeout: str) -> str:
    """One paragraph that says what the drawing shows, faults first."""
    names = {host.uuid: host.name for host in hosts}
    faults = [f"{h.name} is {h.status}" for h in hosts if h.status is not Status.OK]
    faults += [f"{h.name} {n.device}: {n.label}" for h in hosts for n in h.nics if n.wire is not Status.OK]
    faults += [f"{names[p.host_uuid]} to {p.node}: {p.label}" for p in paths if p.status is not Status.OK]
    state = "; ".join(faults) if faults else "every line drawn is healthy"
    return f"{len(hosts)} hosts, heartbeat SR {sr}, {timeout}. {state}."


def picture_of(case: Case) -> PoolPicture:
    """The picture of a case's pool."""
    cabling = cabling_of(case)
    hosts = tuple(_host(case, cabling, host) for host in sorted(case.facts.hosts, key=lambda h: h.name))
    heartbeat, status, nodes, paths = _storage(case, cabling)
    switches = tuple(sorted({nic.switch for host in hosts for nic in host.nics}))
    timeout = _timeout(case)
    return PoolPicture(
        title=f"Pool {case.facts.name}",
        summary=_summary(hosts, paths, heartbeat, timeout),
        hosts=hosts,
        switches=switches,
        storage_nodes=nodes,
        paths=paths,
        heartbeat_sr=heartbeat,
        heartbeat_status=status,
        timeout=timeout,
    )
