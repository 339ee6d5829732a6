from django.db import migrations


def say_full(apps, schema_editor):
    """Before there was a policy, every disk that was verified had been read back whole."""
    apps.get_model("conversion", "DiskCopy").objects.filter(verified=True).update(compared="full")


class Migration(migrations.Migration):
    dependencies = [("conversion", "0003_running")]

    operations = [migrations.RunPython(say_full, migrations.RunPython.noop)]
