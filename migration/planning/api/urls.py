"""Where planning's viewsets hang."""

from __future__ import annotations

from migration.planning.api import views

PROJECT_ROUTES = [
    ("mappings", views.MappingViewSet, "mapping"),
    ("plans", views.PlanViewSet, "plan"),
    ("waves", views.WaveViewSet, "wave"),
]
