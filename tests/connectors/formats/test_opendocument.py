"""ODT, ODS and ODP: what a reader of the page sees, in order, without what is hidden or deleted."""

import pytest

from connectors.parsing import ParserProcess
from tests.connectors.files import making
from tests.connectors.formats.reading import headings_of, page_texts, reason_of

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "table", "style", "draw", "presentation", "meta", "manifest")
)
META = (
    f"<office:document-meta {NAMES} xmlns:dc='http://purl.org/dc/elements/1.1/'><office:meta>"
    "<dc:title>Leave</dc:title><meta:initial-creator>Ann</meta:initial-creator>"
    "<meta:creation-date>2026-03-01T09:00:00</meta:creation-date></office:meta></office:document-meta>"
)


def opendocument(kind: str, body: str, styles: str = "", doctype: str = "", **more: str) -> bytes:
    """A file of this kind (text, spreadsheet, presentation) with this body and these automatic styles."""
    content = (
        f"{doctype}<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return making.archive({"mimetype": mimetype, "meta.xml": META, "content.xml": content, **more})


TEXT = """
<text:tracked-changes><text:changed-region><text:deletion><text:p>Forty days.</text:p></text:deletion>
</text:changed-region></text:tracked-changes>
<text:p text:style-name="Title">Leave policy</text:p>
<text:h text:outline-level="2">Annual<text:s text:c="2"/>leave</text:h>
<text:p>Everyone has <text:span>25</text:span> days<text:note><text:note-citation>1</text:note-citation>
<text:note-body><text:p>In a full year.</text:p></text:note-body></text:note> of leave.<office:annotation>
<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">Bob</dc:creator><text:p>Is this right?</text:p>
</office:annotation></text:p>
<text:p text:style-name="Gone">Nobody sees this.</text:p>
<text:list text:style-name="L1"><text:list-item><text:p>Ask your lead</text:p><text:list><text:list-item>
<text:p>by mail</text:p></text:list-item></text:list></text:list-item>
<text:list-item><text:p>Enter it</text:p></text:list-item></text:list>
<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Country</text:p></table:table-cell>
<table:table-cell><text:p>Days</text:p></table:table-cell></table:table-row></table:table-header-rows>
<table:table-row><table:table-cell><text:p>Portugal</text:p></table:table-cell><table:table-cell><text:p>27</text:p>
</table:table-cell></table:table-row></table:table>
<text:p>See<draw:frame><draw:text-box><text:p>The box.</text:p></draw:text-box></draw:frame></text:p>
"""
STYLES = """
<style:style style:name="Gone"><style:text-properties text:display="none"/></style:style>
<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/></text:list-style>
"""


def test_a_text_is_read_in_order_with_its_notes_and_comments_at_the_end(parser: ParserProcess) -> None:
    parsed = parser.parse(opendocument("text", TEXT, STYLES), filename="leave.odt")
    assert parsed.text == (
        "Leave policy\n\nAnnual leave\n\nEveryone has 25 days of leave.\n\n"
        "1. Ask your lead\n  - by mail\n2. Enter it\n\nCountry | Days\nPortugal | 27\n\nSee\n\nThe box.\n\n"
        "1 In a full year.\nComment by Bob: Is this right?"
    )
    assert headings_of(parsed) == [(1, "Leave policy"), (2, "Annual leave")]
    assert (parsed.title, parsed.metadata) == ("Leave", {"author": "Ann", "created": "2026-03-01"})
    assert parsed.mime == "application/vnd.oasis.opendocument.text"


def row(*cells: str, times: int = 1) -> str:
    inside = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells)
    return f'<table:table-row table:number-rows-repeated="{times}">{inside}</table:table-row>'


EMPTY = '<table:table-row table:number-rows-repeated="1048576"><table:table-cell/></table:table-row>'
WIDE = (
    '<table:table-row><table:table-cell table:number-columns-repeated="16384"/>'
    "<table:table-cell><text:p>far</text:p></table:table-cell></table:table-row>"
)


def test_each_shown_sheet_of_a_workbook_is_a_page_of_records(parser: ParserProcess) -> None:
    sheets = (
        f'<table:table table:name="Bands">{row("Band", "From")}{row("E1", "50,000.00")}{row("E2", "1", times=2)}{EMPTY}'
        f'</table:table><table:table table:name="Secret" table:style-name="Hidden">{row("never")}</table:table>'
        f'<table:table table:name="Wide">{WIDE}</table:table>'
    )
    hidden = '<style:style style:name="Hidden"><style:table-properties table:display="false"/></style:style>'
    parsed = parser.parse(opendocument("spreadsheet", sheets, hidden), filename="bands.ods")
    assert page_texts(parsed) == {
        "Bands": "Bands\n\nBand: E1; From: 50,000.00\nBand: E2; From: 1\nBand: E2; From: 1",
        "Wide": "Wide\n\nfar",
    }


def test_slides_are_pages_with_title_text_and_notes_and_hidden_ones_are_empty(parser: ParserProcess) -> None:
    slides = """
    <draw:page><draw:frame><draw:text-box><text:p>Ship in June</text:p></draw:text-box></draw:frame>
    <draw:frame presentation:class="title"><draw:text-box><text:p>Roadmap</text:p></draw:text-box></draw:frame>
    <presentation:notes><draw:frame presentation:class="notes"><draw:text-box><text:p>Say it twice.</text:p>
    </draw:text-box></draw:frame></presentation:notes></draw:page>
    <draw:page draw:style-name="Off"><draw:frame><draw:text-box><text:p>Unseen</text:p></draw:text-box></draw:frame>
    </draw:page>
    """
    off = (
        '<style:style style:name="Off"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    )
    parsed = parser.parse(opendocument("presentation", slides, off), filename="deck.odp")
    assert page_texts(parsed) == {"Slide 1": "Roadmap\n\nShip in June\n\nSay it twice.", "Slide 2": ""}
    assert headings_of(parsed) == [(2, "Roadmap")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (opendocument("text", "<text:p>x</text:p>", doctype=making.billion_laughs()), "expansion_limit"),
        (opendocument("text", "<text:p>unclosed"), "corrupt"),
        (opendocument("text", "<text:span>" * 5000 + "deep" + "</text:span>" * 5000), "expansion_limit"),
        (opendocument("text", ""), "no_text"),
        (
            opendocument("text", "<text:p>x</text:p>", **{"META-INF/manifest.xml": "<manifest:encryption-data/>"}),
            "encrypted",
        ),
        (making.archive({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}), "corrupt"),
    ],
    ids=["entities", "not XML", "nested without end", "nothing in it", "encrypted", "no body"],
)
def test_a_file_that_cannot_be_read_says_why(parser: ParserProcess, content: bytes, reason: str) -> None:
    assert reason_of(parser, content, "a.odt") == reason
