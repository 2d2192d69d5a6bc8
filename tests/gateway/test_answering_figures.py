from decimal import Decimal

import pytest

from gateway.answering.figures import Date, Figure, dates, figures, units


def readings(text: str) -> list[tuple[set[str], str]]:
    return [({str(reading) for reading in figure.readings}, figure.unit) for figure in figures(text)]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1,000 people", "1000", ""),
        ("1.000 Personen", "1000", ""),
        ("1 000 personnes", "1000", ""),
        ("1’000 Personen", "1000", ""),
        ("1.234.567,89 EUR", "1234567.89", "eur"),
        ("2,000.50", "2000.50", ""),
        ("costs 3,5.", "3.5", ""),
        ("0.125", "0.125", ""),
        ("3.5 %", "3.5", "%"),
        ("5 per cent", "5", "%"),
        ("€5 a day", "5", "eur"),
        ("26-week leave", "26", "week"),
        ("twenty-six weeks", "26", "week"),
        ("30 calendar days", "30", "day"),
        ("version 10.0.0.1", "10.0.0.1", ""),
    ],
)
def test_a_number_is_the_same_however_it_is_written(text: str, value: str, unit: str) -> None:
    assert readings(text) == [({value}, unit)]


def test_a_scale_is_part_of_the_number() -> None:
    assert figures("$1.10 million")[0].readings == {Decimal(1_100_000)}
    assert figures("$1.10 million")[0].is_in(figures("a budget of 1,100,000"))
    assert not figures("$1.10 million")[0].is_in(figures("a budget of 1.10"))


def test_three_digits_after_one_separator_may_be_read_both_ways() -> None:
    assert readings("3.125") == [({"3125", "3.125"}, "")]


def test_a_number_of_one_thing_is_not_the_number_of_another() -> None:
    weeks, days, bare = figures("26 weeks")[0], figures("26 days")[0], figures("26")[0]
    assert not weeks.is_in([days])
    assert weeks.is_in([bare])
    assert bare.is_in([days])
    assert not Figure(frozenset({Decimal(27)})).is_in([weeks])


@pytest.mark.parametrize(
    "text",
    ["2024-05-03", "3.5.2024", "3 May 2024", "May 3rd, 2024", "3. Mai 2024", "le 3 mai 2024", "3 de mayo de 2024"],
)
def test_a_date_is_the_same_however_it_is_written(text: str) -> None:
    assert dates(text) == [frozenset({Date(2024, 5, 3)})]


def test_a_date_of_two_readings_is_there_in_both() -> None:
    assert dates("03/04/2024") == [frozenset({Date(2024, 4, 3), Date(2024, 3, 4)})]


def test_a_day_without_its_year_is_in_a_date_and_another_day_is_not() -> None:
    (there,) = dates("3 May 2024")
    assert Date(None, 5, 3).is_in(there, [])
    assert not Date(None, 5, 4).is_in(there, [])
    assert not Date(2023, 5, 3).is_in(there, [])
    assert Date(2024, 5, 3).is_in([Date(None, 5, 3)], figures("in 2024"))


def test_spans_of_time_are_one_unit_in_every_language() -> None:
    assert units("weekly, pro Woche, par semaine") == {"week"}
