import time

import pytest

from gateway.answering.durations import asked
from gateway.answering.words import content_words


@pytest.mark.parametrize(
    ("question", "sentence", "told"),
    [
        ("How many weeks of parental leave do I get?", "Parents get 26 weeks of leave.", True),
        ("How many weeks of parental leave do I get?", "Parents get up to 36 months of leave.", True),
        ("How many weeks of parental leave do I get?", "Parents may work up to 32 hours a week.", False),
        ("How many weeks of parental leave do I get?", "It is announced 7 weeks before it begins.", False),
        ("How many weeks of parental leave do I get?", "It ends if the child is older than three years.", False),
        ("How many weeks of parental leave do I get?", "It is paid every week.", False),
        ("How many weeks before it begins must I ask?", "It is announced 7 weeks before it begins.", True),
        ("How many days of notice do I give?", "Notice is given ten days before the last day.", True),
        ("How many years old must a driver be?", "Drivers must be older than 21 years.", True),
        ("How many days a week may I work from home?", "Up to 3 days a week may be worked from home.", True),
        ("How many hours may I work?", "Up to 32 hours a week.", True),
        ("How many hours may I work?", "Five days.", False),
        ("Wie viele Wochen Elternzeit bekomme ich?", "Sie dauert 14 Wochen.", True),
        ("Wie viele Wochen Elternzeit bekomme ich?", "Sie wird 7 Wochen vor Beginn angemeldet.", False),
        ("Combien de jours de congé ai-je ?", "Vous avez 25 jours de congé.", True),
        ("Combien d’années dure la garantie ?", "Elle dure trois ans.", True),
        ("¿Cuántos días de vacaciones tengo?", "Se avisa 15 días antes de empezar.", False),
    ],
)
def test_a_sentence_tells_how_many_if_it_counts_such_units(question: str, sentence: str, told: bool) -> None:
    duration = asked(question)
    assert duration is not None
    assert (duration.stem in duration.told(sentence, frozenset(content_words(sentence)))) is told


@pytest.mark.parametrize("question", ["How many people work here?", "How long is parental leave?", "Which week is it?"])
def test_other_questions_ask_for_no_such_number(question: str) -> None:
    assert asked(question) is None


@pytest.mark.parametrize("piece", ["a", "é ", "older than ", "7 weeks", " "])
def test_a_text_of_any_kind_is_looked_at_in_no_time(piece: str) -> None:
    text = piece * (8_000 // len(piece))
    begun = time.thread_time()
    duration = asked(f"How many weeks is it? {text}")
    assert duration is not None
    duration.told(text, frozenset())
    assert time.thread_time() - begun < 1
