from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0006_watches"),
    ]

    operations = [
        migrations.AddField(
            model_name="inventoryentry",
            name="facets",
            field=models.JSONField(default=dict),
        ),
    ]
