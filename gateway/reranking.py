"""The best hits judged once more by a reranker, for a bounded time: without its help the order stays as it was."""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass, replace
from threading import Lock, Thread

from django.conf import settings

from connectors.corpus.hits import Hit
from gateway.rerankers import Choice, NotReranked, judged

__all__ = ["CLOCK", "NotReranked", "reranked", "tried"]

log = logging.getLogger("gatehouse.reranking")

# What the search's own score and the reranker's weigh, each spread over 0..1 among these hits. A reranker alone makes
# some corpora worse than they were (docs/running.md), so it has a vote and not the last word.
OWN, JUDGED = 0.4, 0.6
LONGEST_TEXT = 2_000  # characters of a hit; a passage is mostly shorter
LONGEST_QUERY = 1_000  # characters; the two together are about what small models read, 512 tokens
LOADING = 120.0  # seconds that `tried` gives a model to be loaded
PROBES = 25


@dataclass(frozen=True)
class Clock:
    """Seconds: how long a search waits for all of an answer, and how long one that was late is left alone."""

    answer: float = 1.5
    rest: float = 30.0


CLOCK = Clock()


class TooLate(NotReranked):
    """The time was over."""


def reranked(hits: Sequence[Hit], query: str, clock: Clock = CLOCK) -> list[Hit]:
    """The same hits in the order in which search and reranker see them together, or as they were.

    Hold no database connection meanwhile, and look again what the reader may read.
    """
    choice = chosen()
    if len(hits) < 2 or _again_at.get(choice, 0.0) > time.monotonic():
        return list(hits)
    try:
        scores = scores_of(choice, query[-LONGEST_QUERY:], [text_of(hit) for hit in hits], clock.answer)
    except NotReranked as problem:
        if isinstance(problem, TooLate):
            _again_at[choice] = time.monotonic() + clock.rest
        log.warning("A search keeps its own order, for the reranker was of no help. %s", problem)
        return list(hits)
    return blended(hits, scores)


_again_at: dict[Choice, float] = {}  # by time.monotonic(): one that hangs is to cost a few searches, not each


def chosen() -> Choice:
    """What the settings say now."""
    return Choice(
        base_url=settings.RERANK_BASE_URL,
        api_key=settings.RERANK_API_KEY,
        model=settings.RERANK_MODEL,
        shape=settings.RERANK_SHAPE,
        class_path=settings.RERANK_CLASS,
    )


def text_of(hit: Hit) -> str:
    """All that is sent of a hit."""
    return "\n".join(part for part in (hit.title, hit.heading, hit.text) if part)[:LONGEST_TEXT]


def blended(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    """The hits by the weighted sum of both scores, within the span their own had: those behind them stay behind."""
    own = [hit.score for hit in hits]
    low, high = min(own), max(own)
    worth = [OWN * one + JUDGED * other for one, other in zip(spread(own), spread(scores), strict=True)]
    best_first = sorted(zip(worth, hits, strict=True), key=lambda pair: pair[0], reverse=True)
    return [replace(hit, score=low + each * (high - low)) for each, hit in best_first]


def spread(numbers: Sequence[float]) -> list[float]:
    """The lowest at 0, the highest at 1; equal ones say nothing and are all 0."""
    low, high = min(numbers), max(numbers)
    return [(number - low) / (high - low) if high > low else 0.0 for number in numbers]


def tried() -> float:
    """How many seconds the reranker takes for as much as a search sends, once it is loaded. Raises NotReranked."""
    texts = [f"{number} is the number of this text. ".ljust(LONGEST_TEXT // 2, ".") for number in range(PROBES)]
    scores_of(chosen(), "Which text is this?", texts[:2], LOADING)
    begun = time.monotonic()
    scores_of(chosen(), "Which text is this?", texts, LOADING)
    return time.monotonic() - begun


def scores_of(choice: Choice, query: str, texts: Sequence[str], seconds: float) -> list[float]:
    """One score a text, within `seconds` whatever the reranker does. Raises NotReranked."""
    asked = asyncio.run_coroutine_threadsafe(judged(choice, query, texts), _aside.loop())
    try:
        return asked.result(seconds)
    except TookTooLong:
        raise TooLate(f"It did not answer within {seconds:g} s.") from None
    finally:
        asked.cancel()  # closes the connection of one that is given up


class Aside:
    """An event loop in a thread of its own, from its first use on: what is given up there keeps nobody waiting."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                Thread(target=self._loop.run_forever, name="reranking", daemon=True).start()
            return self._loop


_aside = Aside()
