"""Where the wires of a pool go, as far as its facts and people say: links of management, paths to the heartbeat disk, power.

A link's end at the pool is a NIC or HBA port with its cable: one fails like the other. What nobody said is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from estate.facts.pool import PbdFacts, PifFacts, PoolHostFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import Cabling, attested_paths, cabling_of, storage_nics, without_port
from readiness.core.case import Case, heartbeat_sr, is_multipathed, management_nics, pbd_of
from readiness.core.evidence import EvidenceKind


class Element(NamedTuple):
    """One thing that can fail. `host` is the uuid of the host it belongs to, empty for shared ones; `label` is for people."""

    kind: str
    id: str
    label: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A port of a host and its cable. `up` is None for unread, `domain` (the switch or stack behind it) None for unattested."""

    port: str
    label: str
    up: bool | None
    domain: str | None


@dataclass(frozen=True, slots=True)
class Path:
    """A way to the heartbeat disk: any of `links` carries it (None: nobody knows which), to one port of one storage node."""

    links: tuple[Link, ...] | None
    portal: str
    node: str | None


@dataclass(frozen=True, slots=True)
class HostWires:
    """A host's ways to its peers and to the heartbeat disk.

    `paths` is UNKNOWN where nobody knows them. `moves_paths`: whether it changes over to another path by itself; None for unread.
    """

    uuid: str
    name: str
    links: tuple[Link, ...]
    paths: tuple[Path, ...] | Unknown
    moves_paths: bool | None


class Feed(NamedTuple):
    """A power feed: hosts (uuids), switches or stacks, and storage nodes that go dark with it."""

    name: str
    hosts: frozenset[str]
    switches: frozenset[str]
    nodes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Topology:
    """The wires of every host that may be in the liveset. `nodes` is UNKNOWN until somebody names the SR's storage nodes."""

    hosts: tuple[HostWires, ...]
    domains: tuple[str, ...]
    nodes: tuple[str, ...] | Unknown
    feeds: tuple[Feed, ...]
    sr_name: str

    def elements(self) -> list[Element]:
        """Everything that can fail, hosts first, then what belongs to hosts, then what they share."""
        found = [Element("host", host.uuid, host.name, host.uuid) for host in self.hosts]
        found += [Element("nic", link.port, link.label, host.uuid) for host in self.hosts for link in host.links]
        found += [Element("storage_link", *port) for port in self._storage_ports()]
        found += [Element("switch", domain, domain) for domain in self.domains]
        found += [Element("storage_node", node, node) for node in (() if isinstance(self.nodes, Unknown) else self.nodes)]
        found += [Element("storage_port", portal, portal) for portal in self._portals()]
        return found + [Element("power_feed", feed.name, feed.name) for feed in self.feeds]

    def _storage_ports(self) -> list[tuple[str, str, str]]:
        """(port, label, host) of links that carry storage and no management."""
        found: dict[str, tuple[str, str, str]] = {}
        for host in self.hosts:
            own = {link.port for link in host.links}
            for path in () if isinstance(host.paths, Unknown) else host.paths:
                for link in path.links or ():
                    if link.port not in own:
                        found.setdefault(link.port, (link.port, link.label, host.uuid))
        return list(found.values())

    def _portals(self) -> list[str]:
        """Ports of storage nodes; a node's only one fails like the node."""
        of_node: dict[str | None, set[str]] = {}
        for host in self.hosts:
            for path in () if isinstance(host.paths, Unknown) else host.paths:
                of_node.setdefault(path.node, set()).add(path.portal)
        several = (portals for node, portals in of_node.items() if node is None or len(portals) > 1)
        return sorted({portal for portals in several for portal in portals if portal})


def topology_of(case: Case) -> Topology:
    """The wires of the case's pool."""
    cabling = cabling_of(case)
    members = [host for host in case.facts.hosts if host.live is not False]
    hosts = tuple(_wires(case, cabling, host) for host in members)
    feeds = tuple(_feeds(case))
    attested = {port.failure_domain for port in cabling.switch_of_pif.values()}
    carrying = {link.domain for host in hosts for link in _all_links(host) if link.domain}
    domains = attested | carrying | {switch for feed in feeds for switch in feed.switches}
    sr = heartbeat_sr(case.facts)
    name = f"the heartbeat SR ({sr.reason})" if isinstance(sr, Unknown) else f"SR {sr.name}"
    return Topology(hosts, tuple(sorted(domains)), cabling.node_names(), feeds, name)


def _all_links(host: HostWires) -> list[Link]:
    paths = () if isinstance(host.paths, Unknown) else host.paths
    return [*host.links, *(link for path in paths for link in path.links or ())]


def _wires(case: Case, cabling: Cabling, host: PoolHostFacts) -> HostWires:
    links = tuple(_link(cabling, host, nic) for nic in management_nics(case.facts, host))
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return HostWires(host.uuid, host.name, links, sr, None)
    pbd = pbd_of(case.facts, sr, host)
    if pbd is None:
        return HostWires(host.uuid, host.name, links, Unknown(f"{host.name} has no path to the SR"), None)
    multipathed = is_multipathed(host, pbd)
    moves = None if isinstance(multipathed, Unknown) else multipathed
    return HostWires(host.uuid, host.name, links, _paths(case, cabling, host, pbd), moves)


def _link(cabling: Cabling, host: PoolHostFacts, nic: PifFacts) -> Link:
    port = cabling.switch_of_pif.get(nic.uuid)
    domain = None if port is None or port.stale else port.failure_domain
    up = None if isinstance(nic.carrier, Unknown) else nic.carrier
    return Link(nic.uuid, f"{host.name} {nic.device}", up, domain)


def _paths(case: Case, cabling: Cabling, host: PoolHostFacts, pbd: PbdFacts) -> tuple[Path, ...] | Unknown:
    """What a person wrote down of the host's paths goes before what its portals tell."""
    item = attested_paths(case, host)
    if item is not None and not case.is_stale(item):
        return tuple(_attested_path(host, told) for told in item.value["paths"])
    if not pbd.portals:
        return Unknown(f"the paths of {host.name} to the SR are not known")
    return tuple(_path(case, cabling, host, portal) for portal in pbd.portals)


def _attested_path(host: PoolHostFacts, told: dict[str, Any]) -> Path:
    link = Link(f"{host.uuid}/{told['port']}", f"{host.name} {told['port']}", True, told.get("switch") or None)
    return Path((link,), str(told.get("target", "")), told["node"])


def _path(case: Case, cabling: Cabling, host: PoolHostFacts, portal: str) -> Path:
    nodes = () if isinstance(cabling.nodes, Unknown) else cabling.nodes
    node = next((node.name for node in nodes if {portal, without_port(portal)} & set(node.portals)), None)
    nics = storage_nics(case, host, (portal,))
    links = None if isinstance(nics, Unknown) else tuple(_link(cabling, host, nic) for nic in nics)
    return Path(links or None, portal, node)


def _feeds(case: Case) -> list[Feed]:
    """The newest word on each power feed that is not stale."""
    found: dict[str, Feed] = {}
    uuids = {name: host.uuid for host in case.facts.hosts for name in (host.uuid, host.name)}
    for item in case.attested(EvidenceKind.POWER_FEED):
        if not case.is_stale(item):
            hosts = frozenset(uuids[name] for name in item.value["hosts"] if name in uuids)
            switches, nodes = frozenset(item.value["switches"]), frozenset(item.value["storage_nodes"])
            found.setdefault(item.subject, Feed(item.subject, hosts, switches, nodes))
    return sorted(found.values())
