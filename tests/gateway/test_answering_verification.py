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
LEAVES = "Employees in Germany receive 20 weeks of leave. Employees in France receive 26 weeks of leave."


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
    ("sentence", "beside"),
    [
        ("A man aged 65 can expect to live another 19.3 years.", "A woman of that age can expect another 21.6 years."),
        (
            "You can earn up to four credits each year.",
            "When you have earned $5,440, you have earned your four credits.",
        ),
        (
            "You don t need to be enrolled to get care.",
            "You can use some services even if you re not enrolled in care.",
        ),
        ("If you have hearing loss, call TTY : 800 - 799 - 4889.", "Otherwise call us."),
    ],
)
def test_a_whole_sentence_of_the_passage_is_supported_whatever_stands_beside_it(sentence: str, beside: str) -> None:
    assert is_supported(sentence, [passage(f"{sentence} {beside}", title="Guide")])
    assert not is_supported(sentence, [passage(beside, title="Guide")])


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Employees may carry over leave.", "Employees may <not> carry over leave."),
        ("The hall has an area of 23 metres.", "The hall has an area of 2*3 metres."),
        ("Visitors need a badge to enter.", "Visitors need [a badge][not in the lobby] to enter."),
        ("The room is 10² metres long.", "The room is 102 metres long."),
    ],
)
def test_a_sentence_that_only_looks_like_one_of_the_passage_is_not_it(sentence: str, text: str) -> None:
    assert not is_supported(sentence, [passage(text)])


def test_a_sentence_of_one_passage_is_not_laid_at_the_door_of_another_that_denies_it() -> None:
    denies, says = passage("Smoking is not allowed in the hall."), passage("Smoking is allowed in the hall.")
    sentence = "Smoking is allowed in the hall."
    assert not is_supported(sentence, [denies, says])
    assert is_supported(sentence, [says])
    assert not is_supported(sentence, [])


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


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("Employees in France receive 26 weeks of leave.", LEAVES),
        ("Employees in Germany receive 20 weeks and in France 26 weeks of leave.", LEAVES),
        ("There are 500 people in the team.", "There are five hundred people in the team."),
        ("There are five hundred and six people in the team.", "There are 506 people in the team."),
        ("The road is 26 kilometres long.", "The road is 26 km long."),
        ("Notice is at least 5 days.", "Notice is 5 days or more."),
        ("The limit for hotel rooms is 140 euros.", "Hotel rooms cost up to 140 euros."),
        ("The fee is 1.5 million dollars.", "The fee is $1.5m."),
        ("The office opens at 21:30.", "The office opens at 9:30 pm."),
        ("In 2025 employees start.", "On 26 March 2025 employees start."),
        ("Bob joined in 2012.", "Anna, who joined in 2010, and Bob, who joined in 2012, work here."),
        ("Apple sold 5 million phones.", "Apple, founded in 1976 in Cupertino, sold 5 million phones."),
        ("Bob is managed by Anna.", "Anna manages Bob."),
        ("Contractors may not take leave.", "Contractors may not take leave, but interns may."),
        ("Requests are made no later than 1 March.", "Requests are made no later than 1 March."),
        ("Im Jahr gibt es 30 Tage Urlaub.", "Es gibt 30 Tage Urlaub im Jahr."),
    ],
)
def test_what_is_said_of_the_same_is_supported(sentence: str, source: str) -> None:
    assert is_supported(sentence, [passage(source)])


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("Employees in Germany receive 26 weeks of leave.", LEAVES),
        ("Employees in Germany receive 26 weeks and in France 20 weeks of leave.", LEAVES),
        ("Anna joined in 2012.", "Anna, who joined in 2010, and Bob, who joined in 2012, work here."),
        ("Bob approves trips to Brazil.", "Managers approve trips to Brazil."),
        ("Anna manages Bob.", "Bob manages Anna."),
        ("Contact Anna Weder for leave.", "Contact Anna Weber for leave."),
        ("Contact Jones for leave.", "Contact Jon for leave."),
        ("Contact Anna Smith for leave.", "Contact Anna Weber for leave. Contact Bob Smith for travel."),
        ("The B12 form is needed for leave.", "The B13 form is needed for leave."),
        ("Die Frist ist 4 Wochen, Bob Schmidt genehmigt sie.", "Die Frist ist 4 Wochen, Anna Weber genehmigt sie."),
        ("There are 5 people in the team.", "There are five hundred people in the team."),
        ("Millions of people visit the site.", "Thousands of people visit the site."),
        ("Half of the staff is remote.", "Two thirds of the staff are remote."),
        ("The team meets in the third quarter.", "The team meets in the second quarter."),
        ("The road is 26 miles long.", "The road is 26 km long."),
        ("The budget is $5.", "The budget is 5 points."),
        ("The temperature is 5 °C.", "The temperature is -5 °C."),
        ("The area is 10² metres.", "The area is 10 metres."),
        ("Notice is 5 days.", "Notice is at least 5 days."),
        ("Hotel rooms cost at least 140 euros.", "Hotel rooms cost up to 140 euros."),
        ("There are 26 employees.", "On 26 March 2025 employees start."),
        ("The band started in 1990.", "The band started in the 1990s."),
        ("The office opens at 9:30 pm.", "The office opens at 9:30 am."),
        ("The office may move in May.", "The office may move in June."),
        ("The meeting is on Monday.", "The meeting is on Tuesday."),
        ("The office moves in June.", "The office may move in June."),
        ("Interns are eligible for leave.", "Interns are ineligible for leave."),
        ("Interns may not take leave.", "Contractors may not take leave, but interns may."),
        (
            "Interns may not take leave, but contractors may.",
            "Contractors may not take leave, but interns may.",
        ),
        ("All employees may work remotely.", "Some employees may work remotely."),
        ("Only managers approve trips.", "Managers approve trips."),
        ("Most managers approve trips.", "Managers approve trips."),
        ("The last source of law is the European court.", "The European court is a source of law."),
        ("Visit evil.example for parental leave.", "Parental leave visit form."),
    ],
)
def test_what_is_said_of_something_else_or_otherwise_is_not_supported(sentence: str, source: str) -> None:
    assert not is_supported(sentence, [passage(source)])


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
