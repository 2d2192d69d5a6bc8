"""The gateway's statement by words, by meaning and by both, on made-up texts.

Words are drawn by the law of Zipf and Mandelbrot, without those that every text has: the commonest stands in about one
passage of nine. The passages get them once, when the first of these figures is wanted; after that a further pattern
takes longer to lay.
"""

from collections.abc import Iterator

import numpy as np
from pgvector import HalfVector

from benchmarks.retrieval.cells import Found, times
from benchmarks.retrieval.corpus import SEED, Floats
from benchmarks.retrieval.peers.gatehouse import Gatehouse
from benchmarks.retrieval.peers.system import WANTED, World, timed

PATTERN = "directory"
STRATA = ("1", "10", "100")
VOCABULARY = 20_000
LEFT_OUT = 100  # ranks before the first word
A_PASSAGE = 60  # words
A_QUESTION = 6
QUESTIONS = 100
STATEMENT = "SELECT passage FROM gatehouse_search(%s, %s, %s, %s, %s, 0.5, '{}')"


def worded(world: World) -> Found:
    gate = Gatehouse(world)
    seconds = dict(gate.load())
    gate.steps.once("words", lambda: gate.housing.words_written(texts(world.corpus.size)))
    chance = np.random.default_rng([SEED, 2])
    questions = [drawn(chance, 1, A_QUESTION)[0] for _ in range(QUESTIONS)]
    vectors = world.corpus.queries[:QUESTIONS]
    modes = []
    for stratum in STRATA:
        readers = world.pattern.readers.get(stratum, [])
        if readers:
            gate.meet(readers)
            share = world.pattern.documents(readers[0]).mean() * 100
            for mode in ("text", "vector", "hybrid"):
                modes.append({"share": share, "mode": mode, **_asked(gate, len(readers), mode, questions, vectors)})
    return {"built": seconds | {"words": gate.steps.seconds["words"]}, "modes": modes}


def texts(size: int) -> Iterator[str]:
    """Of every passage, in order."""
    chance = np.random.default_rng([SEED, 1])
    for start in range(0, size, 10_000):
        yield from drawn(chance, min(10_000, size - start), A_PASSAGE)


def drawn(chance: np.random.Generator, count: int, words: int) -> list[str]:
    ranks = np.searchsorted(CUMULATED, chance.random((count, words)))
    return [" ".join(row) for row in NAMES[ranks]]


CUMULATED = np.cumsum(1 / np.arange(LEFT_OUT, LEFT_OUT + VOCABULARY))
CUMULATED /= CUMULATED[-1]
NAMES = np.array([f"w{rank}" for rank in range(VOCABULARY)], object)


def _asked(gate: Gatehouse, readers: int, mode: str, questions: list[str], vectors: Floats) -> dict[str, float]:
    """The first questions warm up."""
    seconds = []
    for place, (words, vector) in enumerate(
        [*zip(questions[:5], vectors, strict=False), *zip(questions, vectors, strict=True)]
    ):
        viewers = gate.viewers(place % readers)
        asked = HalfVector(vector) if mode != "text" else None
        parameters = [viewers, gate.generation.pk, asked, words if mode != "vector" else "", WANTED]
        answer = timed(lambda: [int(str(id)) for (id,) in gate.connection.execute(STATEMENT, parameters)])  # noqa: B023
        seconds.append(answer.seconds)
    return times(seconds[5:])
