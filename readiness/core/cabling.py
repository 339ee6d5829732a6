"""Where the wires go: which switch each management NIC hangs on, and which storage nodes serve the heartbeat SR.

XAPI knows neither, so it comes from attestations. What nobody attested is unknown, never assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from estate.facts.pool import PbdFacts
from estate.facts.unknown import UNKNOWN, Unknown
from readiness.core.case import Case, heartbeat_sr
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
