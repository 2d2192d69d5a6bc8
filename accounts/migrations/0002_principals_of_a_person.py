"""Installs the SQL functions that say which principals a person holds."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION gatehouse_principals(bigint);
DROP FUNCTION gatehouse_refresh_closure(bigint, bigint[]);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
