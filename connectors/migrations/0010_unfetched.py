"""Documents whose newest content could not be had, and when it is asked for again (decision 0022)."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("connectors", "0009_progress")]

    operations = [
        migrations.CreateModel(
            name="Unfetched",
            fields=[
                ("document_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("source_id", models.BigIntegerField()),
                (
                    "tries",
                    models.PositiveIntegerField(
                        default=0, help_text="Runs that ended well and in which it could not be had."
                    ),
                ),
                (
                    "again_at",
                    models.DateTimeField(
                        db_default=Now(), help_text="When it is asked for again, if no run does before."
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["source_id"], name="unfetched_of_a_source")]},
        ),
        migrations.RunSQL("""
            ALTER TABLE connectors_unfetched
                ADD FOREIGN KEY (document_id) REFERENCES connectors_document ON DELETE CASCADE;
            REVOKE ALL ON connectors_unfetched FROM gatehouse_web;
        """),
    ]
