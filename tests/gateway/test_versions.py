from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.corpus.hits import Hit
from gateway.versions import Edition, marked
from tests.gateway.passages import passage

LONG = " ".join(f"word{letter}{other}" for letter in "abcdefgh" for other in "abcdefgh")


def older(*hits: Hit) -> list[str]:
    return [hit.title for hit in marked(hits) if hit.superseded]


def known_as(id: str, title: str, **metadata: object) -> Hit:
    return replace(passage(title, title=title), external_id=id, metadata=metadata)


def changed(hit: Hit, year: int) -> Hit:
    return replace(hit, modified_at=datetime(year, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("title", "name", "number", "date", "words"),
    [
        ("Travel policy v2", "travel policy", (2,), (), ""),
        ("travel_policy_v2.1-final.PDF", "travel policy", (2, 1), (), "final"),
        ("Travel policy (Version 10) (draft)", "travel policy", (10,), (), "draft"),
        ("Travel-Policy 2026-03-01.docx", "travel policy", (), (2026, 3, 1), ""),
        ("Travel policy 20260301", "travel policy", (), (2026, 3, 1), ""),
        ("Copy of Travel policy", "travel policy", (), (), "copy"),
        ("Travel policy (copy 2)", "travel policy", (), (), "copy"),
        ("Reisekosten Fassung 3 Entwurf", "reisekosten", (3,), (), "entwurf"),
        ("Final accounts", "final accounts", (), (), ""),
        ("Draft", "draft", (), (), ""),
        ("RFC 7644", "rfc 7644", (), (), ""),
        ("Node.js guide", "node js guide", (), (), ""),
        ("Room 2101", "room 2101", (), (), ""),
        ("", "", (), (), ""),
    ],
)
def test_a_title_is_a_name_and_what_version_it_is(
    title: str, name: str, number: tuple[int, ...], date: tuple[int, ...], words: str
) -> None:
    expected = Edition(name=name, number=number, date=date, words=frozenset(words.split()))
    assert Edition.of(title) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Policy v1", "Policy v2"),
        ("Policy v9", "Policy v10"),
        ("Policy v2 draft", "Policy v1"),
        ("Policy (old)", "Policy"),
        ("Policy v1", "Policy v2 (copy)"),
        ("Copy of policy", "Policy"),
    ],
)
def test_a_title_says_which_version_is_newer(old: str, new: str) -> None:
    assert older(passage("a", title=old), passage("b", title=new)) == [old]
    assert older(passage("b", title=new), passage("a", title=old)) == [old]


def test_alone_it_is_simply_a_document() -> None:
    hits = [known_as("1", "Policy v1 (old)", status="superseded", superseded_by="2"), known_as("9", "Other v3")]
    assert marked(hits) == hits


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(passage("a", title="Minutes"), passage("a", title="Minutes"), id="one title"),
        pytest.param(
            passage("a", title="Minutes 2025-01-01"), passage("b", title="Minutes 2026-01-01"), id="other texts by date"
        ),
        pytest.param(
            passage("a", title="Read me", status="archived"), passage("b", title="Read me"), id="other texts by status"
        ),
        pytest.param(
            replace(passage("a", title="Policy v1"), source="wiki"), passage("a", title="Policy v2"), id="other source"
        ),
        pytest.param(
            replace(passage("a", title="Policy v1"), language="de"), passage("a", title="Policy v2"), id="a translation"
        ),
        pytest.param(
            passage("a", title="Policy v1", country="France"),
            passage("a", title="Policy v2", country="Spain"),
            id="country",
        ),
        pytest.param(passage("a", title="Policy"), passage("b", title="Policy v2"), id="nothing says which is newer"),
        pytest.param(
            known_as("1", "A", superseded_by="2"), known_as("2", "B", superseded_by="1"), id="each after the other"
        ),
        pytest.param(known_as("1", "A", supersedes="1"), known_as("2", "B", supersedes=[None, 7]), id="nonsense"),
    ],
)
def test_these_are_not_told_to_be_versions(one: Hit, other: Hit) -> None:
    assert older(one, other) == []


def test_dated_titles_are_versions_if_the_texts_are_alike() -> None:
    one, other = passage(f"{LONG} 120 euros", title="Prices 2025"), passage(f"{LONG} 140 euros", title="Prices 2026")
    assert older(one, other) == ["Prices 2025"]


def test_where_one_has_a_number_and_the_other_none_the_last_change_decides() -> None:
    one, other = changed(passage("a", title="Policy"), 2026), changed(passage("b", title="Policy v2"), 2025)
    assert older(one, other) == ["Policy v2"]


@pytest.mark.parametrize(
    ("of_old", "of_new"),
    [
        ({"superseded_by": "new"}, {}),
        ({}, {"supersedes": "old"}),
        ({}, {"supersedes": ["elsewhere", "old"]}),
    ],
)
def test_a_source_says_which_document_follows_which(of_old: dict[str, object], of_new: dict[str, object]) -> None:
    assert older(known_as("old", "Guide", **of_old), known_as("new", "Manual", **of_new)) == ["Guide"]


def test_versions_by_number_in_metadata() -> None:
    assert older(passage("a", title="Policy", version=1), passage("b", title="Policy", version="v1.5")) == ["Policy"]


def test_of_three_both_older_ones_lead_to_the_newest() -> None:
    hits = marked([passage(name, title=f"Policy {name}") for name in ("v2", "v3", "v1")])
    newest = hits[1]
    assert [hit.newer for hit in hits] == [
        (newest.document_id, newest.digest),
        None,
        (newest.document_id, newest.digest),
    ]


def test_an_older_passage_leads_to_the_newer_one_under_its_heading() -> None:
    old = passage("a", title="Policy v1", heading="Hotels")
    new = passage("trains", title="Policy v2", heading="Trains")
    hotels = replace(passage("hotels", title="Policy v2", heading="Hotels"), document_id=new.document_id)
    assert marked([old, new, hotels])[0].newer == (hotels.document_id, hotels.digest)


@pytest.mark.parametrize(
    ("title", "query", "named"),
    [
        ("Policy v1", "hotel in version 1", True),
        ("Policy v1", "hotel in policy v1?", True),
        ("Policy v1", "may 1 person stay", False),
        ("Prices 2025-03", "prices of 2025", True),
        ("Prices 2025", "prices in 2025-03", True),
        ("Prices 2025", "prices in 2026", False),
        ("Policy (draft)", "what does the draft say", True),
        ("Policy", "what does the policy say", False),
    ],
)
def test_a_question_may_ask_for_a_version(title: str, query: str, named: bool) -> None:
    assert Edition.of(title).is_named_in(query) is named
