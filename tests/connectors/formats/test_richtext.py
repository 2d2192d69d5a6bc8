"""RTF: what a reader of the page sees, in whatever character set it was written."""

import pytest

from connectors.parsing import ParserProcess
from tests.connectors.formats.reading import headings_of, reason_of

DOCUMENT = rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}
{\f2\fcharset128 MS Mincho;}}{\colortbl;\red0\green0\blue0;}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 Kapitel;}{\*\cs9 Strong;}{\s2 heading 2;}}
{\info{\title Leave policy}{\author Ann}{\creatim\yr2026\mo3}{\operator Bob}}
{\header Page header\par}{\*\generator Riched20;}
\pard\s1 Annual leave\par
\pard\plain Caf\'e9 \ldblquote 25\rdblquote  days\~off{\footnote \pard In a full year.\par}.\par
\pard\s2 In \f1\'ec\'e8\'f0\f0  and \f2\'93\'fa\'96\'7b\f0\par
\pard {\v hidden}{\deleted gone}Kept {\b bold} \u8364?5 \u-10179?\u-8704?.
{\*\atnid AB}{\*\atnauthor Bob}{\*\annotation\pard Is this right?\par}\par
\pard{\listtext\'b7\tab}Ask your lead\par
{\listtext 1.\tab}Enter it\par
\pard See {\field{\*\fldinst HYPERLINK "https://example.org/a"}{\fldrslt the list}}
{\pict\pngblip 89504e47}{\*\unknown x}.\par
\trowd\cellx100\cellx200\pard\intbl Country\cell Days\cell\row
\trowd\pard\intbl Portugal\par south\cell 27\cell\row
\pard The end.}"""


def test_a_document_is_read_in_order_without_what_is_hidden_or_deleted(parser: ParserProcess) -> None:
    parsed = parser.parse(DOCUMENT, filename="leave.rtf")
    assert parsed.text == (
        "Annual leave\n\nCaf\u00e9 \u201c25\u201d days off.\n\nIn \u043c\u0438\u0440 and \u65e5\u672c\n\n"
        "Kept bold \u20ac5 \U0001f600.\n\n- Ask your lead\n1. Enter it\n\nSee the list.\n\n"
        "Country | Days\nPortugal south | 27\n\nThe end.\n\nIn a full year.\nComment by Bob: Is this right?"
    )
    assert headings_of(parsed) == [(1, "Annual leave"), (2, "In \u043c\u0438\u0440 and \u65e5\u672c")]
    assert (parsed.title, parsed.metadata) == ("Leave policy", {"author": "Ann"})
    assert parsed.mime == "application/rtf"


@pytest.mark.parametrize("filename", ["a.rtf", "a.doc", "a"])
def test_it_is_known_by_its_first_bytes(parser: ParserProcess, filename: str) -> None:
    assert parser.parse(rb"{\rtf1 Hello}", filename=filename).text == "Hello"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (rb"{\rtf1 one {two", "one two"),
        (rb"{\rtf1 one}}}} two", "one two"),
        (rb"{\rtf1 one\bin4 {{{{ two}", "one two"),
        (rb"{\rtf1\ansicpg99999 one\u\'", "one"),
        (rb"{\rtf1\f99999999999 one\outlinelevel-7\par}", "one"),
    ],
    ids=["unclosed", "closed too often", "raw bytes", "no such code page", "numbers beyond reason"],
)
def test_a_careless_document_is_read_as_far_as_it_goes(parser: ParserProcess, content: bytes, text: str) -> None:
    assert parser.parse(content, filename="a.rtf").text.replace("\u0000", "") == text


def test_a_document_nested_without_end_is_refused(parser: ParserProcess) -> None:
    assert reason_of(parser, rb"{\rtf1 " + b"{" * 100_000, "deep.rtf") == "expansion_limit"


def test_a_document_of_pictures_alone_has_no_text(parser: ParserProcess) -> None:
    assert reason_of(parser, rb"{\rtf1{\pict 8950}\par}", "picture.rtf") == "no_text"
