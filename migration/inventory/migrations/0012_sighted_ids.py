from django.db import migrations, models


def remember_vcenters(apps, schema_editor):
    """What is known of the vCenter of a sighting is the one its source shows now. Hardware ids come with the next reading."""
    sighting = apps.get_model("inventory", "Sighting")
    for source in apps.get_model("inventory", "Source").objects.filter(about__isnull=False):
        if source.about.get("is_vcenter"):
            sighting.objects.filter(source=source).update(vcenter=source.about["instance_uuid"])


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0011_facts_as_text"),
    ]

    operations = [
        migrations.AddField(model_name="sighting", name="vcenter", field=models.CharField(blank=True, default="", max_length=64)),
        migrations.AddField(model_name="sighting", name="hardware_ids", field=models.TextField(blank=True, default="")),
        migrations.RunPython(remember_vcenters, migrations.RunPython.noop),
    ]
