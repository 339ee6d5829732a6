import uuid

import django.db.models.deletion
from django.db import migrations, models

import project.backbone.clock

FORMATS = [
    ("cim_json", "cim_json"),
    ("slmgr_text", "slmgr_text"),
    ("events_csv", "events_csv"),
    ("events_evtx", "events_evtx"),
    ("vamt_csv", "vamt_csv"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("backbone", "0001_initial"),
        ("kms", "0002_uploads_of_every_kind"),
    ]

    operations = [
        migrations.CreateModel(
            name="KmsGuestUpload",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(db_index=True, default=project.backbone.clock.now, editable=False)),
                ("sha256", models.CharField(max_length=64)),
                ("size_bytes", models.PositiveIntegerField()),
                ("uploaded_by_name", models.CharField(max_length=200)),
                ("format", models.CharField(choices=FORMATS, max_length=20)),
                ("collected_at", models.DateTimeField(null=True)),
                ("utc_offset_min", models.SmallIntegerField(null=True)),
                ("computer_name", models.CharField(blank=True, max_length=255)),
                ("text", models.TextField()),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="backbone.project"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="KmsGuestReadingRow",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(db_index=True, default=project.backbone.clock.now, editable=False)),
                ("parser_version", models.CharField(max_length=40)),
                ("place", models.PositiveIntegerField()),
                ("computer_name", models.CharField(blank=True, max_length=1024)),
                ("collected_at", models.DateTimeField()),
                ("facts", models.JSONField()),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="backbone.project"),
                ),
                (
                    "upload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="readings", to="kms.kmsguestupload"
                    ),
                ),
            ],
            options={
                "ordering": ["-collected_at", "-created_at"],
            },
        ),
        migrations.AddIndex(
            model_name="kmsguestupload",
            index=models.Index(fields=["project", "sha256"], name="kms_guest_upload_by_hash"),
        ),
        migrations.AddIndex(
            model_name="kmsguestreadingrow",
            index=models.Index(fields=["project", "-collected_at"], name="kms_guest_reading_by_time"),
        ),
        migrations.AddConstraint(
            model_name="kmsguestreadingrow",
            constraint=models.UniqueConstraint(
                fields=("upload", "parser_version", "place"), name="kms_guest_reading_once_per_parser"
            ),
        ),
    ]
