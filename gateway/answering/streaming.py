"""One answer under way: what was shown, what it rests on, and the check before every flush (P15)."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Protocol
from uuid import UUID

from connectors.corpus.hits import Hit
from connectors.corpus.search import Filters
from gateway import pausing, retrieval, situation
from gateway.answering import extractive, general, model, notices, phrases, recording, rewriting
from gateway.answering.composing import AnsweredBy, AskedBack, General, Item, Withheld, composed
from gateway.answering.drafts import Draft, Missing
from gateway.answering.events import (
    Citation,
    CitationShown,
    Done,
    Event,
    Extent,
    Failed,
    Retrieved,
    Sentence,
    SentenceShown,
    Silence,
    Status,
    Withdrawn,
)
from gateway.answering.following import AS_IT_IS, EARLIER, said_before
from gateway.answering.notices import Notice
from gateway.answering.recording import Asked, LeftOutYet, Stored
from gateway.answering.releasing import as_it_stands, marked_by, pair_of, pairs_of, standing
from gateway.answering.threads import in_thread
from gateway.answering.watching import WATCHER
from gateway.conversations import turns_before
from gateway.databases.rows import Needed
from gateway.models import Question
from gateway.situation import Situation

PASSAGES = 10
SILENCE = 10.0  # seconds after which a door shows that the stream lives
NOTHING: frozenset[Needed] = frozenset()


class AccessEnded(Exception):
    """The reader was deactivated, or their token revoked, while the answer was under way."""


@dataclass(frozen=True)
class Lost:
    """The watcher saw that something this answer may rest on was lost."""


class Work(Protocol):
    """What a stream is for: where its passages come from, and how they become sentences."""

    task: str  # as the question keeps it

    def find(self, asked: Asked, filters: Filters) -> list[Hit]: ...

    def composed(self, asked: Asked, hits: Sequence[Hit]) -> AsyncGenerator[Item, None]: ...

    def extent(self, read: int) -> Extent | None:
        """What part of a whole was read, where it was not all of it; `read`: passages."""


def found(asked: Asked, said: Sequence[str], filters: Filters) -> list[Hit]:
    """What fits the question, or each of its parts in turn; `said`: what was said before it, oldest first."""
    rankings = []
    parts = asked.parts()
    rewritten = asked.rewritten if len(parts) == 1 else AS_IT_IS
    for part in parts:
        before = said_before([*said, *part.earlier[len(asked.earlier) :]])
        rankings.append(
            retrieval.retrieve(
                asked.reader, part.text, before=before, rewritten=rewritten, limit=PASSAGES, filters=filters
            )
        )
    taken = {hit.passage_id: hit for hits in zip_longest(*rankings) for hit in hits if hit is not None}
    return list(taken.values())[:PASSAGES]


class Answering:
    """To answer a question from what is found for it."""

    task = ""

    def find(self, asked: Asked, filters: Filters) -> list[Hit]:
        """What was said before is looked up here, so that its last check is right before its use (P15)."""
        turns = turns_before(asked.reader, asked.question_id, limit=EARLIER)
        return found(asked, [text for turn in turns for text in turn.said], filters)

    async def composed(self, asked: Asked, hits: Sequence[Hit]) -> AsyncGenerator[Item, None]:
        """Where that is no sentence at all, a model's general knowledge, unless the model has just failed."""
        wanted = True
        async with aclosing(composed(asked, hits)) as items:
            async for item in items:
                wanted = wanted and not (isinstance(item, Draft) or _is_out_of_reach(item))
                yield item
        if wanted and (text := await general.paragraph(asked)):
            yield General(text)

    def extent(self, read: int) -> None:
        return None


def _is_out_of_reach(item: Item) -> bool:
    return isinstance(item, AnsweredBy) and item.notice in ("model_unavailable", "over_budget")


ANSWERING = Answering()


