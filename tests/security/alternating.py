"""Two people alternate on one pooled connection, with errors and cancellations in between. Run as a process.

    GATEHOUSE_PROCESS=web GATEHOUSE_DB_POOL=1 DATABASE_URL=… python -m tests.security.alternating TIMES ANN BOB

Prints one JSON line: how often each looked, what went wrong on purpose, and everything either saw of the other.
"""

import json
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import django

AFTERWARDS = """
SELECT current_user, coalesce(current_setting('gatehouse.reader', true), ''),
       (SELECT string_agg(title, '') FROM connectors_document), pg_backend_pid()
"""


def main(times: int, ann: int, bob: int) -> None:
    django.setup()
    from django.db import connection

    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_user")
        backend, role = cursor.fetchone()
    connection.close()
    share = (times + 1) // 2
    lookers = [
        threading.Thread(target=look, args=(share, ann, "Ann", backend, counts, wrong)),
        threading.Thread(target=look, args=(share, bob, "Bob", backend, counts, wrong)),
    ]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    print(json.dumps({"role": role, "counts": counts, "wrong": wrong[:20]}))


def look(times: int, user_id: int, own: str, backend: int, counts: Counter[str], wrong: list[str]) -> None:
    """Look at the documents `times` times, by a way drawn at random, giving the connection back after each."""
    from django.db import connection

    from accounts.reader import Reader
    from accounts.statements import rows

    drawn = random.Random(user_id)
    reader = Reader(user_id)
    for _ in range(times):
        way = drawn.choice(WAYS)
        seen = way(reader)
        if seen != {own}:
            wrong.append(f"{own} by {way.__name__}: {sorted(seen)}")
        if drawn.random() < 0.2:
            trouble = drawn.choice(TROUBLES)
            trouble(reader)
            counts[trouble.__name__] += 1
        ((*state, process),) = rows(AFTERWARDS)
        if state != ["gatehouse_web", "", None]:
            wrong.append(f"after {own} by {way.__name__}: {state}")
        counts["looks"] += 1
        counts["on the one connection"] += process == backend
        connection.close()  # back to the pool, as at the end of a request


# --- ways to look, each the titles seen ------------------------------------------------------------------


def listed(reader: object) -> set[str]:
    from connectors.corpus.reading import list_documents

    return {document.title for document in list_documents(reader)}  # type: ignore[arg-type]


def searched(reader: object) -> set[str]:
    from connectors.corpus.search import search

    return {hit.title for hit in search(reader, query="secret", vector=None)}  # type: ignore[arg-type]


def lazily(reader: object) -> set[str]:
    """Made now, evaluated after another statement, and then again after an aggregate."""
    from accounts.statements import rows
    from connectors.models import Document

    made = Document.objects.visible_to(reader).order_by("pk")  # type: ignore[arg-type]
    rows("SELECT 1")
    counted = made.count()
    titles = [document.title for document in made]
    assert len(titles) == counted
    return set(titles)


def halfway(reader: object) -> set[str]:
    """Iterated, and left behind after the first."""
    from connectors.models import Passage

    passages = Passage.objects.visible_to(reader).select_related("document").iterator()  # type: ignore[arg-type]
    return {next(passages).document.title}


def in_a_transaction(reader: object) -> set[str]:
    from django.db import transaction

    with transaction.atomic():
        return listed(reader)


def past_the_first_wall(reader: object) -> set[str]:
    """SQL of our own that forgot to ask for whom: the reader's name alone opens what the reader may read."""
    from accounts.statements import rows
    from connectors.corpus.wall import reading_as

    with reading_as(reader):  # type: ignore[arg-type]
        return {title for (title,) in rows("SELECT title FROM connectors_document")}


WAYS: list[Callable[[object], set[str]]] = [listed, searched, lazily, halfway, in_a_transaction, past_the_first_wall]


# --- what goes wrong in between ---------------------------------------------------------------------------


def an_error(reader: object) -> None:
    from django.db import DataError

    from accounts.statements import rows
    from connectors.corpus.wall import reading_as

    with suppress(DataError), reading_as(reader):  # type: ignore[arg-type]
        rows("SELECT 1 / 0")


def a_cancellation(reader: object) -> None:
    """The statement is cancelled while it runs."""
    from django.db import OperationalError, connection

    from accounts.statements import rows
    from connectors.corpus.wall import reading_as

    with suppress(OperationalError), reading_as(reader):  # type: ignore[arg-type]
        timer = threading.Timer(0.002, connection.connection.cancel)
        timer.start()
        rows("SELECT pg_sleep(0.05)")


def an_exception(reader: object) -> None:
    """Our own code fails between its statements."""
    from connectors.corpus.wall import as_owner, reading_as

    with suppress(ZeroDivisionError), reading_as(reader):  # type: ignore[arg-type]
        _ = 1 / 0
    with suppress(ZeroDivisionError), as_owner():
        _ = 1 / 0


def an_error_deeper(reader: object) -> None:
    """Caught inside a transaction that goes on as the owner, and then as the web again."""
    from django.db import DataError, transaction

    from accounts.statements import rows
    from connectors.corpus.wall import as_owner

    with transaction.atomic():
        with suppress(DataError), as_owner():
            rows("SELECT 1 / 0")
        assert rows("SELECT current_user, (SELECT count(*) FROM connectors_document)") == [("gatehouse_web", 0)]
        with as_owner():
            assert rows("SELECT current_user <> 'gatehouse_web'") == [(True,)]
        assert rows("SELECT current_user, (SELECT count(*) FROM connectors_document)") == [("gatehouse_web", 0)]


TROUBLES: list[Callable[[object], None]] = [an_error, a_cancellation, an_exception, an_error_deeper]

if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
