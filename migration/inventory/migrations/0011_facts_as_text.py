import json

from django.db import migrations, models

AT_ONCE = 500
TEXTS = (("FactBlob", "body"), ("InventoryEntry", "volatile"))


def spell_as_stored(apps, schema_editor):
    """PostgreSQL kept values, not texts: give them the one spelling by which they are compared. SQLite kept the texts."""
    if schema_editor.connection.vendor == "postgresql":
        for model, field in TEXTS:
            respell(apps.get_model("inventory", model).objects, field)


def respell(rows, field):
    batch = []
    for row in rows.only("pk", field).order_by().iterator(chunk_size=AT_ONCE):
        value = json.loads(getattr(row, field))
        setattr(row, field, json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
        batch.append(row)
        if len(batch) == AT_ONCE:
            rows.bulk_update(batch, [field])
            batch = []
    rows.bulk_update(batch, [field])


class Migration(migrations.Migration):
    dependencies = [("inventory", "0010_orphaned_facts")]

    operations = [
        migrations.AlterField("factblob", "body", models.TextField()),
        migrations.AlterField("inventoryentry", "volatile", models.TextField(default="{}")),
        migrations.RunPython(spell_as_stored, migrations.RunPython.noop),
    ]
