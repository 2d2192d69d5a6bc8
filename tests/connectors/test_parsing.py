"""Each format gives readable text with true offsets; the name of a file decides only what its bytes leave open."""

import unicodedata
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from connectors.parsing import Parsed, ParseFailed, ParserProcess, guess_language, parse
from connectors.parsing.cleaning import clean
from connectors.parsing.draft import Draft
from connectors.parsing.results import MAX_ATTACHED_BYTES, MAX_ATTACHMENTS
from connectors.parsing.tables import Cell, sheet_lines, spread
from tests.connectors.files import making
from tests.connectors.files.compound import compound


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    with ParserProcess() as process:
        yield process


def headings_of(parsed: Parsed) -> list[tuple[int, str]]:
    """Level and title, after checking that each stands where it says."""
    for heading in parsed.headings:
        assert parsed.text.startswith(heading.title, heading.start)
    return [(heading.level, heading.title) for heading in parsed.headings]


def page_texts(parsed: Parsed) -> dict[str, str]:
    return {page.label: parsed.text[page.start : page.end] for page in parsed.pages}


MARKDOWN = b"""---
title: Travel policy
owner: Finance
tags: [travel, money]
nested: {a: b}
---
# Travel

Trains **first**, see [the list](https://example.org/list)
of lines.

## Hotels <!-- hidden -->

| City | Limit |
|------|-------|
| Rome | 140 \xe2\x82\xac |

- Ask first
  1. by mail
  2. by phone
- Keep the bill

```
code  stays
```
"""


def test_markdown_is_read_without_its_marks(parser: ParserProcess) -> None:
    parsed = parser.parse(MARKDOWN, filename="travel.md")
    assert parsed.text == (
        "Travel\n\nTrains first, see the list of lines.\n\nHotels\n\nCity | Limit\nRome | 140 \u20ac\n\n"
        "- Ask first\n  1. by mail\n  2. by phone\n- Keep the bill\n\ncode  stays"
    )
    assert headings_of(parsed) == [(1, "Travel"), (2, "Hotels")]
    assert parsed.title == "Travel policy"
    assert parsed.metadata == {"owner": "Finance", "tags": "travel, money"}
    assert (parsed.mime, parsed.language) == ("text/markdown", "en")


def test_broken_front_matter_says_nothing_and_the_text_is_read(parser: ParserProcess) -> None:
    parsed = parser.parse(b"---\ntitle: [unclosed\n---\nThe body.\n", filename="notes.md")
    assert (parsed.text, parsed.title, parsed.metadata) == ("The body.", "notes", {})


def test_a_web_page_is_what_a_person_sees(parser: ParserProcess) -> None:
    page = b"""<!DOCTYPE html><html><head><title>Benefits</title><style>p{}</style>
    <meta name=author content="Ann"></head>
    <body><script>track()</script><p hidden>hidden one</p><div style="display: none">hidden two</div>
    <h1>Benefits</h1><p>A bike
    for <b>everyone</b>.<br>Really.</p><ol><li>Apply<ul><li>online</ul><li>Ride</ol>
    <table><tr><th>Country<th>Bikes</tr><tr><td>Spain<td>12</tr></table><pre>a  b\n c</pre></body></html>"""
    parsed = parser.parse(page, filename="benefits.html")
    assert parsed.text == (
        "Benefits\n\nA bike for everyone.\nReally.\n\n1. Apply\n  - online\n2. Ride\n\n"
        "Country | Bikes\nSpain | 12\n\na  b\n c"
    )
    assert headings_of(parsed) == [(1, "Benefits")]
    assert (parsed.title, parsed.metadata) == ("Benefits", {"author": "Ann"})


def test_a_table_that_lays_out_a_page_is_no_table(parser: ParserProcess) -> None:
    page = b"<html><table><tr><td><h2>News</h2><p>One.</p><table><tr><td>a<td>b</table></td></tr></table></html>"
    assert parser.parse(page, filename="old.html").text == "News\n\nOne.\n\na | b"


