"""May storage be powered off now: HA on, no production on the pool or on its storage, all hosts and paths there, mirror in sync.

Pure over facts, attestations and what was handed in. What is not known is an obstacle like a known one. Source: rule TMO-02.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from estate.facts.pool import PoolFacts, PoolHostFacts, PoolVmFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import cabling_of
from readiness.core.campaign.overlap import Overlap
from readiness.core.case import Case, heartbeat_sr, pbd_of

QUIET_STATES = frozenset({"halted", "suspended"})
FEWEST_NODES = 2


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a trial may not begin, and what to do about it. `code` is stable."""

    code: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """The VMware side's owner agrees in writing that storage fails over between these times (aware UTC)."""

    owner: str
    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        """Whether the window is open."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a campaign adds to the case: VMs that may go down, what ESXi shares with this storage, and the change window."""

    expendable_vms: frozenset[str]
    overlap: Overlap
    window: ChangeWindow | None = None


@dataclass(frozen=True, slots=True)
class StorageWord:
    """What a person says of the storage right before a node is powered off."""

    healthy: bool
    mirror_in_sync: bool


def preflight(case: Case, conditions: Conditions) -> tuple[Obstacle, ...]:
    """What stands against a trial on this pool; empty when nothing does."""
    found = [
        _ha(case.facts),
        *_hosts(case.facts),
        *_storage(case),
        *_production(case.facts, conditions),
        *_vmware(case, conditions),
    ]
    return tuple(obstacle for obstacle in found if obstacle is not None)


def storage_obstacles(word: StorageWord) -> tuple[Obstacle, ...]:
    """What the state of the storage stands against a trial that begins now."""
    found = []
    if not word.healthy:
        found.append(Obstacle("storage_unhealthy", "The storage is not healthy.", "repair the storage first"))
    if not word.mirror_in_sync:
        text = "The mirror is not in sync: the other node could not take over with the data it needs."
        found.append(Obstacle("mirror_out_of_sync", text, "wait until the storage nodes are in sync again"))
    return tuple(found)


def _ha(facts: PoolFacts) -> Obstacle | None:
    if facts.ha_enabled is True:
        return None
    seen = f"not known ({facts.ha_enabled.reason})" if isinstance(facts.ha_enabled, Unknown) else "off"
    remedy = "switch HA on with the commands of this campaign; without it no host can fence, whatever the timeout"
    return Obstacle("ha_off", f"HA is {seen} on pool {facts.name}.", remedy)


def _hosts(facts: PoolFacts) -> list[Obstacle]:
    if not facts.hosts:
        return [Obstacle("hosts_missing", "No host of the pool could be read.", "collect the pool again")]
    away = [host.name for host in facts.hosts if not _is_there(host)]
    if not away:
        return []
    text = f"Not known to be live and enabled: {', '.join(sorted(away))}."
    return [Obstacle("hosts_missing", text, "xe host-enable uuid=… on each, wait until all are back, collect the pool again")]


def _is_there(host: PoolHostFacts) -> bool:
    return host.live is True and host.enabled is True


def _storage(case: Case) -> list[Obstacle]:
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return [
            Obstacle("heartbeat_sr_unknown", f"The heartbeat SR is not known: {sr.reason}.", "switch HA on, collect the pool")
        ]
    return [*_nodes(case, sr), *_attached(case, sr), *_paths(case, sr)]


def _nodes(case: Case, sr: SrFacts) -> list[Obstacle]:
    nodes = cabling_of(case).nodes
    remedy = "record evidence of kind storage_nodes: every node with its addresses, IQNs or WWNs"
    if isinstance(nodes, Unknown):
        return [Obstacle("storage_nodes_unknown", f"Which nodes serve SR {sr.name} is not known: {nodes.reason}.", remedy)]
    if len(nodes) < FEWEST_NODES:
        text = f"SR {sr.name} hangs on {nodes[0].name} alone: without it every host loses the disk at any timeout."
        return [Obstacle("single_storage_node", text, "there is nothing to tune before a second node serves this SR")]
    return []


def _attached(case: Case, sr: SrFacts) -> list[Obstacle]:
    pbds = {host.name: pbd_of(case.facts, sr, host) for host in case.facts.hosts}
    away = sorted(name for name, pbd in pbds.items() if pbd is None or pbd.currently_attached is not True)
    if not away:
        return []
    text = f"SR {sr.name} is not known to be attached on {', '.join(away)}."
    return [Obstacle("heartbeat_sr_detached", text, "xe pbd-plug uuid=… on each; every host must have the heartbeat disk")]


def _paths(case: Case, sr: SrFacts) -> list[Obstacle]:
    """A path that is gone already belongs to storage that is not healthy; SRs that keep no counter are left to the person."""
    short = []
    for host in case.facts.hosts:
        pbd = pbd_of(case.facts, sr, host)
        counted = pbd is not None and not isinstance(pbd.paths_active, Unknown) and not isinstance(pbd.paths_max, Unknown)
        if pbd is not None and counted and pbd.paths_active != pbd.paths_max:
            short.append(f"{host.name} ({pbd.paths_active} of {pbd.paths_max})")
    if not short:
        return []
    text = f"Paths to SR {sr.name} are missing: {', '.join(short)}."
    return [Obstacle("paths_missing", text, "bring the storage node back, wait for its paths, collect the pool again")]


def _production(facts: PoolFacts, conditions: Conditions) -> list[Obstacle]:
    unread = facts.unread("VM")
    if unread:
        return [Obstacle("vms_unknown", f"The pool's VMs could not be read: {unread}.", "give the account the role read-only")]
    running = sorted(vm.name for vm in facts.vms if _counts(vm, conditions.expendable_vms))
    if not running:
        return []
    text = f"VMs run on the pool: {', '.join(running)}. A fence takes them down."
    return [Obstacle("vms_running", text, "shut them down, or name those that may go down as expendable_vms")]


def _counts(vm: PoolVmFacts, expendable: frozenset[str]) -> bool:
    is_guest = not vm.is_control_domain and vm.power_state.casefold() not in QUIET_STATES
    return is_guest and not {vm.uuid, vm.name} & expendable


def _vmware(case: Case, conditions: Conditions) -> list[Obstacle]:
    overlap, window = conditions.overlap, conditions.window
    if overlap.is_clear or (window is not None and window.covers(case.at)):
        return []
    remedy = "record a change window signed by the owner of the VMware side, and run the trial inside it"
    if overlap.shared:
        text = f"ESXi hosts use the same storage: {'; '.join(overlap.shared)}."
        return [Obstacle("vmware_on_storage", text, remedy)]
    text = f"Whether ESXi hosts use the same storage is not known: {overlap.unknown}."
    return [Obstacle("vmware_unknown", text, f"collect the vCenter and name the nodes' targets; or {remedy}")]
