from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assessment", "0005_finding_indexes"),
    ]

    operations = [
        migrations.RenameField(model_name="inheritedgaps", old_name="machine_ids", new_name="subjects"),
        migrations.AddField(
            model_name="inheritedgaps",
            name="subject_kind",
            field=models.CharField(
                choices=[
                    ("machine", "machine"),
                    ("host", "host"),
                    ("cluster", "cluster"),
                    ("source", "source"),
                    ("pool", "pool"),
                    ("inventory", "inventory"),
                ],
                default="machine",
                max_length=16,
            ),
            preserve_default=False,
        ),
        migrations.AddField(model_name="inheritedgaps", name="names", field=models.JSONField(default=list)),
    ]
