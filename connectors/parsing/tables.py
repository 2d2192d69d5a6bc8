"""Tables as text: each row a line that can be read, found and cited by itself."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from connectors.parsing.cleaning import line

HEADER_SEARCH = 10
LONGEST_HEADER = 60
LONG_TABLE = 1_000  # characters, about what one passage holds

NUMBER = re.compile(r"[-+(]?[^\w\s]?\d[\d.,' ]*\)?\s?[%\w€$£]{0,3}")
MOST_REPEATED = 500_000  # characters: a table that would repeat more is left as it is written
REPEATED = 300  # characters: a longer text of a merged cell stands once

Row = Sequence[str]


@dataclass(frozen=True)
class Cell:
    """A cell and how many columns and rows it covers; with `above`, it goes on with the cell over it."""

    text: str
    across: int = 1
    down: int = 1
    above: bool = False


def spread(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Every row with all its columns: what a merged cell says stands in each place it covers.

    A row of one cell is a caption and says it once; none is wider than the row of the most cells.
    """
    width = max(map(len, rows), default=0)
    if _repeated(rows, width) > MOST_REPEATED:
        return [[line(cell.text) for cell in cells] for cells in rows]
    grid: list[list[str]] = []
    hanging: dict[int, tuple[str, int]] = {}  # by column: what still reaches down, and into how many rows
    for cells in rows:
        row: list[str] = []
        for cell in cells:
            _fill_hanging(row, hanging)
            text = line(cell.text)
            if cell.above and grid and len(row) < len(grid[-1]):
                text = text or grid[-1][len(row)]
            again = text if len(text) <= REPEATED else ""
            across = min(cell.across, width) if len(cells) > 1 else 1
            for index in range(max(across, 1)):
                if cell.down > 1:
                    hanging[len(row)] = (again, cell.down)
                row.append(again if index else text)
        _fill_hanging(row, hanging)
        hanging = {column: (text, left - 1) for column, (text, left) in hanging.items() if left > 1}
        grid.append(row)
    return grid


def _repeated(rows: Sequence[Sequence[Cell]], width: int) -> int:
    """About how many characters more than once."""
    return sum(
        (min(cell.across, width) * min(max(cell.down, 1), len(rows) - index) - 1) * (min(len(cell.text), REPEATED) + 3)
        for index, cells in enumerate(rows)
        for cell in cells
    )


def _fill_hanging(row: list[str], hanging: dict[int, tuple[str, int]]) -> None:
    """Puts down what cells of the rows above cover at this place; those begun in this row are behind it."""
    while len(row) in hanging:
        row.append(hanging[len(row)][0])


def row_line(cells: Row) -> str:
    """A row as `a | b | c`."""
    return " | ".join(line(cell) for cell in cells).strip(" |")


def record_line(header: Row, cells: Row) -> str:
    """A row as `Header: value; Header: value`; values without a header stand alone."""
    names = [*header, *[""] * (len(cells) - len(header))]
    filled = ((name, line(cell)) for name, cell in zip(names, cells, strict=False))
    return "; ".join(f"{name}: {value}" if name else value for name, value in filled if value)


def table_lines(rows: Sequence[Row]) -> list[str]:
    """The lines of a table in a text: a short one as it stands, of a long one each row with its header's words."""
    lines = [text for row in rows if (text := row_line(row))]
    return lines if sum(map(len, lines)) <= LONG_TABLE else [text for text in sheet_lines(rows) if text]


def sheet_lines(rows: Iterable[Row]) -> Iterable[str]:
    """The lines of a sheet: plain ones above its header, then one record a row, which carries the header's words.

    After an empty row another table may begin, with a header of its own.
    """
    remaining = iter(rows)
    top = list(islice(remaining, HEADER_SEARCH))
    filled = [index for index, row in enumerate(top) if _says(row)]
    found = _header_index([top[index] for index in filled])
    if found is None:
        return (row_line(row) for row in chain(top, remaining))
    at = filled[found]
    records = _records([line(cell) for cell in top[at]], chain(top[at + 1 :], remaining))
    return chain((row_line(row) for row in top[:at]), records)


def _records(header: Row, rows: Iterable[Row]) -> Iterator[str]:
    held: Row | None = None  # the first row after an empty one: the next row tells whether it is a header
    after_empty = False
    for row in rows:
        if held is not None:
            if _says(row) and _heads(held, row):
                header = [line(cell) for cell in held]
            else:
                yield record_line(header, held)
            held = None
        if _says(row) and after_empty:
            held = row
        elif _says(row):
            yield record_line(header, row)
        after_empty = not _says(row)
    if held is not None:
        yield record_line(header, held)


def _says(row: Row) -> bool:
    return any(line(cell) for cell in row)


def _heads(row: Row, below: Row) -> bool:
    """Whether a row names the columns of the one below it, in which numbers stand under words."""
    labels = [line(cell) for cell in row]
    filled = [label for label in labels if label]
    if len(filled) < 2 or not _are_labels(filled) or any(character.isdigit() for character in "".join(filled)):
        return False
    pairs = zip(labels, below, strict=False)
    return any(label and NUMBER.fullmatch(line(cell)) for label, cell in pairs)


def _header_index(rows: Sequence[Row]) -> int | None:
    """The first row that names columns: several short, distinct labels, with at least as wide a row below it."""
    for index, row in enumerate(rows[:-1]):
        cells = [line(cell) for cell in row if line(cell)]
        if len(cells) >= 2:
            below = sum(1 for cell in rows[index + 1] if line(cell))
            return index if below >= 2 and _are_labels(cells) else None
    return None


def _are_labels(cells: Sequence[str]) -> bool:
    texts = all(any(c.isalpha() for c in cell) and len(cell) <= LONGEST_HEADER for cell in cells)
    return texts and len(set(cells)) == len(cells)
