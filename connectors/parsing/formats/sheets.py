"""XLSX: each sheet a page, each row a line that names its columns."""

import contextlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from connectors.parsing.archives import BROKEN
from connectors.parsing.cleaning import line
from connectors.parsing.draft import Draft
from connectors.parsing.formats.strict import readable
from connectors.parsing.results import damaged

SMALL_BOOK = 8 * 1024 * 1024  # bytes of XML; as objects they take twenty times that
THREADED = "[Threaded comment]"
MOST_MERGED = 400  # cells of one merged area; a larger one is a frame
MOST_COVERED = 200_000
DAMAGED = (*BROKEN, InvalidFileException, ParseError, KeyError, ValueError, TypeError, AttributeError)


def read(content: bytes, draft: Draft) -> None:
    """Shown sheets in order, under their names; of books that are not too large merged cells and comments as well."""
    content = readable(content)
    try:
        book = _open(content)
        draft.title = book.properties.title or ""
        draft.note("author", book.properties.creator)
        draft.note("created", book.properties.created)
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                _read_sheet(sheet, draft, is_large=book.read_only)
    except DAMAGED as error:
        raise damaged(error) from error


def _open(content: bytes) -> Any:
    """As a whole where it is small; a large one, or one that only a part of can be read, row by row."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".xml"))
    if size <= SMALL_BOOK:
        with contextlib.suppress(*DAMAGED):
            return openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)


def _read_sheet(sheet: Any, draft: Draft, *, is_large: bool) -> None:
    if is_large:
        sheet.reset_dimensions()  # the declared size may be wrong by a million rows
        draft.sheet(sheet.title, map(_texts, sheet.iter_rows()))
        return
    cells = sheet._cells  # those that hold something; its rows would be made anew, as long as the sheet is
    merged = _merged(sheet)
    draft.sheet(sheet.title, _rows(cells, merged), _comments(cells))


def _texts(row: Iterable[Any]) -> list[str]:
    return [cell_text(cell.value, getattr(cell, "number_format", "")) for cell in row]


def _merged(sheet: Any) -> dict[tuple[int, int], tuple[int, int]]:
    """For each place a merged cell covers, the place of that cell; merged across the whole sheet it is a caption."""
    covered: dict[tuple[int, int], tuple[int, int]] = {}
    for area in sheet.merged_cells.ranges:
        width, height = area.max_col - area.min_col + 1, area.max_row - area.min_row + 1
        is_caption = height == 1 and width >= sheet.max_column - 1
        if width * height <= MOST_MERGED and not is_caption:
            covered |= dict.fromkeys(((row, column) for row, column in area.cells), (area.min_row, area.min_col))
        if len(covered) > MOST_COVERED:
            break
    return covered


def _rows(cells: dict[tuple[int, int], Any], merged: dict[tuple[int, int], tuple[int, int]]) -> Iterator[list[str]]:
    """Rows with anything in them, from the first column to their last; an empty one for what lies between."""
    columns: dict[int, list[int]] = {}
    for row, column in sorted({*cells, *merged}):
        columns.setdefault(row, []).append(column)
    before = 0
    for row, filled in columns.items():
        if row > before + 1 and before:
            yield []
        before = row
        found = [""] * filled[-1]
        for column in filled:
            cell = cells.get(merged.get((row, column), (row, column)))
            found[column - 1] = _texts([cell])[0] if cell is not None else ""
        yield found


def _comments(cells: dict[tuple[int, int], Any]) -> Iterator[str]:
    for _, cell in sorted(cells.items()):
        comment = getattr(cell, "comment", None)
        if comment is not None:
            yield comment_line(cell.coordinate, str(comment.author or ""), str(comment.text or ""))


def comment_line(place: str, author: str, said: str) -> str:
    """A comment on a cell; Excel repeats its author at its start."""
    said, is_threaded = said.strip(), said.startswith(THREADED)
    if is_threaded:  # Excel keeps the thread elsewhere, and here what older versions show of it
        author, said = "", said.rpartition("Comment:")[2]
    if author and said.startswith(f"{author}:"):
        said = said[len(author) + 1 :]
    return f"Comment on {place}{f' by {author}' if author else ''}: {line(said)}"


def cell_text(value: object, number_format: str) -> str:
    """A cell as it is read: percentages, whole numbers and dates in their short form."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float() | Decimal() if "%" in number_format:
            return f"{float(value) * 100:.10g}%"
        case float():
            return f"{value:.15g}"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
