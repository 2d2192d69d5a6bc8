"""What models wrote and no passage supports, to be shown apart."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0005_rows")]
    operations = [
        migrations.CreateModel(
            name="LeftOut",
            fields=[
                (
                    "question",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="left_out",
                        serialize=False,
                        to="gateway.question",
                    ),
                ),
                ("sentences", models.JSONField()),
                ("context", models.JSONField()),
            ],
        ),
    ]
