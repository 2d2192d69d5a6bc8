"""`python -m benchmarks.syncing [PART ...]`: how soon a right that changes at a source is in force, what syncs cost.

`notified`, `polled`: with the processes of `up`, and a system on loopback that is read by the source protocol. A right
changes there, its system notifies or says nothing, and this process asks every few milliseconds, as a reader, until the
right is in force. `embedding`: the same while the local model embeds 100,000 passages, in the same installation.
`unchanged`: 10,000 documents of which nothing has changed are read again, and no row is written. `workers`: files that
wait are brought in by one worker process and by two, in turn, all of one source or half of each of two; parsing and
embedding aside, so by a parser that costs nothing and without vectors.
"""

import argparse
import http.client
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks import ground

DATA = ground.scratch_directory()
ground.prepare("command", data_dir=DATA)

from django.conf import settings  # noqa: E402  (the benchmark's own settings are read by now)
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.models import User  # noqa: E402
from accounts.reader import Reader  # noqa: E402
from accounts.statements import execute, rows  # noqa: E402
from benchmarks import bulk, given  # noqa: E402
from benchmarks.reporting import Report, percentile  # noqa: E402
from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS  # noqa: E402
from benchmarks.retrieval.serving import ensure_database  # noqa: E402
from benchmarks.running import free_port, up  # noqa: E402
from benchmarks.syncing import shelf  # noqa: E402
from benchmarks.syncing.shelf import Change, Shelf  # noqa: E402
from connectors import listing, sync  # noqa: E402
from connectors.adding import add_source, delete_source  # noqa: E402
from connectors.kit.system import System  # noqa: E402
from connectors.models import Document, IndexGeneration, Source  # noqa: E402
from connectors.sources.registry import KINDS  # noqa: E402
from gateway import embedded  # noqa: E402
from gateway.embedded.postgres import DATABASE  # noqa: E402

PARTS = ("notified", "polled", "embedding", "unchanged", "workers")
BY_UP = PARTS[:3]
CHANGES = 50  # that go and come back
ON_THE_SHELF = 1_000  # documents
INTERVAL = 10  # seconds between two looks at a system that does not notify
POLLED = 6  # changes, each there and back
TO_EMBED = 100_000  # passages
UNCHANGED = 10_000  # documents
FILES = 1_500
ROUNDS = 3
PATIENCE = 600.0  # seconds
EVERY = 0.005  # seconds between two looks of the reader
KEY = "shelf"
FILES_KIND = "files-of-a-benchmark"
TABLES = (
    *("connectors_document", "connectors_documenttext", "connectors_passage", "connectors_passagevector"),
    *("connectors_scope", "connectors_acl", "connectors_aclentry", "connectors_unembedded", "connectors_content"),
    *("accounts_principal", "accounts_membership", "accounts_closure", "accounts_identitylink"),
)
UPDATED = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = ANY(%s)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.syncing", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all unless told")
    parser.add_argument("--passages", type=int, default=TO_EMBED, help="that wait for their vectors meanwhile")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    parts = asked.parts or PARTS
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMBED_CLASS = given.EMBEDDER
    KINDS[FILES_KIND] = shelf.Files
    report = Report("syncing")
    if "unchanged" in parts:
        with ground.installation():
            unchanged(report)
            anew()
    if "workers" in parts:
        with ground.installation():
            workers(report)
            anew()
    if set(parts) & set(BY_UP):
        with_processes(report, [part for part in BY_UP if part in parts], asked.passages)
    report.finish()


def anew() -> None:
    """Nothing of one part weighs on the next."""
    connections.close_all()
    ensure_database(embedded.database_url(settings.DATA_DIR), DATABASE, anew=True)
    call_command("migrate", interactive=False, verbosity=0)


# --- how soon a right is in force ---------------------------------------------------------------------------------


def with_processes(report: Report, parts: Sequence[str], passages: int) -> None:
    with System(Shelf(ON_THE_SHELF)).running() as system:
        with ground.installation():
            reader = Reader(User.objects.create_user(f"{shelf.READER}@example.org").pk)
            source = add_source(KEY, kind="http", settings={"base_url": system.url}, vouches_for_emails=True)
            if "embedding" in parts:
                to_embed(passages)
            notifying = Notifying(source)
        with up(DATA, notifying.port):
            measured(report, parts, system.answer, reader, notifying)
            connections.close_all()


