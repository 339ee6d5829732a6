"""Reading the assessment: limits, findings of the latest inventories, and verdicts with waivers taken into account.

Other apps ask here whether something stands against a machine. Each function costs a constant number of queries.
"""

from __future__ import annotations

from migration.assessment.selectors.findings import (
    FindingView,
    attestations_in_force,
    counts,
    findings_by_machine,
    latest_assessments,
    latest_findings,
    open_findings,
    open_findings_on,
)
from migration.assessment.selectors.machines_assessed import (
    AssessedMachine,
    assessed_ids,
    assessed_machines,
    machine_ids_with_verdict,
    verdict,
    verdicts,
)
from migration.assessment.selectors.questions import (
    OpenQuestion,
    QuestionOfRule,
    known_subjects,
    open_by_subject,
    open_questions,
    questions_by_rule,
)
from migration.assessment.selectors.rules_known import guests, limits, own_rules, rules, rules_of
from migration.assessment.selectors.together import (
    CLONE_RISK,
    UNKNOWN_ROUTE,
    GroupView,
    Member,
    RouteView,
    group_of,
    groups,
    marks,
    mates,
    route_words,
    routes,
    untied,
    ways,
)

__all__ = [
    "CLONE_RISK",
    "UNKNOWN_ROUTE",
    "AssessedMachine",
    "FindingView",
    "GroupView",
    "Member",
    "OpenQuestion",
    "QuestionOfRule",
    "RouteView",
    "assessed_ids",
    "assessed_machines",
    "attestations_in_force",
    "counts",
    "findings_by_machine",
    "group_of",
    "groups",
    "guests",
    "known_subjects",
    "latest_assessments",
    "latest_findings",
    "limits",
    "machine_ids_with_verdict",
    "marks",
    "mates",
    "open_by_subject",
    "open_findings",
    "open_findings_on",
    "open_questions",
    "own_rules",
    "questions_by_rule",
    "route_words",
    "routes",
    "rules",
    "rules_of",
    "untied",
    "verdict",
    "verdicts",
    "ways",
]
