"""A conversation may have a title of its owner's own words."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0006_left_out")]
    operations = [
        migrations.AddField(
            model_name="conversation",
            name="title",
            field=models.CharField(blank=True, default="", help_text="The owner's own words, if any.", max_length=200),
        ),
    ]
