"""What an answer is worth, which setting suits a peer, and how vectors get into Postgres."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from django.db import connection

from benchmarks.retrieval import copying
from benchmarks.retrieval import corpus as corpora
from benchmarks.retrieval.asking import Asked, Worth, asked_of, best_effort
from benchmarks.retrieval.corpus import Corpus, Floats, corpus_of
from benchmarks.retrieval.exact import Numpy, in_blocks, top
from benchmarks.retrieval.patterns import Pattern, pattern_of
from benchmarks.retrieval.peers.system import Answer, Folder
from benchmarks.retrieval.sharing import Groups

SIZE = 4_000


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setattr(corpora, "PLACE", tmp_path)
    return corpus_of(SIZE)


@pytest.fixture
def pattern(corpus: Corpus) -> Pattern:
    return pattern_of(corpus, "tenants")


def test_the_truth_is_what_a_search_of_everything_permitted_finds(corpus: Corpus, pattern: Pattern) -> None:
    asked, _ = asked_of(corpus, pattern, "10")
    assert len(asked.truths) == len(asked.vectors) == 200
    for place in range(0, 200, 20):
        numbers = pattern.passages(asked.readers[asked.reader_of[place]])
        likeness = corpus.vectors[numbers].astype(np.float32) @ asked.vectors[place]
        assert set(asked.truths[place].numbers) == set(numbers[top(likeness)])


def worth_of(asked: Asked, numbers: Sequence[int]) -> Worth:
    worth = Worth()
    worth.count(asked, 0, numbers, 0.001)
    return worth


def test_an_exact_answer_is_worth_everything(corpus: Corpus, pattern: Pattern) -> None:
    asked, _ = asked_of(corpus, pattern, "10")
    worth = worth_of(asked, asked.truths[0].numbers.tolist())
    assert (worth.recall, worth.fill, worth.forbidden) == ([1.0], [1.0], 0)


def test_a_passage_named_twice_counts_once(corpus: Corpus, pattern: Pattern) -> None:
    asked, _ = asked_of(corpus, pattern, "10")
    worth = worth_of(asked, [int(asked.truths[0].numbers[0])] * 10)
    assert (worth.recall, worth.fill) == ([0.1], [0.1])


def test_a_passage_that_may_not_be_read_is_no_hit_and_is_told(corpus: Corpus, pattern: Pattern) -> None:
    asked, _ = asked_of(corpus, pattern, "10")
    permitted = set(pattern.passages(asked.readers[asked.reader_of[0]]).tolist())
    likeness = corpus.vectors.astype(np.float32) @ asked.vectors[0]
    hidden = next(int(number) for number in np.argsort(-likeness) if int(number) not in permitted)
    worth = worth_of(asked, [hidden])
    assert (worth.recall, worth.fill, worth.forbidden) == ([0.0], [0.0], 1)


def test_numpy_finds_the_same_in_each_of_its_ways(corpus: Corpus, pattern: Pattern) -> None:
    halves = np.ascontiguousarray(corpus.vectors[:1_300])
    assert np.allclose(in_blocks(halves, corpus.queries[0]), halves.astype(np.float32) @ corpus.queries[0], atol=1e-6)
    numpy = Numpy(corpus, pattern, pattern.readers["10"])
    numpy.ask(0, corpus.queries[0])
    assert {way: len(seconds) for way, seconds in numpy.seconds.items()} == {"half": 1, "single": 1, "gathering": 1}


class Turned:
    """Answers with the first so many of the truth, as slowly as the setting says."""

    ways: Mapping[str, tuple[int, float]] = {"quick": (5, 0.001), "good": (10, 0.003), "best": (10, 0.009)}

    def __init__(self, asked: Asked, efforts: Sequence[str]) -> None:
        self.asked = asked
        self.efforts = efforts
        self._next = 0

    def ask(self, reader: int, vector: Floats, effort: str) -> Answer:
        found, seconds = self.ways[effort]
        truth = self.asked.truths[self._next % len(self.asked.truths)]
        self._next += 1
        return Answer(truth.numbers[:found].tolist(), seconds)

    def unfiltered(self, reader: int, vector: Floats, effort: str) -> Answer:
        raise NotImplementedError

    def load(self) -> Mapping[str, float]:
        return {}

    def meet(self, readers: Sequence[Groups]) -> None: ...

    def facts(self, reader: int, vector: Floats, effort: str) -> Mapping[str, object]:
        return {}

    def bytes(self) -> int:
        return 0

    def share(self, folder: Folder) -> None: ...

    def regrant(self, document: int, groups: Groups) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("efforts", "wanted"),
    [(["quick", "good", "best"], "good"), (["quick"], "quick"), (["best", "quick"], "best")],
    ids=["the fastest that is good enough", "the only one", "a slow one that is good enough"],
)
def test_each_peer_is_measured_at_the_setting_that_suits_it_best(
    corpus: Corpus, pattern: Pattern, efforts: list[str], wanted: str
) -> None:
    _, tried = asked_of(corpus, pattern, "10")
    effort, outcomes = best_effort(Turned(tried, efforts), tried)
    assert effort == wanted
    assert outcomes.keys() == set(efforts)


@pytest.mark.django_db
def test_vectors_arrive_in_postgres_bit_by_bit(corpus: Corpus) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE arrived (number integer, big bigint, embedding halfvec(384))")
        numbers = np.arange(30)
        columns = [("number", "int4", numbers), ("big", "int8", numbers + 2**40)]
        copying.copy_in(connection.connection, "arrived", columns, corpus.vectors[:30])
        cursor.execute("SELECT number, big, embedding::text FROM arrived ORDER BY number")
        found = cursor.fetchall()
    assert [row[:2] for row in found] == [(number, number + 2**40) for number in range(30)]
    arrived = np.array([[float(value) for value in row[2][1:-1].split(",")] for row in found], np.float16)
    assert (arrived == corpus.vectors[:30]).all()
