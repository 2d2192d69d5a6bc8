"""Whom an answer holds for, and questions that are asked back."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0011_tasks")]
    operations = [
        migrations.AlterField(
            model_name="question",
            name="status",
            field=models.CharField(
                choices=[
                    ("answering", "Answering"),
                    ("answered", "Answered"),
                    ("partial", "Partial"),
                    ("not_found", "Not Found"),
                    ("ambiguous", "Ambiguous"),
                    ("stopped", "Stopped"),
                    ("failed", "Failed"),
                ],
                default="answering",
                max_length=9,
            ),
        ),
        migrations.CreateModel(
            name="HoldsFor",
            fields=[
                (
                    "question",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="holds_for",
                        serialize=False,
                        to="gateway.question",
                    ),
                ),
                ("kind", models.CharField(max_length=7)),
                ("name", models.CharField(max_length=100)),
                ("context", models.JSONField()),
            ],
        ),
    ]
