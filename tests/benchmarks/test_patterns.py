"""Made-up sharing is what its description says, and the same every time."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.retrieval import corpus as corpora
from benchmarks.retrieval.corpus import A_DOCUMENT, Corpus, corpus_of, passages_of
from benchmarks.retrieval.patterns import READERS, Pattern, pattern_of
from benchmarks.retrieval.sharing import HIDDEN, WAYS

SIZE = 4_000


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setattr(corpora, "PLACE", tmp_path)
    return corpus_of(SIZE)


ways = pytest.mark.parametrize("way", list(WAYS))


def test_vectors_are_of_unit_length_and_documents_lie_together(corpus: Corpus) -> None:
    vectors = corpus.vectors.astype(np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)
    likeness = vectors[:1_000] @ vectors[:1_000].T
    own = np.arange(1_000)[:, None] // A_DOCUMENT == np.arange(1_000) // A_DOCUMENT
    assert likeness[own].mean() > 0.6 > 0.2 > likeness[~own].mean()


@ways
def test_equal_sets_of_groups_are_one_scope(corpus: Corpus, way: str) -> None:
    pattern = pattern_of(corpus, way)
    assert len(set(pattern.groups_of)) == len(pattern.groups_of)
    assert pattern.scope_of.shape == (corpus.documents,)
    assert 0 <= pattern.scope_of.min() <= pattern.scope_of.max() < len(pattern.groups_of)
    assert all(pattern.groups_of[scope] for scope in np.unique(pattern.scope_of))


@ways
def test_readers_may_read_about_what_their_stratum_says(corpus: Corpus, way: str) -> None:
    pattern = pattern_of(corpus, way)
    assert pattern.readers
    for stratum, readers in pattern.readers.items():
        assert 1 <= len(readers) <= READERS
        for groups in readers:
            share = pattern.documents(groups).mean() * 100
            assert float(stratum) / 1.61 <= share <= float(stratum) * 1.61


@ways
def test_a_reader_reads_exactly_what_a_group_of_theirs_is_given(corpus: Corpus, way: str) -> None:
    pattern = pattern_of(corpus, way)
    for readers in pattern.readers.values():
        for groups in readers:
            mine = [bool(set(groups) & set(pattern.groups_of[scope])) for scope in pattern.scope_of]
            assert pattern.documents(groups).tolist() == mine


@ways
def test_a_pattern_read_from_its_files_is_the_one_that_was_made(corpus: Corpus, way: str) -> None:
    made, read = pattern_of(corpus, way), pattern_of(corpus, way)
    assert same(made, read)
    (corpus.place / "patterns" / way / "pattern.json").unlink()
    assert same(made, pattern_of(corpus, way))


def same(one: Pattern, other: Pattern) -> bool:
    return (
        one.groups_of == other.groups_of
        and one.readers == other.readers
        and bool((one.scope_of == other.scope_of).all())
        and all((one.asked[stratum][1] == other.asked[stratum][1]).all() for stratum in one.readers)
    )


def test_a_folder_is_read_by_whoever_reads_a_folder_above_it(corpus: Corpus) -> None:
    pattern = pattern_of(corpus, "directory")
    assert pattern.parents[0] == -1
    for scope, parent in enumerate(pattern.parents[1:], start=1):
        assert pattern.groups_of[scope][:-1] == pattern.groups_of[parent]


@pytest.mark.parametrize("hidden", HIDDEN[1:], ids=str)  # half a percent of so few are two documents
def test_the_nearest_passages_are_the_hidden_ones(corpus: Corpus, hidden: float) -> None:
    pattern = pattern_of(corpus, "hidden")
    stratum = f"{100 - hidden:g}"
    reader_of, vectors = pattern.asked[stratum]
    likeness = vectors @ corpus.vectors.astype(np.float32).T
    firsts = np.argmax(likeness, axis=1) // A_DOCUMENT
    readable = [pattern.documents(groups) for groups in pattern.readers[stratum]]
    seen = [readable[reader][document] for reader, document in zip(reader_of, firsts, strict=True)]
    assert np.mean(seen) < 0.1


def test_documents_by_mask_or_number_give_their_ten_passages() -> None:
    mask = np.array([False, True, False, True])
    assert passages_of(mask).tolist() == [*range(10, 20), *range(30, 40)]
    assert passages_of(np.array([3], np.int32)).tolist() == list(range(30, 40))
