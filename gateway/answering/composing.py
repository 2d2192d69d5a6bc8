"""Turns passages into drafts of sentences: by the model if there is one and it answers, else verbatim."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from accounts.reader import Viewers
from connectors.corpus.evidence import Pair
from connectors.corpus.hits import Hit
from gateway import pausing
from gateway.answering import disambiguating, extractive, model, prompting, sending
from gateway.answering.drafts import Cutter, Draft, Missing, Written
from gateway.answering.judging import Judge
from gateway.answering.model import Message
from gateway.answering.notices import Notice
from gateway.answering.providers import CutOff, GoesOn, KeptFromModel, ModelUnavailable, Provider, providers
from gateway.answering.recording import Asked
from gateway.answering.releasing import cleared, pairs_of
from gateway.answering.surrounding import assembled, room_for
from gateway.answering.threads import in_thread
from gateway.answering.verification import Statement, is_supported, may_be_translated, source_of
from gateway.databases.rows import may_be_views

MOST_PASSAGES = 8  # in a prompt, besides what stands around them
LONGEST_SENTENCE = 4_000  # characters


@dataclass(frozen=True, kw_only=True)
class AnsweredBy:
    """Who writes the sentences that follow, from how many passages, and what the reader is told of that."""

    model: str
    notice: Notice = ""
    read: int = 0


@dataclass(frozen=True)
class Withheld:
    """A sentence that no passage supports, resting on all that its writer was given; cut off, it has no text.

    `unread`: it is in another language than its passages, and nobody was there to compare them.
    """

    text: str = ""
    context: frozenset[Pair] = frozenset()
    unread: bool = False


@dataclass(frozen=True)
class KeptBack:
    """Hits that may not be sent to the model that answers."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class AskedBack:
    """What follows are not sentences of an answer, but things the question may mean."""


@dataclass(frozen=True)
class General:
    """What a model says of its own accord where nothing was found: no part of the answer, resting on no document."""

    text: str


