"""`python -m benchmarks.explain`: decisions explained at times that are past, and what it costs to remember.

The history is made by the triggers, from changes as sources cause them: people join and leave groups twenty levels
deep, folders are shared anew, documents move, runs end. One group, one folder, one document and the source change so
often that each has thousands of events of its own: these are asked about. Then the triggers are taken off, and the
same changes made without them.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from benchmarks import ground

ground.prepare("command")

from accounts.models import User  # noqa: E402  (the benchmark's own settings are read by now)
from accounts.statements import execute, rows  # noqa: E402
from benchmarks.reporting import Report, percentile  # noqa: E402
from connectors.adding import add_source  # noqa: E402
from connectors.applying import apply_record  # noqa: E402
from connectors.corpus import history  # noqa: E402
from connectors.corpus.explaining import explain  # noqa: E402
from connectors.models import Source  # noqa: E402
from connectors.records import Access, Entry, PrincipalRecord, ScopeRecord  # noqa: E402

EVENTS = 100_000
PEOPLE = 2_000
DEPTH = 20
FOLDERS = 100
DOCUMENTS = 2_000
HOT = 5_000  # changes of each of the facts that are asked about
QUESTIONS = 200
TRIES = 40
BAR = 100.0  # milliseconds

MADE = """
INSERT INTO connectors_document (source_id, external_id, public_id, scope_id, state, reason, title, titled, url, mime,
    author, language, metadata, file_metadata, version, text_revision)
SELECT s.source_id, 'd' || n, gen_random_uuid(), s.id, 'live', '', 'Document ' || n, true, '', '', '', '', '{}', '{}',
    '', 1
