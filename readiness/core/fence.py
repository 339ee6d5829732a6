"""The fence simulator: given who hears whom and who sees the heartbeat disk, which hosts survive.

A pure model of two product generations. Faults and topology are in faults.py. Hosts are uuids, ranked as strings.
Source: xha `daemon/sm.c` (largest partition, survival rule 2), CTX129721 (tie); the 2010 rules are the seed's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from readiness.core.policy import FenceModel


class FenceRule(StrEnum):
    """The rule that decided."""

    NONE_NEEDED = "every host hears every host and sees the disk"
    LARGEST_PARTITION = "the largest set of hosts that hear each other and see the disk survives"
    TIE_BY_RANK = "of equal sets the one with the lowest host UUID survives"
    SURVIVAL_RULE_2 = "all hosts lost the disk but hear each other: none fences, the next fault fences all"
    DISK_LOST_BY_ALL = "all hosts lost the disk and do not all hear each other: all fence"
    PEERS_AND_DISK = "a host without peers or without disk fences"


@dataclass(frozen=True, slots=True)
class LiveView:
    """What the hosts of a liveset perceive after a fault.

    `hears` holds unordered pairs (a, b) that hear each other; `sees_disk` the hosts that still reach the state file;
    `off` the hosts that lost their power.
    """

    members: tuple[str, ...]
    hears: frozenset[frozenset[str]]
    sees_disk: frozenset[str]
    off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FenceOutcome:
    """Who survives and who fences, both in rank order. A host that is off is in neither."""

    survivors: tuple[str, ...]
    fenced: tuple[str, ...]
    rule: FenceRule


def full_mesh(hosts: Iterable[str]) -> frozenset[frozenset[str]]:
    """Every pair of hosts."""
    ranked = sorted(hosts)
    return frozenset(frozenset((a, b)) for i, a in enumerate(ranked) for b in ranked[i + 1 :])


def split(*groups: Iterable[str]) -> frozenset[frozenset[str]]:
    """A network in pieces: hosts hear each other inside a group and nobody outside it."""
    return frozenset(pair for group in groups for pair in full_mesh(group))


def _outcome(running: Sequence[str], survivors: Iterable[str], rule: FenceRule) -> FenceOutcome:
    alive = set(survivors)
    return FenceOutcome(tuple(sorted(alive)), tuple(h for h in running if h not in alive), rule)


def _neighbours(hosts: Sequence[str], view: LiveView) -> dict[str, frozenset[str]]:
    return {a: frozenset(b for b in hosts if b != a and frozenset((a, b)) in view.hears) for a in hosts}


def _cliques(
    neighbours: dict[str, frozenset[str]], chosen: frozenset[str], open_: set[str], done: set[str]
) -> list[frozenset[str]]:
    """All maximal sets of hosts that hear each other (Bron and Kerbosch, with a pivot)."""
    if not open_ and not done:
        return [chosen]
    pivot = max(open_ | done, key=lambda host: len(neighbours[host] & open_))
    found: list[frozenset[str]] = []
    for host in sorted(open_ - neighbours[pivot]):
        near = neighbours[host]
        found += _cliques(neighbours, chosen | {host}, open_ & near, done & near)
        open_ = open_ - {host}
        done = done | {host}
    return found


def _partitions(running: Sequence[str], view: LiveView) -> FenceOutcome:
    with_disk = [host for host in running if host in view.sees_disk]
    if not with_disk:
        whole = not view.off and all(frozenset(pair) in view.hears for pair in full_mesh(view.members))
        return _outcome(running, running if whole else (), FenceRule.SURVIVAL_RULE_2 if whole else FenceRule.DISK_LOST_BY_ALL)
    groups = _cliques(_neighbours(with_disk, view), frozenset(), set(with_disk), set())
    largest = max(len(group) for group in groups)
    ties = sorted(sorted(group) for group in groups if len(group) == largest)
    if len(ties[0]) == len(running):
        return _outcome(running, ties[0], FenceRule.NONE_NEEDED)
    return _outcome(running, ties[0], FenceRule.TIE_BY_RANK if len(ties) > 1 else FenceRule.LARGEST_PARTITION)


def _strict_pairs(running: Sequence[str], view: LiveView) -> FenceOutcome:
    neighbours = _neighbours(running, view)
    alone = len(view.members) == 1
    alive = [host for host in running if host in view.sees_disk and (neighbours[host] or alone)]
    return _outcome(running, alive, FenceRule.NONE_NEEDED if len(alive) == len(running) else FenceRule.PEERS_AND_DISK)


def simulate(view: LiveView, model: FenceModel) -> FenceOutcome:
    """Who survives this view of the world under a product generation's rules."""
    running = sorted(host for host in view.members if host not in view.off)
    if not running:
        return FenceOutcome((), (), FenceRule.NONE_NEEDED)
    return _partitions(running, view) if model is FenceModel.PARTITION else _strict_pairs(running, view)
