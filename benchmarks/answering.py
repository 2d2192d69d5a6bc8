"""`python -m benchmarks.answering`: what the gateway adds to the time a language model takes.

Through `ask`, with real readers, on the embedded Postgres, in a process that is warm; the model is the spy that ships,
which says one sentence of the first passage at once, begins another, and is silent. Measured are how long it takes from
the question to the model's request, from the end of the model's sentence to the verified one, and from the commit that
takes a right away to the withdrawal.
"""

import argparse
import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass

from benchmarks import ask as asking  # prepares the installation, so it comes before all that is Django's

from django.conf import settings  # isort: skip

from accounts.models import User
from accounts.reader import Reader
from benchmarks import ground
from benchmarks.reporting import Report
from connectors.adding import add_source
from connectors.applying import apply_record
from connectors.corpus.search import Filters
from connectors.models import Source
from connectors.records import Access, DocumentRecord, Entry, PrincipalRecord
from gateway.answering import circuits
from gateway.answering.asking import ask
from gateway.answering.events import Retrieved, SentenceShown, Withdrawn
from gateway.answering.threads import in_thread
from gateway.spy.server import Spy

BEFORE = 0.250  # seconds, p95: from the question to the model's request
VERIFIED = 0.050  # p95: from the model's sentence to the verified one
WITHDRAWN = 0.250  # p95: from the lost right to the withdrawal
REVOCATIONS = 60
CLOCK = (3.0, 5.0, 2.0, 10.0)  # of the model, so that a sentence that is not believed does not hold the run up
SILENT = (3.0, 30.0, 30.0, 60.0)  # while it is waited for what the watcher sees
RULE = "The aubergine budget is {} euros in each office of the company."


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One answer, in seconds: `verified` is empty where the model's sentence was not believed."""

    retrieved: float
    before: float
    verified: float | None


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.answering", description=__doc__).parse_args()
    with ground.installation(), Spy("stall").running() as spy:
        report = Report("answering")
        settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_CLOCK = spy.url, "spy", CLOCK
        asking.load_demo()
        asked = list(asking.questions())
        asyncio.run(answers(spy, asked[: asking.ASKERS]))  # warm: models loaded, pool filled, plans made
        answered = asyncio.run(answers(spy, asked))
        settings.LLM_CLOCK = SILENT
        withdrawn = asyncio.run(withdrawals())
        describe(report, answered, withdrawn)


async def answers(spy: Spy, asked: list[tuple[Reader, str]]) -> list[Answered]:
    """One after another; a question for which nothing is found makes no request and is left out."""
    found = [await answered(spy, reader, question) for reader, question in asked]
    return [each for each in found if each is not None]


async def answered(spy: Spy, reader: Reader, question: str) -> Answered | None:
    calls = len(spy.calls)
    circuits.forget_all()  # where its sentences are not believed the spy's silence counts as a failure
    began = time.monotonic()
    retrieved = 0.0
    verified = None
    async with aclosing(ask(reader, question, door="benchmark")) as events:
        async for event in events:
            if isinstance(event, Retrieved):
                retrieved = time.monotonic() - began
            if isinstance(event, SentenceShown):
                shown = time.monotonic()
                said = [at for call in spy.calls[calls:] for at in call.said_at]
                verified = shown - said[0] if said and shown - said[0] < CLOCK[2] else None  # else it was given up
                break
    if len(spy.calls) == calls:
        return None
    return Answered(retrieved=retrieved, before=spy.calls[calls].came_at - began, verified=verified)


# --- a right that is lost -----------------------------------------------------------------------------


async def withdrawals() -> list[float]:
    """Seconds from a commit to the withdrawal of a sentence that rested on what it took away."""
    source = await in_thread(push_source)
    reader = await in_thread(reader_of, source)
    return [await withdrawal(source, reader, number) for number in range(REVOCATIONS)]


async def withdrawal(source: Source, reader: Reader, number: int) -> float:
    circuits.forget_all()
    await in_thread(put, source, number, "reader")
    lost = 0.0
    question = "What is the aubergine budget in each office?"
    asked = ask(reader, question, filters=Filters(sources=("budgets",)), door="benchmark")
    async with aclosing(asked) as events:
        async for event in events:
            if isinstance(event, SentenceShown):
                await in_thread(put, source, number, "nobody")
                lost = time.monotonic()
            if isinstance(event, Withdrawn):
                return time.monotonic() - lost
    raise SystemExit("An answer ended without a withdrawal.")


def push_source() -> Source:
    return add_source("budgets", kind="push", vouches_for_emails=True)


def reader_of(source: Source) -> Reader:
    user = User.objects.create_user("reader@bench.example", None, name="Reader")
    for id in ("reader", "nobody"):
        apply_record(source, PrincipalRecord(id=id, kind="user", email=f"{id}@bench.example", external=False))
    return Reader(user.pk)


def put(source: Source, number: int, reader: str) -> None:
    access = Access(grants=(Entry(id=reader),))
    apply_record(source, DocumentRecord(id="budget", title="Budget", text=RULE.format(1_000 + number), access=access))


def describe(report: Report, answered: list[Answered], withdrawn: list[float]) -> None:
    verified = [each.verified for each in answered if each.verified is not None]
    report.facts["questions"] = f"{len(answered)} went to the model, {len(verified)} of its sentences were believed"
    report.facts["revocations"] = f"{len(withdrawn)} while the model was silent"
    report.add_times("question to the model's request", [each.before for each in answered], p95_at_most=BEFORE * 1000)
    report.add_times("of it passages retrieved", [each.retrieved for each in answered])
    report.add_times("model's sentence to the verified one", verified, p95_at_most=VERIFIED * 1000)
    report.add_times("lost right to the withdrawal", withdrawn, p95_at_most=WITHDRAWN * 1000)
    report.finish()


if __name__ == "__main__":
    main()
