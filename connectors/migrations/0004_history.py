"""Installs the history of rights and the triggers that write it (decision 0015)."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT DISTINCT p.oid::regprocedure::text AS name FROM pg_proc p
                 WHERE p.proname LIKE 'gatehouse\\_remember\\_%' OR p.proname = 'gatehouse_history_is_append_only'
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', found.name);  -- and its triggers
    END LOOP;
END $$;
DROP VIEW connectors_history_facts;
DROP TABLE connectors_history;
DROP FUNCTION gatehouse_moment();
DROP FUNCTION gatehouse_micros(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("connectors", "0003_second_wall"), ("accounts", "0003_auditor")]
    operations = [migrations.RunSQL(SQL, UNDO)]
