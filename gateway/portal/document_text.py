"""A document's plain text as blocks for a page, with the cited passage marked. Nothing in it is ever HTML."""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

PART = 100_000  # code points on one page of the portal
CELL = " | "
ITEM = re.compile(r"(\s*)(?:[-*•]|\d{1,3}[.)])\s")
INDENT = 2  # spaces a level of a list is indented by
DEEPEST = 2

Kind = Literal["page", "heading", "paragraph", "item", "table"]
JOINED = frozenset({"paragraph", "table"})  # adjoining lines of these are one block


@dataclass(frozen=True)
class Passage:
    """text[start:end], in code points."""

    start: int
    end: int


@dataclass
class Block:
    """A piece of a page: lines of cells, all escaped; only a table has more than one cell a line."""

    kind: Kind
    lines: list[list[SafeString]] = field(default_factory=list)
    level: int = 0  # of a heading from 1, of an item from 0

    @property
    def html(self) -> SafeString:
        return format_html_join("\n", "{}", ((cell,) for line in self.lines for cell in line))


def passage_from(start: str, end: str, length: int) -> Passage | None:
    """The passage two numbers of an address name; None where they name nothing in a text of this length."""
    if not all(value.isascii() and value.isdigit() and len(value) < 10 for value in (start, end)):
        return None
    passage = Passage(int(start), int(end))
    return passage if passage.start < passage.end <= length else None


def parts_of(text: str) -> list[tuple[int, int]]:
    """Where each part of a text begins and ends; a part ends with a line where it can."""
    starts = [0]
    while len(text) - starts[-1] > PART:
        limit = starts[-1] + PART
        starts.append(text.rfind("\n", starts[-1], limit) + 1 or limit)
    return list(pairwise([*starts, len(text)]))


def blocks(
    text: str,
    part: tuple[int, int],
    *,
    headings: Sequence[Mapping[str, Any]],
    pages: Sequence[Mapping[str, Any]],
    passage: Passage | None,
) -> list[Block]:
    """One part of a text, ready for the template. The first mark carries the id the citation leads to."""
    writing = _Writing(text, {heading["start"]: heading["level"] for heading in headings}, passage)
    ahead = deque(page for page in pages if part[0] <= page["start"] < part[1])
    for start, end in _lines(text, *part):
        while ahead and ahead[0]["start"] <= start:
            writing.page(ahead.popleft())
        writing.line(start, end)
    return writing.blocks


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop
        start = stop + 1


class _Writing:
    """The blocks so far, and whether the next line still belongs to the last of them."""

    def __init__(self, text: str, levels: Mapping[int, int], passage: Passage | None) -> None:
        self.text = text
        self.levels = levels
        self.passage = passage
        self.blocks: list[Block] = []
        self.is_open = False
        self.is_anchored = False

    def page(self, page: Mapping[str, Any]) -> None:
        label = str(page.get("label") or page["number"])
        label = f"Page {label}" if label.isdecimal() else label
        self.blocks.append(Block("page", [[escape(label)]]))
        self.is_open = False

    def line(self, start: int, end: int) -> None:
        line = self.text[start:end]
        if not line.strip():
            self.is_open = False
            return
        kind = self._kind(start, line)
        if not (self.is_open and kind in JOINED and self.blocks[-1].kind == kind):
            self.blocks.append(Block(kind, level=self._level(kind, start, line)))
        self.blocks[-1].lines.append(list(self._cells(start, line) if kind == "table" else [self._marked(start, end)]))
        self.is_open = True

    def _kind(self, start: int, line: str) -> Kind:
        if start in self.levels:
            return "heading"
        if CELL in line:
            return "table"
        return "item" if ITEM.match(line) else "paragraph"

    def _level(self, kind: Kind, start: int, line: str) -> int:
        if kind == "item" and (marker := ITEM.match(line)):
            return min(len(marker[1]) // INDENT, DEEPEST)
        return self.levels.get(start, 0)

    def _cells(self, start: int, line: str) -> Iterator[SafeString]:
        for cell in line.split(CELL):
            yield self._marked(start, start + len(cell))
            start += len(cell) + len(CELL)

    def _marked(self, start: int, end: int) -> SafeString:
        """text[start:end] escaped, with what of it lies in the passage in a mark."""
        passage = self.passage
        if passage is None or passage.end <= start or end <= passage.start:
            return escape(self.text[start:end])
        first, last = max(start, passage.start), min(end, passage.end)
        mark = "{}<mark>{}</mark>{}" if self.is_anchored else '{}<mark id="passage">{}</mark>{}'
        self.is_anchored = True
        return format_html(mark, self.text[start:first], self.text[first:last], self.text[last:end])