def test_a_pdf_has_pages_and_its_layout_is_undone(parser: ParserProcess) -> None:
    lines = (
        "Every employee gets thirty days of paid leave in a year, which may be",
        "taken in parts. Nobody loses leave for having been ill.",
        "Germany 30 12",
        "Portugal 27 11",
        "3",
    )
    parsed = parser.parse(making.pdf([lines, ["Second page."]]), filename="leave.pdf")
    assert page_texts(parsed) == {
        "1": f"{lines[0]} {lines[1]}\nGermany 30 12\nPortugal 27 11",
        "2": "Second page.",
    }
    assert [page.number for page in parsed.pages] == [1, 2]


def test_the_outline_of_a_pdf_gives_its_headings(parser: ParserProcess) -> None:
    parsed = parser.parse(making.outlined_pdf(), filename="x.pdf")
    assert headings_of(parsed) == [(1, "Scope"), (1, "Duties")]
    assert (parsed.title, parsed.metadata) == ("Site safety", {"author": "Works council"})


@pytest.mark.parametrize(
    ("noted", "title"),
    [
        ("Form 10-Q for Microsoft Corp", "Form 10-Q for Microsoft Corp"),
        ("\u4f11\u6687\u898f\u7a0b", "\u4f11\u6687\u898f\u7a0b"),
        ("Microsoft Word - Leave policy.docx", "Leave policy"),
        ("0000320193-22-000070", "2022 Q3 ACME"),
        ("Untitled-1", "2022 Q3 ACME"),
        ("PowerPoint Presentation", "2022 Q3 ACME"),
        ("", "2022 Q3 ACME"),
    ],
    ids=["words", "no Latin letters", "the program before it", "a number", "untitled", "by default", "nothing"],
)
def test_a_pdf_whose_title_names_nothing_is_called_as_its_file(parser: ParserProcess, noted: str, title: str) -> None:
    parsed = parser.parse(making.titled_pdf(noted), filename="2022 Q3 ACME.pdf")

    assert parsed.title == title


def test_a_word_document_is_read_in_order(parser: ParserProcess) -> None:
    parsed = parser.parse(making.docx(), filename="leave.docx")
    assert parsed.text == (
        "Internal use\n\nAnnual leave\n\nEveryone has 25 days of leave a year.\n\n- Ask your lead\n"
        "- Enter it in the tool\n\nCountry | Days\nPortugal | 27\n\nSpecial leave\n\nA move gives one day."
    )
    assert headings_of(parsed) == [(1, "Annual leave"), (2, "Special leave")]
    assert (parsed.title, parsed.metadata["author"]) == ("Leave policy", "Human Resources")


def test_each_row_of_a_workbook_names_its_columns(parser: ParserProcess) -> None:
    parsed = parser.parse(making.xlsx(), filename="bands.xlsx")
    assert page_texts(parsed) == {
        "Bands": "Bands\n\nBand: E1; From: 50000; Bonus: 5%\nBand: E2; From: 62000.5; Bonus: 10%",
        "Offices": "Offices\n\nAll offices\nCity: Berlin; Seats: 120\nCity: Lisbon",
    }
    assert "Secret" not in parsed.text


