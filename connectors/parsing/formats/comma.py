"""CSV and TSV: each row a line of `Header: value` pairs."""

import csv
import io
from collections.abc import Iterator

from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.results import ParseFailed
from connectors.parsing.tables import sheet_lines

DELIMITERS = ",;\t|"
MAX_FIELD = 1024 * 1024


def read(content: bytes, draft: Draft) -> None:
    """One line a row."""
    text = decode(content)
    csv.field_size_limit(MAX_FIELD)
    try:
        for line in sheet_lines(rows_of(text)):
            draft.add(line, tight=True)
    except csv.Error as error:
        raise ParseFailed("corrupt") from error


def rows_of(text: str) -> Iterator[list[str]]:
    """The rows, by the delimiter that divides most of the first lines alike."""
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))


def delimiter_of(text: str) -> str:
    """The character that stands equally often (and most often) in the first lines."""
    lines = [line for line in text[:20_000].splitlines()[:20] if line.strip()]

    def fitness(delimiter: str) -> tuple[float, int]:
        counts = [len(row) - 1 for row in csv.reader(lines, delimiter=delimiter)]
        commonest = max(set(counts), key=counts.count, default=0)
        return (counts.count(commonest) / len(counts) if commonest else 0.0, commonest)

    return max(DELIMITERS, key=fitness) if lines else ","
