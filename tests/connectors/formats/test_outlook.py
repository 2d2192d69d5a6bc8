"""MSG: a mail as Outlook keeps it, read like any other mail."""

import struct
from datetime import UTC, datetime

import pytest

from connectors.parsing import ParserProcess
from connectors.parsing.formats.outlook import DICTIONARY, decompressed
from tests.connectors.files import compound
from tests.connectors.formats.reading import reason_of

SENT = compound.filetime(datetime(2026, 11, 2, 8, 0, tzinfo=UTC))
PEOPLE = [(1, "Bob Example", "bob@example.org"), (1, "all@example.org", "all@example.org"), (2, "Carl", "/O=X/CN=CARL")]
HEADERS = {0x0037: "Café closed", 0x0C1A: "Ann Example", 0x5D01: "ann@example.org"}


def attachment(name: str, content: bytes, mime: str = "", **more: int) -> compound.Tree:
    texts = {0x3707: name, 0x370E: mime} | ({0x3712: "logo"} if more else {})
    return compound.message(
        texts, streams={"__substg1.0_37010102": content}, numbers={0x3714: more.get("flags", 0)}, header=8
    )


def mail(texts: dict[int, str], **more: bytes) -> bytes:
    return compound.compound(compound.message(HEADERS | texts, streams=more, numbers={0x0039: SENT}))


def compressed(rtf: bytes) -> bytes:
    """The form Outlook keeps, without a single reference."""
    body = b"".join(b"\0" + rtf[place : place + 8] for place in range(0, len(rtf), 8))
    return struct.pack("<II4sI", len(body) + 12, len(rtf), b"LZFu", 0) + body


def test_a_message_says_who_wrote_what_to_whom_and_hands_on_its_attachments(parser: ParserProcess) -> None:
    inner = compound.message({0x0037: "The old plan", 0x1000: "As it was. \u00fc"}, header=24)
    forwarded = compound.message({0x3001: "The old plan"}, streams={"__substg1.0_3701000D": inner}, header=8)
    tree = compound.message(
        HEADERS | {0x1000: "The caf\u00e9 is closed.\r\nAnn\r\n"},
        people=PEOPLE,
        attachments=[
            attachment("Pl\u00e4ne.csv", b"a,b\n1,2\n", "text/csv"),
            attachment("logo.png", b"PNG", "image/png", flags=4),
            forwarded,
        ],
        numbers={0x0039: SENT},
    )
    parsed = parser.parse(compound.compound(tree), filename="closed.msg")
    assert parsed.text == (
        "From: Ann Example <ann@example.org>\nTo: Bob Example <bob@example.org>, all@example.org\nCc: Carl\n"
        "Date: Mon, 02 Nov 2026 08:00:00 +0000\nSubject: Caf\u00e9 closed\n\nThe caf\u00e9 is closed.\nAnn\n\n"
        "Attachments: Pl\u00e4ne.csv, The old plan.eml"
    )
    assert (parsed.title, parsed.mime) == ("Caf\u00e9 closed", "application/vnd.ms-outlook")
    table, letter = parsed.attachments
    assert (table.name, table.mime, table.content) == ("Pl\u00e4ne.csv", "text/csv", b"a,b\n1,2\n")
    read = parser.parse(letter.content, filename=letter.name, mime=letter.mime)
    assert read.text == "Subject: The old plan\n\nAs it was. \u00fc"


def test_a_body_is_read_from_its_page_or_its_rich_text(parser: ParserProcess) -> None:
    page = mail({}, **{"__substg1.0_10130102": b"<p>One</p><p>Two</p>"})
    assert parser.parse(page, filename="a.msg").text.endswith("\n\nOne\n\nTwo")
    rich = mail({}, **{"__substg1.0_10090102": compressed(rb"{\rtf1 Caf\'e9\par Two}")})
    assert parser.parse(rich, filename="a.msg").text.endswith("\n\nCaf\u00e9\n\nTwo")


def test_compressed_text_may_refer_to_what_came_before() -> None:
    start = DICTIONARY.index(b"{\\rtf1")
    reference = struct.pack(">H", start << 4 | 4)  # six characters from there
    again = struct.pack(">H", (len(DICTIONARY) + 6) << 4 | 3)  # five, of which one is there yet
    stream = struct.pack("<II4sI", 0, 12, b"LZFu", 0) + bytes([0b101]) + reference + b"a" + again
    assert decompressed(stream) == b"{\\rtf1aaaaaa"
    assert decompressed(b"short") == decompressed(bytes(40)) == b""
    assert decompressed(struct.pack("<II4sI", 0, 3, b"MELA", 0) + b"abcdef") == b"abc"


@pytest.mark.parametrize("kind", ["IPM.Note.SMIME", "IPM.Note"], ids=["sealed", "open"])
def test_of_an_encrypted_message_the_headers_are_read(parser: ParserProcess, kind: str) -> None:
    parsed = parser.parse(mail({0x001A: kind, 0x1000: "secret"}), filename="a.msg")
    assert ("secret" in parsed.text, "is encrypted" in parsed.text) == (kind == "IPM.Note", kind != "IPM.Note")


def test_messages_inside_messages_are_opened_to_a_depth_only(parser: ParserProcess) -> None:
    tree = compound.message({0x0037: "innermost"}, header=24)
    for depth in range(12):
        part = compound.message({}, streams={"__substg1.0_3701000D": tree}, header=8)
        tree = compound.message({0x0037: f"level {depth}"}, attachments=[part], header=24 if depth < 11 else 32)
    assert len(parser.parse(compound.compound(tree), filename="a.msg").attachments) == 1


def test_a_message_that_cannot_be_read_says_why(parser: ParserProcess) -> None:
    assert reason_of(parser, mail({0x1000: "x"})[:700], "a.msg") == "corrupt"
    assert reason_of(parser, compound.compound({"WordDocument": b"old"}), "a.doc") == "unsupported_type"
    assert reason_of(parser, compound.compound({"EncryptedPackage": b"x"}), "a.docx") == "encrypted"
