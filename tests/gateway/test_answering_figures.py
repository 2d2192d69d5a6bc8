from decimal import Decimal

import pytest

from gateway.answering.figures import Figure, figures, units
from gateway.answering.moments import Date, dates, named, times


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
        ("five hundred people", "500", ""),
        ("two hundred and six kilometres", "206", "kilometre"),
        ("sechsundzwanzig Wochen", "26", "week"),
        ("dreißig Tage", "30", "day"),
        ("two million dollars", "2000000", "usd"),
        ("-5 °C", "-5", "celsius"),
        ("40 square metres", "40", "square metre"),
        ("$1.5m", "1500000.0", "usd"),
        ("the 1990s", "1990s", ""),
        ("thousands of people", "thousands", ""),
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
    assert Date(2024, 5, 3).is_in([Date(None, 5, 3)], [2024])


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("at least 5 days", "least"),
        ("5 days or more", "least"),
        ("no less than 5 days", "least"),
        ("mindestens 5 Tage", "least"),
        ("up to 5 days", "most"),
        ("no more than 5 days", "most"),
        ("The limit is 5 days", "most"),
        ("5 days", ""),
        ("More than that. 5 days", ""),
    ],
)
def test_a_number_is_the_least_or_the_most_where_that_is_said(text: str, bound: str) -> None:
    assert [figure.bound for figure in figures(text)] == [bound]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("9:30", 570), ("9:30 pm", 1290), ("9.30 Uhr", 570), ("12 a.m.", 0), ("5 p.m.", 1020), ("8h30", 510)],
)
def test_a_time_of_day_is_the_same_however_it_is_written(text: str, minutes: int) -> None:
    assert times(f"It opens at {text}") == {minutes}


def test_months_and_weekdays_are_named_with_or_without_a_day() -> None:
    assert named("On Monday in May, lundi") == {("weekday", 0), ("month", 5)}
    assert named("It may march on 2024-06-01") == {("month", 6)}


def test_spans_of_time_are_one_unit_in_every_language() -> None:
    assert units("weekly, pro Woche, par semaine") == {"week"}
