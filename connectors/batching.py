"""Texts to checked vectors: in requests a model can take, and around the texts it cannot.

A model that refuses a request does not say which text is at fault, or whether any is. So it is asked for one plain
word first: a model that cannot embed that is at fault itself, and nothing is held against the texts. Otherwise the
request is halved until the text stands alone, which is cut once before it is given up.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from connectors.embedding import ModelChoice

Embedding: TypeAlias = list[float]

MOST_TEXTS = 64  # a request
MOST_BYTES = 96_000  # of UTF-8 a request; at 3 a token, which few languages fall short of, 32,000 tokens
CUT = 1_200  # bytes of UTF-8 that are left of a text the model refused: what reads 512 tokens takes as many
PLAIN_WORD = "size"
STILL_WELL = 5.0  # seconds after which a model that refuses is asked for the plain word again
NEARLY_UNIT = 1e-4  # what rounding leaves; the index keeps less
DICE = random.SystemRandom()


class EmbeddingFailed(Exception):
    """No usable vectors came back. `permanent`: trying again will not help until a person acts.

    `wait`: seconds the server asked to be left alone for, where it said so.
    """

    def __init__(self, message: str, *, permanent: bool = True, wait: float = 0.0) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.wait = wait


class TextsRefused(EmbeddingFailed):
    """The fault may lie in a text: `blames` one that stands alone. `too_much`: fewer at once may do."""

    def __init__(self, message: str, *, permanent: bool = True, blames: bool = True, too_much: bool = True) -> None:
        super().__init__(message, permanent=permanent)
        self.blames = blames
        self.too_much = too_much


@dataclass(frozen=True)
class Patience:
    """What the embedding of one batch may take, in seconds; `tries` of one request, more of them if only busy."""

    total: float
    request: float
    busy: float  # between requests, to a server that says it has too many
    tries: int
    busy_tries: int


PATIENT = Patience(total=180.0, request=60.0, busy=60.0, tries=3, busy_tries=10)
HURRIED = Patience(total=5.0, request=5.0, busy=1.0, tries=2, busy_tries=2)  # a person waits


class Clock:
    """What is left of the patience with one batch."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.busy = patience.busy
        self.end = monotonic() + patience.total

    @property
    def left(self) -> float:
        return self.end - monotonic()

    def request(self) -> float:
        """Seconds for the next request."""
        return min(self.patience.request, self.left)

    def pause(self, tried: int) -> float | None:
        """Seconds before a request that failed by mischance is tried again; None: no more of it."""
        pause = 0.25 * 2**tried * DICE.uniform(0.5, 1)
        return pause if tried < self.patience.tries and pause < self.left else None

    def busy_pause(self, tried: int, asked: float | None) -> float | None:
        """The same for a server that is busy, and may have said for how long."""
        own = 2 ** (tried - 1) * DICE.uniform(0.5, 1)
        pause = own if asked is None else asked + DICE.uniform(0.05, 0.25)
        if tried >= self.patience.busy_tries or pause > self.busy or pause >= self.left:
            return None
        self.busy -= pause
        return pause


class Model(Protocol):
    """What makes vectors. Each raises TextsRefused where a text may be at fault, otherwise EmbeddingFailed."""

    def texts(self, texts: Sequence[str], clock: Clock) -> list[Embedding]: ...

    def question(self, texts: Sequence[str], clock: Clock) -> list[Embedding]: ...

    def plain_word(self, clock: Clock) -> list[Embedding]: ...


class Embedder:
    """A model, and what was learnt of it: how many numbers it gives, and how many texts it takes at once."""

    def __init__(self, model: Model, choice: "ModelChoice", size: int = 0) -> None:
        self.model = model
        self.choice = choice
        self.most_texts = MOST_TEXTS
        self._size = size
        self._well_until = 0.0

    def each(self, texts: Sequence[str], patience: Patience = PATIENT) -> list[Embedding | None]:
        """One vector a text, in order; None where the model refuses that text for good. Raises EmbeddingFailed."""
        found: list[Embedding | None] = [None] * len(texts)
        waiting = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        while waiting:
            batch = self._next(waiting, texts)
            del waiting[: len(batch)]
            task = Task(self, Clock(patience), self.model.texts)
            for place, vector in zip(batch, task.vectors([texts[place] for place in batch]), strict=True):
                found[place] = vector
        return found

    def question(self, text: str, patience: Patience = HURRIED) -> Embedding:
        """The vector of a question. Raises EmbeddingFailed."""
        [vector] = Task(self, Clock(patience), self.model.question).vectors([text])
        if vector is None:
            raise EmbeddingFailed("The embedding model refuses this question.")
        return vector

    def size(self, clock: Clock | None = None) -> int:
        """How many numbers a vector has: as set, or as the plain word's has."""
        if not self._size:
            self._size = len(self._plain(clock or Clock(PATIENT)))
        return self._size

    def prove_well(self, clock: Clock) -> None:
        """Raises EmbeddingFailed unless the model embeds the plain word as it should."""
        if monotonic() < self._well_until:
            return
        got, size = len(self._plain(clock)), self.size(clock)
        if got != size:
            raise EmbeddingFailed(wrong_size(self.choice, got, size))
        self._well_until = monotonic() + STILL_WELL

    def _plain(self, clock: Clock) -> Embedding:
        try:
            [vector] = map(unit, _as_many(self.model.plain_word(clock), [PLAIN_WORD]))
        except TextsRefused as refused:
            message = f"{refused} A single plain word fares no better. Check {_settings(self.choice)}."
            raise EmbeddingFailed(message, permanent=refused.permanent) from None
        if vector is None:
            raise EmbeddingFailed(
                "The embedding model gives a plain word a vector of zeros, of nothing or of what is no number. "
                f"Check the model, and {_settings(self.choice)}."
            )
        return vector

    def _next(self, waiting: Sequence[int], texts: Sequence[str]) -> list[int]:
        """As many of the first as one request may hold, and at least one."""
        batch: list[int] = []
        room = MOST_BYTES
        for place in waiting[: self.most_texts]:
            room -= _bytes(texts[place])
            if batch and room < 0:
                break
            batch.append(place)
        return batch


