"""What people state where no source answers: a statement replaces an unknown answer, never a known one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from migration.assessment.core.assess import RuleFinding
from migration.assessment.core.results import Answer, Evidence, Outcome


@dataclass(frozen=True, slots=True)
class Statement:
    """One person's answer to one rule. `id` is the attestation's."""

    id: str
    answer: bool
    who: str
    note: str
    said_at: datetime


Statements = Mapping[str, Mapping[str, Statement]]
"""Rule id to subject to the newest statement in force."""


def with_statements(
    subject: str, findings: Iterable[RuleFinding], statements: Statements
) -> tuple[tuple[RuleFinding, ...], tuple[str, ...]]:
    """The findings after people were heard, and the ids of statements that a known concern contradicts."""
    kept: list[RuleFinding] = []
    contradicted: list[str] = []
    for finding in findings:
        said = statements.get(finding.rule.id, {}).get(subject)
        if said is None:
            kept.append(finding)
        elif finding.outcome.answer is Answer.TRUE:
            kept.append(finding)
            if not said.answer:
                contradicted.append(said.id)
        elif said.answer:
            kept.append(replace(finding, outcome=stated(finding.outcome, said)))
    return tuple(kept), tuple(contradicted)


def stated(outcome: Outcome, said: Statement) -> Outcome:
    """A concern that a person confirms; what could not be read stays beside it."""
    raw = {"attested": said.answer, "who": said.who, "note": said.note, "attestation": said.id}
    evidence = (Evidence("attestation", raw, said.said_at), *outcome.evidence)
    return replace(outcome, answer=Answer.TRUE, evidence=evidence, everywhere=False)
