from django.db import migrations

from migration.inventory.core.facets import facets_of

AT_ONCE = 500


def fill_in(apps, schema_editor):
    """Entries that were stored before have their facts beside them: read these once. Going back, nothing is to do."""
    entries = apps.get_model("inventory", "InventoryEntry").objects
    rows = []
    for entry in entries.select_related("blob").iterator(chunk_size=AT_ONCE):
        entry.facets = facets_of(entry.blob.body)
        rows.append(entry)
        if len(rows) == AT_ONCE:
            entries.bulk_update(rows, ["facets"])
            rows = []
    entries.bulk_update(rows, ["facets"])


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0007_facets"),
    ]

    operations = [
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
