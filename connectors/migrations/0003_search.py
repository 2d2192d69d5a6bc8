"""Installs the search function. pgvector is loaded first, so that its settings are known to CREATE FUNCTION."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()
UNDO = """
DROP FUNCTION gatehouse_search(
    bigint, bigint, halfvec, text[], integer, boolean, bigint[], timestamptz, timestamptz);
DROP FUNCTION gatehouse_lexemes(text);
"""


class Migration(migrations.Migration):
    dependencies = [("connectors", "0002_guarded_corpus")]
    operations = [
        migrations.RunSQL("SELECT '[1]'::halfvec <=> '[1]'", migrations.RunSQL.noop),
        migrations.RunSQL(SQL, UNDO),
    ]
