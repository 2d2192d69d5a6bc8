"""The database behind the guard: under the role that reads, no table of content shows a row to nobody."""

from django.db import transaction

from accounts.reader import Reader
from accounts.statements import rows
from connectors.corpus.guard import GuardedModel
from connectors.corpus.wall import WEB_ROLE, reading_as
from gateway.leaktest.findings import Findings, Line
from gateway.leaktest.planting import Plot

LINE = "the database behind the guard"
RULES = "P18"
WALLED = """
SELECT c.relname, c.relrowsecurity FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s)
"""


def probe(plot: Plot, findings: Findings) -> None:
    """Count the rows of every table of content as nobody, and those of a reader to see that there are some."""
    findings.open(LINE, RULES)
    line = findings[LINE]
    tables = content_tables()
    walls = dict(rows(WALLED, [tables]))
    for table in tables:
        if not walls.get(table):
            line.leaks.append(f"{table} has no row-level security")
        _count(table, line, findings)
    reader = Reader(plot.people["reader"].user.pk)
    with reading_as(reader):
        seen = sum(rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables)  # noqa: S608  (names of our own)
    findings.count(LINE)
    if not seen:
        line.blind.append("a reader sees no row either")


def content_tables() -> list[str]:
    return sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in GuardedModel.__subclasses__())


def _count(table: str, line: Line, findings: Findings) -> None:
    with transaction.atomic():
        rows("SELECT set_config('role', %s, true), set_config('gatehouse.reader', '', true)", [WEB_ROLE])
        shown = rows(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608  (names of our own)
        transaction.set_rollback(True)  # and with it the role
    findings.count(LINE)
    if shown:
        line.leaks.append(f"SELECT on {table} without a reader shows {shown} rows")