@dataclass
class Stream:
    """The state of one answer. An ordinal that was once given stays; so does the number of a passage."""

    asked: Asked
    work: Work = ANSWERING
    model: str = extractive.NAME
    notice: Notice = ""
    extent: Extent | None = None
    shown: list[Stored] = field(default_factory=list)
    withdrawn: set[int] = field(default_factory=set)
    left_out: LeftOutYet = field(default_factory=LeftOutYet)
    missing: list[str] = field(default_factory=list)
    asks_back: bool = False
    general: str = ""
    stored: bool = False
    found: Sequence[Hit] = ()  # for the question
    _numbers: dict[UUID, int] = field(default_factory=dict)
    _readable: frozenset[Needed] = frozenset()

    async def events(self, filters: Filters) -> AsyncGenerator[Event, None]:
        if not self.work.task:
            self.asked = replace(self.asked, rewritten=await rewriting.rewritten(self.asked))
        await pausing.at("retrieve")
        hits = await in_thread(self.work.find, self.asked, filters)
        self.found = () if self.work.task else hits
        yield Retrieved(question_id=self.asked.question_id, conversation_id=self.asked.conversation_id)
        try:
            async with aclosing(self._answered(hits)) as events:
                async for event in events:
                    yield event
            await pausing.at("persist")
            await in_thread(self.store, self._status)
            context = pairs_of(self.found) | self.left_out.context
            async for withdrawal in self._settled(NOTHING | context):
                yield withdrawal
            yield self._done()
        except AccessEnded:
            for withdrawal in self._withdrawals(NOTHING):
                yield withdrawal
            await in_thread(self.store, Question.Status.FAILED)
            yield Failed(code="signed_out", message="Your access has ended.")

    async def _answered(self, hits: Sequence[Hit]) -> AsyncGenerator[Event, None]:
        """The sentences as they are written, and withdrawals as soon as something is lost."""
        queue: asyncio.Queue[Item | Lost | None] = asyncio.Queue()
        writer = asyncio.create_task(_write(queue, self.work.composed(self.asked, hits)))
        try:
            with _watched(self.asked, hits, queue):
                async for item in _coming(queue):
                    if item is None:
                        yield Silence()
                        continue
                    async for event in self._events_of(item):
                        yield event
            await writer
        finally:
            writer.cancel()
            await asyncio.wait({writer})

    async def _events_of(self, item: Item | Lost) -> AsyncGenerator[Event, None]:
        if isinstance(item, Lost):
            async for withdrawal in self._settled(NOTHING):
                yield withdrawal
        elif isinstance(item, Draft):
            async for event in self._sentence(item):
                yield event
        else:
            self._note(item)

    def _note(self, item: AnsweredBy | Missing | Withheld | AskedBack | General) -> None:
        """What is told at the end."""
        if isinstance(item, AnsweredBy):
            self.model, self.notice, self.extent = item.model, item.notice, self.work.extent(item.read)
            self.left_out, self.missing = LeftOutYet(), []  # of a model that gave up before anything of it was shown
        elif isinstance(item, Missing):
            self.missing.append(item.part)
        elif isinstance(item, Withheld):
            self.left_out.add(item.text, item.context)
        elif isinstance(item, AskedBack):
            self.asks_back = True
        else:
            self.general = item.text

    async def _sentence(self, draft: Draft) -> AsyncGenerator[Event, None]:
        """New citations, then the sentence, each after a check of its own; nothing more once one is refused."""
        fresh = [hit for hit in draft.evidence if hit.passage_id not in self._numbers]
        numbers = tuple(self._number(hit) for hit in draft.evidence)
        stored = Stored(ordinal=len(self.shown) + 1, draft=draft, numbers=numbers)
        sentence = _sentence_of(stored)
        for hit in (*fresh, None):
            async for withdrawal in self._settled(needs_of(draft)):
                yield withdrawal
            if not evidence_of(draft) <= self._readable:
                self._forget_numbers(stored, fresh)
                return
            self._remember(stored)
            yield SentenceShown(sentence=sentence) if hit is None else CitationShown(citation=self._citation(hit))

    def _remember(self, stored: Stored) -> None:
        """From its first citation on, a sentence counts as shown: it is withdrawn if it must be, and stored."""
        if stored not in self.shown:
            self.shown.append(stored)

    def _forget_numbers(self, stored: Stored, fresh: Sequence[Hit]) -> None:
        """A gap between the numbers would tell of a sentence that was never shown (P14)."""
        if stored not in self.shown:
            for hit in fresh:
                del self._numbers[hit.passage_id]

    async def _settled(self, needed: frozenset[Needed]) -> AsyncGenerator[Withdrawn, None]:
        """Withdraws what was lost, until a check finds all that was shown readable; raises `AccessEnded`.

        `_readable` then holds what that check found of `needed`, and the caller flushes once, without a
        pause. A withdrawal is a flush too, so the check is made again after it.
        """
        lost = True
        while lost:
            await pausing.at("flush")
            now = await in_thread(standing, self.asked.reader, self._resting_on() | needed)
            if not now.active:
                raise AccessEnded
            self._readable = now.readable
            lost = False
            for withdrawal in self._withdrawals(now.readable):
                lost = True
                yield withdrawal

    def _withdrawals(self, readable: frozenset[Needed]) -> Iterator[Withdrawn]:
        for stored in self._standing():
            if not evidence_of(stored.draft) <= readable:
                self.withdrawn.add(stored.ordinal)
                yield Withdrawn(ordinal=stored.ordinal)

    def _standing(self) -> list[Stored]:
        return [stored for stored in self.shown if stored.ordinal not in self.withdrawn]

    def _resting_on(self) -> frozenset[Needed]:
        return NOTHING.union(*(needs_of(stored.draft) for stored in self._standing()))

    def _number(self, hit: Hit) -> int:
        return self._numbers.setdefault(hit.passage_id, len(self._numbers) + 1)

    def _citation(self, hit: Hit) -> Citation:
        return Citation(n=self._numbers[hit.passage_id], hit=marked_by(hit, self._readable))

    @property
    def _status(self) -> Status:
        if not self._standing():
            return "not_found"
        if self.asks_back:
            return "ambiguous"
        return "partial" if self.left_out.count or self.missing else "answered"

    @property
    def _missing(self) -> tuple[str, ...]:
        """Named beside what was found; where nothing was, that says it all."""
        return tuple(self.missing) if self._standing() else ()

    def _done(self) -> Done:
        """The answer as it stands: what was withdrawn is not in it, nor said to be missing from it (P14)."""
        standing_now = self._standing()
        sentences = tuple(map(_sentence_of, standing_now))
        cited = {hit.passage_id: hit for each in standing_now for hit in each.draft.evidence}
        citations = sorted((self._citation(hit) for hit in cited.values()), key=lambda citation: citation.n)
        language = phrases.spoken(self.asked.person.language)
        extent = self.extent if sentences else None
        holds_for = self._situation(as_it_stands(self.found, self._readable))
        return Done(
            question_id=self.asked.question_id,
            conversation_id=self.asked.conversation_id,
            task=self.work.task,
            status=self._status,
            answer=phrases.whole(self._status, sentences, language),
            options=tuple(phrases.option_of(self.asked.text, each.text) for each in sentences if self.asks_back),
            sentences=sentences,
            citations=tuple(citations),
            language=language if self.asks_back else _language_of(standing_now) or language,
            model=self.model,
            notice=self._notice,
            missing=self._missing,
            missing_text=phrases.did_not_find(self._missing, language),
            notice_text=notices.told(self._notice, language, has_sentences=bool(sentences)),
            holds_for=(holds_for.kind, holds_for.name) if holds_for else None,
            holds_for_text=situation.told(holds_for.kind, holds_for.name, language) if holds_for else "",
            extent=extent,
            extent_text=notices.told_part(extent.read, extent.of, language) if extent else "",
            general=self.general,
            general_message=notices.told_general(language) if self.general else "",
            withheld=self.left_out.count,
            left_out=tuple(self.left_out.sentences) if self.left_out.context <= self._readable else (),
        )

    @property
    def _notice(self) -> Notice:
        """That the sentences are not in the reader's language, where nothing else is to be said of them."""
        standing_now = self._standing()
        said = {
            hit.language for each in standing_now for hit in each.draft.evidence if hit.language and not each.draft.rows
        }
        verbatim = self.model == extractive.NAME and not self.notice and not self.asks_back
        own = self.asked.person.language.split("-")[0].lower()
        return "foreign" if verbatim and said and own not in said else self.notice

    def _situation(self, found: Sequence[Hit]) -> Situation | None:
        """What the sentences that stand hold for, as far as these hits tell."""
        cited = [hit for each in self._standing() for hit in each.draft.evidence if not self.asks_back]
        return situation.situation(cited, found, self.asked.person)

    def store(self, status: str) -> None:
        """Keep how it ended; the sentences once, for none is shown after the first time."""
        sentences, left_out = ([], None) if self.stored else (self.shown, self.left_out)
        self.stored = True
        recording.finish(
            self.asked,
            status=status,
            model=self.model,
            notice=self._notice,
            sentences=sentences,
            left_out=left_out,
            missing=self._missing,
            extent=self.extent,
            holds_for=self._situation(self.found),
            general=self.general,
        )


