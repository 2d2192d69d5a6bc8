"""HTML: what a person would read of a page, without scripts, styles and hidden parts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from connectors.parsing.cleaning import line
from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.results import ParseFailed
from connectors.parsing.tables import Cell, row_line, spread

SKIPPED = frozenset(
    ("script", "style", "template", "noscript", "svg", "math", "head", "iframe", "object", "canvas", "select")
)
BLOCK_TAGS = """
    address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer
    form header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul
    h1 h2 h3 h4 h5 h6 br
"""
BLOCKS = frozenset(BLOCK_TAGS.split())
HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
CELLS = frozenset({"td", "th"})
HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
META_NAMES = frozenset({"author", "description", "keywords", "date"})
DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.I)
SPACES = re.compile(r"\s+")
CONTAINER = re.compile(
    r"<(/?)(?:article|b|blockquote|center|dl|div|em|fieldset|font|form|i|main|nav|ol|section|small|span|strong|table|ul)\b",
    re.I,
)
DEEPEST = 5_000
DEEPEST_TABLE = 20


def read(content: bytes, draft: Draft) -> None:
    """Paragraphs, list items, table rows and headings of a page."""
    read_page(_decode(content), draft)


def read_page(source: str, draft: Draft) -> None:
    """The same, for a page that is already text."""
    refuse_depth(source)
    try:
        tree = LexborHTMLParser(source)
    except SelectolaxError as error:  # any page is a page to this parser: only memory can be missing
        raise ParseFailed("memory_limit") from error
    if tree.head is not None:
        _read_head(tree.head, draft)
    if tree.root is not None:
        PageText(draft).write(tree.root)


def refuse_depth(source: str) -> None:
    """Raises where containers stay open in thousands: each is paid for again by every one inside it."""
    depth = 0
    for tag in CONTAINER.finditer(source):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > DEEPEST:
            raise ParseFailed("expansion_limit")


def _read_head(head: LexborNode, draft: Draft) -> None:
    for node in children(head):
        if node.tag == "title":
            draft.title = draft.title or line(node.text())
        elif node.tag == "meta" and (name := (node.attributes.get("name") or "").lower()) in META_NAMES:
            draft.note(name, node.attributes.get("content"))


def children(node: LexborNode) -> Iterator[LexborNode]:
    """The nodes directly below."""
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _decode(content: bytes) -> str:
    """By mark or as UTF-8 first, because pages declare what they are not; then as declared."""
    declared = DECLARED.search(content[:4096])
    try:
        return content.decode("utf-8") if not content.startswith((b"\xff\xfe", b"\xfe\xff")) else decode(content)
    except UnicodeDecodeError:
        try:
            return content.decode(declared[1].decode(), "replace") if declared else decode(content)
        except LookupError:
            return decode(content)


def walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Every shown node on entering (True) and leaving (False), without recursion: pages nest without limit."""
    node: LexborNode | None = root
    top = root.mem_id  # comparing nodes would compare their HTML
    while node is not None:
        yield node, True
        child = None if is_hidden(node) else node.child
        if child is not None:
            node = child
            continue
        yield node, False
        while node is not None and node.next is None and node.mem_id != top:
            node = node.parent
            if node is not None:
                yield node, False
        node = node.next if node is not None and node.mem_id != top else None


def is_hidden(node: LexborNode) -> bool:
    """Whether a browser would show nothing of this element."""
    if not node.is_element_node:
        return False
    if node.tag in SKIPPED:
        return True
    attributes = node.attributes
    return bool(attributes) and (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(HIDING_STYLE.search(attributes.get("style") or ""))
    )


@dataclass
class OpenCell:
    """A cell whose words are still being collected."""

    across: int = 1
    down: int = 1
    said: list[str] = field(default_factory=list)

    def closed(self) -> Cell:
        return Cell(" ".join(self.said), self.across, self.down)


