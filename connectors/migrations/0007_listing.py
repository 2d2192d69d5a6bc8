"""Listings that are gone on with: what they have named, and how far they have come (decision 0019); sealed secrets."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0006_vectors"),
    ]

    operations = [
        migrations.CreateModel(
            name="Listed",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "source_id",
                        "kind",
                        "external_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("source_id", models.BigIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("external_id", models.TextField()),
            ],
        ),
        migrations.AddField(
            model_name="source",
            name="listed_at",
            field=models.DateTimeField(
                blank=True, help_text="When the last whole listing began that has ended.", null=True
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="listing_began",
            field=models.DateTimeField(blank=True, help_text="A whole listing is under way since then,", null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="listing_state",
            field=models.JSONField(blank=True, help_text="and has come so far.", null=True),
        ),
        migrations.AddField(
            model_name="syncrun",
            name="whole",
            field=models.BooleanField(
                default=True, help_text="Reads everything, or goes on with that; else what changed."
            ),
        ),
        migrations.AlterField(
            model_name="source",
            name="checkpoint",
            field=models.JSONField(
                blank=True, help_text="How far it has been read: the connector's own words.", null=True
            ),
        ),
        migrations.CreateModel(
            name="SourceSecret",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "source_id", "name", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=60)),
                ("sealed", models.BinaryField()),
            ],
        ),
        migrations.RunSQL("""
            ALTER TABLE connectors_sourcesecret
                ADD FOREIGN KEY (source_id) REFERENCES connectors_source (directory_id) ON DELETE CASCADE;
            REVOKE ALL ON connectors_sourcesecret FROM gatehouse_web;
            ALTER TABLE connectors_listed
                ADD FOREIGN KEY (source_id) REFERENCES connectors_source (directory_id) ON DELETE CASCADE;
            REVOKE ALL ON connectors_listed FROM gatehouse_web;
        """),
    ]
