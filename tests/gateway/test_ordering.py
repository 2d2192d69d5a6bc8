from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from connectors.corpus.hits import Hit
from gateway.ordering import AUTHORITY, FRESH, HALF_LIFE, authority, freshness, newest_first, ordered, preferred
from gateway.versions import marked
from tests.gateway.passages import passage

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def changed(days_ago: int, text: str = "text", *, score: float = 0.0, **metadata: object) -> Hit:
    return replace(passage(text, score=score), modified_at=NOW - timedelta(days=days_ago), metadata=metadata)


def texts(hits: list[Hit]) -> list[str]:
    return [hit.text for hit in hits]


def test_the_readers_country_comes_first_and_another_one_last() -> None:
    hits = [
        passage("a", title="Leave", score=0.9, country="France"),
        passage("b", title="Leave for all", score=0.8),
        passage("c", title="Leave in Germany", score=0.7),
        passage("d", title="Leave", score=0.72, country="germany"),
    ]
    found = preferred(hits, "how much leave", User(country="Germany"))
    assert [hit.text for hit in found] == ["d", "c", "b", "a"]


def test_a_country_named_in_the_question_stands_before_the_readers_own() -> None:
    hits = [passage("a", score=0.8, country="Germany"), passage("b", score=0.8, country="France")]
    assert [hit.text for hit in preferred(hits, "leave in France", User(country="Germany"))] == ["b", "a"]


def test_of_what_was_said_one_thing_after_another_the_last_country_counts() -> None:
    hits = [passage("a", score=0.8, country="Germany"), passage("b", score=0.8, country="France")]
    asked = "And in France?\nHow much leave is there in Germany?"
    assert [hit.text for hit in preferred(hits, asked, User())] == ["b", "a"]


def test_preference_adds_and_removes_nothing() -> None:
    hits = [passage(str(n), score=n / 10, country="France") for n in range(10)]
    found = preferred(hits, "leave", User(country="Germany", office="Berlin", department="Legal", role="Counsel"))
    assert {hit.text for hit in found} == {hit.text for hit in hits}
    assert [hit.text for hit in preferred(hits, "leave", User())] == [hit.text for hit in reversed(hits)]


def test_what_was_changed_lately_comes_before_what_fits_as_well() -> None:
    hits = [changed(3000, "old", score=0.5), passage("undated", score=0.5), changed(1, "new", score=0.5)]
    assert texts(ordered(hits, "leave", None, NOW)) == ["new", "old", "undated"]


def test_what_is_official_comes_before_what_fits_as_well() -> None:
    hits = [passage("a", score=0.5), passage("b", score=0.5, authority="Official")]
    assert texts(ordered(hits, "leave", None, NOW)) == ["b", "a"]


def test_what_fits_better_by_a_tenth_stays_first() -> None:
    hits = [passage("fits", score=0.6), changed(0, "fresh and official", score=0.5, authority="official")]
    assert texts(ordered(hits, "leave", None, NOW)) == ["fits", "fresh and official"]
    assert max(AUTHORITY.values()) + FRESH < 0.05


def test_without_dates_and_standing_the_order_is_the_searchs_own() -> None:
    hits = [passage(str(n), score=1 - n / 100) for n in range(20)]
    assert ordered(hits, "leave", None, NOW) == hits


@pytest.mark.parametrize(
    ("hit", "worth"),
    [
        pytest.param(passage("a"), 0.0, id="unknown"),
        pytest.param(changed(0), FRESH, id="today"),
        pytest.param(changed(-40), FRESH, id="in the future"),
        pytest.param(changed(HALF_LIFE), FRESH / 2, id="a year ago"),
        pytest.param(changed(1, status="Archived"), 0.0, id="out of use"),
    ],
)
def test_age_is_worth_little_and_less_each_year(hit: Hit, worth: float) -> None:
    assert freshness(hit, NOW) == pytest.approx(worth)


@pytest.mark.parametrize("said", [None, 1, "", "unknown", ["official"], {"official": True}])
def test_a_standing_nobody_knows_is_worth_nothing(said: object) -> None:
    assert authority(passage("a", authority=said)) == 0.0


def test_what_is_out_of_use_has_no_standing() -> None:
    assert authority(passage("a", authority="official", status="superseded")) == 0.0


def test_a_newer_version_takes_the_place_of_the_older_one_unless_that_is_asked_for() -> None:
    hits = marked(
        [
            passage("one", title="Travel policy v1", score=0.9),
            passage("other", title="Parking", score=0.8),
            passage("two", title="Travel policy v2", score=0.7),
        ]
    )
    found = newest_first(hits, "hotel")
    assert texts(found) == ["two", "one", "other"]
    assert [hit.score for hit in found] == [0.9, 0.9, 0.8]
    assert texts(newest_first(hits, "hotel in the travel policy, version 1")) == ["one", "other", "two"]