def measured(report: Report, parts: Sequence[str], house: object, reader: Reader, notifying: "Notifying") -> None:
    assert isinstance(house, Shelf)
    wait_until(lambda: documents_of(reader) == ON_THE_SHELF, 600)
    stop_embedding()
    idle: list[float] = []
    busy: list[float] = []
    if "embedding" in parts:
        for _ in range(2):  # in turn, so that both see the same load of the machine
            idle += in_force(house, reader, shelf.changes(CHANGES // 2), notifying)
            with embedding(report):
                busy += in_force(house, reader, shelf.changes(CHANGES // 2), notifying)
    elif "notified" in parts:
        idle = in_force(house, reader, shelf.changes(CHANGES), notifying)
    if idle:
        report.add_times(f"{len(idle)} changes at a source that notifies, in force", idle, p95_at_most=2_000)
    if busy:
        report.add_times(f"{len(busy)} while passages are embedded", busy)
        for percent in (50, 95):
            ratio = percentile(busy, percent) / percentile(idle, percent)
            report.add(f"while passages are embedded to idle, p{percent}", ratio, "times", at_most=2)
    if "polled" in parts:
        polled(report, house, reader)


def polled(report: Report, house: Shelf, reader: Reader) -> None:
    """The system says nothing; changes come at any moment between two looks."""
    Source.objects.filter(directory__key=KEY).update(interval=INTERVAL)
    sync.wake(Source.objects.get(directory__key=KEY))  # the interval begins with the next run
    time.sleep(INTERVAL)
    chance = random.Random(5)

    def wait() -> None:
        time.sleep(chance.uniform(0, INTERVAL))

    seconds = in_force(house, reader, shelf.changes(POLLED), wait, first=True)
    report.add(f"{2 * POLLED} changes at a source looked at every {INTERVAL} s, p50", percentile(seconds, 50), "s")
    report.add("the same, the longest", max(seconds), "s", at_most=INTERVAL + 5)


def in_force(
    house: Shelf, reader: Reader, changes: Sequence[Change], tell: Callable[[], object], *, first: bool = False
) -> list[float]:
    """The seconds from each change at the source until it holds for the reader. `first`: tell before, not after."""
    seconds = []
    for change in changes:
        for is_open in (False, True):
            if first:
                tell()
            began = time.perf_counter()
            house.say(change.of(is_open))
            if not first:
                tell()
            wait_until(lambda: reads(reader, change.document) is is_open, PATIENCE)  # noqa: B023  (called at once)
            seconds.append(time.perf_counter() - began)
    return seconds


def reads(reader: Reader, document: str) -> bool:
    return Document.objects.visible_to(reader).filter(external_id=document).exists()


def documents_of(reader: Reader) -> int:
    return Document.objects.visible_to(reader).filter(external_id__startswith="d").count()


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"What was waited for did not come within {seconds:.0f} s.")
        time.sleep(EVERY)


class Notifying:
    """The source's own program, which says by the API that something changed."""

    def __init__(self, source: Source) -> None:
        self.port = free_port()
        owner = User.objects.create_user("program@example.org")
        _, self.secret = tokens.issue(
            owner, verbs=["ingest"], directories=[source.directory], all_sources=False, expires_at=None
        )

    def __call__(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", f"/api/v1/sources/{KEY}/notify", b"", {"Authorization": f"Bearer {self.secret}"})
        status = connection.getresponse().status
        connection.close()
        if status != 202:
            raise SystemExit(f"A notification was answered with {status}.")


# --- while passages are embedded ----------------------------------------------------------------------------------


def to_embed(passages: int) -> None:
    """Passages of a source of their own, which wait for nothing yet."""
    source = add_source("library", kind="push")
    generation = IndexGeneration.objects.create(
        state=IndexGeneration.State.RETIRED, model="given", class_path=given.EMBEDDER, dimensions=DIMENSIONS
    )
    passages = passages // A_DOCUMENT * A_DOCUMENT
    made = given.vectors()[[number % given.VECTORS for number in range(passages)]]
    with bulk.without_indexes_of_words():
        bulk.load(source, generation, given.MadeUp({"paragraphs": str(passages)}).records(None), made)
    execute("DELETE FROM connectors_passagevector")
    execute("DELETE FROM connectors_unindexed")
    bulk.settle()


@contextmanager
def embedding(report: Report) -> Iterator[None]:
    """They all wait for their vectors, and the process that makes these is at it, until the end of the block."""
    execute(
        "INSERT INTO connectors_unembedded (passage_id, queued_at, reason) SELECT p.id, clock_timestamp(), '' "
        "FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id "
        "JOIN accounts_directory s ON s.id = d.source_id WHERE s.key = 'library' ON CONFLICT DO NOTHING"
    )
    waiting = waiting_passages()
    wait_until(lambda: waiting_passages() < waiting, PATIENCE)
    before, began = waiting_passages(), time.monotonic()
    yield
    wait_until(lambda: waiting_passages() < before, PATIENCE)  # a batch that was begun ends: it went on all the while
    made, seconds = before - waiting_passages(), time.monotonic() - began
    report.add("passages embedded meanwhile", made / seconds, "passages/s")
    report.facts["waiting for their vectors"] = f"{before:,} passages"
    stop_embedding()


def stop_embedding() -> None:
    """Nothing waits any more, and what was under way is done."""
    quiet_since, vectors = time.monotonic(), -1
    while time.monotonic() - quiet_since < 8:
        execute("DELETE FROM connectors_unembedded")
        found = rows("SELECT count(*) FROM connectors_passagevector")[0][0]
        if found != vectors:
            quiet_since, vectors = time.monotonic(), found
        time.sleep(0.5)


def waiting_passages() -> int:
    found: int = rows("SELECT count(*) FROM connectors_unembedded")[0][0]
    return found


# --- nothing has changed ------------------------------------------------------------------------------------------


def unchanged(report: Report) -> None:
    """By a run in this process, which is what a worker does. Vectors are given, since how long a model takes is
    another question; whether any are made is seen."""
    with System(Shelf(UNCHANGED)).running() as system:
        source = add_source("unchanged", kind="http", settings={"base_url": system.url}, vouches_for_emails=True)
        first = timed(source)
        from connectors import vectors

        while not vectors.embed_waiting(time.monotonic() + 3600):
            time.sleep(0.5)
        before, written = versions(), row_writes()
        listing.read_whole(source)
        again = timed(source)
        rewritten = sum(1 for one, other in zip(before, versions(), strict=True) if one != other)
        report.add(f"first sync of {UNCHANGED:,} documents", first, "s")
        report.add("read again whole, nothing has changed", again, "s", at_most=60)
        report.add(f"of {len(TABLES)} tables, those with a row that is another (xmin)", rewritten, "", at_most=0)
        report.add("rows written in them by the server's own count", row_writes() - written, "", at_most=0)
        report.add("passages that wait for a vector after it", waiting_passages(), "", at_most=0)
        run = source.runs.latest("started_at")
        report.facts["unchanged"] = f"{run.state}, {run.counts}, {len(run.problems)} problems"


def timed(source: Source) -> float:
    began = time.perf_counter()
    run = sync.run_now(Source.objects.get(pk=source.pk))
    if run.state != "succeeded":
        raise SystemExit(f"A run failed: {run.problems}")
    return time.perf_counter() - began


def versions() -> list[str]:
    """Of each table, which transaction has written which row."""
    statement = "SELECT md5(coalesce(string_agg(ctid::text || xmin::text, ',' ORDER BY ctid), '')) FROM {}"
    return [rows(statement.format(table))[0][0] for table in TABLES]


def row_writes() -> int:
    execute("SELECT pg_stat_force_next_flush()")
    execute("SELECT pg_stat_clear_snapshot()")
    return sum(count for _, count in rows(UPDATED, [list(TABLES)]))


# --- two workers --------------------------------------------------------------------------------------------------


def workers(report: Report) -> None:
    """Each worker is a process of its own; they share the queue and, for one source, its lock."""
    for sources in (1, 2):
        taken: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(ROUNDS):
            for count in taken:
                taken[count].append(drained(sources, count))
        one, two = (min(seconds) for seconds in taken.values())
        named = "one source" if sources == 1 else "two sources"
        report.add(f"files of {named}, one worker", FILES / one, "files/s")
        report.add(f"files of {named}, two workers", FILES / two, "files/s")
        report.add(f"files of {named}, time of two workers to that of one", two / one, "times", at_most=1 / 1.7)
        report.add(f"files of {named}, two workers are faster", one / two, "times")


def drained(sources: int, count: int) -> float:
    """Seconds until all files are in."""
    made = [
        add_source(f"files{number}", kind=FILES_KIND, settings={"files": str(FILES // sources)})
        for number in range(sources)
    ]
    for source in made:
        timed(source)
    connections.close_all()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.syncing.draining", str(DATA)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    brought = sum(int(process.communicate()[0]) for process in processes)
    seconds = time.perf_counter() - began
    if brought != FILES:
        raise SystemExit(f"{brought} of {FILES} files came in.")
    for source in made:
        delete_source(source)
    return seconds


if __name__ == "__main__":
    main()