class PageText:
    """Collects words until a block ends, then writes them where the block belongs."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.words: list[str] = []
        self.lists: list[int | None] = []
        self.marker = ""
        self.tight = False
        self.preformatted = 0
        self.rows: list[list[OpenCell]] = []  # that are open, the innermost last
        self.table: list[list[Cell]] = []  # rows that have ended and are still to be written
        self.row_tags: list[bool] = []

    def write(self, root: LexborNode) -> None:
        """Writes the whole page."""
        for node, entering in walk(root):
            tag = node.tag or ""
            if tag == "-text":
                if entering:
                    self._text(node.text_content or "")
            elif tag == "img" and entering:
                self.words.append(f" {node.attributes.get('alt') or ''} ")
            elif tag in BLOCKS:
                self._edge(node, tag, entering)
        self._flush(0)
        self._end_table()

    def _text(self, text: str) -> None:
        """A line feed in the source is a space, except in preformatted text; only `br` breaks a line."""
        self.words.append(text if self.preformatted else SPACES.sub(" ", text))

    def _edge(self, node: LexborNode, tag: str, entering: bool) -> None:
        if tag == "br":
            self.words.append("\n" if entering else "")
            return
        self._flush(HEADINGS.get(tag, 0) if not entering else 0)
        if tag in ("ul", "ol", "menu"):
            self._list(tag, entering)
        elif tag == "li" and entering:
            self._item()
        elif tag == "pre":
            self.preformatted += 1 if entering else -1
        elif tag == "tr":
            self._row(node, entering)
        elif tag in CELLS and entering and self.rows:
            self.rows[-1].append(OpenCell(number_of(node, "colspan"), number_of(node, "rowspan")))
        elif tag == "table":
            self._end_table()
            self.tight = False

    def _list(self, tag: str, entering: bool) -> None:
        if entering:
            self.tight = bool(self.lists)
            self.lists.append(1 if tag == "ol" else None)
        elif self.lists:
            self.lists.pop()
            self.tight = bool(self.lists)

    def _item(self) -> None:
        number = self.lists[-1] if self.lists else None
        self.marker = "- " if number is None else f"{number}. "
        if self.lists and number is not None:
            self.lists[-1] = number + 1

    def _row(self, node: LexborNode, entering: bool) -> None:
        """Only a row of several cells is a row of data; others lay out the page."""
        if entering:
            is_data = len(self.row_tags) < DEEPEST_TABLE and is_data_row(node)
            self.row_tags.append(is_data)
            if is_data:
                self.rows.append([])
        elif self.row_tags and self.row_tags.pop():
            cells = [cell.closed() for cell in self.rows.pop()]
            if self.rows:  # of a table in a cell, whose words are the cell's
                self._put(row_line([cell.text for cell in cells]), tight=True)
            else:
                self.table.append(cells)

    def _end_table(self) -> None:
        """Writes the rows of a table that has ended, or that something else stands in."""
        if self.table and not self.rows:
            rows, self.table = self.table, []
            self.draft.table(spread(rows), tight=self.tight)
            self.tight = True

    def _flush(self, level: int) -> None:
        text = "".join(self.words).strip("\n")
        self.words = []
        if not self.preformatted:
            text = "\n".join(filter(None, map(line, text.split("\n"))))
        if not text.strip():
            return
        if not self.rows:
            self._end_table()
        if level and not self.rows and not self.lists:
            self.draft.heading(level, text)
            self.tight = False
            return
        indent = "  " * (len(self.lists) - 1) + (self.marker or "  ") if self.lists else ""
        self._put(indent + text, tight=self.tight)
        self.marker = ""
        if not self.rows:
            self.tight = bool(self.lists)

    def _put(self, text: str, *, tight: bool) -> None:
        if self.rows:
            if not self.rows[-1]:
                self.rows[-1].append(OpenCell())
            self.rows[-1][-1].said.append(text.strip())
        else:
            self.draft.add(text, tight=tight)


def number_of(cell: LexborNode, name: str) -> int:
    """How many columns or rows a cell says it covers; 0 means all that follow and is not followed."""
    value = cell.attributes.get(name) or ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 1


def is_data_row(row: LexborNode) -> bool:
    """Several cells and no table inside."""
    return sum(child.tag in CELLS for child in children(row)) > 1 and row.css_first("table") is None
