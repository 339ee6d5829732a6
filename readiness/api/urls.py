"""Where readiness hangs below the API."""

from __future__ import annotations

from django.urls import path

from readiness.api.campaigns import CampaignViewSet, HaGrantViewSet, TrialViewSet
from readiness.api.views import CheckViewSet, EvidenceViewSet, PoolViewSet, ReadinessViewSet
from readiness.api.watching import PoolAlarmViewSet, PoolWatchViewSet

TOP_ROUTES = [("checks", CheckViewSet, "check")]
PROJECT_ROUTES = [
    ("pools", PoolViewSet, "pool"),
    ("pools/<uuid:pool_id>/evidence", EvidenceViewSet, "pool-evidence"),
    ("pools/<uuid:pool_id>/alarms", PoolAlarmViewSet, "pool-alarm"),
    ("pools/<uuid:pool_id>/ha-grants", HaGrantViewSet, "pool-ha-grant"),
    ("pools/<uuid:pool_id>/campaigns", CampaignViewSet, "pool-campaign"),
    ("pools/<uuid:pool_id>/campaigns/<uuid:campaign_id>/trials", TrialViewSet, "campaign-trial"),
]
PROJECT_URLS = [
    path(
        "pools/<uuid:pool_id>/readiness",
        ReadinessViewSet.as_view({"get": "latest", "post": "evaluate"}),
        name="pool-readiness",
    ),
    path("pools/<uuid:pool_id>/watch", PoolWatchViewSet.as_view({"get": "show", "post": "switch"}), name="pool-watch"),
]
