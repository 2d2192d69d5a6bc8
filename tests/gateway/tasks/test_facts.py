"""What is found in a text: exactly as it stands there, and what it means where that is certain."""

import pytest

from gateway.tasks.facts import Fact, facts


def only(text: str) -> Fact:
    [found] = facts(text)
    return found


@pytest.mark.parametrize(
    ("text", "value", "iso"),
    [
        ("It is valid from 1 January 2026.", "1 January 2026", "2026-01-01"),
        ("Signed on March 3, 2025 in Lisbon.", "March 3, 2025", "2025-03-03"),
        ("Gültig ab 1. März 2026 für alle.", "1. März 2026", "2026-03-01"),
        ("Le contrat finit le 31 décembre 2027.", "31 décembre 2027", "2027-12-31"),
        ("It ends on 2026-11-09.", "2026-11-09", "2026-11-09"),
        ("Es endet am 09.11.2026.", "09.11.2026", "2026-11-09"),
        ("It was due on 31/12/2026.", "31/12/2026", "2026-12-31"),
        ("It was due on 03/04/2026.", "03/04/2026", ""),
        ("It begins in October 2026.", "October 2026", "2026-10"),
        ("Ask before 1 March, please.", "1 March", ""),
        ("It was said on 31 February 2026.", "31 February 2026", ""),
    ],
)
def test_a_date_is_as_written_and_in_the_form_of_the_norm_where_it_is_certain(text: str, value: str, iso: str) -> None:
    found = only(text)
    assert (found.kind, found.value, found.date) == ("date", value, iso)
    assert text[found.start : found.end] == value


@pytest.mark.parametrize(
    ("text", "value", "number", "unit"),
    [
        ("Rooms cost up to 140 euros a night.", "140 euros", "140", "EUR"),
        ("It rents at EUR 4.10 a logger.", "EUR 4.10", "4.10", "EUR"),
        ("They paid $1,250.50 for it.", "$1,250.50", "1250.50", "USD"),
        ("Sie zahlten 1.250,50 € dafür.", "1.250,50 €", "1250.50", "EUR"),
        ("The budget is $1.5 million now.", "$1.5 million", "1500000", "USD"),
        ("It promises 99.5 percent a month.", "99.5 percent", "99.5", "%"),
        ("At most 10 per cent is refunded.", "10 per cent", "10", "%"),
        ("A parcel weighs 12 kg at most.", "12 kg", "12", "kilogram"),
        ("It takes 20 working days to do.", "20 working days", "20", "day"),
        ("It costs 1.250 € at most.", "1.250 €", "1250", "EUR"),
        ("It took 1.250 hours in all.", "1.250 hours", None, "hour"),
    ],
)
def test_an_amount_is_as_written_with_its_number_and_unit(text: str, value: str, number: str | None, unit: str) -> None:
    found = only(text)
    assert (found.kind, found.value, found.unit) == ("amount", value, unit)
    assert str(found.number) == str(number)


@pytest.mark.parametrize(
    "text",
    [
        "Contract HC-2025-071 is about the L3 logger.",
        "Chapter 7 has 3 parts.",
        "They rent 1,150 L3 loggers.",
        "Employees may 5 times a year.",
        "Owner: not decided yet.",
        "See RFC 9110 for more.",
    ],
)
def test_what_is_neither_date_nor_amount_nor_person_is_none(text: str) -> None:
    assert facts(text) == []


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Owner: Katrin Vogelsang, HR manager Germany.", "Owner", "Katrin Vogelsang"),
        ("Verantwortlich: Georg Pfaff.", "Verantwortlich", "Georg Pfaff"),
        ("Approved by: Prof. Ulrike Hansen", "Approved by", "Prof. Ulrike Hansen"),
        ("Contact: help@halmstedt.example", "Contact", "help@halmstedt.example"),
    ],
)
def test_a_person_is_whom_a_label_names(text: str, label: str, value: str) -> None:
    found = only(text)
    assert (found.kind, found.label, found.value) == ("person", label, value)


def test_the_cells_of_a_table_have_its_columns_as_labels() -> None:
    text = "Project | Owner | Due | Budget (EUR)\nKestrel | Anna Weber | 1 May 2026 | 12,000\nHeron | Tom Li | – | 900"
    found = [(fact.label, fact.value, fact.unit) for fact in facts(text)]
    assert found == [
        ("Owner", "Anna Weber", ""),
        ("Due", "1 May 2026", ""),
        ("Budget (EUR)", "12,000", "EUR"),
        ("Owner", "Tom Li", ""),
        ("Budget (EUR)", "900", "EUR"),
    ]


def test_a_row_of_a_sheet_has_its_names_before_its_values() -> None:
    text = "Project: Kestrel; Owner: Anna Weber; Valid until: 31.12.2026"
    found = [(fact.kind, fact.label, fact.value, fact.date) for fact in facts(text)]
    assert found == [("person", "Owner", "Anna Weber", ""), ("date", "Valid until", "31.12.2026", "2026-12-31")]
    assert {fact.sentence for fact in facts(text)} == {text}
