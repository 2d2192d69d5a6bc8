"""EPUB: the chapters of a book in the order they are read."""

import pytest

from connectors.parsing import ParserProcess
from tests.connectors.files import making
from tests.connectors.formats.reading import headings_of, reason_of

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>
<dc:title>The Handbook</dc:title><dc:creator>Ann</dc:creator><dc:creator>Bob</dc:creator></metadata><manifest>
<item id="two" href="text/two%20.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="cover" href="cover.png" media-type="image/png"/></manifest>
<spine><itemref idref="nav"/><itemref idref="cover"/><itemref idref="one"/><itemref idref="two"/>
<itemref idref="lost"/></spine></package>"""
ONE = """<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>
<body><a id="top"/><h1>Welcome</h1><p>The first<br/>day.</p><script src="x"/><p>After it.</p></body></html>"""
TWO = "<html><head><title>Second</title></head><body><h1>Leave</h1><p>Twenty-five days.</p></body></html>"
SEALED = '<encryption><CipherReference URI="OEBPS/text/one.xhtml"/></encryption>'


def book(**more: str) -> bytes:
    return making.archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OEBPS/book.opf": PACKAGE,
            "OEBPS/nav.xhtml": "<html><body>Contents: 1, 2</body></html>",
            "OEBPS/text/one.xhtml": ONE,
            "OEBPS/text/two .xhtml": TWO,
            **more,
        }
    )


def test_a_book_is_read_by_its_spine(parser: ParserProcess) -> None:
    parsed = parser.parse(book(), filename="handbook.epub")
    assert parsed.text == "Welcome\n\nThe first\nday.\n\nAfter it.\n\nLeave\n\nTwenty-five days."
    assert headings_of(parsed) == [(1, "Welcome"), (1, "Leave")]
    assert (parsed.title, parsed.metadata) == ("The Handbook", {"author": "Ann, Bob"})
    assert parsed.mime == "application/epub+zip"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (book(**{"META-INF/encryption.xml": SEALED}), "encrypted"),
        (book(**{"META-INF/container.xml": "<container/>"}), "corrupt"),
        (book(**{"OEBPS/book.opf": making.billion_laughs() + PACKAGE}), "expansion_limit"),
        (book(**{"OEBPS/text/one.xhtml": " " * 300_000_000}), "expansion_limit"),
    ],
    ids=["encrypted", "no package", "entities", "a bomb"],
)
def test_a_book_that_cannot_be_read_says_why(parser: ParserProcess, content: bytes, reason: str) -> None:
    assert reason_of(parser, content, "a.epub") == reason