def test_slides_are_pages_with_their_notes(parser: ParserProcess) -> None:
    parsed = parser.parse(making.pptx(), filename="deck.pptx")
    assert page_texts(parsed) == {
        "Slide 1": "Roadmap\n\nShip in June",
        "Slide 2": "Risks\n\nSuppliers are late\n\nMention the second supplier.",
    }
    assert headings_of(parsed) == [(2, "Roadmap"), (2, "Risks")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_file_is_read_by_its_own_delimiter(parser: ParserProcess, delimiter: str) -> None:
    source = "Name,Office\nAnn,Berlin\nBob,Rome\n".replace(",", delimiter)
    assert (
        parser.parse(source.encode(), filename="people.csv").text
        == "Name: Ann; Office: Berlin\nName: Bob; Office: Rome"
    )


def test_a_sheet_without_headers_keeps_its_rows() -> None:
    assert list(sheet_lines([["1", "2"], ["3", "4"]])) == ["1 | 2", "3 | 4"]


MAIL = b"""From: Ann Example <ann@example.org>
To: all@example.org
Date: Mon, 2 Nov 2026 09:00:00 +0100
Subject: =?utf-8?q?Caf=C3=A9_closed?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=X

--X
Content-Type: multipart/alternative; boundary=Y

--Y
Content-Type: text/html

<p>The html one</p>
--Y
Content-Type: text/plain; charset=iso-8859-1

The caf\xe9 is closed.
--Y--
--X
Content-Type: application/pdf
Content-Disposition: attachment; filename="plan.pdf"

%PDF
--X--
"""


@pytest.mark.parametrize("filename", ["closed.eml", "closed.txt.unknown"])
def test_mail_says_who_wrote_what_to_whom(parser: ParserProcess, filename: str) -> None:
    parsed = parser.parse(MAIL, filename=filename)
    assert parsed.text == (
        "From: Ann Example <ann@example.org>\nTo: all@example.org\nDate: Mon, 02 Nov 2026 09:00:00 +0100\n"
        "Subject: Caf\u00e9 closed\n\nThe caf\u00e9 is closed.\n\nAttachments: plan.pdf"
    )
    assert (parsed.title, parsed.mime) == ("Caf\u00e9 closed", "message/rfc822")


def test_mail_without_a_plain_body_is_read_from_its_html(parser: ParserProcess) -> None:
    source = b"From: a@example.org\nSubject: Hi\nDate: x\nContent-Type: text/html\n\n<p>One</p><p>Two</p>"
    assert parser.parse(source, filename="hi.eml").text.endswith("Subject: Hi\n\nOne\n\nTwo")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_is_decoded_in_the_encoding_it_has(parser: ParserProcess, encoding: str) -> None:
    text = "Die K\u00fcndigungsfrist betr\u00e4gt f\u00fcr alle B\u00fcros drei Monate, das ist \u00fcblich."
    assert parser.parse(text.encode(encoding), filename="frist.txt").text == text


@pytest.mark.parametrize(
    ("content", "filename", "mime"),
    [
        (making.pdf(), "scan.docx", "application/pdf"),
        (making.docx(), "report.pdf", making.WORD_MAIN.removesuffix(".main+xml")),
        (making.xlsx(), "no-suffix", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"<!-- saved --><!doctype html><p>Page", "page.txt", "text/html"),
        (b"Just some words.", "words.pdf", "text/plain"),
    ],
)
def test_a_mislabelled_file_is_read_by_its_content(
    parser: ParserProcess, content: bytes, filename: str, mime: str
) -> None:
    assert parser.parse(content, filename=filename).mime == mime


def test_a_declared_type_stands_in_for_a_missing_suffix(parser: ParserProcess) -> None:
    assert parser.parse(b"# Title\n\ntext", filename="page", mime="text/markdown; charset=utf-8").title == "Title"


OFFICE = {"a.docx": making.docx(), "a.xlsx": making.xlsx(), "a.pptx": making.pptx()}


@pytest.mark.parametrize(
    ("content", "filename", "reason"),
    [
        (b"", "a.md", "empty"),
        (b" \n\t\x00", "a.pdf", "empty"),
        (b"# \n\n---\n", "a.md", "no_text"),
        (making.pdf([[]]), "scan.pdf", "no_text"),
        (making.encrypted_pdf(), "a.pdf", "encrypted"),
        (making.pdf()[:300], "a.pdf", "corrupt"),
        (making.docx()[:-2000], "a.docx", "corrupt"),
        (making.docx_of("<w:document"), "a.docx", "corrupt"),
        *((making.scratched(content), name, "corrupt") for name, content in OFFICE.items()),
        (making.scan("Words", "More", form="TIFF")[:-900_000], "a.tiff", "corrupt"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "a.png", "corrupt"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "a.docx", "corrupt"),
        (b"\x7fELF\x02\x01\x01" + bytes(600), "a.out", "unsupported_type"),
        (making.archive({"readme.txt": "hello"}), "a.zip", "unsupported_type"),
        (compound({"WordDocument": b"old"}), "old.doc", "unsupported_type"),
        (compound({"EncryptedPackage": b"sealed"}), "a.xlsx", "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls", "corrupt"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(parser: ParserProcess, content: bytes, filename: str, reason: str) -> None:
    with pytest.raises(ParseFailed) as failure:
        parser.parse(content, filename=filename)
    assert failure.value.reason == reason
    assert failure.value.permanent
    assert filename not in failure.value.message


def test_text_is_stored_in_one_form_with_nothing_invisible() -> None:
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    dirty = f"a\u0301\r\nb\x00\u200b\u202e{tags}\ud800c\u00a0d \n\n\n\n\x0ce\u2028f"
    text = clean(dirty)
    assert text == "\u00e1\nbc d\n\ne\nf"
    assert unicodedata.is_normalized("NFC", text)


def test_one_document_can_be_parsed_alone() -> None:
    assert parse(b"# Hello\n\nworld", filename="hello.md").text == "Hello\n\nworld"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many days of leave do I have?", "en"),
        ("Wie viele Urlaubstage habe ich?", "de"),
        ("Combien de jours de cong\u00e9 ai-je dans une ann\u00e9e ?", "fr"),
        ("\u00bfCu\u00e1ntos d\u00edas de vacaciones tengo?", "es"),
        ("Quantos dias de f\u00e9rias tenho por ano? N\u00e3o sei.", "pt"),
        ("Quanti giorni di ferie ho? Non lo so, ma \u00e8 nella tabella.", "it"),
        ("Hoeveel vakantiedagen heb ik en wanneer moet ik ze opnemen?", "nl"),
        ("4711 / 0815", ""),
    ],
)
def test_the_language_of_a_question_is_guessed(text: str, language: str) -> None:
    assert guess_language(text) == language


def forwarded() -> bytes:
    """A mail with a table, a signature, a picture of its page, another mail and an invitation."""
    inner = EmailMessage()
    inner["Subject"] = "The old plan"
    inner.set_content("As it was.")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ann@example.org", "bob@example.org", "Plans"
    mail.set_content("See below.")
    mail.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="Pl\u00e4ne.csv")
    mail.add_attachment(b"seal", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    mail.add_attachment(b"logo", maintype="image", subtype="png", cid="<logo>", disposition="inline")
    mail.add_attachment(inner)
    mail.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar")
    return mail.as_bytes()


def test_the_attachments_of_a_mail_are_handed_on_as_they_came(parser: ParserProcess) -> None:
    parsed = parser.parse(forwarded(), filename="plans.eml")
    assert parsed.text.endswith("See below.\n\nAttachments: Pl\u00e4ne.csv, The old plan.eml, attachment.ics")
    table, mail, invitation = parsed.attachments
    assert (table.name, table.mime, table.content) == ("Pl\u00e4ne.csv", "text/csv", b"a,b\n1,2\n")
    assert invitation.content == b"BEGIN:VCALENDAR"
    assert parser.parse(table.content, filename=table.name, mime=table.mime).text == "a: 1; b: 2"
    assert parser.parse(mail.content, filename=mail.name, mime=mail.mime).text == "Subject: The old plan\n\nAs it was."


def test_attachments_beyond_the_limit_are_named_and_left_out() -> None:
    draft = Draft()
    draft.add("A mail.")
    for number in range(MAX_ATTACHMENTS + 1):
        draft.attach(f"{number}.txt", "text/plain", b"x")
    parsed = draft.finish("message/rfc822", "")
    assert len(parsed.attachments) == MAX_ATTACHMENTS
    assert parsed.metadata["attachments_left_out"] == f"{MAX_ATTACHMENTS}.txt (more than 100 files)"


def test_attachments_that_are_too_large_together_are_named_and_left_out() -> None:
    draft = Draft()
    draft.add("A mail.")
    draft.attach("small.txt", "text/plain", b"x")
    draft.attach("large.bin", "application/octet-stream", bytes(MAX_ATTACHED_BYTES))
    parsed = draft.finish("message/rfc822", "")
    assert [each.name for each in parsed.attachments] == ["small.txt"]
    assert parsed.metadata["attachments_left_out"] == "large.bin (more than 50 MB together)"


@pytest.mark.parametrize(
    "kind", ["multipart/encrypted; boundary=X", "application/pkcs7-mime; smime-type=enveloped-data"]
)
def test_of_an_encrypted_mail_the_headers_are_read(parser: ParserProcess, kind: str) -> None:
    source = f"From: a@example.org\nSubject: Salaries\nContent-Type: {kind}\n\n--X\n\nabcdef\n--X--\n"
    parsed = parser.parse(source.encode(), filename="sealed.eml")
    assert parsed.text == "From: a@example.org\nSubject: Salaries\n\nThe text of this message is encrypted."
    assert parsed.attachments == ()


@pytest.mark.parametrize("gap", [[[]], [["", ""], []]], ids=["an empty row", "several"])
def test_a_second_table_of_a_sheet_has_a_header_of_its_own(gap: list[list[str]]) -> None:
    first = [["Stock"], ["Item", "Count"], ["Bikes", "12"]]
    rest = [["Boats", "3"], *gap, ["Tents", "4"], *gap, ["City", "Seats"], ["Rome", "1,200"], *gap, ["Bonn", "7"]]
    assert [text for text in sheet_lines([*first, *rest]) if text] == [
        "Stock",
        "Item: Bikes; Count: 12",
        "Item: Boats; Count: 3",
        "Item: Tents; Count: 4",
        "City: Rome; Seats: 1,200",
        "City: Bonn; Seats: 7",
    ]


def test_what_a_merged_cell_says_stands_in_every_place_it_covers() -> None:
    rows = [
        [Cell("Place", down=2), Cell("Seats", across=2)],
        [Cell("Hall"), Cell("Yard")],
        [Cell("Rome"), Cell("12"), Cell("30")],
        [Cell("", above=True), Cell("14", across=2)],
        [Cell("Closed on Mondays", across=3)],
    ]
    assert spread(rows) == [
        ["Place", "Seats", "Seats"],
        ["Place", "Hall", "Yard"],
        ["Rome", "12", "30"],
        ["Rome", "14", "14"],
        ["Closed on Mondays"],
    ]


def test_a_cell_that_claims_to_be_endless_is_as_wide_as_its_table() -> None:
    assert spread([[Cell("a", across=10**9), Cell("b")], [Cell("c", down=10**9)]]) == [["a", "a", "b"], ["c"]]


def test_a_table_that_would_repeat_itself_without_end_is_left_as_it_is() -> None:
    rows = [[Cell("a" * 100, across=9, down=9), *[Cell("b")] * 100]] * 2_000
    assert spread(rows) == [["a" * 100, *["b"] * 100]] * 2_000


def test_merged_cells_of_a_page_are_spread_and_long_tables_name_their_columns(parser: ParserProcess) -> None:
    head = "<tr><th>City<th colspan=2>Seats</tr><tr><td rowspan=2>Rome<td>1<td>2</tr><tr><td>3<td>4</tr>"
    parsed = parser.parse(f"<html><table>{head}</table><p>After.".encode(), filename="a.html")
    assert parsed.text == "City | Seats | Seats\nRome | 1 | 2\nRome | 3 | 4\n\nAfter."
    rows = "".join(f"<tr><td>City number {number}<td>{number}</tr>" for number in range(100))
    parsed = parser.parse(f"<html><table><tr><th>City<th>Seats</tr>{rows}</table>".encode(), filename="a.html")
    assert parsed.text.startswith("City: City number 0; Seats: 0\nCity: City number 1; Seats: 1\n")


def test_what_was_moved_deleted_or_hidden_in_a_word_document_is_not_read(parser: ParserProcess) -> None:
    parsed = parser.parse(making.edited_docx(), filename="edited.docx")
    assert parsed.text == (
        "1. Leave\n\nKept new here.\n\n1. first\n  a) inside\n2. second\n\n2. Pay\n\n"
        "Comment by Bob: Is this right?\nComment by Ann: It is."
    )
    assert headings_of(parsed) == [(1, "1. Leave"), (1, "2. Pay")]


def test_the_strict_form_of_office_documents_is_read(parser: ParserProcess) -> None:
    assert parser.parse(making.strict(making.docx()), filename="a.docx").text.startswith("Internal use\n\nAnnual leave")
    assert parser.parse(making.strict(making.xlsx()), filename="a.xlsx").pages[0].label == "Bands"


def test_comments_and_merged_cells_of_a_workbook_are_read(parser: ParserProcess) -> None:
    parsed = parser.parse(making.commented_xlsx(), filename="a.xlsx")
    assert parsed.text == (
        "Plan\n\nWeek: 1; Task: Paint; Who: Ann\nWeek: 1; Task: Clean; Who: Bob\n\n"
        "Comment on B2 by Bob: Which colour?\nComment on C3: Not me."
    )


def test_comments_beside_slides_are_read_and_hidden_slides_are_not(parser: ParserProcess) -> None:
    parsed = parser.parse(making.commented_pptx(), filename="a.pptx")
    assert page_texts(parsed) == {
        "Slide 1": "Shown\n\nSales by month\n\nUnlike others\n\nComment by Bob: Too loud?",
        "Slide 2": "",
    }
