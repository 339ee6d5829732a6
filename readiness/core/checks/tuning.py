"""Family B, the checks that rest on failover trials: the tuned timeout, its margin, and the trials themselves.

How a trial is read and what it proves is in trials.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from estate.facts.unknown import Unknown
from readiness.core.cabling import cabling_of
from readiness.core.case import Case, heartbeat_sr
from readiness.core.checks.ha_config import ENABLE, enable_fills
from readiness.core.evidence import what_changed
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result
from readiness.core.timeouts import effective_timeout
from readiness.core.trials import Trial, disproven_at, failover_s, flaw_of, trials_of, tuned_timeout_s, uncovered

PERSIST = "xe pool-param-set uuid={pool_uuid} other-config:default_ha_timeout={timeout_s}"
NO_FENCE_FREE_TIMEOUT_S = 120  # without a run, less than this is not even a guess; more is a guess and warns


@dataclass(frozen=True, slots=True)
class _Run:
    """What the trials of the heartbeat SR say together."""

    timeout_s: int | Unknown
    source: str
    trials: list[Trial]
    nodes: tuple[str, ...] | Unknown
    hosts: tuple[str, ...]
    tuned_s: int | None

    def points(self, case: Case) -> tuple[EvidencePoint, ...]:
        return (case.point(self.source, self.timeout_s), *(case.cite(trial.item) for trial in self.trials))


def _run(case: Case) -> _Run:
    sr = heartbeat_sr(case.facts)
    trials = [] if isinstance(sr, Unknown) else trials_of(case.evidence, (sr.uuid, sr.name))
    nodes = cabling_of(case).node_names()
    hosts = tuple(host.uuid for host in case.facts.hosts)
    tuned = None if isinstance(nodes, Unknown) else tuned_timeout_s(trials, nodes, hosts)
    effective = effective_timeout(case.facts, case.policy)
    return _Run(effective.timeout_s, effective.source, trials, nodes, hosts, tuned)


@check(
    "HA-022",
    family="ha_config",
    title="T equals the tuned value? (drift)",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Enabling HA from a graphical tool drops a tuned timeout back to the default, without a word.",
    remedy=(PERSIST, "xe pool-ha-disable", ENABLE),
)
def timeout_is_the_tuned_one(case: Case) -> Answer:
    """T is what the last complete tuning run found."""
    run = _run(case)
    points = run.points(case)
    fills = enable_fills(case, run.tuned_s or case.policy.proposed_timeout_s)
    if isinstance(run.timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The HA timeout is not known: {run.timeout_s.reason}.", points, fills)
    if run.tuned_s is None:
        return _untuned(run.timeout_s, points, fills)
    if run.timeout_s < run.tuned_s:
        text = f"The timeout is {run.timeout_s} s ({run.source}); the tuning run found {run.tuned_s} s."
        return Answer(Result.FAIL, text, points, fills)
    if run.timeout_s > run.tuned_s:
        text = f"The timeout is {run.timeout_s} s, longer than the tuned {run.tuned_s} s: failures are noticed later than needed."
        return Answer(Result.WARN, text, points, fills)
    return Answer(Result.PASS, f"The timeout is {run.timeout_s} s, as the tuning run found.", points)


def _untuned(timeout_s: int, points: tuple[EvidencePoint, ...], fills: tuple[dict[str, str], ...]) -> Answer:
    if timeout_s >= NO_FENCE_FREE_TIMEOUT_S:
        text = f"The timeout is {timeout_s} s, but no complete tuning run says that this is right for this storage."
        return Answer(Result.WARN, text, points, fills)
    text = f"The timeout is {timeout_s} s and there is no complete tuning run: whether hosts fence at it is not known."
    return Answer(Result.UNKNOWN, text, points, fills)


@check(
    "HA-023",
    family="ha_config",
    title="T persists a re-enable?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="Only other-config:default_ha_timeout survives an enable that names no timeout.",
    remedy=(PERSIST,),
)
def timeout_survives_reenable(case: Case) -> Answer:
    """The tuned value is also the pool's default."""
    run = _run(case)
    config = case.facts.other_config
    fills = enable_fills(case, run.tuned_s or case.policy.proposed_timeout_s)
    if isinstance(config, Unknown):
        return Answer(
            Result.UNKNOWN, f"pool.other_config could not be read: {config.reason}.", (case.point("pool.other_config", config),)
        )
    kept = config.get("default_ha_timeout")
    points = (case.point('pool.other_config["default_ha_timeout"]', kept),)
    if not case.policy.default_survives_reenable:
        return Answer(Result.WARN, "This product generation loses the timeout on every re-enable.", points, fills)
    if kept is None:
        return Answer(Result.WARN, "No default is kept: the next enable from a graphical tool loses the timeout.", points, fills)
    if run.tuned_s is None:
        return Answer(
            Result.UNKNOWN, f"A default of {kept} s is kept, but no tuning run says which value is right.", points, fills
        )
    if kept.strip() == str(run.tuned_s):
        return Answer(Result.PASS, f"The tuned {kept} s is the pool's default.", points)
    return Answer(Result.FAIL, f"The pool's default is {kept} s; the tuning run found {run.tuned_s} s.", points, fills)


