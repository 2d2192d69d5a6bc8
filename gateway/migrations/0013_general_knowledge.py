"""A model's general knowledge, where nothing was found."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0012_holds_for")]
    operations = [
        migrations.CreateModel(
            name="GeneralParagraph",
            fields=[
                (
                    "question",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="general",
                        serialize=False,
                        to="gateway.question",
                    ),
                ),
                ("text", models.TextField()),
            ],
        ),
    ]
