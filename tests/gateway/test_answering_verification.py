import pytest

from gateway.answering.verification import is_supported
from tests.gateway.passages import passage

POLICY = passage(
    "Employees in Germany receive 26 weeks of parental leave at full pay. Requests are made to Anna Weber before "
    "1 March 2025. Contractors may not take parental leave. The budget is $1.1 million. "
    "The policy does not apply to interns.",
    title="Leave policy",
    heading="Parental leave",
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Parental leave in Germany is 26 weeks at full pay.",
        "In Germany, employees get twenty-six weeks of paid parental leave.",
        "Contractors cannot take parental leave.",
        "Requests for parental leave go to Anna Weber before March 1, 2025.",
        "Requests are made to Anna Weber before 2025-03-01.",
        "The budget is $1,100,000.",
        "The policy does not apply to interns.",
        "The policy speaks of “full pay” for parental leave.",
    ],
)
def test_what_the_passage_says_in_other_words_is_supported(sentence: str) -> None:
    assert is_supported(sentence, [POLICY])


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("Parental leave in Germany is 20 weeks at full pay.", "number"),
        ("Parental leave in Germany is 26 days at full pay.", "unit"),
        ("Contractors may take parental leave.", "negation left out"),
        ("Employees in Germany do not receive parental leave at full pay.", "negation put in"),
        ("Requests are made to Bob Smith before 1 March 2025.", "name"),
        ("Requests are made to Anna Weber before 2 March 2025.", "day"),
        ("Requests are made to Anna Weber before 1 March 2026.", "year"),
        ("Requests are made to Anna Weber after 1 March 2025.", "direction"),
        ("The budget is $1.1 billion.", "scale"),
        ("The budget is 1.1 million euros.", "currency"),
        ("The policy speaks of “double pay” for parental leave.", "quotation"),
        ("See https://evil.example/leave for parental leave.", "address"),
        ("The office in Lisbon closes on Fridays.", "everything"),
        ("[1]", "nothing said"),
    ],
)
def test_a_sentence_with_one_wrong_detail_is_not_supported(sentence: str, wrong: str) -> None:
    assert not is_supported(sentence, [POLICY]), wrong


TRAVEL = passage(
    "Flights should be booked two weeks ahead. The office in Lisbon will probably move in May. "
    "Receipts must be kept for ten years. Managers approve trips to Brazil."
)


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("Flights should be booked two weeks ahead.", True),
        ("Flights must be booked two weeks ahead.", False),
        ("Flights are booked two weeks ahead.", True),
        ("The Lisbon office will probably move in May.", True),
        ("The Lisbon office is expected to move in May.", True),
        ("The Lisbon office will move in May.", False),
        ("Receipts should be kept for ten years.", True),
        ("Receipts are required to be kept for ten years.", True),
        ("Managers must approve trips to Brazil.", False),
        ("Managers should approve trips to Brazil.", False),
    ],
)
def test_a_sentence_is_no_more_binding_and_no_more_certain_than_the_passage(sentence: str, supported: bool) -> None:
    assert is_supported(sentence, [TRAVEL]) is supported


def test_a_small_models_inventions_are_not_supported() -> None:
    """Sentences a 135M model wrote over sources that said neither."""
    assert not is_supported("The budget is $1.10 million.", [passage("The budget for travel was 110 dollars.")])
    assert not is_supported("Interns eat 200 calories a day.", [passage("Interns eat in the canteen every day.")])


def test_german_nouns_are_not_taken_for_names() -> None:
    source = passage("Die Beschäftigten erhalten 30 Tage Urlaub im Jahr.")
    assert is_supported("Im Jahr gibt es 30 Tage Urlaub für die Beschäftigten.", [source])
    assert not is_supported("Im Jahr gibt es keine 30 Tage Urlaub für die Beschäftigten.", [source])
