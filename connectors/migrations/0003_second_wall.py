"""Break-glass, audiences, and row-level security under the role that the web takes (P10, P12, decision 0014)."""

from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

HERE = Path(__file__).parent
BREAK_GLASS_KEYS = """
ALTER TABLE connectors_breakglass
    ADD FOREIGN KEY (document_id) REFERENCES connectors_document ON DELETE CASCADE,
    ADD FOREIGN KEY (scope_id) REFERENCES connectors_scope ON DELETE CASCADE;
CREATE INDEX break_glass_documents ON connectors_breakglass (document_id);
CREATE INDEX break_glass_scopes ON connectors_breakglass (scope_id);
"""
ENTRIES_OF_CONDITIONS = """
UPDATE connectors_aclentry e SET alone = a.alone FROM connectors_acl a WHERE a.id = e.acl_id;
ALTER TABLE connectors_acl ADD CONSTRAINT condition_alone UNIQUE (id, alone) INCLUDE (source_id, clauses, denies);
ALTER TABLE connectors_aclentry DROP CONSTRAINT connectors_aclentry_acl_id_fkey;
ALTER TABLE connectors_aclentry
    ADD FOREIGN KEY (acl_id, alone) REFERENCES connectors_acl (id, alone) ON DELETE CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0002_guarded_corpus"),
        ("accounts", "0002_principals_of_a_person"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("document_id", models.BigIntegerField(null=True)),
                ("scope_id", models.BigIntegerField(null=True)),
                ("reason", models.TextField()),
                ("given_at", models.DateTimeField(auto_now_add=True)),
                ("until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "given_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["user"], name="break_glass_in_force")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("document_id", None), ("scope_id__isnull", False)),
                            models.Q(("document_id__isnull", False), ("scope_id", None)),
                            _connector="OR",
                        ),
                        name="break_glass_is_for_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("user", models.F("given_by")), _negated=True),
                        name="break_glass_is_given_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="break_glass_has_a_reason"
                    ),
                ],
            },
        ),
        migrations.RemoveIndex(model_name="scope", name="scopes_of_an_acl"),
        migrations.AddField(
            model_name="acl",
            name="alone",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Q(("clauses", 1), ("denies", False)),
                help_text="Asks for nothing but one grant: meeting any of its entries is enough.",
                output_field=models.BooleanField(),
            ),
        ),
        migrations.AddField(
            model_name="aclentry",
            name="alone",
            field=models.BooleanField(default=False, help_text="As its condition says; the database keeps it equal."),
            preserve_default=False,
        ),
        *(
            migrations.AlterField(
                model_name=model,
                name=name,
                field=models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    null=null,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to=to,
                ),
            )
            for model, name, null, to in (
                ("aclentry", "acl", False, "connectors.acl"),
                ("aclentry", "principal", False, "accounts.principal"),
                ("document", "scope", False, "connectors.scope"),
                ("scope", "acl", True, "connectors.acl"),
                ("scope", "also", True, "connectors.scope"),
                ("scope", "parent", True, "connectors.scope"),
            )
        ),
        migrations.AddIndex(
            model_name="aclentry",
            index=models.Index(
                condition=models.Q(("alone", True)), fields=["principal"], include=("acl", "until"), name="met_alone"
            ),
        ),
        migrations.AddIndex(
            model_name="aclentry",
            index=models.Index(
                condition=models.Q(("alone", False)),
                fields=["principal"],
                include=("acl", "clause", "until"),
                name="met_in_clauses",
            ),
        ),
        migrations.AddIndex(
            model_name="scope",
            index=models.Index(fields=["acl"], include=("id", "source"), name="scopes_of_an_acl"),
        ),
        migrations.RunSQL(ENTRIES_OF_CONDITIONS, migrations.RunSQL.noop),
        migrations.RunSQL(BREAK_GLASS_KEYS, migrations.RunSQL.noop),
        migrations.RunSQL((HERE / "0003_second_wall.sql").read_text()),
    ]
