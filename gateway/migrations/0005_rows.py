"""What sentences rest on that were made from rows of a database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0004_models")]
    operations = [
        migrations.CreateModel(
            name="RowEvidence",
            fields=[
                (
                    "sentence",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="rows",
                        serialize=False,
                        to="gateway.answersentence",
                    ),
                ),
                ("source", models.BigIntegerField()),
                ("sql", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "context",
                    models.JSONField(
                        default=list, help_text="Document and digest of each passage its writer was shown."
                    ),
                ),
            ],
        ),
    ]
