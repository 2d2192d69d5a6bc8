"""Sentences end where a reader would say they end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sentences import sentences


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith approved 3.5 days, e.g. in summer.", "He left."],
        ["See Fig. 3 and No. 5 for details.", "The answer is no.", "Nobody knew."],
        ["We met at 5 p.m. on Monday.", "J. R. Smith was there!", "Really?"],
        ["Das gilt z. B. f\u00fcr Berlin, d. h. nicht f\u00fcr Rom.", "Am 3. Oktober ist frei."],
        ["Die Frist betr\u00e4gt ca. 30 Tage bzw. einen Monat.", "Gem. Abs. 2 gilt das nicht."],
        ["M. Dupont est parti.", "Mme. Martin reste."],
        ["El Sr. Garc\u00eda lleg\u00f3.", "\u00bfQui\u00e9n m\u00e1s?", "La Sra. Ruiz."],
        ["He said \u201cstop.\u201d", "Then (as ever) she went."],
        ["Version 2.0.1 is out.", "Read docs.example.org now."],
        ["\u3053\u308c\u306f\u6587\u3067\u3059\u3002", "\u6b21\u3067\u3059\u3002"],
    ],
)
def test_a_text_is_cut_at_its_stops_and_only_there(expected: list[str]) -> None:
    joiner = "" if expected[0].endswith("\u3002") else " "
    assert parts(joiner.join(expected)) == expected


def test_list_items_are_sentences_without_their_marks() -> None:
    assert parts("- First. Second.\n  * Nested\n1. Do this\n2) Do that") == [
        "First.", "Second.", "Nested", "Do this", "Do that",
    ]  # fmt: skip


def test_headings_and_table_rows_end_with_their_line() -> None:
    rows = ["Travel", "City | Limit. Max", "Name: St. Ives; Role: Lead. Owner", "Band: E1; Pay: 1.5"]
    assert parts("\n".join(rows)) == rows


def test_a_line_broken_to_fit_a_width_goes_on() -> None:
    wrapped = "This line of an e-mail was broken by the program that it was written in\nbecause it is long. Next."
    assert parts(wrapped) == [wrapped.removesuffix(" Next."), "Next."]


def test_a_short_line_ends_on_purpose() -> None:
    assert parts("Kind regards,\nAnn Example\nHead of Travel") == ["Kind regards,", "Ann Example", "Head of Travel"]


@given(st.text(alphabet='aB1. \n-|:;?!\u3002"()', max_size=200))
def test_sentences_cover_every_word_once_and_in_order(text: str) -> None:
    found = sentences(text)
    assert all(start < end for start, end in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    assert all(text[start:end] == text[start:end].strip() for start, end in found)
    outside = set(range(len(text))) - {place for start, end in found for place in range(start, end)}
    assert not any(text[place].isalnum() for place in outside if text[place] == "B" and not is_mark(text, place))


def is_mark(text: str, place: int) -> bool:
    """A capital followed by a bracket at the beginning of a line numbers an item."""
    line_start = text.rfind("\n", 0, place) + 1
    return text[line_start:place].strip(" (") == "" and text[place + 1 : place + 2] == ")"
