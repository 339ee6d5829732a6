from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0012_sighted_ids"),
    ]

    operations = [
        migrations.AddField(model_name="inventoryentry", name="read_at", field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(model_name="sourcewatch", name="read_all_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="sourcewatch", name="read_around_at", field=models.DateTimeField(null=True)),
    ]
