import pytest

from gateway.answering import extractive
from gateway.answering.answerability import SIGNS, answerability, compared, probability, signs
from tests.gateway.passages import passage
from tests.gateway.test_answering_extractive import picked

CRISIS = (
    "The oil crisis began in October 1973, when the members of OAPEC proclaimed an oil embargo. By the end of the "
    "embargo in March 1974 the price of oil had risen from 3 dollars a barrel to nearly 12 dollars worldwide."
)
FIRST, SECOND = (sentence + "." for sentence in CRISIS.rstrip(".").split(". "))


@pytest.mark.parametrize(
    ("answered", "not_answered"),
    [
        ("When did the oil crisis begin?", "When did OPEC begin?"),
        ("Who proclaimed the oil embargo?", "Who did not proclaim the oil embargo?"),
        ("What was the price of oil in March 1974?", "What was the price of oil in March 1979?"),
        ("When did the embargo end?", "When did the war in Vietnam end?"),
    ],
    ids=["another subject", "a not", "another year", "another war"],
)
def test_a_question_that_only_shares_the_words_is_less_likely_to_be_answered(answered: str, not_answered: str) -> None:
    assert answerability(answered, [FIRST, SECOND], CRISIS) > answerability(not_answered, [FIRST, SECOND], CRISIS)


def test_a_probability_is_one_whatever_is_asked_of_whatever() -> None:
    for question in ("?", "Which", "what what", "¿Qué?", "x" * 9_000, "Who is Łukasz O’Brien-Müller 2024?"):
        for text in ("", ".", CRISIS, "7 8 9"):
            found = signs(question, *compared(question, [text], text))
            assert len(found) == len(SIGNS)
            assert 0 <= probability(found) <= 1


def test_a_question_a_passage_does_not_answer_is_refused_though_it_is_on_the_topic() -> None:
    crisis = passage(CRISIS, title="Oil crisis")
    assert picked("When did the oil crisis begin?", crisis)
    assert not picked("Who never proclaimed an embargo of the oil crisis in Norway in 1981?", crisis)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Wie lange dauert die Elternzeit in Deutschland?", "Die Elternzeit in Deutschland dauert 26 Wochen."),
        ("How long is parental leave?", "How long is parental leave?\nSix months at full pay."),
        ("When and how long is parental leave taken?", "Parental leave is six months long."),
    ],
    ids=["not English", "the very question", "two questions in one"],
)
def test_what_cannot_be_weighed_is_not(question: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractive, "LIKELY", 2.0)
    assert picked(question, passage(text, title="Leave"))
