"""Which of two things of one name is meant: asked back where both could answer, and where only then."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import User
from accounts.reader import Reader
from gateway import conversations
from gateway.answering.asking import answer
from gateway.answering.disambiguating import KINDS
from gateway.answering.events import Done
from gateway.answering.phrases import NAME_IT, NOT_FOUND, WHICH
from gateway.slack import formatting
from tests.gateway.library import Library

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "When does Phoenix start?"
PROJECT = "Phoenix starts on 1 June 2027 with four engineers."
OFFICE = "Phoenix starts on 9 May 2027 with a tour of the rooms."


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    library.person("ann", language="de")
    library.person("bob")
    library.put("project", PROJECT, readers=("ann", "bob"), title="Project Phoenix")
    library.put("office", OFFICE, readers=("ann",), title="Opening of the Phoenix office")
    return library


def reader(name: str = "ann") -> Reader:
    return Reader(User.objects.get(email=f"{name}@example.com").pk)


def asked(question: str = QUESTION, name: str = "ann") -> Done:
    return async_to_sync(answer)(reader(name), question, door="test")


def test_it_is_asked_back_with_what_the_documents_call_it(library: Library) -> None:
    done = asked()
    assert (done.status, done.language, done.model) == ("ambiguous", "de", "extractive")
    assert {each.text for each in done.sentences} == {"Project Phoenix", "Phoenix office"}
    assert {each.hit.title for each in done.citations} == {"Project Phoenix", "Opening of the Phoenix office"}
    assert set(done.options) == {f"{QUESTION} (Project Phoenix)", f"{QUESTION} (Phoenix office)"}
    assert done.answer.startswith("Was davon meinen Sie? ")
    assert done.as_json()["options"] == list(done.options)
    assert done.holds_for is None


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (f"{QUESTION} (Project Phoenix)", "1 June 2027"),
        (f"{QUESTION} (Phoenix office)", "9 May 2027"),
        ("When does the Phoenix project start?", "1 June 2027"),
        ("When does the Phoenix office start?", "9 May 2027"),
    ],
)
def test_a_question_that_says_what_it_means_is_answered(library: Library, question: str, said: str) -> None:
    done = asked(question)
    assert done.status == "answered"
    assert said in done.answer
    assert done.options == ()


def test_who_may_read_of_one_of_them_is_answered_as_if_there_were_no_other(library: Library) -> None:
    with_hidden = asked(name="bob").as_json()
    library.remove("office")
    without = asked(name="bob").as_json()
    assert with_hidden["status"] == "answered"
    ids = ("id", "conversation")
    assert json.dumps([without[key] for key in without if key not in ids]) == json.dumps(
        [with_hidden[key] for key in with_hidden if key not in ids]
    )


def test_what_does_not_answer_is_not_asked_about(library: Library) -> None:
    library.put("office", "The rooms are painted in green.", readers=("ann",), title="Opening of the Phoenix office")
    assert asked().status == "answered"


@pytest.mark.parametrize("title", ["Phoenix minutes", "Project Phoenix: plan", "Phoenix project in the Phoenix office"])
def test_two_documents_about_one_thing_or_of_no_kind_agree(library: Library, title: str) -> None:
    library.put("office", OFFICE, readers=("ann",), title=title)
    assert asked().status == "answered"


def test_a_name_without_a_capital_is_a_word_like_others(library: Library) -> None:
    assert asked("when does phoenix start?").status == "answered"


def test_shown_again_it_is_asked_again_by_what_may_still_be_read(library: Library) -> None:
    done = asked()
    client = Client()
    client.force_login(User.objects.get(email="ann@example.com"))
    page = client.get(f"/questions/{done.question_id}/").content.decode()
    assert "Was davon meinen Sie?" in page
    assert f'value="{QUESTION} (Phoenix office)"' in page
    library.put("office", OFFICE, readers=("bob",), title="Opening of the Phoenix office")
    page = client.get(f"/questions/{done.question_id}/").content.decode()
    assert "Phoenix office" not in page
    assert f'value="{QUESTION} (Project Phoenix)"' in page


def test_in_slack_it_is_asked_in_words(library: Library) -> None:
    shown = conversations.get_question(reader(), asked().question_id)
    assert shown is not None
    text = formatting.answer(shown)[0]["text"]["text"].split("\n")
    assert (text[0], text[-1]) == (WHICH["de"], NAME_IT["de"])
    assert sorted(line.rstrip(" []12") for line in text[1:-1]) == ["• Phoenix office", "• Project Phoenix"]


def test_it_is_said_in_every_language_the_gateway_speaks() -> None:
    assert WHICH.keys() == NAME_IT.keys() == NOT_FOUND.keys()
    assert all(word == word.lower() for word in KINDS)