@check(
    "HA-024",
    family="ha_config",
    title="T > storage failover + margin?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="When paths move to the other storage node later than T, every host believes the heartbeat disk gone.",
    remedy=(
        "raise T one step (60, 90, 120, 150, ... s) and repeat the trial on every storage node:",
        "xe pool-ha-disable",
        ENABLE,
    ),
)
def timeout_exceeds_failover(case: Case) -> Answer:
    """T leaves the measured failover a margin."""
    run = _run(case)
    points = run.points(case)
    fills = enable_fills(case, run.tuned_s or case.policy.proposed_timeout_s)
    if isinstance(run.timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The HA timeout is not known: {run.timeout_s.reason}.", points, fills)
    if isinstance(run.nodes, Unknown):
        return Answer(Result.UNKNOWN, f"Storage failover cannot be judged: {run.nodes.reason}.", points, fills)
    longest = failover_s(run.trials, run.nodes)
    if longest is None:
        text = f"No hard trial of each of {', '.join(run.nodes)} has measured how long failover takes."
        return Answer(Result.UNKNOWN, text, points, fills)
    text = f"The longest measured failover is {longest:g} s, T is {run.timeout_s} s"
    if run.timeout_s <= longest:
        return Answer(Result.FAIL, f"{text}: hosts fence before their paths are back.", points, fills)
    if run.timeout_s < case.policy.failover_margin * longest:
        return Answer(Result.WARN, f"{text}: less than {case.policy.failover_margin:g} times the failover.", points, fills)
    return Answer(Result.PASS, f"{text}.", points)


def _missing_text(case: Case, run: _Run, timeout_s: int, missing: list[tuple[str, str]]) -> str:
    wanting = [f"{node} on {case.host_name(host)}" for node, host in missing]
    flaws = sorted({flaw for trial in run.trials if trial.timeout_s == timeout_s and (flaw := flaw_of(trial))})
    reason = f" Trials that do not count: {'; '.join(flaws)}." if flaws else ""
    return f"No valid trial at {timeout_s} s of {', '.join(wanting)}.{reason}"


def _aged(case: Case, run: _Run, timeout_s: int, points: tuple[EvidencePoint, ...], fills: tuple[dict[str, str], ...]) -> Answer:
    """All is covered: is it still fresh. Age warns; a changed host, path or node, or a passed expiry, is stale."""
    used = [trial for trial in run.trials if trial.timeout_s == timeout_s and flaw_of(trial) is None]
    changed = sorted({key for trial in used for key in what_changed(trial.item, case.facts)})
    expired = [trial for trial in used if trial.item.expires_at is not None and case.at >= trial.item.expires_at]
    current = [trial for trial in used if not what_changed(trial.item, case.facts) and trial not in expired]
    assert not isinstance(run.nodes, Unknown)
    if uncovered(current, run.nodes, run.hosts, timeout_s):
        result = Result.FAIL if case.for_cutover else Result.WARN
        reason = ", ".join(changed) or "past its expiry"
        return Answer(result, f"The trials are stale ({reason}); repeat them at {timeout_s} s.", points, fills)
    limit = timedelta(days=case.policy.failover_test_max_age_days)
    young = [trial for trial in current if case.at - trial.tested_at <= limit]
    if uncovered(young, run.nodes, run.hosts, timeout_s):
        return Answer(Result.WARN, f"A trial is older than {limit.days} days; repeat it.", points, fills)
    return Answer(Result.PASS, f"Every storage node was power-cycled hard at {timeout_s} s and no host fenced.", points)


@check(
    "HA-026",
    family="ha_config",
    title="Hard failover test of every storage node?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Only pulling the power of each storage node shows whether hosts fence while their paths move.",
    remedy=(
        "no production VM on these hosts, mirror in sync: power-cycle each storage node hard (iLO, DRAC), one at a time;",
        "watch every host; record per node: fenced or not per host, failover time, state-file latency, HA_STATEFILE_LOST or not;",
        "cause of a fence repaired? withdraw that trial with the reason; otherwise raise T a step and repeat on every node:",
        "xe pool-ha-disable",
        ENABLE,
    ),
)
def every_storage_node_tested(case: Case) -> Answer:
    """Valid trials at the timeout in force, of every node, watched on every host, and no fence among them."""
    run = _run(case)
    points = run.points(case)
    fills = enable_fills(case, run.tuned_s or case.policy.proposed_timeout_s)
    if not run.trials:
        return Answer(Result.FAIL, "No failover test of any storage node of the heartbeat SR is recorded.", points, fills)
    if isinstance(run.timeout_s, Unknown):
        return Answer(Result.UNKNOWN, f"The HA timeout is not known: {run.timeout_s.reason}.", points, fills)
    if isinstance(run.nodes, Unknown):
        return Answer(Result.UNKNOWN, f"Whether every node was tested is not known: {run.nodes.reason}.", points, fills)
    disproof = disproven_at(run.trials, run.timeout_s)
    if disproof:
        return Answer(Result.FAIL, _disproof_text(case, run.timeout_s, disproof), points, fills)
    missing = uncovered(run.trials, run.nodes, run.hosts, run.timeout_s)
    if not missing:
        return _aged(case, run, run.timeout_s, points, fills)
    return _not_covered(case, run, run.timeout_s, missing, Answer(Result.FAIL, "", points, fills))


def _disproof_text(case: Case, timeout_s: int, disproof: list[Trial]) -> str:
    who = sorted({case.host_name(host) for trial in disproof for host, fenced in trial.fenced.items() if fenced})
    if who:
        return f"At {timeout_s} s {', '.join(who)} fenced in a trial."
    return f"A trial at {timeout_s} s shows that this is too short: {'; '.join(sorted({str(flaw_of(t)) for t in disproof}))}."


def _not_covered(case: Case, run: _Run, timeout_s: int, missing: list[tuple[str, str]], answer: Answer) -> Answer:
    if run.tuned_s is not None and run.tuned_s != timeout_s:
        result = Result.FAIL if case.for_cutover else Result.WARN
        text = f"The trials were made at {run.tuned_s} s, the timeout is now {timeout_s} s; restore it and they hold again."
        return Answer(result, text, answer.evidence, answer.fills)
    return Answer(Result.FAIL, _missing_text(case, run, timeout_s, missing), answer.evidence, answer.fills)
