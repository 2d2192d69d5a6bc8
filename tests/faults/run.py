"""One sync from its beginning until all is there, with faults or without, and what it left."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections

from accounts.models import User
from accounts.statements import rows
from benchmarks.retrieval.serving import ensure_database
from connectors import adding, tasks
from connectors.corpus import soundness
from connectors.kit.system import System
from connectors.models import Source, SyncRun
from gateway import embedded
from gateway.celery import app
from gateway.embedded.postgres import DATABASE
from tests.faults import dump, processes
from tests.faults.inhouse import DIMENSIONS, InHouse
from tests.faults.killing import Killing
from tests.faults.processes import Gateway
from tests.faults.truth import CRASHERS, STRANGER, Truth
from tests.faults.watching import Watch

STUCK = 120.0  # seconds in which nothing gets on any more
KEY = "inhouse"
PUBLISHED = (
    "SELECT coalesce(sum(text_revision), 0) + count(*) FILTER (WHERE state = 'quarantined') FROM connectors_document"
)
OVER = """
SELECT checkpoint ->> 'cursor', listing_began IS NULL AND NOT EXISTS (SELECT FROM connectors_content)
    AND NOT EXISTS (SELECT FROM connectors_unembedded)
    AND NOT EXISTS (SELECT FROM connectors_syncrun WHERE state = 'running')
FROM connectors_source WHERE directory_id = %s
"""
DOUBLED = """
SELECT count(*) FROM (SELECT FROM connectors_document WHERE state <> 'deleted' GROUP BY source_id, external_id
HAVING count(*) > 1) AS twice
"""
HELD = "SELECT external_id FROM connectors_document WHERE state IN ('live', 'quarantined')"


class Stuck(Exception):
    """The sync does not come to its end."""


@dataclass(frozen=True)
class Wanted:
    """`times`: how often each kind of process is killed; 0 is a run without any fault."""

    documents: int
    times: int
    seed: int
    defect: str = ""

    def without_faults(self) -> "Wanted":
        return Wanted(self.documents, 0, self.seed)


@dataclass
class Outcome:
    """What a run left, and what happened on the way."""

    dumped: str
    wrong: list[str]
    lost: int
    doubled: int
    seconds: float
    facts: dict[str, object]


@contextmanager
def installation() -> Iterator[Callable[[], None]]:
    """Postgres and Valkey are up inside, as durable as in production, since they are to be killed."""
    with embedded.services(settings.DATA_DIR) as look_after:
        try:
            yield look_after
        finally:
            connections.close_all()


def anew() -> None:
    """An empty database, and no message in the queues."""
    connections.close_all()
    ensure_database(embedded.database_url(settings.DATA_DIR), DATABASE, anew=True)
    call_command("migrate", interactive=False, verbosity=0)
    with app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        channel.client.flushall()


@dataclass
class Sync:
    """`logs`: where the processes write. `look_after`: the servers."""

    wanted: Wanted
    logs: Path
    look_after: Callable[[], None] = lambda: None
    _got: tuple[int, ...] = ()
    _since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.truth = Truth(self.wanted.seed, self.wanted.documents, changes=max(self.wanted.documents // 5, 40))
        self.house = InHouse(self.truth, faulty=bool(self.wanted.times))

    def outcome(self) -> Outcome:
        """Raises `Stuck`."""
        anew()
        began = time.monotonic()
        with System(self.house).running() as system:
            source = source_of(system)
            watch = Watch(self.truth, source.pk)
            with processes.running(self.logs, surroundings(system), defect=self.wanted.defect) as gateway:
                killing = Killing(gateway, Path(settings.DATA_DIR), self.wanted.times, self.wanted.seed, self._done)
                self.house.pace = lambda part: killing.part >= part
                with watch.watching():
                    self._until_over(source, gateway, killing, watch)
            self.house.ending.set()
            with suppress(DatabaseError):
                watch.look()
        return self._found(watch, killing, time.monotonic() - began)

    def _until_over(self, source: Source, gateway: Gateway, killing: Killing, watch: Watch) -> None:
        notified = time.monotonic()
        while not watch.wrong:
            gateway.look_after()
            self.look_after()
            killing.step()
            with answering():
                if not killing.left and self._is_over(source):
                    return
                if time.monotonic() - notified > 1:
                    notified = time.monotonic()
                    tasks.read_at_once(source)
                self._gets_on(killing)
            time.sleep(0.02)

    def _done(self) -> int:
        published: int = rows(PUBLISHED)[0][0]
        return published + self.house.told["asked"]

    def _is_over(self, source: Source) -> bool:
        ((cursor, quiet),) = rows(OVER, [source.pk])
        return bool(quiet) and cursor == f"changes.{self.truth.changes}"

    def _gets_on(self, killing: Killing) -> None:
        got = (rows(PUBLISHED)[0][0], self.truth.moment, self.house.furthest, sum(killing.done.values()))
        now = time.monotonic()
        if got != self._got:
            self._got, self._since = got, now
        elif now - self._since > STUCK:
            waiting = rows("SELECT count(*), max(attempts) FROM connectors_content")[0]
            raise Stuck(
                f"Nothing has got on for {STUCK:.0f} s: {self.truth.moment} of {self.truth.changes} changes told, "
                f"{waiting[0]} files wait (attempts up to {waiting[1]}), still to be killed: {killing.left}."
            )

    def _found(self, watch: Watch, killing: Killing, seconds: float) -> Outcome:
        expected = {d["id"] for d in self.truth.living("document", self.truth.moment)}
        held = [id for (id,) in rows(HELD)]
        readable = self.truth.readable(self.truth.moment)
        reading = {reader: {document for _, document, _ in seen} for reader, seen in watch.everybody()}
        wrong = [*watch.wrong, *soundness.findings()]
        wrong += [
            f"{reader} does not read what they may, or more."
            for reader in readable
            if readable[reader] != reading[reader]
        ]
        runs = Counter(SyncRun.objects.values_list("state", flat=True))
        facts = {
            "killed": dict(killing.done),
            "kills though nothing had been done since the last": killing.idle,
            "the source": dict(self.house.told),
            "runs": dict(runs),
            "looks": watch.looks,
            "documents seen in them": watch.seen,
            "looks the database did not answer": watch.away,
            "quarantined": CRASHERS,
        }
        lost = len(expected - set(held)) + len(set(held) - expected)
        return Outcome(dump.dump(), wrong, lost, rows(DOUBLED)[0][0], seconds, facts)


def source_of(system: System) -> Source:
    """The source, and the people who read of it."""
    for name in [*(f"p{number}" for number in range(12)), STRANGER]:
        User.objects.create_user(f"{name}@example.org", "a long enough password", name=name)
    source = adding.add_source(KEY, kind="http", settings={"base_url": system.url}, vouches_for_emails=True)
    # without an age of its permissions it can be read while it is listed for the first time
    Source.objects.filter(pk=source.pk).update(interval=1, max_permission_age=None)
    return source


def surroundings(system: System) -> dict[str, str]:
    """The environment of the processes: vectors come from the system too."""
    return os.environ | {
        "EMBED_BASE_URL": f"{system.url}/v1",
        "EMBED_MODEL": "of-the-tests",
        "EMBED_DIMENSIONS": str(DIMENSIONS),
    }


@contextmanager
def answering() -> Iterator[None]:
    """While the database is away, it is looked at again later."""
    try:
        yield
    except DatabaseError:
        connection.close()
