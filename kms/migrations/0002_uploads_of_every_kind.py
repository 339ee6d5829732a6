from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kms", "0001_hosts_uploads_readings"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="kmsupload",
            name="kms_upload_once_per_host",
        ),
        migrations.AddField(
            model_name="kmsupload",
            name="collected_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="kmsupload",
            name="format",
            field=models.CharField(
                choices=[
                    ("cim_json", "cim_json"),
                    ("slmgr_text", "slmgr_text"),
                    ("events_csv", "events_csv"),
                    ("events_evtx", "events_evtx"),
                    ("vamt_csv", "vamt_csv"),
                ],
                default="cim_json",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="kmsupload",
            name="utc_offset_min",
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="kmsupload",
            constraint=models.UniqueConstraint(
                condition=models.Q(("collected_at", None)), fields=("host", "sha256"), name="kms_upload_once_per_host"
            ),
        ),
        migrations.AddConstraint(
            model_name="kmsupload",
            constraint=models.UniqueConstraint(
                fields=("host", "sha256", "collected_at"), name="kms_upload_once_per_host_and_time"
            ),
        ),
    ]
