"""A workbook becomes an assessment report: read, put through the rules, set as pages. No database, no server, no account."""

from __future__ import annotations

from pathlib import Path

from estate.facts.source import SourceFact, VmFacts
from estate.rvtools.read import read
from migration.assessment import selectors as assessment
from migration.assessment.core.context import RuleContext
from migration.assessment.core.estate_index import estate_of
from migration.reports.core.assessed_facts import assess_facts, figures_of, source_of_workbook, taken_at
from migration.reports.core.assessment_report import AssessmentView, build
from migration.reports.core.document import Document
from project.backbone.clock import now


def document_of_workbook(path: Path, *, target_product: str, policy_profile: str, customer: str, made_by: str) -> Document:
    """The assessment report of an RVTools workbook (.xlsx, .zip of CSVs, or a folder of CSVs).

    Raises: AskPerson (see estate.rvtools) for a file that cannot be read; UnknownProduct.
    """
    facts: list[SourceFact] = []
    limits, at = assessment.limits(target_product, policy_profile), now()
    about = read(path, on_page=lambda _kind, page: facts.extend(page), alive=lambda: None)
    source = source_of_workbook(path.name, about, at)
    vms = [fact for fact in facts if isinstance(fact, VmFacts)]
    context = RuleContext(
        collected_at=source.collected_at,
        asked_at=at,
        limits=limits,
        guests=assessment.guests(),
        estate=estate_of(own=facts, project_vms=vms, behind_vcenter=about.is_vcenter),
    )
    assessed = assess_facts(facts, source, context, assessment.rules().values())
    view = AssessmentView(
        customer=customer or about.product,
        project=path.name,
        made_at=at,
        made_by=made_by,
        target_product=target_product,
        source=path.name,
        taken_at=taken_at(about),
        tables=f"{limits.version} (limits, {limits.profile}), {context.guests.version} (guests)",
        figures=figures_of(facts),
        machines=assessed.machines,
        rules=assessed.rules,
        lacking=about.lacking,
    )
    return build(view)
