"""migration.cutover as a Django app. When Django is ready it tells the backbone which risks can be accepted for a wave
and when gates were answered, readiness what they were answered with, and KMS which machines a wave moves.
"""

from __future__ import annotations

from datetime import timedelta

from django.apps import AppConfig


class CutoverConfig(AppConfig):
    name = "migration.cutover"
    label = "cutover"

    def ready(self) -> None:
        from kms import waves as kms_waves
        from migration.assessment import selectors as assessment
        from migration.cutover.core.gate import BOOT_RISK, KMS_RISK, ORIGINAL_RISK, PACKAGE_RISK, unanswered
        from migration.cutover.selectors import cited_by_gates, decided_at
        from migration.cutover.windows import WavesOfPlans
        from migration.planning.selectors import waves
        from project.backbone import deciding
        from project.backbone.waivers.catalogue import Kind, Terms, Waivable, register
        from readiness import keeping

        deciding.register("cutover", decided_at)
        keeping.register("cutover", cited_by_gates)
        kms_waves.register(WavesOfPlans())
        terms = Terms(longest=timedelta(days=30))
        register(
            Waivable(
                Kind.CHECK,
                lambda project: dict.fromkeys(
                    (BOOT_RISK, KMS_RISK, ORIGINAL_RISK, PACKAGE_RISK, *map(unanswered, assessment.rules_of(project))), terms
                ),
                "wave as wave: and the id of a wave of this project",
                lambda project, subject: any(subject == f"wave:{wave.pk}" for wave in waves(project)),
            )
        )
