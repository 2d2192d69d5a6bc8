"""`python -m benchmarks.ask`: how long the people of the demo company wait for the first sentence of an answer.

Through `ask`, with a real reader, on the embedded Postgres, by the extractive answerer, in a process that is warm.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import ground

ground.prepare("command", pooled=True)

from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402  (the settings are its own by now)
from django.db.backends.signals import connection_created  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.reader import Reader  # noqa: E402
from benchmarks.reporting import Report  # noqa: E402
from connectors import ingest, sync  # noqa: E402
from connectors.corpus.reading import list_documents  # noqa: E402
from connectors.models import Source  # noqa: E402
from gateway.answering.asking import ask  # noqa: E402
from gateway.answering.events import Done, Failed, Retrieved, SentenceShown  # noqa: E402
from gateway.demo import load  # noqa: E402

ASKERS = 5
TITLES = 30  # of documents, about each of which every person asks
BAR = 1.0  # seconds, p95
# One way of asking a person, so that no question comes twice and no vector is remembered from an earlier one.
WAYS = (
    "What should I know about {}?",
    "Can you sum up {} for me?",
    "What does it say in {}?",
    "What are the rules of {}?",
    "Tell me what matters in {}.",
)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """When the events of one answer came, in seconds since the question; `first` is empty without a sentence."""

    retrieved: float
    first: float | None
    done: float


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.ask", description=__doc__).parse_args()
    with ground.installation():
        report = Report("ask")
        load_demo()
        asked = list(questions())
        asyncio.run(all_answers(asked[:ASKERS]))  # warm: models loaded, pool filled, plans made
        statements = Statements()
        connection_created.connect(statements.listen)
        began = time.process_time()
        answers = asyncio.run(all_answers(asked))
        used = time.process_time() - began
        describe(report, answers, used, statements.count)


def load_demo() -> None:
    load.load_demo()
    source = Source.objects.get(directory__key=load.SOURCE_KEY)
    run = sync.run_now(source)
    if run.state != run.State.SUCCEEDED:
        raise SystemExit(f"The demo company was not read: {run.problems}")
    ingest.drain(source)


def questions() -> Iterator[tuple[Reader, str]]:
    """Each person's own questions of the demo, then one about each of the first documents they may read."""
    for person, way in zip(load.people()[:ASKERS], WAYS, strict=True):
        reader = Reader(User.objects.get(email=person.email).pk)
        for question in person.questions:
            yield reader, question
        for document in list_documents(reader, limit=TITLES):
            yield reader, way.format(document.title)


class Statements:
    """Counts the SQL statements of every connection that is taken from the pool from now on."""

    def __init__(self) -> None:
        self.count = 0

    def listen(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if self._counted not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._counted)

    def _counted(self, execute: Any, *statement: Any) -> Any:
        self.count += 1
        return execute(*statement)


async def all_answers(asked: list[tuple[Reader, str]]) -> list[Answered]:
    """One after another."""
    return [await answered(reader, question) for reader, question in asked]


async def answered(reader: Reader, question: str) -> Answered:
    began = time.perf_counter()
    retrieved = done = 0.0
    first = None
    async for event in ask(reader, question, door="benchmark"):
        now = time.perf_counter() - began
        match event:
            case Retrieved():
                retrieved = now
            case SentenceShown():
                first = now if first is None else first
            case Done():
                done = now
            case Failed():
                raise SystemExit(f"An answer failed: {event.message}")
    return Answered(retrieved=retrieved, first=first, done=done)


def describe(report: Report, answers: list[Answered], used: float, statements: int) -> None:
    first = [answer.first for answer in answers if answer.first is not None]
    report.facts["questions"] = f"{len(answers)} by {ASKERS} people, {len(first)} answered with a sentence"
    report.add_times("first sentence", first, p95_at_most=BAR * 1000)
    report.add_times("passages retrieved", [answer.retrieved for answer in answers])
    report.add_times("whole answer", [answer.done for answer in answers])
    report.add("processor time a question (this process)", used / len(answers) * 1000, "ms")
    report.add("SQL statements a question", statements / len(answers), "")
    report.finish()


if __name__ == "__main__":
    main()
