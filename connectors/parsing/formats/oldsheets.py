"""XLS (BIFF, up to Excel 2003): each sheet a page, each row a line that names its columns."""

import io
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import xlrd  # type: ignore[import-untyped]
from xlrd.compdoc import CompDocError  # type: ignore[import-untyped]

from connectors.parsing.draft import Draft
from connectors.parsing.formats.sheets import cell_text, comment_line
from connectors.parsing.results import ParseFailed

DAMAGED = (
    xlrd.XLRDError,
    CompDocError,
    struct.error,
    AssertionError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
)
VISIBLE = 0


def read(content: bytes, draft: Draft) -> None:
    """Shown sheets in order, under their names, each with its comments."""
    try:
        book = _open(content)
        draft.note("author", book.user_name)
        for sheet in book.sheets():
            if sheet.visibility == VISIBLE:
                _read_sheet(book, sheet, draft)
    except DAMAGED as error:
        raise ParseFailed("encrypted" if "encrypted" in str(error).lower() else "corrupt") from error


def _open(content: bytes) -> Any:
    """With formats, which tell percentages; without where they are damaged. Its warnings go nowhere."""
    try:
        return xlrd.open_workbook(file_contents=content, formatting_info=True, ragged_rows=True, logfile=io.StringIO())
    except DAMAGED as error:
        if "encrypted" in str(error).lower():
            raise
        return xlrd.open_workbook(file_contents=content, ragged_rows=True, logfile=io.StringIO())


def _read_sheet(book: Any, sheet: Any, draft: Draft) -> None:
    notes = sorted(sheet.cell_note_map.items())
    comments = (
        comment_line(xlrd.cellname(row, column), str(note.author or ""), str(note.text or ""))
        for (row, column), note in notes
    )
    draft.sheet(sheet.name, _rows(book, sheet), comments)


def _rows(book: Any, sheet: Any) -> Iterator[list[str]]:
    for index in range(sheet.nrows):
        yield [cell_text(value_of(book, cell), _format(book, cell)) for cell in sheet.row(index)]


def value_of(book: Any, cell: Any) -> object:
    """A cell's value with the type it has for a person."""
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "")
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _moment(cell.value, book.datemode)
    return cell.value


def _moment(value: float, datemode: int) -> object:
    """A date; a time of day where there is no day; the number where it is neither."""
    try:
        found: datetime = xlrd.xldate_as_datetime(value, datemode)
    except (ValueError, OverflowError):
        return value
    return found.time() if value < 1 else found


def _format(book: Any, cell: Any) -> str:
    if cell.xf_index is None or cell.xf_index >= len(book.xf_list):
        return ""
    found = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return str(found.format_str or "") if found is not None else ""
