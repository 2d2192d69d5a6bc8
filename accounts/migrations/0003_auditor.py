"""Auditors: people who may ask why others may read what."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_principals_of_a_person")]
    operations = [
        migrations.AddField(
            model_name="user",
            name="is_auditor",
            field=models.BooleanField(default=False, help_text="May ask why people may read what."),
        )
    ]
