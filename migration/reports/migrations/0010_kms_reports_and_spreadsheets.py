from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [
        migrations.AddField(model_name="report", name="xlsx", field=models.BinaryField(null=True)),
        migrations.AlterField(
            model_name="report",
            name="kind",
            field=models.CharField(choices=[("readiness", "Readiness"), ("kms", "KMS")], max_length=20),
        ),
    ]
