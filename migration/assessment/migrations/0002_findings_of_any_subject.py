"""Findings of hosts, clusters, sources, pools and whole inventories; attestations; the target a mapping gives.

Findings are computed anew from their inventories, so the old ones go instead of being rewritten.
"""

from __future__ import annotations

import uuid
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import project.backbone.clock

KINDS = ["machine", "host", "cluster", "source", "pool", "inventory"]


def forget_findings(apps: Any, schema_editor: Any) -> None:
    apps.get_model("assessment", "Finding").objects.all().delete()


def identified() -> list[tuple[str, Any]]:
    created = models.DateTimeField(db_index=True, default=project.backbone.clock.now, editable=False)
    return [
        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
        ("created_at", created),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("assessment", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(forget_findings, migrations.RunPython.noop),
        migrations.RemoveConstraint("finding", "one_finding_per_rule_and_machine"),
        migrations.AlterModelOptions("finding", {}),
        migrations.RemoveField("finding", "machine_id"),
        migrations.RenameField("finding", "machine_name", "subject_name"),
        migrations.AddField("assessment", "warm", models.BooleanField(default=False)),
        migrations.AddField("assessment", "ha", models.BooleanField(default=False)),
        migrations.AddField("assessment", "attested_until", models.DateTimeField(null=True)),
        migrations.AddField(
            "finding",
            "subject_kind",
            models.CharField(choices=[(kind, kind) for kind in KINDS], default="machine", max_length=16),
            preserve_default=False,
        ),
        migrations.AddField("finding", "subject", models.CharField(default="", max_length=200), preserve_default=False),
        migrations.AddField(
            "finding", "cluster", models.CharField(blank=True, default="", max_length=500), preserve_default=False
        ),
        migrations.AlterModelOptions("finding", {"ordering": ["subject_name", "rule_id", "id"]}),
        migrations.AddConstraint(
            "finding",
            models.UniqueConstraint(fields=("assessment", "subject", "rule_id"), name="one_finding_per_rule_and_subject"),
        ),
        migrations.AddIndex(
            "finding", models.Index(fields=["assessment", "subject_name", "rule_id", "id"], name="finding_by_name")
        ),
        migrations.CreateModel(
            name="InheritedGaps",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule_ids", models.JSONField()),
                ("machine_ids", models.JSONField()),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="inherited", to="assessment.assessment"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Attestation",
            fields=[
                *identified(),
                ("rule_id", models.CharField(max_length=32)),
                ("subjects", models.JSONField()),
                ("answer", models.BooleanField()),
                ("who", models.CharField(max_length=200)),
                ("note", models.TextField(blank=True, max_length=2000)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("recorded_by_name", models.CharField(max_length=200)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("contradicted", models.JSONField(default=list)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attestations", to="backbone.project"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"ordering": ["-created_at", "id"]},
        ),
        migrations.CreateModel(
            name="AssessmentTarget",
            fields=[
                *identified(),
                ("pool_id", models.UUIDField(null=True)),
                ("networks", models.JSONField(default=dict)),
                ("srs", models.JSONField(default=dict)),
                ("templates", models.JSONField(default=dict)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="assessment_target", to="backbone.project"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
    ]
