"""migration.assessment as a Django app. When Django is ready it tells the backbone that its rules can be waived,
and the inventory that an assessment goes with what it assessed.
"""

from __future__ import annotations

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    name = "migration.assessment"
    label = "assessment"

    def ready(self) -> None:
        from migration.assessment.services.assessing import forget
        from migration.assessment.waivable import CLONES, RULES
        from migration.inventory import keeping
        from project.backbone.waivers import catalogue

        catalogue.register(RULES)
        catalogue.register(CLONES)
        keeping.register("assessment", forget)
