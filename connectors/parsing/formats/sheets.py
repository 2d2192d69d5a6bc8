"""XLSX: each sheet a page, each row a line that names its columns."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from connectors.parsing.archives import open_archive
from connectors.parsing.cleaning import line
from connectors.parsing.draft import Draft
from connectors.parsing.results import damaged

DAMAGED = (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, AttributeError)


def read(content: bytes, draft: Draft) -> None:
    """Shown sheets in order, under their names."""
    open_archive(content).close()
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        draft.title = book.properties.title or ""
        draft.note("author", book.properties.creator)
        draft.note("created", book.properties.created)
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                _read_sheet(sheet, draft)
    except DAMAGED as error:
        raise damaged(error) from error


def _read_sheet(sheet: Any, draft: Draft) -> None:
    sheet.reset_dimensions()  # the declared size may be wrong by a million rows
    draft.sheet(sheet.title, _rows(sheet))


def _rows(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [cell_text(cell.value, getattr(cell, "number_format", "")) for cell in row]


def comment_line(place: str, author: str, said: str) -> str:
    """A comment on a cell; Excel repeats its author at its start."""
    said = said.strip()
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
