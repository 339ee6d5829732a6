"""From facts to the assessment report without a database: every rule on every subject, counted by rule and by machine.

Pure. The same rules and verdicts as in a project, with nobody's waivers, attestations or pools.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from estate.facts.source import ClusterFacts, HostFacts, SourceAbout, SourceFact, VmFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from migration.assessment.core.assess import RuleFinding, asked_of, findings_of
from migration.assessment.core.context import RuleContext, SourceFacts
from migration.assessment.core.registry import Rule, Subject
from migration.assessment.core.results import Answer, Severity
from migration.assessment.core.verdicts import Rated, verdict_of
from migration.reports.core.assessment_report import MachineLine, RuleLine

NOT_ASKED = Unknown("a workbook cannot be asked", everywhere=True)


@dataclass(slots=True)
class _Seen:
    """What one rule said over all subjects."""

    true_on: list[str] = field(default_factory=list)
    unknown_on: list[str] = field(default_factory=list)
    everywhere: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Assessed:
    machines: tuple[MachineLine, ...]
    rules: tuple[RuleLine, ...]


def assess_facts(facts: Sequence[SourceFact], source: SourceFacts, context: RuleContext, rules: Iterable[Rule]) -> Assessed:
    """All rules over machines, hosts, clusters and the source itself; machines by name, rules by weight and reach."""
    rules = tuple(rules)
    seen: dict[str, _Seen] = {}
    machines = tuple(
        _machine(vm, _found(vm, vm.name, Subject.MACHINE, context, rules, seen))
        for vm in sorted((fact for fact in facts if isinstance(fact, VmFacts)), key=lambda vm: vm.name.casefold())
    )
    for kind, subject in ((HostFacts, Subject.HOST), (ClusterFacts, Subject.CLUSTER)):
        for fact in facts:
            if isinstance(fact, kind):
                _found(fact, fact.name, subject, context, rules, seen)
    _found(source, source.name, Subject.SOURCE, context, rules, seen)
    by_id = {rule.id: rule for rule in rules}
    lines = [_rule(by_id[rule_id], told) for rule_id, told in seen.items()]
    return Assessed(machines, tuple(sorted(lines, key=_weight)))


def _found(
    facts: object, name: str, subject: Subject, context: RuleContext, rules: tuple[Rule, ...], seen: dict[str, _Seen]
) -> tuple[RuleFinding, ...]:
    found = findings_of(facts, context, asked_of(rules, subject, context.modes))
    for finding in found:
        _count(finding, name, seen.setdefault(finding.rule.id, _Seen()))
    return found


def _count(finding: RuleFinding, name: str, told: _Seen) -> None:
    outcome = finding.outcome
    told.severity = min(filter(None, (told.severity, outcome.severity)), key=list(Severity).index)
    if outcome.answer is Answer.TRUE:
        told.true_on.append(name)
    elif outcome.everywhere:
        told.everywhere = told.everywhere or str(outcome.evidence[0].raw["unknown"])
    else:
        told.unknown_on.append(name)


def _machine(vm: VmFacts, found: tuple[RuleFinding, ...]) -> MachineLine:
    rated = [Rated(finding.outcome.severity, finding.outcome.answer) for finding in found]
    known = [rate for rate in rated if rate.answer is not Answer.UNKNOWN]
    return MachineLine(
        name=vm.name,
        verdict=verdict_of(rated).value,
        so_far=verdict_of(known).value,
        findings=tuple(
            (finding.rule.id, finding.rule.title)
            for finding in found
            if finding.outcome.answer is Answer.TRUE and finding.outcome.severity is not Severity.INFO
        ),
        open_rules=tuple(
            finding.rule.id for finding in found if finding.outcome.answer is Answer.UNKNOWN and not finding.outcome.everywhere
        ),
    )


def _rule(rule: Rule, told: _Seen) -> RuleLine:
    return RuleLine(
        rule_id=rule.id,
        severity=(told.severity or rule.severity).value,
        title=rule.title,
        why=rule.why,
        remedy=rule.remediation,
        true_on=tuple(told.true_on),
        unknown_on=tuple(told.unknown_on),
        everywhere=told.everywhere,
    )


def _weight(line: RuleLine) -> tuple[int, int, str]:
    return list(Severity).index(Severity(line.severity)), -len(line.true_on), line.rule_id


def source_of_workbook(name: str, about: SourceAbout, at: datetime) -> SourceFacts:
    """A workbook as its own rules look at it: it has no rights and no certificate, and nobody to disagree with."""
    return SourceFacts(
        native_id=about.instance_uuid,
        name=name,
        kind="rvtools",
        about=about,
        collected_at=taken_at(about) or at,
        privileges_missing=NOT_ASKED,
        hosts_unread=NOT_ASKED,
        pins_changed=NOT_ASKED,
        disagreements=(),
    )


def taken_at(about: SourceAbout) -> datetime | None:
    """When the facts were true, as far as the source tells."""
    return None if about.taken_at is None or isinstance(about.taken_at, Unknown) else about.taken_at


def figures_of(facts: Sequence[SourceFact]) -> tuple[tuple[str, str], ...]:
    """Machines, hosts, disk and memory sizes as key figures; a sum with unknown parts is a least."""
    vms = [fact for fact in facts if isinstance(fact, VmFacts)]
    hosts = sum(isinstance(fact, HostFacts) for fact in facts)
    disks = [disk.capacity_bytes for vm in vms if is_known(vm.disks) for disk in vm.disks]
    whole = all(is_known(vm.disks) for vm in vms)
    return (
        ("Virtual machines", str(len(vms))),
        ("ESXi hosts", str(hosts)),
        ("Disks", _at_least(str(len(disks)), whole)),
        ("Disk capacity", _sum(disks if whole else [*disks, UNKNOWN], 1 << 40, "TiB")),
        ("Memory", _sum([vm.memory_bytes for vm in vms], 1 << 30, "GiB")),
    )


def _sum(sizes: Sequence[int | Unknown], unit: int, word: str) -> str:
    known = [size for size in sizes if is_known(size)]
    return _at_least(f"{sum(known) / unit:,.1f} {word}", len(known) == len(sizes))


def _at_least(told: str, whole: bool) -> str:
    return told if whole else f"at least {told}"
