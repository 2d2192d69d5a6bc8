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


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0003_search"),
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
        migrations.RunSQL(BREAK_GLASS_KEYS, migrations.RunSQL.noop),
        migrations.RunSQL((HERE / "0004_second_wall.sql").read_text()),
        migrations.RunSQL("SELECT '[1]'::halfvec <=> '[1]'", migrations.RunSQL.noop),  # its settings become known
        migrations.RunSQL((HERE / "0004_search_for_viewers.sql").read_text()),
    ]
