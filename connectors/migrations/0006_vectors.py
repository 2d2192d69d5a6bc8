"""Vectors in a table of their own, by generation; words of every language; the search (decisions 0012, 0017)."""

from pathlib import Path

import django.db.models.deletion
import pgvector.django.halfvec
from django.db import migrations, models

HERE = Path(__file__).parent


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0005_bounded_age"),
    ]

    operations = [
        migrations.AddField(
            model_name="passage",
            name="configuration",
            field=models.SmallIntegerField(
                db_default=1, help_text="What its lexemes were made by: a place in `gatehouse_configurations()`."
            ),
        ),
        migrations.CreateModel(
            name="ScopeSize",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "scope_id", "configuration", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("scope_id", models.BigIntegerField()),
                ("configuration", models.SmallIntegerField()),
                ("passages", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="IndexGeneration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("building", "Building"), ("active", "Active"), ("retired", "Retired")],
                        default="building",
                        max_length=10,
                    ),
                ),
                ("model", models.CharField(max_length=200)),
                ("base_url", models.TextField(blank=True, default="")),
                ("class_path", models.TextField(blank=True, default="")),
                ("dimensions", models.PositiveIntegerField()),
                (
                    "vectors",
                    models.BigIntegerField(
                        default=0, help_text="How many there are, about: it chooses ways, never results."
                    ),
                ),
                ("graph", models.BooleanField(default=False, help_text="The approximate index is built.")),
                (
                    "exact_limit",
                    models.PositiveIntegerField(default=20000, help_text="Up to so many permitted passages: exactly."),
                ),
                (
                    "measured",
                    models.JSONField(default=dict, help_text="What the limit was chosen by, in milliseconds."),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "retired"), _negated=True),
                        fields=("state",),
                        name="one_generation_in_a_state",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PassageVector",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope_id", models.BigIntegerField()),
                ("embedding", pgvector.django.halfvec.HalfVectorField()),
                ("whole", pgvector.django.halfvec.HalfVectorField(null=True)),
                (
                    "document",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="connectors.document",
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="connectors.indexgeneration",
                    ),
                ),
                (
                    "passage",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="connectors.passage",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Unembedded",
            fields=[
                ("passage_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("queued_at", models.DateTimeField()),
                (
                    "reason",
                    models.CharField(blank=True, default="", help_text="Why it has none, as a code.", max_length=60),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("reason", "")), fields=["queued_at", "passage_id"], name="passages_to_embed"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Unindexed",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "generation_id", "passage_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("generation_id", models.BigIntegerField()),
                ("passage_id", models.BigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["passage_id"], name="unindexed_passages")],
            },
        ),
        migrations.CreateModel(
            name="VectorNode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("embedding", pgvector.django.halfvec.HalfVectorField()),
                (
                    "generation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="connectors.indexgeneration",
                    ),
                ),
                (
                    "passage",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="connectors.passage",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("passage", "generation"), name="one_node_a_generation")
                ],
            },
        ),
        migrations.RunSQL("SELECT '[1]'::halfvec <=> '[1]'", migrations.RunSQL.noop),  # its settings become known
        *(migrations.RunSQL((HERE / f"0006_{part}.sql").read_text()) for part in ("vectors", "words", "search")),
    ]
