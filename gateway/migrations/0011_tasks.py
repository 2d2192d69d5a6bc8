"""What is done with a question, and what part of a document a summary was made from."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0010_missing")]
    operations = [
        migrations.AddField(
            model_name="question",
            name="task",
            field=models.CharField(
                blank=True, default="", help_text="What is done; empty: it is answered.", max_length=7
            ),
        ),
        migrations.CreateModel(
            name="PartRead",
            fields=[
                (
                    "question",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="part_read",
                        serialize=False,
                        to="gateway.question",
                    ),
                ),
                ("read", models.PositiveIntegerField()),
                ("of", models.PositiveIntegerField()),
            ],
        ),
    ]
