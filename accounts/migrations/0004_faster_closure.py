"""Closure rows are recomputed for the pairs that a change can touch, instead of for every holder below it."""

from pathlib import Path

from django.db import migrations

HERE = Path(__file__).parent
BEFORE = (HERE / "0002_principals_of_a_person.sql").read_text().split("-- P1, P2, P17:")[0]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_auditor")]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            "DROP FUNCTION gatehouse_refresh_closure(bigint[], bigint[]); DROP FUNCTION gatehouse_led_to(bigint[], bigint[]);"
            + BEFORE,
        )
    ]
