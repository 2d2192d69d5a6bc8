"""Questions asked of a system, of its graph without a filter and of numpy in turn, and what the answers are worth."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from benchmarks.reporting import percentile
from benchmarks.retrieval.corpus import A_DOCUMENT, Corpus, Floats, Ints
from benchmarks.retrieval.exact import TIE, Numpy, Truth, truths
from benchmarks.retrieval.patterns import Pattern
from benchmarks.retrieval.peers.system import System
from benchmarks.retrieval.sharing import Groups

SECONDS = 20.0  # after which a slow system has been asked enough, if it was asked as often as this:
FEWEST = 30
ENOUGH = 0.97  # recall in the trial from which on the faster setting is the better one, so that .95 is kept
OFTEN = {True: 200, False: 100}  # questions: of a small corpus, of a large one
TRIED = {True: 20, False: 10}  # questions by which the setting is found
LARGE = 500_000  # passages


@dataclass(frozen=True)
class Asked:
    """What one stratum of a pattern asks: `reader_of[n]` asks `vectors[n]`, and `truths[n]` is the right answer."""

    corpus: Corpus
    pattern: Pattern
    readers: Sequence[Groups]
    reader_of: Ints
    vectors: Floats
    truths: list[Truth]
    permitted: list[NDArray[np.bool_]]  # documents of each reader


@dataclass
class Worth:
    """What the answers were worth, question by question."""

    recall: list[float] = field(default_factory=list)
    fill: list[float] = field(default_factory=list)
    forbidden: int = 0
    seconds: list[float] = field(default_factory=list)

    def count(self, asked: Asked, place: int, numbers: Sequence[int], seconds: float) -> None:
        """A passage is right if it is as near as the tenth of the exact answer; one twice counts once."""
        truth = asked.truths[place]
        found = np.array(sorted(set(numbers)), np.int64)
        allowed = asked.permitted[asked.reader_of[place]][found // A_DOCUMENT]
        self.forbidden += int((~allowed).sum())
        mine = found[allowed]
        wanted = max(len(truth.numbers), 1)
        likeness = asked.corpus.vectors[mine].astype(np.float32) @ asked.vectors[place]
        right = int((likeness >= truth.least - TIE).sum())
        self.recall.append(min(right, len(truth.numbers)) / wanted if len(truth.numbers) else 1.0)
        self.fill.append(min(len(mine), len(truth.numbers)) / wanted if len(truth.numbers) else 1.0)
        self.seconds.append(seconds)


def asked_of(corpus: Corpus, pattern: Pattern, stratum: str) -> tuple[Asked, Asked]:
    """What is measured, and what finds the settings: other questions of the same readers."""
    readers = pattern.readers[stratum]
    reader_of, vectors = pattern.asked[stratum]
    small = corpus.size < LARGE
    permitted = [pattern.documents(groups) for groups in readers]

    def some(part: slice) -> Asked:
        right = truths(corpus, pattern, readers, reader_of[part], vectors[part])
        return Asked(corpus, pattern, readers, reader_of[part], vectors[part], right, permitted)

    return some(slice(OFTEN[small])), some(slice(-TRIED[small], None))


def best_effort(system: System, tried: Asked) -> tuple[str, dict[str, dict[str, float]]]:
    """The fastest setting that is right often enough, else the one that is right most often; and what each did."""
    outcomes = {}
    for effort in system.efforts:
        worth = Worth()
        began = time.perf_counter()
        for place, vector in enumerate(tried.vectors):
            answer = system.ask(int(tried.reader_of[place]), vector, effort)
            worth.count(tried, place, answer.numbers, answer.seconds)
            if time.perf_counter() - began > SECONDS / 4 and place >= 3:
                break
        outcomes[effort] = {"recall": fmean(worth.recall), "p50": percentile(worth.seconds, 50) * 1000}
    good = [effort for effort, outcome in outcomes.items() if outcome["recall"] >= ENOUGH]
    if good:
        return min(good, key=lambda effort: outcomes[effort]["p50"]), outcomes
    return max(outcomes, key=lambda effort: (outcomes[effort]["recall"], -outcomes[effort]["p50"])), outcomes


def ask_in_turn(system: System, asked: Asked, effort: str, numpy: Numpy | None) -> tuple[Worth, list[float]]:
    """Each question goes to the system, to numpy and to the graph without a filter, so that all see the same load."""
    worth, unfiltered, spent = Worth(), [], 0.0
    for place, vector in enumerate(asked.vectors):
        reader = int(asked.reader_of[place])
        answer = system.ask(reader, vector, effort)
        worth.count(asked, place, answer.numbers, answer.seconds)
        if numpy is not None:
            numpy.ask(reader, vector)
        unfiltered.append(system.unfiltered(reader, vector, effort).seconds)
        spent += answer.seconds + unfiltered[-1]
        if spent > SECONDS and place + 1 >= FEWEST:
            break
    return worth, unfiltered
