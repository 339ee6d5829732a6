"""migration.assessment as a Django app. When Django is ready it tells the backbone that its rules can be waived."""

from __future__ import annotations

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    name = "migration.assessment"
    label = "assessment"

    def ready(self) -> None:
        from migration.assessment.waivable import CLONES, RULES
        from project.backbone.waivers import catalogue

        catalogue.register(RULES)
        catalogue.register(CLONES)
