"""Where the assessment's viewsets hang."""

from __future__ import annotations

from migration.assessment.api import attestations, groups, machines, rules, views, workbooks

TOP_ROUTES = [("rules", views.RuleViewSet, "rule")]
PROJECT_ROUTES = [
    ("rules", rules.ProjectRuleViewSet, "project-rule"),
    ("groups", groups.GroupViewSet, "group"),
    ("findings", views.FindingViewSet, "finding"),
    ("findings.csv", views.FindingsCsvViewSet, "findings-csv"),
    ("findings.xlsx", views.FindingsXlsxViewSet, "findings-xlsx"),
    ("estate.xlsx", workbooks.EstateWorkbookViewSet, "estate-workbook"),
    ("estate", workbooks.FilledEstateViewSet, "filled-estate"),
    ("attestations.xlsx", workbooks.QuestionWorkbookViewSet, "question-workbook"),
    ("assessments", views.AssessmentViewSet, "assessment"),
    ("attestations", attestations.AttestationViewSet, "attestation"),
    ("machines", machines.MachineViewSet, "machine"),
]
