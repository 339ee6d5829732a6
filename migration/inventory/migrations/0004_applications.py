import uuid

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import project.backbone.clock


class Migration(migrations.Migration):
    dependencies = [
        ("backbone", "0002_endpoint_login_refused_at"),
        ("inventory", "0003_file_sources"),
    ]

    operations = [
        migrations.CreateModel(
            name="Application",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(db_index=True, default=project.backbone.clock.now, editable=False)),
                ("name", models.CharField(max_length=200)),
                ("owner", models.CharField(blank=True, max_length=200)),
                (
                    "criticality",
                    models.CharField(
                        blank=True,
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                        max_length=16,
                    ),
                ),
                ("rto_s", models.PositiveIntegerField(blank=True, null=True)),
                ("note", models.TextField(blank=True, max_length=2000)),
                ("version", models.PositiveIntegerField(default=1)),
                ("depends_on", models.ManyToManyField(blank=True, related_name="needed_by", to="inventory.application")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="applications", to="backbone.project"
                    ),
                ),
            ],
            options={"ordering": ["name", "id"]},
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                models.F("project"), django.db.models.functions.text.Lower("name"), name="application_name_per_project"
            ),
        ),
        migrations.AddField(
            model_name="machine",
            name="application",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="machines",
                to="inventory.application",
            ),
        ),
        migrations.AddField(
            model_name="machine",
            name="note",
            field=models.TextField(blank=True, max_length=2000),
        ),
        migrations.AddField(
            model_name="machine",
            name="version",
            field=models.PositiveIntegerField(default=1),
        ),
    ]
