"""Pulling plugs: storage nodes, paths and networks, and what follows in lab time.

A trial runs in its own thread: the cut at once, the verdict of ha_model.fence at T, the declaration of death after it,
the end when the slowest survivor has its storage back. A cut with HA off only stalls.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lab.xapi_sim import fencing
from lab.xapi_sim.ha_control import heartbeat_sr, refresh_liveset
from lab.xapi_sim.ha_model import MONITOR_INTERVAL_S, derive_timeouts, fence
from lab.xapi_sim.multipath import sr_spec, write_all_path_counts
from lab.xapi_sim.pool import Pool


@dataclass(slots=True)
class Trial:
    """One pull and what came of it. `max_latency_s`: the longest statefile stall seen, a fenced host's up to its fence.

    `failover_s`: the longest stall that ended on a host that lived through it; None while running or if there is none.
    """

    id: str
    node: str
    timeout_s: int | None
    stalls: dict[str, float]
    began: float
    done: bool = False
    fenced: list[str] = field(default_factory=list)
    statefile_lost: bool = False
    ended: float = 0.0


class Trials:
    """All trials of this run of the lab, and the hand that cuts and heals."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._trials: dict[str, Trial] = {}
        self._numbers = itertools.count(1)

    def cut_node(self, node: str) -> str:
        """Power-cycle a storage node hard; returns the trial's id at once."""
        with self._pool.store.lock:
            self._pool.fabric.nodes_down.add(node)
            return self._begin(node, [node], self._pool.fabric.live())

    def cut_path(self, host: str, node: str) -> str:
        """Cut one host's path to a storage node."""
        with self._pool.store.lock:
            self._pool.fabric.cut_paths.add((host, node))
            return self._begin(node, [node], [host])

    def cut_network(self, host: str) -> str:
        """Take a host off the heartbeat network."""
        with self._pool.store.lock:
            self._pool.fabric.isolated.add(host)
            return self._begin("network", [], [])

    def heal(self, node: str = "", host: str = "") -> dict[str, Any]:
        """Undo cuts of a node, of a host's path to it, or of a host's network; fenced hosts boot and join again.

        Blocks until the mirror is in sync and the hosts are back.
        """
        pool, began = self._pool, self._pool.clock.lab_seconds()
        with pool.store.lock:
            _undo_cuts(pool, node, host)
        pool.clock.sleep(max((spec.resync_s for spec in pool.spec.storage_nodes if spec.name == node), default=0.0))
        with pool.store.lock:
            write_all_path_counts(pool)
            returning = [each for each in sorted(pool.fabric.fenced) if self._can_join(each)]
        if returning:
            pool.clock.sleep(pool.spec.boot_s)
        with pool.store.lock:
            fencing.rejoin(pool, returning)
        names = [pool.store.get("host", each, "name_label") for each in returning]
        return {"rejoined": names, "elapsed_lab_s": round(pool.clock.lab_seconds() - began, 1)}

    def get(self, trial_id: str) -> dict[str, Any]:
        """The trial as the control desk shows it.

        Raises:
            KeyError: no such trial.
        """
        trial = self._trials[trial_id]
        end = trial.ended if trial.done else self._pool.clock.lab_seconds()
        dead = set(trial.fenced)
        lived = [s for host, s in trial.stalls.items() if host not in dead and math.isfinite(s)]
        return {
            "state": "done" if trial.done else "running",
            "node": trial.node,
            "timeout_s": trial.timeout_s,
            "fenced": sorted(self._pool.store.get("host", host, "name_label") for host in dead),
            "statefile_lost": trial.statefile_lost,
            "max_latency_s": _max_latency_s(trial) if trial.done else None,
            "failover_s": max(lived, default=None) if trial.done else None,
            "elapsed_lab_s": round(end - trial.began, 1),
        }

    def _begin(self, node: str, lost: Iterable[str], hosts: Iterable[str]) -> str:
        pool = self._pool
        nodes = self._heartbeat_nodes()
        hit = set(hosts)
        lost_here = [each for each in lost if each in nodes]
        stalls = {host: pool.fabric.stall_s(host, lost_here if host in hit else (), nodes) for host in pool.fabric.live()}
        trial = Trial(str(next(self._numbers)), node, pool.armed_timeout_s, stalls, pool.clock.lab_seconds())
        self._trials[trial.id] = trial
        write_all_path_counts(pool)
        threading.Thread(target=self._run, args=(trial,), name=f"trial-{trial.id}", daemon=True).start()
        return trial.id

    def _heartbeat_nodes(self) -> tuple[str, ...]:
        """Storage nodes behind the heartbeat SR; with HA off those of all SRs."""
        sr = heartbeat_sr(self._pool)
        spec = sr_spec(self._pool, sr) if self._pool.store.has("SR", sr) else None
        return tuple(spec.portals) if spec is not None and spec.portals else self._pool.fabric.nodes

    def _run(self, trial: Trial) -> None:
        timeout_s = trial.timeout_s
        threatened = any(stall > (timeout_s or math.inf) for stall in trial.stalls.values())
        if timeout_s is not None and (threatened or self._pool.fabric.isolated):
            self._decide(trial, timeout_s)
        lived = [s for host, s in trial.stalls.items() if host not in trial.fenced and math.isfinite(s)]
        self._wait_until(trial, max(lived, default=0.0))
        with self._pool.store.lock:
            refresh_liveset(self._pool)
            self._keep_stalls(trial)
            trial.ended, trial.done = self._pool.clock.lab_seconds(), True

    def _keep_stalls(self, trial: Trial) -> None:
        """For the statistics of hosts that lived through it; one that fenced lost its own."""
        for host, stall in trial.stalls.items():
            if host not in trial.fenced and math.isfinite(stall):
                self._pool.stalls.setdefault(host, []).append((self._pool.clock.now(), stall))

    def _decide(self, trial: Trial, timeout_s: int) -> None:
        pool = self._pool
        self._wait_until(trial, timeout_s)
        with pool.store.lock:
            uuids = {host: pool.uuid_of("host", host) for host in pool.fabric.live()}
            stalls = {host: trial.stalls.get(host, 0.0) for host in uuids}
            verdict = fence(pool.fabric.views(stalls, timeout_s, uuids))
            trial.fenced = [host for host, uuid in uuids.items() if uuid in verdict.fenced]
            trial.statefile_lost = verdict.statefile_lost
            fencing.fence_hosts(pool, trial.fenced)
            if verdict.statefile_lost:
                fencing.statefile_lost(pool)
        if trial.fenced:
            self._wait_until(trial, timeout_s + derive_timeouts(timeout_s).declaration_s + MONITOR_INTERVAL_S)
            with pool.store.lock:
                fencing.declare_dead(pool, trial.fenced)

    def _wait_until(self, trial: Trial, lab_s: float) -> None:
        self._pool.clock.sleep(trial.began + lab_s - self._pool.clock.lab_seconds())

    def _can_join(self, host: str) -> bool:
        fabric = self._pool.fabric
        return host not in fabric.isolated and bool(fabric.active_paths(host, self._heartbeat_nodes()))


def _max_latency_s(trial: Trial) -> float | None:
    limit = math.inf if trial.timeout_s is None else float(trial.timeout_s)
    seen = [min(stall, limit) if host in trial.fenced else stall for host, stall in trial.stalls.items()]
    finite = [stall if math.isfinite(stall) else limit for stall in seen]
    return max((stall for stall in finite if math.isfinite(stall)), default=None)


def _undo_cuts(pool: Pool, node: str, host: str) -> None:
    fabric = pool.fabric
    if host and node:
        fabric.cut_paths.discard((host, node))
    elif node:
        fabric.nodes_down.discard(node)
        fabric.cut_paths = {(each, cut) for each, cut in fabric.cut_paths if cut != node}
    elif host:
        fabric.isolated.discard(host)
