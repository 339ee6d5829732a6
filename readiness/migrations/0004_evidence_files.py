import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import project.backbone.clock


class Migration(migrations.Migration):
    dependencies = [
        ("readiness", "0003_changes_of_the_ha_timeout"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EvidenceFile",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "created_at",
                    models.DateTimeField(db_index=True, default=project.backbone.clock.now, editable=False),
                ),
                ("size_bytes", models.PositiveIntegerField()),
                ("content_type", models.CharField(max_length=40)),
                (
                    "evidence",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="file", to="readiness.evidence"
                    ),
                ),
                (
                    "stored_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"abstract": False},
        ),
    ]
