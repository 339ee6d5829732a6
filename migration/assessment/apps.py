"""migration.assessment as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    name = "migration.assessment"
    label = "assessment"
