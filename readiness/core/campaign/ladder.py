"""The ladder of a tuning campaign: which timeout is tested now, on which storage node, and when a value has been found.

Pure over the trials recorded for the heartbeat SR. A value that one trial disproves (a host fenced, all hosts lost the state file
together, the latency reached the timeout) is left for the next rung, and there every node is tested anew.
Source: rules TMO-02 to TMO-08, check HA-026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from estate.facts.unknown import Unknown
from readiness.core.campaign.states import TrialState
from readiness.core.timeouts import EffectiveTimeout
from readiness.core.trials import Trial, highest_disproven_s, uncovered

FIRST_RUNGS_S = (60, 90, 120)
RUNG_S = 30
HIGHEST_RUNG_S = 600  # policy: storage that needs longer has to be repaired, not waited for


class StepKind(StrEnum):
    """What is to be done next."""

    READ_POOL = "read_pool"
    NAME_NODES = "name_nodes"
    PASS_PREFLIGHT = "pass_preflight"  # noqa: S105 - a step, no password
    SET_TIMEOUT = "set_timeout"
    TRIAL = "trial"
    WAIT = "wait"
    POWER_CYCLE = "power_cycle"
    CONFIRM = "confirm"
    REPAIR_STORAGE = "repair_storage"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Step:
    """The next step: at which timeout, of which node, watched on which hosts (uuids); what does not apply is None or empty."""

    kind: StepKind
    timeout_s: int | None = None
    node: str = ""
    hosts: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class OpenTrial:
    """The trial of this campaign that has not ended."""

    state: TrialState
    node: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far tuning is: all trials in force, those of them that are current, and the pool they have to cover.

    `nodes` are the storage nodes in the order they are tested, `hosts` the uuids of all hosts, `now` the timeout in force.
    """

    start_s: int
    trials: tuple[Trial, ...]
    current: tuple[Trial, ...]
    nodes: tuple[str, ...] | Unknown
    hosts: tuple[str, ...]
    now: EffectiveTimeout
    open_trial: OpenTrial | None = None


def rungs() -> Iterator[int]:
    """60, 90, 120, then 30 more each time, in seconds."""
    yield from FIRST_RUNGS_S
    higher = FIRST_RUNGS_S[-1] + RUNG_S
    while higher <= HIGHEST_RUNG_S:
        yield higher
        higher += RUNG_S


def _held_s(progress: Progress, nodes: Sequence[str], above_s: int) -> int | None:
    """The smallest value above that is proven on every node for some host already: a host that came later only joins it there."""
    tried = sorted({trial.timeout_s for trial in progress.current if trial.timeout_s is not None and trial.timeout_s > above_s})
    for timeout_s in tried:
        if any(not uncovered(progress.current, nodes, [host], timeout_s) for host in progress.hosts):
            return timeout_s
    return None


def target_s(progress: Progress) -> int | None:
    """The timeout to be tested now: the next one above every disproven value; None above the highest rung."""
    disproven = highest_disproven_s(progress.trials)
    nodes = () if isinstance(progress.nodes, Unknown) else progress.nodes
    held = _held_s(progress, nodes, max(disproven, progress.start_s - 1)) if nodes else None
    if held is not None:
        return held
    candidates = sorted({progress.start_s, *rungs()})
    return next((rung for rung in candidates if rung > disproven and rung >= progress.start_s), None)


_OPEN_STEPS = {
    TrialState.REQUESTED: StepKind.WAIT,
    TrialState.WATCHING: StepKind.POWER_CYCLE,
    TrialState.ENDING: StepKind.WAIT,
    TrialState.WATCHED: StepKind.CONFIRM,
}


def next_step(progress: Progress) -> Step:
    """What a campaign whose preflight holds needs next."""
    wanted = target_s(progress)
    if progress.open_trial is not None:
        return Step(_OPEN_STEPS[progress.open_trial.state], wanted, progress.open_trial.node)
    if isinstance(progress.nodes, Unknown):
        return Step(StepKind.NAME_NODES, because=progress.nodes.reason)
    if wanted is None:
        return Step(
            StepKind.REPAIR_STORAGE, because=f"hosts fenced or nearly fenced up to {highest_disproven_s(progress.trials)} s"
        )
    if isinstance(progress.now.timeout_s, Unknown):
        return Step(StepKind.READ_POOL, wanted, because=progress.now.timeout_s.reason)
    missing = uncovered(progress.current, progress.nodes, progress.hosts, wanted)
    if not missing and progress.hosts:
        return Step(StepKind.FINISHED, wanted)
    if progress.now.timeout_s != wanted:
        return Step(StepKind.SET_TIMEOUT, wanted, because=f"the timeout in force is {progress.now.timeout_s} s")
    node = next((node for node, _ in missing), "")
    return Step(StepKind.TRIAL, wanted, node, tuple(host for each, host in missing if each == node))
