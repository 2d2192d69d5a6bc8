"""Markdown: readable text without its marks; front matter becomes metadata."""

import re
from collections.abc import Iterator, Sequence
from html import unescape

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft

FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S)
TAG = re.compile(r"<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)\s*>|</?[a-zA-Z][^<>]*>", re.S | re.I)
MAX_NESTING = 100
parser = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])


def read(content: bytes, draft: Draft) -> None:
    """Headings, paragraphs, list items and table rows, each on lines of its own."""
    text = decode(content)
    front = FRONT_MATTER.match(text)
    if front:
        read_front_matter(front[1], draft)
        text = text[front.end() :]
    Blocks(draft).write(parser.parse(text))


def read_front_matter(source: str, draft: Draft) -> None:
    """Keeps the plain values of a YAML mapping; a broken one says nothing."""
    try:
        values = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    if not isinstance(values, dict):
        return
    for key, value in values.items():
        items = value if isinstance(value, list) else [value]
        if all(not isinstance(item, list | dict) for item in items):
            draft.note(str(key), ", ".join(str(item) for item in items if item is not None))
    draft.title = draft.metadata.pop("title", "")


def inline_text(token: Token) -> str:
    """What a person reads of a line: no marks, no tags, a line break only where one was asked for."""
    return TAG.sub("", "".join(_inline_parts(token.children or [])))


def _inline_parts(children: Sequence[Token]) -> Iterator[str]:
    for child in children:
        if child.type == "softbreak":
            yield " "
        elif child.type == "hardbreak" or (child.type == "html_inline" and child.content.lower().startswith("<br")):
            yield "\n"
        elif child.type == "image":
            yield inline_text(child)
        elif child.type != "html_inline":
            yield child.content


class Blocks:
    """Walks the tokens of a document and writes each block in the way its surroundings ask for."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.lists: list[int | None] = []  # the next number of each open list, None for bullets
        self.marker = ""
        self.tight = False
        self.level = 0
        self.row: list[str] | None = None
        self.rows: list[list[str]] = []

    def write(self, tokens: Sequence[Token]) -> None:
        """Writes all blocks in order."""
        for token in tokens:
            handle = getattr(self, f"on_{token.type}", None)
            if handle is not None:
                handle(token)

    def on_heading_open(self, token: Token) -> None:
        """The next inline is a heading."""
        self.level = int(token.tag[1:])

    def on_inline(self, token: Token) -> None:
        """A cell, a heading or a paragraph, whichever is open."""
        text = inline_text(token)
        if self.row is not None:
            self.row.append(text)
        elif self.level and not self.lists:
            self.draft.heading(self.level, text)
        else:
            self._paragraph(text)
        self.level = 0

    def _paragraph(self, text: str) -> None:
        if self.lists:
            text = "  " * (len(self.lists) - 1) + (self.marker or "  ") + text
        self.draft.add(text, tight=self.tight)
        self.tight = bool(self.lists)
        self.marker = ""

    def on_bullet_list_open(self, token: Token) -> None:
        """A list begins on the line below its parent item, or after a blank line."""
        self.tight = bool(self.lists)
        self.lists.append(None)

    def on_ordered_list_open(self, token: Token) -> None:
        """A numbered list keeps its numbers."""
        self.tight = bool(self.lists)
        self.lists.append(int(token.attrs.get("start", 1)))

    def on_list_item_open(self, token: Token) -> None:
        """An item is marked once, on its first line."""
        number = self.lists[-1]
        self.marker = "- " if number is None else f"{number}. "
        self.lists[-1] = None if number is None else number + 1

    def on_bullet_list_close(self, token: Token) -> None:
        """What follows an outer list stands apart from it."""
        self.lists.pop()
        self.tight = bool(self.lists)
        self.marker = ""

    on_ordered_list_close = on_bullet_list_close

    def on_table_open(self, token: Token) -> None:
        """Rows of one table stand on adjoining lines."""
        self.tight = False

    def on_tr_open(self, token: Token) -> None:
        """Cells are collected until the row ends."""
        self.row = []

    def on_tr_close(self, token: Token) -> None:
        """Rows are collected until the table ends."""
        self.rows.append(self.row or [])
        self.row = None

    def on_table_close(self, token: Token) -> None:
        """A row is one line; what follows a table stands apart from it."""
        self.draft.table(self.rows, tight=self.tight)
        self.rows = []
        self.tight = bool(self.lists)

    def on_fence(self, token: Token) -> None:
        """Code stays as it is."""
        self.draft.add(token.content, tight=self.tight)

    on_code_block = on_fence

    def on_html_block(self, token: Token) -> None:
        """HTML inside Markdown gives its words."""
        self.draft.add(unescape(TAG.sub("", token.content)), tight=self.tight)
