"""Turns passages into drafts of sentences: by the model if there is one and it answers, else verbatim."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib import import_module

from connectors.corpus.hits import Hit
from gateway import pausing
from gateway.answering import extractive, model
from gateway.answering.drafts import Cutter, Draft, Written
from gateway.answering.model import ModelUnavailable
from gateway.answering.recording import Asked
from gateway.answering.releasing import cleared
from gateway.answering.surrounding import with_neighbours
from gateway.answering.threads import in_thread
from gateway.answering.verification import is_supported

ATTEMPTS = 2  # at the model, before its first token
MOST_PASSAGES = 8  # in a prompt, besides their neighbours


@dataclass(frozen=True, kw_only=True)
class AnsweredBy:
    """Who writes the sentences that follow."""

    model: str


@dataclass(frozen=True)
class Withheld:
    """A sentence that no passage supports, or that was cut off; only counted."""


Item = AnsweredBy | Draft | Withheld


async def composed(asked: Asked, hits: Sequence[Hit]) -> AsyncGenerator[Item, None]:
    """Drafts of an answer from these passages, in order; none when they do not answer the question."""
    if model.name():
        yield AnsweredBy(model=model.name())
        shown = False
        try:
            async with aclosing(_by_model(asked, hits)) as items:
                async for item in items:
                    shown = shown or isinstance(item, Draft)
                    yield item
            return
        except ModelUnavailable:
            if shown:
                yield Withheld()
                return
    yield AnsweredBy(model=extractive.NAME)
    await pausing.at("before_prompt")
    permitted = await in_thread(cleared, asked, hits, extractive.NAME)
    for draft in await asyncio.to_thread(extractive.compose, asked, permitted):
        yield draft


async def _by_model(asked: Asked, hits: Sequence[Hit]) -> AsyncGenerator[Item, None]:
    deadline = asyncio.get_running_loop().time() + model.CLOCK.total
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with aclosing(_attempt(asked, hits, deadline)) as items:
                async for item in items:
                    yield item
            return
        except ModelUnavailable as error:
            if error.begun or attempt == ATTEMPTS:
                raise


async def _attempt(asked: Asked, hits: Sequence[Hit], deadline: float) -> AsyncGenerator[Item, None]:
    """One call of the model, with the passages that may go to it at that moment."""
    # The first import of llama-index takes seconds, so it is made beside the loop.
    prompting = await asyncio.to_thread(import_module, "gateway.answering.prompting")
    await pausing.at("before_prompt")
    context = await in_thread(with_neighbours, asked.reader, hits[:MOST_PASSAGES])
    shown = await in_thread(cleared, asked, context, model.name())
    if not shown:
        return
    cutter = Cutter()
    prompt = prompting.messages(asked.text, asked.earlier, shown, asked.person)
    async with aclosing(model.tokens(prompt, deadline)) as tokens:
        async for text in tokens:
            for written in cutter.feed(text):
                yield await _judged(written, shown)
    for written in cutter.rest():
        if written.text.rstrip(".") != prompting.NOTHING:
            yield await _judged(written, shown)


async def _judged(written: Written, shown: Sequence[Hit]) -> Draft | Withheld:
    """The sentence with passages that support it, or nothing; in a thread, for it takes some milliseconds."""
    evidence = await asyncio.to_thread(supporting, written, shown)
    return Draft(text=written.text, evidence=evidence) if evidence else Withheld()


def supporting(written: Written, shown: Sequence[Hit]) -> tuple[Hit, ...]:
    """The passages the sentence marks, if they say it; else the first one that does by itself; else none.

    Marks are resolved among the passages the model was shown; a number it made up names nothing.
    """
    marked = tuple(shown[n - 1] for n in written.marks if 1 <= n <= len(shown))
    return next((evidence for evidence in _candidates(marked, shown) if is_supported(written.text, evidence)), ())


def _candidates(marked: tuple[Hit, ...], shown: Sequence[Hit]) -> Iterator[tuple[Hit, ...]]:
    if marked:
        yield marked
    yield from ((hit,) for hit in shown if (hit,) != marked)
