"""Why an answer was no good, and documents that readers say are out of date."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("gateway", "0008_shares"),
    ]
    operations = [
        migrations.AddField(
            model_name="feedback",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("wrong", "It is wrong"),
                    ("incomplete", "It is incomplete"),
                    ("out_of_date", "It is out of date"),
                    ("not_asked", "It is not what I asked"),
                    ("not_for_me", "It should not be visible to me"),
                ],
                default="",
                max_length=11,
            ),
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("document", models.UUIDField()),
                ("source", models.BigIntegerField()),
                ("text", models.TextField(blank=True, max_length=1000)),
                ("reported_at", models.DateTimeField(auto_now=True)),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "done_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "writer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("done_at", None)),
                        fields=("document", "writer"),
                        name="one_open_report_of_a_document_by_a_person",
                    )
                ]
            },
        ),
    ]
