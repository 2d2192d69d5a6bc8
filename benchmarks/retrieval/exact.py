"""What the right answers are, and how fast plain numpy finds them: the honest floor of an exact search.

One core, as a connection of Postgres has. In three ways: the permitted vectors lie gathered in memory as half floats,
the numbers that every system stores; the same as a copy in single floats, twice as large, which the processor
multiplies without converting; and as half floats picked from among all at every question.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.corpus import Corpus, Floats, Halves, Ints
from benchmarks.retrieval.patterns import Pattern
from benchmarks.retrieval.peers.system import WANTED
from benchmarks.retrieval.sharing import Groups

A_BLOCK = 512  # vectors converted at once: they stay in the processor's cache
TIE = 1e-5  # likeness: what differs less is equally near
MOST_ROWS = 1_500_000  # that are gathered for the readers of a cell
MOST_MULTIPLIED = 12_000_000  # rows in all, so that a cell ends in time


@dataclass(frozen=True)
class Truth:
    """Of one question: the numbers of the nearest permitted passages, and how near the last of them is."""

    numbers: NDArray[np.int64]
    least: float


def truths(
    corpus: Corpus, pattern: Pattern, readers: Sequence[Groups], reader_of: Ints, vectors: Floats
) -> list[Truth]:
    """In the order of the questions."""
    found: list[Truth | None] = [None] * len(vectors)
    for reader, groups in enumerate(readers):
        mine = np.flatnonzero(reader_of == reader)
        if len(mine):
            for place, truth in zip(mine, _nearest(corpus, pattern.passages(groups), vectors[mine]), strict=True):
                found[place] = truth
    return [truth for truth in found if truth is not None]


def _nearest(corpus: Corpus, numbers: NDArray[np.int64], vectors: Floats) -> list[Truth]:
    """The best of each block of passages, and the best of these."""
    best = [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in vectors]
    for start in range(0, len(numbers), 20_000):
        some = numbers[start : start + 20_000]
        likeness = corpus.vectors[some].astype(np.float32) @ vectors.T
        for place, (kept, near) in enumerate(best):
            joined, nearness = np.concatenate((kept, some)), np.concatenate((near, likeness[:, place]))
            order = np.argsort(-nearness, kind="stable")[:WANTED]
            best[place] = joined[order], nearness[order]
    return [Truth(kept, float(near[-1]) if len(near) else 0.0) for kept, near in best]


class Numpy:
    """Readers whose passages fit into memory together are asked for, as often as time allows."""

    ways = ("half", "single", "gathering")

    def __init__(self, corpus: Corpus, pattern: Pattern, readers: Sequence[Groups]) -> None:
        self.corpus = corpus
        self._numbers: dict[int, NDArray[np.int64]] = {}
        self._halves: dict[int, Halves] = {}
        self._singles: dict[int, Floats] = {}
        room = MOST_ROWS
        for reader, groups in enumerate(readers):
            numbers = pattern.passages(groups)
            if len(numbers) <= room:
                room -= len(numbers)
                self._numbers[reader] = numbers
                self._halves[reader] = np.ascontiguousarray(corpus.vectors[numbers])
                self._singles[reader] = self._halves[reader].astype(np.float32)
        self._left = {way: MOST_MULTIPLIED for way in self.ways}
        self.seconds: dict[str, list[float]] = {way: [] for way in self.ways}

    def ask(self, reader: int, vector: Floats) -> None:
        """Note how long each way takes."""
        if reader not in self._numbers:
            return
        self._timed("half", reader, lambda: in_blocks(self._halves[reader], vector))
        self._timed("single", reader, lambda: self._singles[reader] @ vector)
        self._timed("gathering", reader, lambda: in_blocks(self.corpus.vectors[self._numbers[reader]], vector))

    def _timed(self, way: str, reader: int, likeness: Callable[[], Floats]) -> None:
        rows = len(self._numbers[reader])
        if self._left[way] < rows and len(self.seconds[way]) >= 5:
            return
        self._left[way] -= rows
        began = time.perf_counter()
        top(likeness())
        self.seconds[way].append(time.perf_counter() - began)


def in_blocks(halves: Halves, vector: Floats) -> Floats:
    """Likeness by single floats, converted block by block: numpy multiplies half floats twice as slowly."""
    likeness = np.empty(len(halves), np.float32)
    room = np.empty((A_BLOCK, halves.shape[1]), np.float32)
    for start in range(0, len(halves), A_BLOCK):
        block = halves[start : start + A_BLOCK]
        np.copyto(room[: len(block)], block)
        np.dot(room[: len(block)], vector, out=likeness[start : start + len(block)])
    return likeness


def top(likeness: Floats) -> NDArray[np.int64]:
    """The places of the ten largest, largest first."""
    all_of_them = np.arange(len(likeness))
    places = np.argpartition(likeness, -WANTED)[-WANTED:] if len(likeness) > WANTED else all_of_them
    ordered: NDArray[np.int64] = places[np.argsort(-likeness[places])]
    return ordered