@dataclass
class Task:
    """The embedding of one batch."""

    embedder: Embedder
    clock: Clock
    ask: Callable[[Sequence[str], Clock], list[Embedding]]
    refusals: int = 0

    def vectors(self, texts: Sequence[str]) -> list[Embedding | None]:
        """One a text; None where the model is well and refuses that text for good."""
        try:
            vectors = self._usable(texts)
        except TextsRefused as refused:
            if len(texts) == 1 and not refused.blames:
                raise
            self.refusals += 1
            self.embedder.prove_well(self.clock)
            return self._in_halves(texts, refused) if len(texts) > 1 else [self._cut(texts[0], refused)]
        if None in vectors:  # it may be the company it was in
            return [vector or self.vectors([text])[0] for text, vector in zip(texts, vectors, strict=True)]
        return vectors

    def _usable(self, texts: Sequence[str]) -> list[Embedding | None]:
        """The vectors, None for those that cannot be compared with others; a single text with such a one is refused."""
        size = self.embedder.size(self.clock)
        given = _as_many(self.ask(texts, self.clock), texts)
        vectors = [unit(vector) if len(vector) == size else None for vector in given]
        if vectors == [None]:
            raise TextsRefused("The embedding model gave no usable vector for a text.")
        return vectors

    def _in_halves(self, texts: Sequence[str], refused: TextsRefused) -> list[Embedding | None]:
        middle, refusals = (len(texts) + 1) // 2, self.refusals
        vectors = self.vectors(texts[:middle]) + self.vectors(texts[middle:])
        if refused.too_much and self.refusals == refusals:  # no text was at fault, there were too many
            self.embedder.most_texts = min(self.embedder.most_texts, middle)
        return vectors

    def _cut(self, text: str, refused: TextsRefused) -> Embedding | None:
        shorter = cut(text)
        if shorter != text:
            try:
                return self._usable([shorter])[0]
            except TextsRefused as again:
                refused = again
        if not refused.blames:
            raise refused
        return None


def _as_many(given: list[Embedding], texts: Sequence[str]) -> list[Embedding]:
    if len(given) != len(texts):
        raise TextsRefused(f"The embedding model gave {len(given)} vectors where {len(texts)} were asked for.")
    return given


def cut(text: str) -> str:
    """At most `CUT` bytes of the text, to the last blank if there is one in the last quarter."""
    short = text.encode("utf-8", "replace")[:CUT].decode("utf-8", "ignore")
    if len(short) == len(text):
        return text
    whole, blank, _ = short.rpartition(" ")
    return whole if blank and _bytes(whole) > CUT * 3 // 4 else short


def unit(vector: Embedding) -> Embedding | None:
    """The vector at unit length; None for one without a direction: of zeros, infinite, not a number, or empty."""
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0:
        return None
    return vector if abs(length - 1) <= NEARLY_UNIT else [number / length for number in vector]


def wrong_size(choice: "ModelChoice", got: int, expected: int) -> str:
    """What to do where a model gives another size than the one all others have."""
    if not choice.dimensions:
        return (
            f"The embedding model gives {got} numbers a vector where it gave {expected} before. If another model is "
            "in its place, give it its name in EMBED_MODEL and start Gatehouse again: then all is embedded anew."
        )
    asked = f" The server was asked for {expected} and does not give that." if choice.base_url else ""
    return (
        f"The embedding model gives {got} numbers a vector where EMBED_DIMENSIONS says {expected}.{asked} "
        f"Set EMBED_DIMENSIONS={got}, or choose a model that gives {expected}."
    )


def _settings(choice: "ModelChoice") -> str:
    if choice.class_path:
        return "EMBED_CLASS and EMBED_MODEL"
    return "EMBED_BASE_URL, EMBED_MODEL and EMBED_DIMENSIONS" if choice.dimensions else "EMBED_BASE_URL and EMBED_MODEL"


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