async def _coming(queue: asyncio.Queue[Item | Lost | None]) -> AsyncGenerator[Item | Lost | None, None]:
    """What is put into the queue, until its end; None for each long silence."""
    while True:
        try:
            item = await asyncio.wait_for(queue.get(), SILENCE)
        except TimeoutError:
            yield None
            continue
        if item is None:
            return
        yield item


async def _write(queue: asyncio.Queue[Item | Lost | None], composing: AsyncGenerator[Item, None]) -> None:
    try:
        async with aclosing(composing) as items:
            async for item in items:
                queue.put_nowait(item)
    finally:
        queue.put_nowait(None)


def _watched(
    asked: Asked, hits: Sequence[Hit], queue: asyncio.Queue[Item | Lost | None]
) -> AbstractContextManager[None]:
    """Verbatim sentences come at once, each after its own check; only a model can be silent for long."""
    if not model.name():
        return nullcontext()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop has ended, and the stream with it
            loop.call_soon_threadsafe(queue.put_nowait, Lost())

    return WATCHER.watching(asked.reader, {hit.document_id for hit in hits}, tell)


def evidence_of(draft: Draft) -> frozenset[Needed]:
    """What must be readable, and as it was, for the sentence to be shown."""
    return frozenset(map(pair_of, draft.evidence)) | (draft.rows.needs if draft.rows else NOTHING)


def needs_of(draft: Draft) -> frozenset[Needed]:
    """The same with what its citations are marked by."""
    return evidence_of(draft) | pairs_of(draft.evidence)


def _sentence_of(stored: Stored) -> Sentence:
    table = stored.draft.rows.table if stored.draft.rows else None
    return Sentence(ordinal=stored.ordinal, text=stored.draft.text, citations=stored.numbers, table=table)


def _language_of(sentences: Sequence[Stored]) -> str:
    return next((hit.language for each in sentences for hit in each.draft.evidence if hit.language), "")
