"""Where the conversions' views hang."""

from __future__ import annotations

from django.urls import path

from migration.conversion.api.conversions import ConversionViewSet
from migration.conversion.api.leftovers import LeftoversView, SweepView
from migration.conversion.api.live import conversion_events
from migration.conversion.api.running import RunningView

PROJECT_ROUTES = [("conversions", ConversionViewSet, "conversion")]
PROJECT_URLS = [
    path("running", RunningView.as_view(), name="running"),
    path("leftovers", LeftoversView.as_view(), name="leftovers"),
    path("leftovers/remove", SweepView.as_view(), name="leftovers-remove"),
    path("conversions/<uuid:pk>/events", conversion_events, name="conversion-live"),
]