Item = AnsweredBy | Draft | Withheld | Missing | AskedBack | General


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How sentences are made of passages: what a model is shown of them and told, and what is picked without one."""

    most: int  # passages, besides what stands around them
    assembled: Callable[[Viewers, Sequence[Hit], int], list[Hit]]
    messages: Callable[[Asked, Sequence[Hit]], list[Message]]
    picked: Callable[[Asked, Sequence[Hit]], Sequence[Draft | Missing]]
    notice: Notice = ""  # what is said of sentences that were picked
    always: bool = False  # sentences are picked, too, where a model wrote none that is supported


def _told(asked: Asked, hits: Sequence[Hit]) -> list[Message]:
    return prompting.messages(asked.text, asked.earlier, hits, asked.person)


ANSWERING = Manner(most=MOST_PASSAGES, assembled=assembled, messages=_told, picked=extractive.compose)


async def composed(asked: Asked, hits: Sequence[Hit]) -> AsyncGenerator[Item, None]:
    """Drafts of an answer from these passages, in order; none when they do not answer the question."""
    if may_be_views(hits):
        from gateway.databases import answering  # only who has a database to ask loads what asks it

        found = await answering.answered(asked, hits)
        if found is not None:
            yield AnsweredBy(model=found.by)
            yield found.draft
            if found.whole:
                return
    meant = await disambiguating.asked_back(asked, hits)
    if meant:
        yield AnsweredBy(model=extractive.NAME, read=len(hits))
        yield AskedBack()
        for draft in meant:
            yield draft
        return
    async with aclosing(from_passages(asked, hits, ANSWERING)) as items:
        async for item in items:
            yield item


@dataclass
class Outcome:
    """What became of what a model wrote, and what was kept from it."""

    kept: Sequence[Hit] = ()
    shown: bool = False
    unread: bool = False

    def add(self, item: Item) -> None:
        self.shown = self.shown or isinstance(item, Draft)
        self.unread = self.unread or (isinstance(item, Withheld) and item.unread)

    def instead(self, hits: Sequence[Hit], manner: Manner) -> tuple[Sequence[Hit], Notice] | None:
        """Where it wrote nothing that is shown: what sentences are picked from, and what is said of that."""
        if self.shown:
            return None
        if self.kept:
            return self.kept, KeptFromModel.notice
        if self.unread:
            return hits, "other_language"
        return (hits, manner.notice) if manner.always else None


async def from_passages(asked: Asked, hits: Sequence[Hit], manner: Manner) -> AsyncGenerator[Item, None]:
    """By a model, if there is one and it answers; else picked word for word."""
    notice = manner.notice
    if model.name():
        outcome = Outcome()
        try:
            async with aclosing(_by_models(asked, hits, manner)) as items:
                async for item in items:
                    if isinstance(item, KeptBack):
                        outcome.kept = item.hits
                        continue
                    outcome.add(item)
                    yield item
            instead = outcome.instead(hits, manner)
        except ModelUnavailable as error:
            if outcome.shown:
                yield Withheld()
                return
            instead = hits, error.notice
        if instead is None:
            return
        hits, notice = instead
    yield AnsweredBy(model=extractive.NAME, notice=notice, read=len(hits))
    await pausing.at("before_prompt")
    permitted = await in_thread(cleared, asked, hits, extractive.NAME)
    for item in await asyncio.to_thread(manner.picked, asked, permitted):
        yield item


async def _by_models(asked: Asked, hits: Sequence[Hit], manner: Manner) -> AsyncGenerator[Item | KeptBack, None]:
    """By the first model that may be sent what was found and answers. Raises `ModelUnavailable`."""
    until = model.deadline()
    hits = hits[: manner.most]
    problem = ModelUnavailable()
    for provider in await in_thread(sending.in_order, providers("answer"), hits):
        attempt = 0
        while not attempt or await model.worth_another(problem, attempt, until):
            attempt += 1
            try:
                async with aclosing(_attempt(asked, hits, provider, until, manner)) as items:
                    async for item in items:
                        yield item
                return
            except ModelUnavailable as error:
                if error.begun:
                    raise
                problem = error
    raise problem


async def _attempt(
    asked: Asked, hits: Sequence[Hit], provider: Provider, until: float, manner: Manner
) -> AsyncGenerator[Item | KeptBack, None]:
    """One call of a model, with the passages that may go to it at that moment."""
    await pausing.at("before_prompt")
    room = await asyncio.to_thread(room_for, provider, asked)
    shown, kept = await in_thread(_context, asked, hits, provider, room, manner)
    yield AnsweredBy(model=provider.name, notice="left_out_of_model" if kept else "", read=len(shown))
    yield KeptBack(kept)
    if not shown:
        return
    prompt = manner.messages(asked, shown)
    judge = Judge(asked)
    said: set[Written] = set()  # small models say the same again and again
    async with aclosing(_sentences(model.tokens(provider, prompt, until, asked.person.pk))) as sentences:
        async for written in sentences:
            if written.text.rstrip(".") != prompting.NOTHING and written not in said:
                said.add(written)
                yield await _judged(written, shown, judge)


async def _sentences(tokens: AsyncGenerator[str, None]) -> AsyncGenerator[Written, None]:
    """What a model says, sentence by sentence. Raises `GoesOn` where one does not end."""
    cutter = Cutter()
    try:
        async with aclosing(tokens):
            async for text in tokens:
                for written in cutter.feed(text):
                    yield written
                if len(cutter.buffer) > LONGEST_SENTENCE:
                    raise GoesOn
    except CutOff:
        return  # what is left is no whole sentence
    for written in cutter.rest():
        yield written


def _context(
    asked: Asked, hits: Sequence[Hit], provider: Provider, room: int, manner: Manner
) -> tuple[list[Hit], tuple[Hit, ...]]:
    """The passages of a prompt, and the hits that are kept from this model. Raises `KeptFromModel`."""
    open_to_it, kept = sending.parted(provider, hits)
    context = manner.assembled(asked.reader, open_to_it, room)
    return cleared(asked, context, provider.name, kept), kept


async def _judged(written: Written, shown: Sequence[Hit], judge: Judge) -> Draft | Withheld:
    """The sentence with passages that support it, or to be left out; in a thread, for it takes some milliseconds."""
    evidence = await asyncio.to_thread(supporting, written, shown)
    if evidence:
        stands = await judge.opinion(written.text, evidence) != "unsupported"
        return _draft(written, evidence, shown) if stands else Withheld(written.text, pairs_of(shown))
    evidence = await asyncio.to_thread(translated, written, shown, judge.language)
    if evidence and await judge.opinion(written.text, evidence) == "supported":
        return _draft(written, evidence, shown)
    return Withheld(written.text, pairs_of(shown), unread=bool(evidence) and not judge.is_there)


def _draft(written: Written, evidence: tuple[Hit, ...], shown: Sequence[Hit]) -> Draft:
    """The sentence, resting on its evidence and on passages of other documents that have words of it which nothing that
    was shown of its own documents has: it is for nobody who may not read these too (P16).
    """
    own = {hit.document_id for hit in evidence}
    missing = Statement(written.text).stems.difference(
        *(source_of((hit,)).stems for hit in shown if hit.document_id in own)
    )
    besides: list[Hit] = []
    for hit in shown:
        if hit.document_id not in own and (theirs := missing & source_of((hit,)).stems):
            missing -= theirs
            besides.append(hit)
    return Draft(text=written.text, evidence=(*evidence, *besides))


def supporting(written: Written, shown: Sequence[Hit]) -> tuple[Hit, ...]:
    """The passages the sentence marks, if they say it; else the first one that does by itself; else none."""
    marked = _marked(written, shown)
    return next((evidence for evidence in _candidates(marked, shown) if is_supported(written.text, evidence)), ())


def translated(written: Written, shown: Sequence[Hit], language: str) -> tuple[Hit, ...]:
    """The passages the sentence marks, if they are in another language and have all its details; else none."""
    marked = _marked(written, shown)
    return marked if marked and may_be_translated(written.text, marked, language) else ()


def _marked(written: Written, shown: Sequence[Hit]) -> tuple[Hit, ...]:
    """Marks are resolved among the passages the model was shown; a number it made up names nothing."""
    return tuple(shown[n - 1] for n in written.marks if 1 <= n <= len(shown))


def _candidates(marked: tuple[Hit, ...], shown: Sequence[Hit]) -> Iterator[tuple[Hit, ...]]:
    if marked:
        yield marked
    yield from ((hit,) for hit in shown if (hit,) != marked)
