"""Where the cutover's views hang."""

from __future__ import annotations

from migration.cutover.api.batches import BatchViewSet
from migration.cutover.api.waves import WAVE_URLS

PROJECT_ROUTES = [("batches", BatchViewSet, "batch")]
PROJECT_URLS = WAVE_URLS
