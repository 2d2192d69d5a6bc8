"""`python -m benchmarks.loading [--size N]`: how quickly texts and vectors come in, until they are found.

By bulk (COPY into an empty installation), into the approximate index, all at once and by its queue, and through sync: a
connector's records applied by one process while another embeds what waits, as the two processes of the worker do.
Vectors are given, since how long a model takes is another question. Each stretch ends with a search, by word and by
vector; afterwards some hundred passages are looked for. Processor time, which a busy machine changes least, is that of
all, Postgres too.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event
from types import TracebackType

from benchmarks import ground

ground.prepare("worker")

from django.conf import settings  # noqa: E402  (the benchmark's own settings are read by now)
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.reader import Reader  # noqa: E402
from accounts.statements import rows  # noqa: E402
from benchmarks import bulk, given  # noqa: E402
from benchmarks.processes import cpu_seconds, services_of  # noqa: E402
from benchmarks.reporting import Report  # noqa: E402
from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS  # noqa: E402
from benchmarks.retrieval.serving import ensure_database  # noqa: E402
from connectors import sync, tasks, vectors  # noqa: E402
from connectors.adding import add_source  # noqa: E402
from connectors.corpus import documents  # noqa: E402
from connectors.corpus.counting import waiting_to_be_embedded  # noqa: E402
from connectors.corpus.search import Mode, search  # noqa: E402
from connectors.models import IndexGeneration  # noqa: E402
from connectors.records import DocumentRecord  # noqa: E402
from connectors.sources.registry import KINDS  # noqa: E402
from gateway import embedded  # noqa: E402
from gateway.embedded.postgres import DATABASE  # noqa: E402

BY_BULK, BY_SYNC = 1000 / 5_000, 1000 / 1_000  # milliseconds a passage, at most
LATER = 0.1  # of the passages by bulk come when the approximate index is there, and pass through its queue
EVERY = 5.0  # seconds after which the scheduler looks for what is to be embedded
PATIENCE = 3600.0  # seconds
LOOKED_FOR = 200  # passages
AMONG = 50  # the first so many of an answer; a vector may be that of more than one passage
OWN_WORD = re.compile(r"N\d+\b")
PASSAGES = """
SELECT p.public_id, p.text, v.embedding::text
FROM connectors_passage p JOIN connectors_passagevector v ON v.passage_id = p.id WHERE p.id = ANY(%s)
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loading", description=__doc__)
    parser.add_argument("--size", type=int, default=20_000, help="passages; 20,000 unless told")
    size = max(parser.parse_args().size // A_DOCUMENT * A_DOCUMENT, 10 * A_DOCUMENT)
    settings.EMBED_CLASS = given.EMBEDDER
    KINDS[given.KIND] = given.MadeUp
    given.vectors()
    with ground.installation():
        report = Report("loading")
        by_bulk(report, size)
        anew()
        by_sync(report, size)
        report.finish()


def anew() -> None:
    """Nothing of the first part weighs on the second."""
    connections.close_all()
    ensure_database(embedded.database_url(settings.DATA_DIR), DATABASE, anew=True)
    call_command("migrate", interactive=False, verbosity=0)


# --- by bulk --------------------------------------------------------------------------------------------------------


def by_bulk(report: Report, size: int) -> None:
    """Most before there is an approximate index, the others by its queue."""
    reader, source = somebody(), add_source("bulk", kind="push")
    generation = IndexGeneration.objects.create(
        state=IndexGeneration.State.ACTIVE, model="given", class_path=given.EMBEDDER, dimensions=DIMENSIONS
    )
    records = list(given.MadeUp({"paragraphs": str(size)}).records(None))
    made = given.vectors()[[number % given.VECTORS for number in range(size)]]
    later = max(int(size * LATER) // A_DOCUMENT, 1)
    head = [record for record in records if not isinstance(record, DocumentRecord)]
    texts = [record for record in records if isinstance(record, DocumentRecord)]
    first = size - later * A_DOCUMENT
    with Stretch(report, "bulk load", first, at_most=BY_BULK):
        with bulk.without_indexes_of_words():
            bulk.load(source, generation, [*head, *texts[:-later]], made[:first])
        bulk.settle()
        find(reader, [newest()])
    look_for(report, "bulk load", reader, first)
    with Stretch(report, "into HNSW, all at once", first):
        vectors.build(generation)
    bulk.load(source, generation, texts[-later:], made[first:])
    with Stretch(report, "into HNSW, by its queue", size - first):
        vectors.index_waiting(generation, time.monotonic() + PATIENCE)
    report.facts["by bulk"] = f"{first:,} passages in {size // A_DOCUMENT - later:,} documents, {size - first:,} later"


# --- through sync ---------------------------------------------------------------------------------------------------


def by_sync(report: Report, size: int) -> None:
    """The process is warm: what cuts texts is imported before. No approximate index is made: that is timed apart."""
    vectors.GRAPH_FROM = size + 1
    source = add_source("synced", kind=given.KIND, settings={"paragraphs": str(size)})
    reader = somebody()
    documents.prepare(DocumentRecord(id="warm", title="", text=next(given.documents(A_DOCUMENT))))
    context = multiprocessing.get_context("fork")
    ended = context.Event()
    connections.close_all()  # whoever is forked has none of them
    embedding = context.Process(target=embed_until, args=(ended,), daemon=True)
    embedding.start()
    assert embedding.pid is not None
    with Stretch(report, "through sync", size, at_most=BY_SYNC, beside=embedding.pid):
        began = time.perf_counter()
        run = sync.run_now(source)
        by_words = time.perf_counter() - began
        ended.set()
        while waiting_to_be_embedded():
            if not embedding.is_alive():
                raise SystemExit("The process that embeds has ended; what stopped it stands above.")
            time.sleep(0.02)
        find(reader, [newest()])
    embedding.join()
    report.add("through sync, until found by keyword alone", size / by_words, "passages/s")
    report.facts["through sync"] = f"{run.state}, {run.counts}, {len(run.problems)} problems"
    look_for(report, "through sync", reader, size)


def embed_until(ended: Event) -> None:
    """What the worker does beside a sync: it looks every few seconds, and once more at the end."""
    while not ended.wait(EVERY):
        tasks.embed()
    tasks.embed()
    connections.close_all()


# --- both -----------------------------------------------------------------------------------------------------------


class Stretch:
    """Some work on so many passages: what it takes of time, and of processor time in each process."""

    def __init__(self, report: Report, name: str, passages: int, *, at_most: float | None = None, beside: int = 0):
        self.report, self.name, self.passages, self.at_most = report, name, passages, at_most
        self.beside = beside

    def __enter__(self) -> None:
        self.worked = self._worked()
        self.began = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            return
        seconds, worked = time.perf_counter() - self.began, self._worked()
        self.report.add(self.name, self.passages / seconds, "passages/s")
        self.report.add(f"{self.name}, a passage", seconds / self.passages * 1000, "ms", at_most=self.at_most)
        for part, before in self.worked.items():
            each = (worked[part] - before) / self.passages * 1000
            self.report.add(f"{self.name}, processor time a passage, {part}", each, "ms")

    def _worked(self) -> dict[str, float]:
        parts = {"this process": [os.getpid()], "Postgres": services_of(settings.DATA_DIR)}
        if self.beside:
            parts["the process that embeds"] = [self.beside]
        return {part: cpu_seconds(pids) for part, pids in parts.items()}


def somebody() -> Reader:
    return Reader(User.objects.create_user("reader@example.com").pk)


def newest() -> int:
    id: int = rows("SELECT max(id) FROM connectors_passage")[0][0]
    return id


def look_for(report: Report, name: str, reader: Reader, passages: int) -> None:
    """That all are there, and that those drawn are found."""
    ids = [id for (id,) in rows("SELECT passage_id FROM connectors_passagevector ORDER BY passage_id")]
    if len(ids) != passages:
        raise SystemExit(f"Of {passages:,} passages {len(ids):,} have a vector ({name}).")
    drawn = random.Random(5).sample(ids, min(LOOKED_FOR, len(ids)))
    find(reader, drawn)
    report.facts[f"found by keyword and by vector, {name}"] = f"{len(drawn)} of {len(drawn)}"


def find(reader: Reader, passages: Sequence[int]) -> None:
    """Each by the word it alone has, and by its vector."""
    for passage, text, vector in rows(PASSAGES, [list(passages)]):
        word = OWN_WORD.match(text)
        asked: dict[Mode, tuple[str, list[float] | None]] = {
            "text": (word.group() if word else text, None),
            "vector": ("", json.loads(vector)),
        }
        for mode, (query, numbers) in asked.items():
            hits = search(reader, query=query, vector=numbers, limit=AMONG, mode=mode)
            if passage not in {hit.passage_id for hit in hits}:
                raise SystemExit(f"A passage that was loaded is not found by {mode}: {text[:60]}")


if __name__ == "__main__":
    main()
