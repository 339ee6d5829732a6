"""Drift of a pool: the timeout now against the tuned one and the kept default, and evidence that no longer fits.

Pure. What a pool has lost since an earlier reading is in losses.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from estate.facts.unknown import Unknown
from readiness.core.cabling import cabling_of
from readiness.core.case import Case, heartbeat_sr
from readiness.core.evidence import is_expired, what_changed
from readiness.core.timeouts import effective_timeout
from readiness.core.trials import trials_of, tuned_timeout_s


@dataclass(frozen=True, slots=True)
class DriftLine:
    """One thing that is no longer as it was tested."""

    subject: str
    expected: str
    found: str
    detail: str


@dataclass(frozen=True, slots=True)
class Drift:
    """`timeout_s` and `tuned_timeout_s` are None where not known; `drifted` is None when there is nothing to compare with."""

    timeout_s: int | None
    timeout_source: str
    tuned_timeout_s: int | None
    default_timeout_s: str | None
    drifted: bool | None
    lines: tuple[DriftLine, ...]


def tuned_s(case: Case) -> int | None:
    """The timeout that the trials in force have proven, in seconds; None without such a proof."""
    sr, nodes = heartbeat_sr(case.facts), cabling_of(case).node_names()
    if isinstance(sr, Unknown) or isinstance(nodes, Unknown):
        return None
    hosts = [host.uuid for host in case.facts.hosts]
    return tuned_timeout_s(trials_of(case.evidence, (sr.uuid, sr.name)), nodes, hosts)


def _timeout_lines(now_s: int | None, tuned_s: int | None, kept: str | None) -> list[DriftLine]:
    lines = []
    if tuned_s is not None and now_s != tuned_s:
        found = "not known" if now_s is None else f"{now_s} s"
        lines.append(DriftLine("pool.ha_configuration timeout", f"{tuned_s} s", found, "the timeout is not the tuned one"))
    if tuned_s is not None and kept != str(tuned_s):
        found = "absent" if kept is None else f"{kept} s"
        text = "the next enable from a graphical tool loses the tuned timeout"
        lines.append(DriftLine("pool.other_config default_ha_timeout", f"{tuned_s} s", found, text))
    return lines


def _evidence_lines(case: Case) -> list[DriftLine]:
    lines = []
    for item in case.evidence:
        for key in what_changed(item, case.facts):
            lines.append(DriftLine(key, item.bound_to[key], "changed", f"{item.kind} of {item.subject} is stale"))
        if is_expired(item, case.at, max(case.policy.evidence_max_age_days, case.policy.failover_test_max_age_days)):
            lines.append(DriftLine(item.path, "current evidence", "expired", f"{item.kind} of {item.subject} has expired"))
    return lines


def drift_of(case: Case) -> Drift:
    """What no longer fits in a case."""
    effective = effective_timeout(case.facts, case.policy)
    now_s = None if isinstance(effective.timeout_s, Unknown) else effective.timeout_s
    tuned = tuned_s(case)
    config = case.facts.other_config
    kept = None if isinstance(config, Unknown) else config.get("default_ha_timeout")
    lines = tuple(_timeout_lines(now_s, tuned, kept) + _evidence_lines(case))
    drifted = None if tuned is None and not lines else bool(lines)
    return Drift(now_s, effective.source, tuned, kept, drifted, lines)
