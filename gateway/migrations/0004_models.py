"""What may be sent to language models, and what they cost."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0003_leaktest"), ("connectors", "0007_listing")]
    operations = [
        migrations.CreateModel(
            name="ModelPolicy",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="connectors.source",
                    ),
                ),
                (
                    "open_to",
                    models.CharField(choices=[("any", "Any"), ("local", "Local"), ("none", "None")], max_length=5),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Spending",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day", "person", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField()),
                ("person", models.BigIntegerField()),
                ("tokens", models.BigIntegerField()),
                ("calls", models.PositiveIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="question",
            name="notice",
            field=models.CharField(
                blank=True, default="", help_text="Why no model wrote it, as a code.", max_length=20
            ),
        ),
        migrations.RunSQL("""
            ALTER TABLE gateway_modelpolicy
                ADD FOREIGN KEY (source_id) REFERENCES connectors_source (directory_id) ON DELETE CASCADE;
        """),
    ]
