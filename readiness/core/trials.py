"""Failover trials: hard power cycles of storage nodes, watched per host, and the timeout they prove.

Pure reading of FAILOVER_TEST evidence. Which result a check makes of it is in checks/tuning.py; carrying out trials is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from readiness.core.evidence import EvidenceItem, EvidenceKind

HARD = "hard_power_cycle"


class TrialFlaw(StrEnum):
    """Why a trial proves nothing (FENCED proves the opposite)."""

    FENCED = "a host fenced"
    GRACEFUL = "the node was stopped gracefully, which never shows the problem; power it off hard"
    STATEFILE_LOST = "all hosts lost the state file together (HA_STATEFILE_LOST), which hides a timeout that is too short"
    LATENCY = "the state-file latency reached the timeout"
    MIRROR = "the storage mirror was not in sync before the trial"
    NOT_PULLED = "no host was seen to lose a path: was this node really powered off?"
    UNSTEADY = "the timeout changed, or HA was switched off, while the trial ran"
    INCOMPLETE = "the record does not say all of: method, hosts watched, statefile_lost, max_latency_s, mirror_in_sync"


DISPROVES = frozenset({TrialFlaw.FENCED, TrialFlaw.STATEFILE_LOST, TrialFlaw.LATENCY})
"""Flaws that show that the timeout is too short, not merely that the trial shows nothing."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial at one timeout. `fenced` says per watched host (uuid) whether it fenced; a missing measurement is None.

    `pull_seen` and `timeout_held` are what the service saw of the pool meanwhile; None for a trial that a person watched alone.
    """

    item: EvidenceItem
    node: str
    timeout_s: int | None
    tested_at: datetime
    hard: bool
    fenced: dict[str, bool]
    statefile_lost: bool | None
    max_latency_s: float | None
    mirror_in_sync: bool | None
    failover_s: float | None
    pull_seen: bool | None = None
    timeout_held: bool | None = None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def read_trial(item: EvidenceItem) -> Trial:
    """A trial out of its attestation. `value["hosts"]` is a list of `{host_uuid, fenced, detection_s?}`."""
    watched = item.value.get("hosts", [])
    fenced = {str(host["host_uuid"]): host["fenced"] for host in watched if isinstance(host.get("fenced"), bool)}
    return Trial(
        item=item,
        node=item.storage_node,
        timeout_s=item.timeout_s,
        tested_at=item.tested_at,
        hard=item.value.get("method") == HARD,
        fenced=fenced,
        statefile_lost=_flag(item.value.get("statefile_lost")),
        max_latency_s=_number(item.value.get("max_latency_s")),
        mirror_in_sync=_flag(item.value.get("mirror_in_sync")),
        failover_s=_number(item.value.get("failover_s")),
        pull_seen=_flag(item.value.get("pull_seen")),
        timeout_held=_flag(item.value.get("timeout_held")),
    )


def trials_of(evidence: Sequence[EvidenceItem], sr_keys: Sequence[str] = ()) -> list[Trial]:
    """All trials, newest first; with `sr_keys` (uuid, name) only those of that heartbeat SR."""
    found = [read_trial(e) for e in evidence if e.kind is EvidenceKind.FAILOVER_TEST]
    mine = [trial for trial in found if not sr_keys or trial.item.subject in sr_keys]
    return sorted(mine, key=lambda trial: (trial.tested_at, trial.item.id), reverse=True)


def flaw_of(trial: Trial) -> TrialFlaw | None:
    """What keeps a trial from proving its timeout; None when it proves it for the hosts it watched.

    Source: rules TMO-03 to TMO-07 and check HA-026.
    """
    if any(trial.fenced.values()):
        return TrialFlaw.FENCED
    if not trial.hard:
        return TrialFlaw.GRACEFUL
    if trial.statefile_lost:
        return TrialFlaw.STATEFILE_LOST
    if trial.max_latency_s is not None and trial.timeout_s is not None and trial.max_latency_s >= trial.timeout_s:
        return TrialFlaw.LATENCY
    return _shows_nothing(trial)


def _shows_nothing(trial: Trial) -> TrialFlaw | None:
    """What keeps a trial without a bad sign from being a good one."""
    if trial.mirror_in_sync is False:
        return TrialFlaw.MIRROR
    if trial.timeout_held is False:
        return TrialFlaw.UNSTEADY
    if trial.pull_seen is False:
        return TrialFlaw.NOT_PULLED
    measures = (trial.timeout_s, trial.statefile_lost, trial.max_latency_s, trial.mirror_in_sync)
    if not trial.fenced or any(measure is None for measure in measures):
        return TrialFlaw.INCOMPLETE
    return None


def uncovered(trials: Sequence[Trial], nodes: Sequence[str], hosts: Sequence[str], timeout_s: int) -> list[tuple[str, str]]:
    """Every (storage node, host uuid) that no valid trial at this timeout has watched."""
    proven = {
        (trial.node, host)
        for trial in trials
        if trial.timeout_s == timeout_s and flaw_of(trial) is None
        for host, fenced in trial.fenced.items()
        if not fenced
    }
    return [(node, host) for node in nodes for host in hosts if (node, host) not in proven]


def disproven_at(trials: Sequence[Trial], timeout_s: int) -> list[Trial]:
    """Trials that show this timeout to be too short: a host fenced, or came so near to it that only chance kept it."""
    return [trial for trial in trials if trial.timeout_s == timeout_s and flaw_of(trial) in DISPROVES]


def highest_disproven_s(trials: Sequence[Trial]) -> int:
    """The highest timeout that a trial shows to be too short, and every one below with it; 0 without any."""
    tried = {trial.timeout_s for trial in trials if trial.timeout_s is not None}
    return max((timeout_s for timeout_s in tried if disproven_at(trials, timeout_s)), default=0)


def tuned_timeout_s(trials: Sequence[Trial], nodes: Sequence[str], hosts: Sequence[str]) -> int | None:
    """The smallest timeout proven on every node and host, above all disproven ones; None without a complete run.

    Source: rules TMO-06 and TMO-07.
    """
    too_short_s = highest_disproven_s(trials)
    tried = sorted({trial.timeout_s for trial in trials if trial.timeout_s is not None and trial.timeout_s > too_short_s})
    complete = (t for t in tried if nodes and hosts and not uncovered(trials, nodes, hosts, t))
    return next(complete, None)


def failover_s(trials: Sequence[Trial], nodes: Sequence[str]) -> float | None:
    """The longest storage failover measured in the newest hard trial of each node; None while one node has no measurement."""
    longest: list[float] = []
    for node in nodes:
        measured = [trial.failover_s for trial in trials if trial.node == node and trial.hard and trial.failover_s is not None]
        if not measured:
            return None
        longest.append(measured[0])
    return max(longest, default=None)
