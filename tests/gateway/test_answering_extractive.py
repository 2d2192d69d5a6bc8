from dataclasses import replace
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.reader import Reader
from connectors.corpus.hits import Hit
from connectors.sentences import sentences
from gateway.answering import extractive
from gateway.answering.drafts import Draft, Missing
from gateway.answering.extractive import MOST_SENTENCES, compose
from gateway.answering.following import standalone
from gateway.answering.recording import Asked
from gateway.answering.words import content_words
from gateway.versions import marked
from tests.gateway.passages import passage


def picked(
    question: str, *hits: Hit, country: str = "", earlier: tuple[str, ...] = (), shown: frozenset[str] = frozenset()
) -> list[Draft]:
    found = asked_for(question, *hits, country=country, earlier=earlier, shown=shown)
    return [each for each in found if isinstance(each, Draft)]


def asked_for(
    question: str, *hits: Hit, country: str = "", earlier: tuple[str, ...] = (), shown: frozenset[str] = frozenset()
) -> list[Draft | Missing]:
    asked = Asked(
        question_id=uuid4(),
        conversation_id=uuid4(),
        text=question,
        earlier=earlier,
        reader=Reader(1),
        person=User(country=country),
        door="test",
        shown=shown,
    )
    return compose(asked, hits)


def texts(drafts: list[Draft]) -> list[str]:
    return [draft.text for draft in drafts]


TRAVEL = passage(
    "Trains are booked in second class. Hotel rooms may cost up to 140 euros a night in Lisbon. Meals are paid back.",
    title="Travel policy",
)
LEAVE = passage("Parental leave is 26 weeks at full pay. It can be taken in two parts.", title="Leave policy")


def test_the_sentence_that_answers_comes_word_for_word_with_its_passage() -> None:
    first = picked("How much may a hotel room cost in Lisbon?", LEAVE, TRAVEL)[0]
    assert first.text == "Hotel rooms may cost up to 140 euros a night in Lisbon."
    assert first.evidence == (TRAVEL,)


@pytest.mark.parametrize("question", ["Who won the football match on Sunday?", "hello", "???", "what about it"])
def test_nothing_is_picked_for_what_no_passage_is_about(question: str) -> None:
    assert picked(question, LEAVE, TRAVEL) == []


def test_no_passage_no_answer() -> None:
    assert picked("How much may a hotel room cost in Lisbon?") == []


def test_what_is_said_twice_is_shown_once() -> None:
    copy = passage("Hotel rooms may cost up to 140 euros a night in Lisbon.", title="Travel policy (copy)")
    assert len(picked("How much may a hotel room cost in Lisbon?", TRAVEL, copy)) == 1


def test_a_heading_or_a_question_is_not_an_answer_but_what_follows_it_is() -> None:
    faq = passage("Parental leave\nHow long is parental leave?\nTwenty-six weeks at full pay.", title="Questions")
    assert texts(picked("How long is parental leave?", faq)) == ["Twenty-six weeks at full pay."]


def test_a_row_of_a_table_is_shown_as_the_line_it_is() -> None:
    row = "Grade: L4; Role: Engineer; Salary from: 70000; Salary to: 90000"
    bands = passage(f"Grade: L3; Role: Engineer; Salary from: 55000; Salary to: 70000\n{row}", title="Salary bands")
    assert row in texts(picked("What is the salary of an engineer at grade L4?", bands))


def test_another_countrys_rule_is_left_out_when_there_is_one_for_the_reader() -> None:
    said = "Employees receive {} weeks of parental leave."
    german = passage(said.format(26), title="Leave", country="Germany")
    french = passage(said.format(16), title="Leave", country="France")
    question = "How many weeks of parental leave do employees receive?"
    assert texts(picked(question, french, german, country="Germany")) == [said.format(26)]
    assert texts(picked(f"{question[:-1]} in France?", german, french, country="Germany")) == [said.format(16)]
    assert len(picked(question, french, german)) == 2


def test_an_answer_has_a_few_sentences_at_most() -> None:
    rules = "Hotel rooms in {} may cost up to {} euros a night."
    cities = ["Lisbon", "Berlin", "Paris", "Madrid", "Rome", "Vienna"]
    many = passage(" ".join(rules.format(city, 100 + n) for n, city in enumerate(cities)), title="Hotels")
    assert len(picked("How many euros may hotel rooms cost a night?", many)) <= MOST_SENTENCES


def test_a_short_question_or_one_that_points_back_takes_the_one_before_it_along() -> None:
    before = ("How long is parental leave in Germany?",)
    assert standalone("And in France?", before) == "How long is parental leave in Germany?\nAnd in France?"
    assert "parental" in standalone("Does it have to be taken by both parents at the same time?", before)
    alone = "How much may a hotel room cost in Lisbon during the yearly conference?"
    assert standalone(alone, before) == alone
    assert standalone("And in France?", ()) == "And in France?"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("policies", "policy"),
        ("weeks", "week"),
        ("Élèves", "eleve"),
        ("employees’", "employee"),
        ("l'accord", "accord"),
    ],
)
def test_forms_of_a_word_are_one_word(one: str, other: str) -> None:
    assert content_words(one) == content_words(other)


