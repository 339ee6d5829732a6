"""All rules over all subjects of one inventory, in memory. What is open for the whole source is told once for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from estate.facts.unknown import Unknown
from migration.assessment.core import subjects
from migration.assessment.core.assess import UNTOLD, RuleFinding, Tellers, asked_of, findings_of
from migration.assessment.core.inherited import Gap, Gaps
from migration.assessment.core.registry import Rule, Subject
from migration.assessment.core.results import Outcome
from migration.assessment.core.statements import Statements, with_statements
from migration.assessment.core.subjects import About
from migration.assessment.services.gathering import Known
from migration.inventory.selectors import MergedVm


@dataclass(slots=True)
class Judged:
    """What is to be stored. `contradicted`: attestation id to the subjects where a known fact says otherwise."""

    found: list[tuple[About, list[RuleFinding]]] = field(default_factory=list)
    gaps: Gaps = field(default_factory=Gaps)
    contradicted: dict[str, list[str]] = field(default_factory=dict)
    subjects: set[str] = field(default_factory=set)
    asked: Counter[Subject] = field(default_factory=Counter)

    @property
    def machine_count(self) -> int:
        return self.asked[Subject.MACHINE]

    @property
    def finding_count(self) -> int:
        return sum(len(findings) for _, findings in self.found)


def judge(known: Known, rules: Iterable[Rule], statements: Statements, *, whole_source_apart: bool = True) -> Judged:
    """Ask every rule of its kind of subject. `whole_source_apart`: what is open for a whole source is told once for all of it."""
    judged, catalogue = Judged(), tuple(rules)
    by_kind = {kind: asked_of(catalogue, kind, known.context.modes) for kind in Subject}
    for kind, about, facts, told in _subjects(known):
        findings = findings_of(facts, known.context, by_kind[kind], told)
        if statements:
            findings = _heard(judged, about.subject, findings, statements)
        judged.asked[kind] += 1
        apart = whole_source_apart and kind in subjects.MANY
        own = judged.gaps.take_off(kind, about, findings) if apart else list(findings)
        judged.subjects.add(about.subject)
        judged.found.append((about, own))
    judged.found.append((_whole(known), [_told_once(gap, judged.asked) for gap in judged.gaps.by_rule.values()]))
    return judged


def _subjects(known: Known) -> Iterator[tuple[Subject, About, object, Tellers]]:
    source, names = known.source_id, {cluster.native_id: cluster.name for cluster in known.clusters}
    cluster_of_host = {host.native_id: names.get(str(host.cluster_id), "") for host in known.hosts}
    for each in known.machines:
        vm = each.vm
        cluster = "" if isinstance(vm.host_id, Unknown) else cluster_of_host.get(vm.host_id, "")
        about = About("machine", subjects.of_machine(each.machine_id), vm.name, cluster)
        yield Subject.MACHINE, about, vm, _tellers(known, each)
    for host in known.hosts:
        about = About("host", subjects.of_host(source, host.native_id), host.name, cluster_of_host[host.native_id])
        yield Subject.HOST, about, host, UNTOLD
    for cluster_facts in known.clusters:
        spelled = subjects.of_cluster(source, cluster_facts.native_id)
        yield Subject.CLUSTER, About("cluster", spelled, cluster_facts.name, cluster_facts.name), cluster_facts, UNTOLD
    yield Subject.SOURCE, About("source", subjects.of_source(source), known.source.name), known.source, UNTOLD
    for pool_id, pool in known.pools.items():
        yield Subject.POOL, About("pool", subjects.of_pool(pool_id), pool.name), pool, UNTOLD


def _tellers(known: Known, machine: MergedVm) -> Tellers:
    """Who else told which field, for the evidence; fields of the source itself need no mention."""
    elsewhere = ((path, origin) for path, origin in machine.provenance.items() if origin[0] != known.source_id)
    return {path: (known.teller_names.get(source_id, ""), at) for path, (source_id, at) in elsewhere}


def _heard(judged: Judged, subject: str, findings: tuple[RuleFinding, ...], statements: Statements) -> tuple[RuleFinding, ...]:
    kept, contradicted = with_statements(subject, findings, statements)
    for attestation in contradicted:
        judged.contradicted.setdefault(attestation, []).append(subject)
    return kept


def _whole(known: Known) -> About:
    return About(subjects.INVENTORY, subjects.of_inventory(known.source_id), known.source.name)


def _told_once(gap: Gap, asked: Mapping[Subject, int]) -> RuleFinding:
    """The one finding for all subjects that inherit a question; its params count them."""
    kind = gap.rule.subject
    params = {subjects.MANY[kind]: gap.subjects, "all": gap.subjects == asked[kind]}
    outcome = Outcome(gap.outcome.answer, gap.severity, params, gap.outcome.evidence[:1], everywhere=True)
    return RuleFinding(gap.rule, outcome)
