"""What a set of failed things takes from each host: its peers, its heartbeat disk, its power. Three-valued: None is not known.

The switches that management hangs on are taken to be linked to each other: a host with one live link hears every other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from estate.facts.unknown import Unknown
from readiness.core.faults.topology import Element, HostWires, Link, Path, Topology
from readiness.core.fence import FenceOutcome, LiveView, full_mesh, simulate
from readiness.core.policy import FenceModel

NodeTrial = Callable[[str, str], bool | None]
"""(storage node, host) -> whether the host keeps its disk while the node fails and paths move; None without a valid trial."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Hosts without peers, without the disk and without power; `unknown` is why nobody can tell, empty when somebody can."""

    isolated: frozenset[str]
    diskless: frozenset[str]
    off: frozenset[str]
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class _Failed:
    """The failed things by kind."""

    hosts: frozenset[str]
    ports: frozenset[str]
    port_hosts: frozenset[str]
    switches: frozenset[str]
    nodes: frozenset[str]
    portals: frozenset[str]


@dataclass(slots=True)
class Effects:
    """Asks what faults do to one pool; equal effects are simulated once."""

    topology: Topology
    model: FenceModel
    trial: NodeTrial
    _outcomes: dict[tuple[frozenset[str], frozenset[str], frozenset[str]], FenceOutcome] = field(default_factory=dict)

    def of(self, failed: Collection[Element], *, peers_only: bool = False) -> Effect:
        """What these things take away when they fail together; with `peers_only` the disk is left out of account."""
        lost = _failed(self.topology, failed)
        isolated: set[str] = set()
        diskless: set[str] = set()
        for host in self.topology.hosts:
            if host.uuid in lost.hosts:
                continue
            heard = _reaches(host.links, lost)
            if heard is None:
                return _unknown(f"the links or cabling of {host.name} are not known")
            isolated |= set() if heard else {host.uuid}
            seen = True if peers_only else self._sees_disk(host, lost)
            if isinstance(seen, Unknown):
                return _unknown(seen.reason)
            diskless |= set() if seen else {host.uuid}
        return Effect(frozenset(isolated), frozenset(diskless), lost.hosts)

    def outcome(self, effect: Effect) -> FenceOutcome:
        """Who survives it. The effect must be known."""
        key = (effect.isolated, effect.diskless, effect.off)
        if key not in self._outcomes:
            members = tuple(host.uuid for host in self.topology.hosts)
            view = LiveView(
                members=members,
                hears=full_mesh(set(members) - effect.isolated - effect.off),
                sees_disk=frozenset(members) - effect.diskless - effect.off,
                off=effect.off,
            )
            self._outcomes[key] = simulate(view, self.model)
        return self._outcomes[key]

    def _sees_disk(self, host: HostWires, lost: _Failed) -> bool | Unknown:
        """Paths first; where a node fails and others are left, only a trial tells whether they take over in time."""
        if not (lost.ports or lost.switches or lost.nodes or lost.portals):
            return True
        if isinstance(host.paths, Unknown):
            return host.paths if _may_touch(host, lost) else True
        alive = [_path_lives(path, lost, host.uuid) for path in host.paths]
        if all(each is True for each in alive):
            return True
        if all(each is False for each in alive):
            return False
        if None in alive and True not in alive:
            return Unknown(f"the wires of {host.name} to its storage are not all known")
        if host.moves_paths is not True:
            return Unknown(f"whether {host.name} changes over to another path (multipathing) is not so, or not known")
        return self._moves_in_time(host, lost)

    def _moves_in_time(self, host: HostWires, lost: _Failed) -> bool | Unknown:
        for node in sorted(lost.nodes):
            proven = self.trial(node, host.uuid)
            if proven is None:
                return Unknown(f"no valid trial at the timeout in force shows whether {host.name} fences while {node} fails")
            if not proven:
                return False
        return True


def _unknown(why: str) -> Effect:
    return Effect(frozenset(), frozenset(), frozenset(), why)


def _failed(topology: Topology, elements: Collection[Element]) -> _Failed:
    def ids(*kinds: str) -> frozenset[str]:
        return frozenset(each.id for each in elements if each.kind in kinds)

    feeds = [feed for feed in topology.feeds if feed.name in ids("power_feed")]
    return _Failed(
        hosts=ids("host").union(*(feed.hosts for feed in feeds)),
        ports=ids("nic", "storage_link"),
        port_hosts=frozenset(each.host for each in elements if each.kind in ("nic", "storage_link")),
        switches=ids("switch").union(*(feed.switches for feed in feeds)),
        nodes=ids("storage_node").union(*(feed.nodes for feed in feeds)),
        portals=ids("storage_port"),
    )


def _lives(link: Link, lost: _Failed) -> bool | None:
    if link.up is False or link.port in lost.ports or link.domain in lost.switches:
        return False
    if link.up is None or (link.domain is None and lost.switches):
        return None
    return True


def _any(answers: Iterable[bool | None]) -> bool | None:
    """True when one is, None when one may be."""
    found = set(answers)
    return True if True in found else None if None in found else False


def _reaches(links: Collection[Link], lost: _Failed) -> bool | None:
    return _any(_lives(link, lost) for link in links) if links else None


def _path_lives(path: Path, lost: _Failed, host: str) -> bool | None:
    if path.node in lost.nodes or (path.portal and path.portal in lost.portals):
        return False
    if path.node is None and lost.nodes:
        return None
    if path.links is not None:
        return _reaches(path.links, lost)
    return None if lost.switches or host in lost.port_hosts else True


def _may_touch(host: HostWires, lost: _Failed) -> bool:
    """Whether a fault may take a path of a host whose paths nobody knows: not the loss of another host's port."""
    return bool(lost.switches or lost.nodes or lost.portals or host.uuid in lost.port_hosts)
