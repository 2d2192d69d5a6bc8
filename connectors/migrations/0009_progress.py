"""What was done lately: the pace of a source."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0008_attachments"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkDone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("listed", "Listed"), ("parsed", "Parsed"), ("embedded", "Embedded")], max_length=10
                    ),
                ),
                ("count", models.PositiveIntegerField()),
                ("at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "indexes": [models.Index(fields=["source_id", "at"], name="work_done_lately")],
            },
        ),
    ]
