"""What no door shows by itself: the database behind the guard, and what several people may see at once."""

from uuid import UUID

from django.db import transaction

from accounts.reader import Audience, Reader, Viewers
from accounts.statements import rows
from connectors.corpus.guard import GuardedModel
from connectors.corpus.reading import list_documents
from connectors.corpus.wall import WEB_ROLE, reading_as
from gateway.leaktest.findings import Findings, Line
from gateway.leaktest.planting import SOURCES, Plot
from gateway.leaktest.probing import Probing

WALL = "the database behind the guard"
AUDIENCE = "several people at once"
WALLED = """
SELECT c.relname, c.relrowsecurity FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s)
"""


def probe(probing: Probing) -> None:
    try_the_wall(probing.plot, probing.findings)
    read_together(probing)


def try_the_wall(plot: Plot, findings: Findings) -> None:
    """Count the rows of every table of content as nobody, and those of a reader to see that there are some."""
    findings.open(WALL, "P18")
    line = findings[WALL]
    tables = content_tables()
    walls = dict(rows(WALLED, [tables]))
    for table in tables:
        if not walls.get(table):
            line.leaks.append(f"{table} has no row-level security")
        _count(table, line, findings)
    reader = Reader(plot.people["reader"].user.pk)
    with reading_as(reader):
        seen = sum(rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables)  # noqa: S608  (names of our own)
    findings.count(WALL)
    if not seen:
        line.blind.append("a reader sees no row either")


def content_tables() -> list[str]:
    return sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in GuardedModel.__subclasses__())


def _count(table: str, line: Line, findings: Findings) -> None:
    with transaction.atomic():
        rows("SELECT set_config('role', %s, true), set_config('gatehouse.reader', '', true)", [WEB_ROLE])
        shown = rows(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608  (names of our own)
        transaction.set_rollback(True)  # and with it the role
    findings.count(WALL)
    if shown:
        line.leaks.append(f"SELECT on {table} without a reader shows {shown} rows")


def read_together(probing: Probing) -> None:
    """A reader among others: what is shown to all of them is what each may read, and nothing to outsiders (P10)."""
    probing.findings.open(AUDIENCE, "P10")
    line = probing.findings[AUDIENCE]
    people = {name: Reader(person.user.pk) for name, person in probing.plot.people.items()}
    alone = people["reader"]
    expected = {
        stand.document for stand in probing.stands.values() if "reader" in stand.boundary.readers(changed=stand.changed)
    }
    if _read(probing, Audience(alone)) != expected:
        line.blind.append("a reader alone does not see what they may read")
    for other in ("stranger", "guest", "administrator"):
        if _read(probing, Audience(alone, frozenset({people[other]}))):
            line.leaks.append(f"a reader and the {other} see what the {other} may not read")
    if _read(probing, Audience(alone, unidentified=True)):
        line.leaks.append("a reader and somebody unidentified see what is for planted people alone")
    if _read(probing, Audience(alone, outside=True)):
        line.leaks.append("a reader and somebody from outside see something")


def _read(probing: Probing, viewers: Viewers) -> set[UUID]:
    found: set[UUID] = set()
    for source in SOURCES:
        probing.findings.count(AUDIENCE)
        found |= {each.id for each in list_documents(viewers, source=probing.plot.key(source), limit=1_000)}
    return found
