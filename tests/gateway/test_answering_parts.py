import pytest

from gateway.answering.parts import named, parts_of


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "How many weeks of parental leave do I get, and who approves it?",
            ["How many weeks of parental leave do I get", "who approves it?"],
        ),
        ("What is the limit and by when must I file it?", ["What is the limit", "by when must I file it?"]),
        ("Is there a canteen? Who pays for lunch?", ["Is there a canteen?", "Who pays for lunch?"]),
        (
            "What is the budget, and when does it end, and who leads it?",
            ["What is the budget", "when does it end", "who leads it?"],
        ),
        (
            "Wie lange dauert die Elternzeit und wer genehmigt sie?",
            ["Wie lange dauert die Elternzeit", "wer genehmigt sie?"],
        ),
        (
            "Combien de semaines de congé ai-je, et à qui dois-je le demander ?",
            ["Combien de semaines de congé ai-je", "à qui dois-je le demander ?"],
        ),
        ("¿Cuántos días tengo y quién los aprueba?", ["¿Cuántos días tengo", "quién los aprueba?"]),
        ("Quantos dias tenho e quem aprova o pedido?", ["Quantos dias tenho", "quem aprova o pedido?"]),
    ],
    ids=["comma", "preposition", "two marks", "three", "German", "French", "Spanish", "Portuguese"],
)
def test_a_question_for_several_things_has_parts(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "How long is parental leave?",
        "When and where do we meet?",
        "Who decides when and where we meet?",
        "What is the difference between what we sell and what we lend?",
        "Who was the man who founded the company and who led it?",
        "What is the budget, when does the project end and who leads it?",
        "Is it 25 days? Or is it 30?",
        "When does it end, and why?",
        "Research and what else?",
        "Terms and conditions",
        "Really? Who pays for lunch?",
        "Hello, can you help me? Who pays for lunch?",
        "What if I am late? Who pays for lunch?",
        "Are there holidays? If so, how many days?",
        "How do I load green_2019-??.csv and green_2020-??.csv files?",
        "See https://wiki.example/?page=1 and tell me who leads it",
        "Who is A? Who is B? Who is C? Who is D? Who is E?",
        "",
        "???",
    ],
)
def test_a_question_is_one_where_it_is_not_plain_that_there_are_several(question: str) -> None:
    assert parts_of(question) == [question]


def test_a_part_is_named_without_the_marks_around_it() -> None:
    assert named("¿quién los\n aprueba? ") == "quién los aprueba"
