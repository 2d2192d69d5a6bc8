from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.corpus.hits import Hit
from gateway.duplicates import collapsed
from gateway.likeness import Wording
from gateway.versions import marked
from tests.gateway.passages import passage

LONG = " ".join(f"word{letter}{other}" for letter in "abcdefghijkl" for other in "abcdefghijkl")  # 144 words


def texts(hits: list[Hit]) -> list[str]:
    return [hit.text for hit in hits]


def of(text: str, year: int | None, *, score: float = 0.5, title: str = "") -> Hit:
    changed = datetime(year, 1, 1, tzinfo=UTC) if year else None
    return replace(passage(text, title=title, score=score), modified_at=changed)


def test_the_newest_of_the_same_is_kept_in_the_place_of_the_best() -> None:
    hits = [of("Same text.", 2024, score=0.9), of("Other.", None, score=0.8), of("same \n TEXT.", 2025, score=0.7)]
    found = collapsed(hits, "text")
    assert texts(found) == ["same \n TEXT.", "Other."]
    assert [hit.score for hit in found] == [0.9, 0.8]


def test_a_date_is_newer_than_none_and_without_dates_the_nearest_is_kept() -> None:
    assert collapsed([of("Same.", None, score=0.9), of("Same.", 2001)], "x")[0].modified_at is not None
    assert (
        collapsed([of("Same.", None, title="first", score=0.9), of("Same.", None, title="second")], "x")[0].title
        == "first"
    )


def test_no_older_version_is_kept_though_it_was_changed_later() -> None:
    hits = marked([of("Same.", 2026, title="Policy v1"), of("Same.", 2025, title="Policy v2")])
    (found,) = collapsed(hits, "x")
    assert (found.title, found.superseded) == ("Policy v2", False)


def test_one_document_may_say_the_same_twice() -> None:
    one = passage("Same.")
    assert len(collapsed([one, replace(one, ordinal=5)], "x")) == 2


def test_a_few_other_words_are_the_same_text() -> None:
    assert texts(collapsed([passage(LONG), passage(f"{LONG} indeed")], "x")) == [LONG]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(f"{LONG} 120 euros", f"{LONG} 140 euros", id="a number"),
        pytest.param(f"{LONG} may be taken", f"{LONG} may not be taken", id="a negation"),
        pytest.param(LONG, LONG.replace("wordaf", "a").replace("wordcf", "b").replace("wordgf", "c"), id="three words"),
        pytest.param(f"{LONG} Lisbon", f"{LONG} Berlin", id="a word that is asked for"),
    ],
)
def test_texts_that_tell_different_things_are_both_kept(one: str, other: str) -> None:
    assert len(collapsed([passage(one), passage(other)], "hotel in Lisbon")) == 2


def test_documents_told_apart_by_the_question_are_both_kept() -> None:
    hits = [passage("The term is twelve months.", title=f"Contract with {name}") for name in ("Acme", "Globex")]
    assert len(collapsed(hits, "term of the contract with Globex")) == 2
    assert len(collapsed(hits, "term of a contract")) == 1


def test_what_holds_in_different_countries_is_both_kept() -> None:
    hits = [passage("Leave is 26 weeks.", country=country) for country in ("Germany", "France")]
    assert len(collapsed(hits, "leave")) == 2


def test_likeness_is_the_part_of_runs_of_five_words_that_is_shared() -> None:
    one, other = Wording("a b c d e f g"), Wording("a b c d e f x")
    assert one.likeness(other) == 2 / 4
    assert one.is_like(other, 0.5)
    assert not one.is_like(other, 0.51)
    assert Wording("").likeness(Wording(" ")) == 1.0
    assert Wording("a b").likeness(Wording("a c")) == 0.0
