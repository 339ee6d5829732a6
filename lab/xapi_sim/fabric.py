"""The wiring between hosts, storage nodes and the network as it is now: what is cut, and what hosts see because of it.

Facts only; who fences is decided in ha_model.py and carried out in trials.py. Hosts are named by their reference,
storage nodes by their name; a path is (host, node).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from lab.xapi_sim.ha_model import HostView
from lab.xapi_sim.spec import HostSpec


class Fabric:
    """Cuts and powered-off hosts. Callers hold the store's lock."""

    def __init__(self, hosts: dict[str, HostSpec], nodes: Iterable[str]) -> None:
        self.hosts = hosts
        self.nodes = tuple(nodes)
        self.nodes_down: set[str] = set()
        self.cut_paths: set[tuple[str, str]] = set()
        self.isolated: set[str] = set()
        self.fenced: set[str] = set()

    def live(self) -> list[str]:
        """Hosts that run."""
        return [host for host in self.hosts if host not in self.fenced]

    def is_up(self, host: str) -> bool:
        """Whether the host answers at all."""
        return host not in self.fenced

    def active_paths(self, host: str, nodes: Iterable[str]) -> list[str]:
        """The storage nodes of `nodes` that the host still reaches."""
        return [node for node in nodes if node not in self.nodes_down and (host, node) not in self.cut_paths]

    def stall_s(self, host: str, lost: Iterable[str], nodes: tuple[str, ...]) -> float:
        """How long I/O of the host stalls when the paths to `lost` go away: for ever when none is left.

        A host that had no path over the lost nodes notices nothing. Of several losses the slowest counts.
        """
        if not self.active_paths(host, nodes):
            return math.inf
        return max((float(self.hosts[host].failover_s.get(node, 0.0)) for node in lost), default=0.0)

    def views(self, stalls: dict[str, float], timeout_s: float, uuids: dict[str, str]) -> list[HostView]:
        """What each live host sees when statefile I/O stalled that long per host."""
        return [
            HostView(uuids[host], frozenset(uuids[peer] for peer in self.peers(host)), stalls[host] <= timeout_s)
            for host in self.live()
        ]

    def peers(self, host: str) -> list[str]:
        """The other live hosts whose heartbeats arrive."""
        if host in self.isolated:
            return []
        return [peer for peer in self.live() if peer != host and peer not in self.isolated]