FROM generate_series(0, %s) n JOIN connectors_scope s ON s.external_id = 'f' || n %% %s
"""
TABLES = ("accounts_membership", "accounts_principal", "connectors_scope", "connectors_document", "connectors_source")


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.explain", description=__doc__).parse_args()
    with ground.installation():
        report = Report("explain")
        source = add_source("made-up", kind="push", vouches_for_emails=True)
        ann = peopled(source)
        remembered(report)
        execute("VACUUM ANALYZE")
        explained(report, ann)
        report.add("facts that are not as remembered", history.differences(), "", at_most=0)
        remembering(report, source)
        report.finish()


def peopled(source: Source) -> User:
    """Ann, in a group at the bottom of twenty; folders within folders that grant the one at the top."""
    ann = User.objects.create_user("ann@example.com")
    apply_record(source, PrincipalRecord(id="ann", kind="user", email=ann.email, external=False))
    execute(
        "INSERT INTO accounts_principal (directory_id, external_id, kind, name, address, external, introduced) "
        "SELECT %s, 'p' || n, 'user', '', '', true, true FROM generate_series(1, %s) n",
        [source.pk, PEOPLE],
    )
    for level in range(DEPTH):
        below = "ann" if level == 0 else f"g{level - 1}"
        crowd = [f"p{1 + level * 100 + number}" for number in range(100)]
        members = tuple(Entry(id=member) for member in (below, *crowd))
        apply_record(source, PrincipalRecord(id=f"g{level}", kind="group", members=members))
    for number in range(FOLDERS):
        grants = (Entry(id=f"g{DEPTH - 1}"),) if number == 0 else ()
        parent = f"f{number - 1}" if number % 10 else None if number == 0 else "f0"
        apply_record(source, ScopeRecord(id=f"f{number}", parent=parent, access=Access(grants=grants)))
    execute(MADE, [DOCUMENTS - 1, FOLDERS])
    return ann


def remembered(report: Report) -> None:
    """As many changes as it takes."""
    chance = random.Random(5)
    began = time.perf_counter()
    scopes = [id for (id,) in rows("SELECT id FROM connectors_scope WHERE external_id LIKE 'f%%' ORDER BY id")]
    account, group = by_name("ann"), by_name("g0")
    execute("SET synchronous_commit = off")
    for _ in range(HOT // 100):
        for _ in range(
            50
        ):  # Ann leaves and comes back, her folder is closed and opened, her document moves, a run ends
            execute("DELETE FROM accounts_membership WHERE member_id = %s AND group_id = %s", [account, group])
            execute("INSERT INTO accounts_membership (member_id, group_id) VALUES (%s, %s)", [account, group])
            execute("UPDATE connectors_scope SET inherits = NOT inherits WHERE id = %s", [scopes[99]])
            execute("UPDATE connectors_scope SET inherits = NOT inherits WHERE id = %s", [scopes[99]])
            for place in (chance.choice(scopes), scopes[99]):
                execute("UPDATE connectors_document SET scope_id = %s WHERE external_id = 'd99'", [place])
            for _ in range(2):
                execute("UPDATE connectors_source SET permissions_verified_at = clock_timestamp()")
    while count() < EVENTS:  # and everybody else
        execute(
            "UPDATE accounts_membership SET until = now() + interval '1 year' * %s WHERE member_id <> %s",
            [1 + chance.random(), account],
        )
        execute("UPDATE connectors_document SET scope_id = %s WHERE external_id <> 'd99'", [chance.choice(scopes)])
    execute("RESET synchronous_commit")
    report.add("events in the history", count(), "")
    report.add("made in", time.perf_counter() - began, "s")
    report.add("size of the history with its indexes", size() / 2**20, "MB")


def by_name(external_id: str) -> int:
    found: int = rows("SELECT id FROM accounts_principal WHERE external_id = %s", [external_id])[0][0]
    return found


def count() -> int:
    found: int = rows("SELECT count(*) FROM connectors_history")[0][0]
    return found


def size() -> int:
    found: int = rows("SELECT pg_total_relation_size('connectors_history')")[0][0]
    return found


def explained(report: Report, ann: User) -> None:
    """Ann and the document that changed most, and others, at times spread over the whole history."""
    documents = dict(rows("SELECT external_id, public_id FROM connectors_document"))
    bearings = history.bearings(documents["d99"])
    begins, ends = bearings.begins, bearings.now
    chance = random.Random(6)

    def some_time() -> datetime:
        return begins + timedelta(seconds=chance.random() * (ends - begins).total_seconds())

    hot, others = [documents["d99"]], list(documents.values())
    for name, pool in (("the facts that changed most", hot), ("any document", others)):
        then = [(chance.choice(pool), some_time()) for _ in range(QUESTIONS)]
        report.add_times(f"explain --at, {name}", times_of(ann, then), p95_at_most=BAR)
        now = [(chance.choice(pool), None) for _ in range(QUESTIONS)]
        report.add_times(f"explain now, {name}", times_of(ann, now), p95_at_most=BAR)


def times_of(ann: User, questions: Sequence[tuple[UUID, datetime | None]]) -> list[float]:
    for document, at in questions[:5]:
        explain(ann.pk, document, at)
    seconds = []
    for document, at in questions:
        began = time.perf_counter()
        explain(ann.pk, document, at)
        seconds.append(time.perf_counter() - began)
    return seconds


def remembering(report: Report, source: Source) -> None:
    """Single statements, each its own transaction and taken back by the next, with the triggers and without."""
    source_id = source.pk
    changes: dict[str, Callable[[int], None]] = {
        "100 scopes shared anew": lambda n: execute(
            "UPDATE connectors_scope SET acl_id = CASE WHEN %s THEN (SELECT max(id) FROM connectors_acl) END",
            [n % 2 == 0],
        ),
        "1,000 memberships": lambda n: execute(
            "UPDATE accounts_membership SET until = now() + interval '1 day' * %s "
            "WHERE id IN (SELECT id FROM accounts_membership ORDER BY id LIMIT 1000)",
            [n + 1],
        ),
        "one membership": lambda n: execute(
            "UPDATE accounts_membership SET until = now() + interval '1 day' * %s "
            "WHERE id = (SELECT min(id) FROM accounts_membership)",
            [n + 1],
        ),
        "2,000 documents moved": lambda n: execute(
            "UPDATE connectors_document SET scope_id = (SELECT id FROM connectors_scope ORDER BY id OFFSET %s LIMIT 1)",
            [n],
        ),
        "a lease, which is not remembered": lambda n: execute(
            "UPDATE connectors_source SET lease_until = now() WHERE directory_id = %s", [source_id]
        ),
    }
    for name, change in changes.items():
        with_them = [timed(change, n) for n in range(TRIES)]
        with untold():
            without = [timed(change, n) for n in range(TRIES)]
        report.add(f"{name}: p50", percentile(with_them, 50) * 1000, "ms")
        report.add(f"{name}: of it for the history", (percentile(with_them, 50) - percentile(without, 50)) * 1000, "ms")


def timed(change: Callable[[int], None], number: int) -> float:
    began = time.perf_counter()
    change(number)
    return time.perf_counter() - began


@contextmanager
def untold() -> Iterator[None]:
    """Nothing is remembered inside."""
    for table in TABLES:
        for trigger in ("remember_new", "remember_changed", "remember_gone"):
            execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    try:
        yield
    finally:
        for table in TABLES:
            for trigger in ("remember_new", "remember_changed", "remember_gone"):
                execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")


if __name__ == "__main__":
    main()
