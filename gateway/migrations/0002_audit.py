"""Installs the audit table and the triggers that keep it append-only."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP TABLE gateway_auditevent;
DROP FUNCTION gatehouse_audit_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_initial")]
    operations = [migrations.RunSQL(SQL, UNDO)]
