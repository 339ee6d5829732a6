"""Where the wires go: which switch each management NIC hangs on, and which storage nodes serve the heartbeat SR.

XAPI knows neither, so it comes from attestations. What nobody attested is unknown, never assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from estate.facts.pool import PbdFacts, PifFacts, PoolHostFacts
from estate.facts.unknown import UNKNOWN, Unknown
from readiness.core.case import Case, heartbeat_sr, management_nics
from readiness.core.evidence import EvidenceItem, EvidenceKind


@dataclass(frozen=True, slots=True)
class SwitchPort:
    """The switch at the far end of a NIC. `source` is `lldp` or `attested`; `stack` names the stack the switch belongs to."""

    switch: str
    stack: str
    source: str
    stale: bool
    item: EvidenceItem

    @property
    def failure_domain(self) -> str:
        """What fails as one: the stack, or the single switch."""
        return self.stack or self.switch


@dataclass(frozen=True, slots=True)
class StorageNode:
    """One node behind the heartbeat SR and the portals (IPs, IQNs or WWNs) it answers on."""

    name: str
    portals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cabling:
    """What is known of the wires. `nodes` is UNKNOWN until somebody names the SR's storage nodes."""

    switch_of_pif: dict[str, SwitchPort]
    nodes: tuple[StorageNode, ...] | Unknown = UNKNOWN
    nodes_item: EvidenceItem | None = None
    nodes_stale: bool = False

    def node_names(self) -> tuple[str, ...] | Unknown:
        """Names of the storage nodes."""
        return self.nodes if isinstance(self.nodes, Unknown) else tuple(node.name for node in self.nodes)

    def nodes_reached_by(self, pbd: PbdFacts) -> tuple[str, ...] | Unknown:
        """Nodes a PBD has a configured portal to. UNKNOWN when portals or nodes are not known."""
        if isinstance(self.nodes, Unknown):
            return self.nodes
        if not pbd.portals or not all(node.portals for node in self.nodes):
            return Unknown("the portals of the path or of a storage node are not known")
        reached = set(pbd.portals) | {without_port(portal) for portal in pbd.portals}
        return tuple(node.name for node in self.nodes if set(node.portals) & reached)


def without_port(portal: str) -> str:
    """An iSCSI portal without its TCP port (`10.0.0.1:3260` -> `10.0.0.1`); anything else as it is."""
    address, colon, port = portal.rpartition(":")
    return address if colon and port.isdigit() else portal


def _nodes(item: EvidenceItem) -> tuple[StorageNode, ...] | Unknown:
    listed = item.value.get("nodes", [])
    nodes = tuple(StorageNode(str(n["name"]), tuple(str(p) for p in n.get("portals", []))) for n in listed)
    return nodes or Unknown("the attestation lists no storage node")


def attested_paths(case: Case, host: PoolHostFacts) -> EvidenceItem | None:
    """The newest word on a host's paths to the heartbeat SR; None when nobody wrote them down."""
    return next((item for item in case.attested(EvidenceKind.STORAGE_PATHS) if item.subject == host.uuid), None)


class _Spellings:
    """One spelling per name: two people write one switch differently, and that must not make two switches of it."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def of(self, name: Any) -> str:
        """The spelling met first; case and blanks tell no switches apart."""
        words = " ".join(str(name or "").split())
        return self._first.setdefault(words.casefold(), words)


def _port(case: Case, item: EvidenceItem, spellings: _Spellings) -> SwitchPort | None:
    switch = spellings.of(item.value.get("chassis_id") or item.value.get("switch"))
    if not switch:
        return None
    source = "lldp" if item.value.get("source") == "lldp" else "attested"
    return SwitchPort(switch, spellings.of(item.value.get("stack")), source, case.is_stale(item), item)


def cabling_of(case: Case) -> Cabling:
    """The newest attestation per NIC and of the heartbeat SR's nodes."""
    ports: dict[str, SwitchPort] = {}
    spellings = _Spellings()
    for item in case.attested(EvidenceKind.SWITCH_OF_SLAVE):
        port = _port(case, item, spellings)
        if port is not None:
            ports.setdefault(item.subject, port)
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return Cabling(ports, sr)
    listed = [item for item in case.attested(EvidenceKind.STORAGE_NODES) if item.subject in (sr.uuid, sr.name)]
    if not listed:
        return Cabling(ports, Unknown(f"nobody has said which storage nodes serve heartbeat SR {sr.name}"))
    return Cabling(ports, _nodes(listed[0]), listed[0], case.is_stale(listed[0]))


def storage_nics(case: Case, host: PoolHostFacts, portals: tuple[str, ...]) -> list[PifFacts] | Unknown:
    """The NICs below the addresses that share a network with a portal.

    Where none does, below the host's one other address, or the management NICs where it has no other: of several others nobody
    knows which one carries the storage.
    """
    facts = case.facts
    mine = [pif for pif in facts.pifs if pif.host_uuid == host.uuid]
    addressed = [pif for pif in mine if pif.ip_mode != "None"]
    others = [pif for pif in addressed if not pif.management]
    near = [pif for pif in addressed if _shares_network(pif, portals)]
    if not near and len(others) > 1:
        return Unknown(f"which of its interfaces ({', '.join(pif.device for pif in others)}) carries its storage is not known")
    if not near and not others:
        return management_nics(facts, host)
    carriers = {pif.untagged_pif_uuid or pif.uuid for pif in near or others}
    slaves = {slave for bond in facts.bonds if bond.master_pif_uuid in carriers for slave in bond.slave_pif_uuids}
    return [pif for pif in mine if pif.physical and pif.uuid in carriers | slaves]


def _shares_network(pif: PifFacts, portals: tuple[str, ...]) -> bool:
    """Whether a portal's address lies in the network of this interface; a portal may be a name that is no address."""
    try:
        network = ip_network(f"{pif.ip_address}/{pif.netmask}", strict=False)
    except ValueError:
        return False
    return any(address in network for portal in portals if (address := _address(portal)) is not None)


def _address(portal: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(without_port(portal))
    except ValueError:
        return None
