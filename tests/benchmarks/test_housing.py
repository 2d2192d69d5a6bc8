"""What the benchmark writes into the gateway's tables is what the gateway itself would have written."""

from pathlib import Path

import numpy as np
import pytest
from pgvector import HalfVector

from accounts.statements import rows
from benchmarks.retrieval import corpus as corpora
from benchmarks.retrieval import housing
from benchmarks.retrieval.corpus import Corpus, corpus_of
from benchmarks.retrieval.exact import truths
from benchmarks.retrieval.patterns import Pattern, pattern_of
from connectors.corpus import access
from connectors.corpus.search import search

SIZE = 2_000
READABLE = "SELECT sum(passages) FROM connectors_scopesize WHERE scope_id = ANY(gatehouse_audience_scopes(%s))"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setattr(corpora, "PLACE", tmp_path)
    return corpus_of(SIZE)


@pytest.mark.django_db(transaction=True)
def test_every_reader_of_a_pattern_reads_what_it_says_one_pattern_after_the_other(corpus: Corpus) -> None:
    housing.copied(corpus)
    housing.passages_written(corpus)
    housing.vectors_written(corpus)
    housing.graph_built()
    for name in ("directory", "hierarchy", "directory"):
        pattern = pattern_of(corpus, name)
        housing.laid(corpus, pattern)
        assert access.differences(housing.source().pk) == 0
        assert rows("SELECT count(*), min(passage_id), max(passage_id) FROM connectors_passagevector") == [
            (SIZE, 1, SIZE)
        ]
        for stratum, readers in pattern.readers.items():
            for number, groups in enumerate(readers):
                reader = housing.reader(pattern, stratum, number)
                assert rows(READABLE, [reader.text]) == [(len(pattern.passages(groups)),)]
        finds_the_nearest(corpus, pattern)


def finds_the_nearest(corpus: Corpus, pattern: Pattern) -> None:
    stratum = next(iter(pattern.readers))
    vector = corpus.queries[0]
    wanted = truths(corpus, pattern, pattern.readers[stratum][:1], np.zeros(1, np.int32), vector[None])[0]
    hits = search(housing.reader(pattern, stratum, 0), query="", vector=HalfVector(vector).to_list(), mode="vector")
    assert {int(hit.external_id) * 10 + hit.ordinal for hit in hits} == set(wanted.numbers.tolist())


def test_the_functions_of_a_file_are_found_by_name() -> None:
    assert "gatehouse_search" in [
        name for file in housing.SEARCH for name in housing.made_in((housing.MIGRATIONS / file).read_text())
    ]
