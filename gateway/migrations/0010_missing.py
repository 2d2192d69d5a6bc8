"""Parts of a question that were not found, in the asker's own words."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0009_reports")]
    operations = [
        migrations.AddField(
            model_name="question",
            name="missing",
            field=models.JSONField(
                blank=True, default=list, help_text="Parts of it that were not found, word for word."
            ),
        ),
    ]