def test_function_words_and_greetings_carry_no_content() -> None:
    assert content_words("Hello, what is it about? Was ist das? Qu'est-ce que c'est ?") == []


def test_a_sentence_that_shares_only_the_place_and_the_unit_is_no_answer() -> None:
    remote = passage(
        "How many days a week may I work from home in Portugal?\n"
        "Employees in Portugal may work from home up to 4 days a week. "
        "Employees in Portugal may work up to 30 working days a year from another country.",
        title="Remote work in Portugal",
    )
    question = "How many weeks of parental leave are there in Portugal?"
    assert picked(question, remote) == []
    leave = passage("Parents in Portugal take 17 weeks of parental leave after the birth of a child.", title="Leave")
    assert texts(picked(question, remote, leave))[:1] == [leave.text]


SANDPIPER = passage(
    "Project Sandpiper gets eleven new positions in 2027, and hiring for Project Sandpiper starts in February. "
    "Until that day no position for Project Sandpiper is advertised.",
    title="Staffing plan",
)
HAPPENING = "What is happening with Project Sandpiper?"


def test_a_follow_up_is_answered_by_what_it_asks_for_itself() -> None:
    assert picked("Who leads it?", SANDPIPER, earlier=(HAPPENING,)) == []
    led = passage("Inês Carvalho leads Project Sandpiper.", title="Staff news")
    assert texts(picked("Who leads it?", SANDPIPER, led, earlier=(HAPPENING,))) == [led.text]


def test_what_points_back_is_not_answered_by_what_is_about_something_else() -> None:
    asked_before = ("How many days of annual leave do I get?",)
    expenses = passage("Who approves: Head of department; Up to (EUR): 6000", title="Expense limits")
    leave = passage("Annual leave is approved by your lead.", title="Annual leave")
    assert picked("Who approves it?", expenses, earlier=asked_before) == []
    assert texts(picked("Who approves it?", expenses, leave, earlier=asked_before)) == [leave.text]


def test_a_sentence_that_was_shown_answers_only_what_it_has_the_words_of() -> None:
    shown = frozenset({"Parental leave is 26 weeks at full pay."})
    asked_before = ("How long is parental leave?",)
    assert texts(picked("Is it at full pay?", LEAVE, earlier=asked_before, shown=shown)) == [*shown]
    drafts = picked("Can it be taken in two parts?", LEAVE, earlier=asked_before, shown=shown)
    assert texts(drafts) == ["It can be taken in two parts."]


def test_what_was_shown_does_not_answer_a_question_in_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractive, "ENOUGH", 0.0)  # however well it fits
    shown = frozenset(SANDPIPER.text[start:end] for start, end in sentences(SANDPIPER.text))
    told = replace(SANDPIPER, language="en")
    assert texts(picked("Wie viele Urlaubstage habe ich?", told, earlier=(HAPPENING,))) != []
    assert picked("Wie viele Urlaubstage habe ich?", told, earlier=(HAPPENING,), shown=shown) == []


def test_the_part_nothing_answers_is_named() -> None:
    found = asked_for("How much may a hotel room cost in Lisbon, and who won the football match?", LEAVE, TRAVEL)
    assert texts([each for each in found if isinstance(each, Draft)])[0].startswith("Hotel rooms may cost up to 140")
    assert found[-1] == Missing("who won the football match")
    assert asked_for("Who won the football match, and when does the train leave?", LEAVE) == []


def test_another_number_in_another_document_is_told_beside_the_first() -> None:
    budget = passage("The aubergine budget is 17 euros.", title="Kitchen")
    other = passage("The aubergine budget is 18 euros in Lisbon.", title="Offices")
    undecided = passage("The aubergine budget is decided in Lisbon.", title="Offices")
    assert texts(picked("What is the aubergine budget?", budget, other)) == [budget.text, other.text]
    assert texts(picked("What is the aubergine budget?", budget, undecided)) == [budget.text]


OLD = passage("Hotel rooms may cost up to 120 euros a night in Lisbon.", title="Travel policy v1")
NEW = passage("Hotel rooms may cost up to 140 euros a night in Lisbon, we say.", title="Travel policy v2")


def test_what_an_older_version_says_is_not_put_beside_what_the_newer_one_does() -> None:
    drafts = picked("How much may a hotel room cost in Lisbon?", *marked([NEW, OLD]))
    assert texts(drafts) == [NEW.text]
    drafts = picked("How much may a hotel room cost in Lisbon?", *marked([OLD, NEW]))
    assert texts(drafts) == [NEW.text]


def test_an_older_version_that_is_asked_for_answers() -> None:
    drafts = picked("How much may a hotel room cost in Lisbon by version 1?", *marked([OLD, NEW]))
    assert drafts[0].text == OLD.text
    drafts = picked("Are trains booked in second class?", *marked([NEW, replace(TRAVEL, title="Travel policy v1")]))
    assert drafts[0].text == "Trains are booked in second class."
