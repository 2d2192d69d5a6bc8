"""Whom an answer holds for: said where the reader may read rules for others, and by nothing they may not read."""

import json
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import User
from accounts.reader import Reader
from connectors.corpus.hits import Hit
from gateway import conversations, exporting
from gateway.answering.asking import answer
from gateway.answering.events import Done
from gateway.answering.phrases import NOT_FOUND
from gateway.situation import HOLDS_FOR, KINDS, situation
from gateway.slack import formatting
from tests.gateway.library import Library
from tests.gateway.passages import passage

BERLIN = User(country="Germany", office="Berlin", role="Engineer")
QUESTION = "How many weeks of parental leave are there?"
GERMAN = "Employees receive 26 weeks of parental leave at full pay."
PORTUGUESE = "Employees receive 16 weeks of parental leave at full pay."


def hit(title: str, **metadata: object) -> Hit:
    return replace(passage("…", title=title), metadata=metadata)


@pytest.mark.parametrize(
    ("cited", "found", "told"),
    [
        ([hit("Leave", country="Germany")], [hit("Leave", country="Portugal")], ("country", "Germany")),
        ([hit("Leave", country="Germany")], [hit("Leave of absence")], None),
        ([hit("Leave", country="Germany"), hit("Pay", country="Portugal")], [hit("Leave", country="Portugal")], None),
        ([hit("Leave", country="Portugal")], [hit("Leave", country="Germany")], None),
        ([hit("Leave")], [hit("Leave", country="Portugal")], None),
        ([hit("Leave Germany")], [hit("Leave Portugal")], ("country", "Germany")),
        ([hit("Office guide Berlin")], [hit("Office guide Lisbon")], ("office", "Berlin")),
        ([hit("Office guide Berlin")], [hit("Office guide")], None),
        ([hit("Office guide Berlin")], [hit("Office guide for visitors")], None),
        ([hit("On call", role="engineer")], [hit("On call", role="manager")], ("role", "Engineer")),
        ([], [hit("Leave", country="Portugal")], None),
    ],
    ids=range(11),
)
def test_it_is_said_where_the_cited_is_ones_own_and_something_else_is_not(
    cited: list[Hit], found: list[Hit], told: tuple[str, str] | None
) -> None:
    holds_for = situation(cited, [*cited, *found], BERLIN)
    assert (holds_for and (holds_for.kind, holds_for.name)) == told


def test_of_whom_nothing_is_known_nothing_is_said() -> None:
    assert situation([hit("Leave", country="Germany")], [hit("Leave", country="Portugal")], User()) is None


def test_it_is_said_in_every_language_the_gateway_speaks() -> None:
    assert HOLDS_FOR.keys() == set(KINDS)
    assert all(words.keys() == NOT_FOUND.keys() for words in HOLDS_FOR.values())
    assert all("{name}" in words for each in HOLDS_FOR.values() for words in each.values())


@pytest.fixture
def library(transactional_db: None) -> Library:
    library = Library()
    library.person("ann", country="Germany", language="de")
    library.put("german", GERMAN, readers=("ann",), title="Parental leave", country="Germany")
    library.put("portuguese", PORTUGUESE, readers=("ann",), title="Parental leave", country="Portugal")
    return library


def ann() -> Reader:
    return Reader(User.objects.get(email="ann@example.com").pk)


def asked() -> Done:
    return async_to_sync(answer)(ann(), QUESTION, door="test")


def shown(done: Done) -> conversations.ShownAnswer:
    found = conversations.get_question(ann(), done.question_id)
    assert found is not None
    return found


def test_it_is_told_with_the_answer_and_whenever_that_is_shown_again(library: Library) -> None:
    done = asked()
    told = {"kind": "country", "name": "Germany", "message": "Für Beschäftigte in Germany"}
    assert [each.text for each in done.sentences] == [GERMAN]
    assert done.as_json()["holds_for"] == told
    stored = shown(done)
    assert exporting.answer_json(stored)["holds_for"] == told
    assert formatting.answer(stored)[0] == formatting.context(["Für Beschäftigte in Germany"])
    client = Client()
    client.force_login(User.objects.get(email="ann@example.com"))
    assert "Für Beschäftigte in Germany" in client.get(f"/questions/{done.question_id}/").content.decode()


@pytest.mark.parametrize("lost", ["german", "portuguese"])
def test_it_is_not_told_once_either_may_not_be_read(library: Library, lost: str) -> None:
    done = asked()
    text = GERMAN if lost == "german" else PORTUGUESE
    library.put(lost, text, readers=("bob",), title="Parental leave", country=lost)
    stored = shown(done)
    assert (stored.holds_for, stored.holds_for_text) == (None, "")


def test_that_others_have_another_rule_is_not_told_by_what_is_hidden(library: Library) -> None:
    library.put("portuguese", PORTUGUESE, readers=("bob",), title="Parental leave", country="Portugal")
    with_hidden = asked()
    library.remove("portuguese")
    without: Any = asked()
    assert with_hidden.holds_for is None
    ids = ("id", "conversation")
    one, other = ({k: v for k, v in each.as_json().items() if k not in ids} for each in (with_hidden, without))
    assert json.dumps(one) == json.dumps(other)
