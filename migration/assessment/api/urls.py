"""Where the assessment's viewsets hang."""

from __future__ import annotations

from migration.assessment.api import views

TOP_ROUTES = [("rules", views.RuleViewSet, "rule")]
PROJECT_ROUTES = [
    ("findings", views.FindingViewSet, "finding"),
    ("assessments", views.AssessmentViewSet, "assessment"),
    ("machines", views.MachineViewSet, "machine"),
]
