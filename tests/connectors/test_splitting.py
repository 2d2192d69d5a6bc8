"""Passages are exact pieces of the text, of a size the embedder reads, below one heading and on one page."""

from itertools import pairwise

import pytest

from connectors.parsing import Heading, Page
from connectors.parsing.child import parse_here
from connectors.splitting import TARGET, Piece, count_tokens, split

SENTENCE = "Every employee of the company may take a train to any office at any time of the year. "


def pieces_of(source: str) -> tuple[str, list[Piece]]:
    parsed = parse_here(source.encode(), "page.md", "")
    return parsed.text, split(parsed.text, parsed.headings, parsed.pages)


def test_every_passage_is_its_place_in_the_text() -> None:
    text, pieces = pieces_of(f"# Travel\n\n{SENTENCE * 40}\n\n## Hotels\n\n- one\n- two\n\n{SENTENCE * 30}")
    assert [piece.ordinal for piece in pieces] == list(range(len(pieces)))
    assert all(piece.text == text[piece.start : piece.end] == piece.text.strip() for piece in pieces)
    assert all(one.end <= other.start for one, other in pairwise(pieces))
    assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(text.split())


def test_long_text_is_cut_at_sentences_into_passages_of_bounded_size() -> None:
    _, pieces = pieces_of(SENTENCE * 60)
    assert len(pieces) > 3
    assert all(count_tokens(piece.text) <= TARGET for piece in pieces)
    assert all(piece.text.endswith("of the year.") for piece in pieces)


def test_a_heading_of_the_first_two_levels_always_begins_a_passage() -> None:
    _, pieces = pieces_of("# A\n\none\n\n## B\n\ntwo\n\n## C\n\nthree")
    assert [(piece.heading_path, piece.text) for piece in pieces] == [
        ("A", "A\n\none"),
        ("A \u203a B", "B\n\ntwo"),
        ("A \u203a C", "C\n\nthree"),
    ]


def test_small_sections_under_one_parent_are_put_together() -> None:
    _, pieces = pieces_of("## Rooms\n\nhello\n\n### Berlin\n\nfour\n\n### Rome\n\nfive\n\n## End\n\nx")
    assert [(piece.heading_path, piece.text) for piece in pieces] == [
        ("Rooms", "Rooms\n\nhello\n\nBerlin\n\nfour\n\nRome\n\nfive"),
        ("End", "End\n\nx"),
    ]


def test_a_bare_heading_stands_with_what_it_heads() -> None:
    _, pieces = pieces_of(f"# Handbook\n\n## Leave\n\n{SENTENCE * 30}")
    assert pieces[0].heading_path == "Handbook \u203a Leave"
    assert pieces[0].text.startswith("Handbook\n\nLeave\n\nEvery employee")


def test_a_passage_never_crosses_a_page() -> None:
    text = "First page.\n\nSecond page.\n\nstill second"
    pages = (Page("i", 1, 0, 11), Page("ii", 2, 13, len(text)))
    pieces = split(text, (), pages)
    assert [(piece.page, piece.text) for piece in pieces] == [(1, "First page."), (2, "Second page.\n\nstill second")]


def test_a_heading_path_goes_on_over_pages() -> None:
    text = "Title\nwords\n\nmore words"
    pieces = split(text, (Heading(1, "Title", 0),), (Page("1", 1, 0, 11), Page("2", 2, 13, len(text))))
    assert [(piece.page, piece.heading_path) for piece in pieces] == [(1, "Title"), (2, "Title")]


def test_table_rows_and_list_items_stay_whole() -> None:
    rows = [f"Name: Person {number}; Office: Berlin; Phone: +49 30 {number:05d}" for number in range(100)]
    pieces = split("\n".join(rows), (), ())
    assert len(pieces) > 3
    assert [line for piece in pieces for line in piece.text.split("\n")] == rows
    items = [f"- item number {number} of a long list" for number in range(200)]
    assert [line for piece in split("\n".join(items), (), ()) for line in piece.text.split("\n")] == items


def test_other_languages_get_shorter_passages_because_their_words_take_more_tokens() -> None:
    german = "Die K\u00fcndigungsfrist betr\u00e4gt f\u00fcr alle Mitarbeiterinnen und Mitarbeiter drei Monate. " * 40
    assert len(split(german, (), ())[0].text) < 0.75 * len(split(SENTENCE * 40, (), ())[0].text)


@pytest.mark.parametrize("text", ["x" * 30_000, "\u6587" * 3_000, "a b " * 60_000, "word\n" * 30_000])
def test_text_without_sentences_is_cut_all_the_same(text: str) -> None:
    pieces = split(text, (), ())
    assert all(piece.text == text[piece.start : piece.end] for piece in pieces)
    assert sum(len("".join(piece.text.split())) for piece in pieces) == len("".join(text.split()))


def test_an_empty_text_has_no_passages() -> None:
    assert split("", (), ()) == []
