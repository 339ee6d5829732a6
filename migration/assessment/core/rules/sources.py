"""Rules on where machines are read from (SRC): the source itself, its account, and its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from estate.facts.source import ClusterFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext, SourceFacts
from migration.assessment.core.registry import Subject, rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, judged

LISTED_MAX = 50
"""Disagreements that one finding names; it counts them all."""


def each_pair(path: str, pairs: Sequence[tuple[str, str]] | Unknown, names: tuple[str, str]) -> Parts:
    """One true part for every (what, why) pair; unknown when the list was not read."""
    if isinstance(pairs, Unknown):
        return (Part(Answer.UNKNOWN, path, pairs),)
    return tuple(
        Part(Answer.TRUE, f"{path}[{number}]", pair, dict(zip(names, pair, strict=True))) for number, pair in enumerate(pairs)
    )


@rule(
    "SRC-002",
    severity=Severity.CRITICAL,
    sources="V",
    title="A host cannot be reached from here",
    why="Disks are read from the hosts themselves: a copy would stop after everything was planned.",
    remediation="Add the host's name to DNS and open port 443 to it from every worker; then probe the source again.",
    subject=Subject.SOURCE,
)
def host_out_of_reach(source: SourceFacts, context: RuleContext) -> Parts:
    """What the probe of the source tried, host by host, on port 443. Port 902 is not asked for: exports do not use it."""
    return each_pair("hosts_unread", source.hosts_unread, ("host", "reason"))


@rule(
    "SRC-003",
    severity=Severity.CRITICAL,
    sources="V",
    title="A certificate is not the one that was confirmed",
    why="It was renewed, or somebody sits in between and would see every password and disk.",
    remediation="Compare the fingerprint on the machine itself and confirm it anew.",
    subject=Subject.SOURCE,
)
def certificate_changed(source: SourceFacts, context: RuleContext) -> Parts:
    """Names whose certificate differs from the pinned one."""
    if isinstance(source.pins_changed, Unknown):
        return (Part(Answer.UNKNOWN, "pins_changed", source.pins_changed),)
    return tuple(Part(Answer.TRUE, "pins_changed", name, {"name": name}) for name in source.pins_changed)


@rule(
    "SRC-008",
    severity=Severity.CRITICAL,
    sources="V",
    title="The account lacks privileges that a migration needs",
    why="Snapshots, exports or power operations would be refused in the middle of a move.",
    remediation="Give the account a role with the missing privileges, down to every folder, and probe the source again.",
    subject=Subject.SOURCE,
)
def privileges_missing(source: SourceFacts, context: RuleContext) -> Parts:
    """Each missing privilege with what it is for."""
    return each_pair("privileges_missing", source.privileges_missing, ("privilege", "purpose"))


@rule(
    "SRC-011",
    severity=Severity.WARNING,
    sources="VR",
    title="The inventory is old, or another source says otherwise",
    why="Decisions would rest on what is no longer true.",
    remediation="Collect again, and look at what changed.",
    subject=Subject.SOURCE,
)
def stale_inventory(source: SourceFacts, context: RuleContext) -> Parts:
    """By the time the facts were true, and by machines that two sources describe differently."""
    oldest_s = context.limits.inventory_age_max_s
    age = judged(
        "about.taken_at",
        _true_at(source, context, oldest_s),
        lambda at: _age_s(at, context) > oldest_s,
        lambda at: {"age_days": int(_age_s(at, context) // 86400), "limit_days": oldest_s // 86400},
    )
    differing = judged(
        "disagreements",
        source.disagreements,
        lambda pairs: bool(pairs),
        lambda pairs: {"count": len(pairs), "machines": [f"{machine}: {name}" for machine, name in pairs[:LISTED_MAX]]},
    )
    return (*age, *differing)


def _true_at(source: SourceFacts, context: RuleContext, oldest_s: int) -> datetime | Unknown:
    """When the facts were true: no later than they were collected, so an old collection needs no more."""
    if _age_s(source.collected_at, context) > oldest_s:
        return source.collected_at
    if isinstance(source.about, Unknown):
        return source.about
    return source.collected_at if source.about.taken_at is None else source.about.taken_at


def _age_s(at: datetime, context: RuleContext) -> float:
    return (context.asked_at - at).total_seconds()


@rule(
    "SRC-009",
    severity=Severity.WARNING,
    sources="VR",
    title="The cluster moves, restarts or powers by itself",
    why="Automation can move a machine or power a host off during a copy; what DRS, HA and DPM do must be planned anew.",
    remediation="Set machines of a wave to partial automation; plan placement and restart in the pool.",
    subject=Subject.CLUSTER,
)
def cluster_automation(cluster: ClusterFacts, context: RuleContext) -> Parts:
    """Each of the three functions that is on."""
    return (
        *judged("ha_enabled", cluster.ha_enabled, bool, lambda _: {"function": "HA"}),
        *judged("drs_enabled", cluster.drs_enabled, bool, lambda _: {"function": "DRS"}),
        *judged("dpm_enabled", cluster.dpm_enabled, bool, lambda _: {"function": "DPM"}),
    )
