"""JSON and JSON Lines: names and values as an outline; rows of like things as records, a line each."""

import json
from collections.abc import Iterator
from typing import Any

from connectors.parsing.cleaning import line
from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft

SHORT = 200  # characters: a list up to that stands on the line of its name
INDENT = "  "


def read(content: bytes, draft: Draft) -> None:
    """The outline; a file that is not JSON after all is read as the text it is."""
    text = decode(content)
    try:
        values = list(values_of(text))
    except ValueError:
        draft.add(text)
        return
    for value in values:
        if isinstance(value, dict):
            _write_mapping(value, draft, is_alone=len(values) == 1)
        else:
            _add(lines_of(value), draft)


def values_of(text: str) -> Iterator[Any]:
    """The value of a JSON file, or one for each line. Raises ValueError."""
    try:
        yield json.loads(text)
    except ValueError:
        rows = [row for row in text.splitlines() if row.strip()]
        if len(rows) < 2:
            raise
        yield [json.loads(row) for row in rows]


def _write_mapping(mapping: dict[str, Any], draft: Draft, *, is_alone: bool) -> None:
    """Names at the top that hold more than a value are headings."""
    for name, value in mapping.items():
        if is_alone and isinstance(value, dict | list) and not is_short(value) and line(name):
            draft.heading(2, name)
            _add(lines_of(value), draft)
        else:
            _add(lines_of({name: value}), draft, tight=True)


def _add(lines: Iterator[str], draft: Draft, *, tight: bool = False) -> None:
    for text in lines:
        draft.add(text, tight=tight)
        tight = True


def lines_of(value: Any, indent: str = "") -> Iterator[str]:
    """A value as lines; names stand before what they name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if is_short(inner):
                yield from _said(f"{indent}{name}: ", short(inner), indent)
            else:
                yield f"{indent}{name}:"
                yield from lines_of(inner, indent + INDENT)
    elif isinstance(value, list):
        for item in value:
            yield from _item(item, indent)
    else:
        yield from _said(indent, short(value), indent)


def _item(item: Any, indent: str) -> Iterator[str]:
    """A record on one line if it holds plain values only."""
    if isinstance(item, dict) and item and all(is_short(inner) for inner in item.values()):
        pairs = ((name, line(short(inner))) for name, inner in item.items())
        yield indent + "; ".join(f"{name}: {said}" for name, said in pairs if said)
    elif isinstance(item, dict | list):
        lines = lines_of(item, indent + INDENT)
        yield f"{indent}- {next(lines, '').strip()}"
        yield from lines
    else:
        yield from _said(f"{indent}- ", short(item), indent)


def _said(name: str, said: str, indent: str) -> Iterator[str]:
    """A text of several lines goes on below its name; nothing is said of what is empty."""
    first, *more = said.split("\n")
    if said.strip():
        yield name + first
        yield from (indent + INDENT + text for text in more if text.strip())


def is_short(value: Any) -> bool:
    """Whether it stands on the line of its name: a plain value, or a few of them."""
    if isinstance(value, list):
        return all(not isinstance(item, dict | list) for item in value) and len(short(value)) <= SHORT
    return not isinstance(value, dict) or not value


def short(value: Any) -> str:
    """A plain value, or several, as they are read."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(line(short(item)) for item in value)
        case dict():
            return ""
        case _:
            return str(value)
