"""A document's text becomes blocks; what it holds stays text, and what is cited is marked."""

import pytest

from gateway.portal.document_text import PART, Block, Passage, blocks, parts_of, passage_from


def written(text: str, **given: object) -> list[Block]:
    options = {"headings": [], "pages": [], "passage": None} | given
    return blocks(text, (0, len(text)), **options)  # type: ignore[arg-type]


def test_adjoining_lines_are_one_paragraph_and_a_blank_line_ends_it() -> None:
    assert [(block.kind, block.html) for block in written("one\ntwo\n\nthree")] == [
        ("paragraph", "one\ntwo"),
        ("paragraph", "three"),
    ]


def test_rows_become_a_table_and_items_keep_their_depth() -> None:
    table, outer, inner = written("a | b\nc | d\n- outer\n  - inner")
    assert (table.kind, table.lines) == ("table", [["a", "b"], ["c", "d"]])
    assert [(item.kind, item.level) for item in (outer, inner)] == [("item", 0), ("item", 1)]


def test_a_heading_is_known_by_where_it_starts_not_by_its_words() -> None:
    heading, paragraph = written("Leave\n\nLeave", headings=[{"level": 2, "title": "Leave", "start": 0}])
    assert (heading.kind, heading.level, paragraph.kind) == ("heading", 2, "paragraph")


def test_pages_are_marked_where_they_begin() -> None:
    pages = [{"number": 1, "label": "Page 1", "start": 0, "end": 3}, {"number": 2, "start": 5, "end": 8}]
    shown = written("one\n\ntwo", pages=pages)
    assert [(block.kind, block.html) for block in shown] == [
        ("page", "Page 1"),
        ("paragraph", "one"),
        ("page", "Page 2"),
        ("paragraph", "two"),
    ]


def test_markup_in_a_document_is_shown_as_text_inside_and_outside_of_the_mark() -> None:
    text = "<b>bold</b> & <script>"
    (block,) = written(text, passage=Passage(3, 7))
    assert block.html == '&lt;b&gt;<mark id="passage">bold</mark>&lt;/b&gt; &amp; &lt;script&gt;'
    assert [block.html for block in written("<b>\n\n<i> | &")] == ["&lt;b&gt;", "&lt;i&gt;\n&amp;"]


def test_a_passage_over_several_blocks_is_marked_in_each_and_led_to_once() -> None:
    text = "first line\n\na | b\n\nlast line"
    shown = written(text, passage=Passage(6, text.index("last") + 4))
    assert shown[0].html == 'first <mark id="passage">line</mark>'
    assert shown[1].lines == [["<mark>a</mark>", "<mark>b</mark>"]]
    assert shown[2].html == "<mark>last</mark> line"


def test_offsets_count_code_points() -> None:
    (block,) = written("𝒜é日 word", passage=Passage(4, 8))
    assert block.html == '𝒜é日 <mark id="passage">word</mark>'


@pytest.mark.parametrize(
    ("start", "end"), [("", ""), ("5", ""), ("-1", "3"), ("3", "3"), ("4", "2"), ("0", "11"), ("1e1", "2"), ("٣", "5")]
)
def test_numbers_that_name_nothing_are_ignored(start: str, end: str) -> None:
    assert passage_from(start, end, 10) is None


def test_a_huge_number_is_ignored_and_not_computed() -> None:
    assert passage_from("1", "9" * 10_000, 10) is None


def test_a_long_text_is_cut_after_lines_and_nothing_is_lost() -> None:
    text = ("x" * 999 + "\n") * 250
    parts = parts_of(text)
    assert len(parts) == 3
    assert "".join(text[start:end] for start, end in parts) == text
    assert all(text[end - 1] == "\n" for _, end in parts)


def test_a_text_without_lines_is_cut_all_the_same() -> None:
    assert parts_of("x" * (PART + 1)) == [(0, PART), (PART, PART + 1)]
    assert parts_of("") == [(0, 0)]
