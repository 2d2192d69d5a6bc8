"""XLS: what newer workbooks give, old ones give too."""

import pytest

from connectors.parsing import ParserProcess
from tests.connectors.files import compound
from tests.connectors.formats.reading import page_texts, reason_of

BANDS: list[list[object]] = [["Band", "From", "Bonus", "Open"], ["E1", 50000, 0.05, True], ["E2", 62000.5, 0.1, False]]


@pytest.mark.parametrize("filename", ["bands.xls", "bands.xlsx", "bands"])
def test_each_row_of_a_shown_sheet_names_its_columns(parser: ParserProcess, filename: str) -> None:
    content = compound.workbook({"Bands": BANDS, "Secret": [["never"]], "Städte": [["Rom"]]}, hidden=["Secret"])
    parsed = parser.parse(content, filename=filename)
    assert page_texts(parsed) == {
        "Bands": "Bands\n\nBand: E1; From: 50000; Bonus: 5%; Open: yes\nBand: E2; From: 62000.5; Bonus: 10%; Open: no",
        "Städte": "Städte\n\nRom",
    }
    assert parsed.mime == "application/vnd.ms-excel"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (compound.workbook({"A": BANDS}, password=True), "encrypted"),
        (compound.compound({"Workbook": b"\x09\x08\x10\x00" + bytes(5000)}), "corrupt"),
        (compound.compound({"Workbook": b"none"}), "corrupt"),
        (compound.workbook({"A": BANDS})[:1500], "corrupt"),
        (compound.workbook({"A": []}), "no_text"),
    ],
    ids=["a password", "no version", "no records", "cut off", "nothing in it"],
)
def test_a_workbook_that_cannot_be_read_says_why(parser: ParserProcess, content: bytes, reason: str) -> None:
    assert reason_of(parser, content, "a.xls") == reason
