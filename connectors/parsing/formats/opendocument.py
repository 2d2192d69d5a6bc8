"""OpenDocument (ODF 1.2, OASIS): texts, workbooks and presentations, read from their `content.xml`."""

import contextlib
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from connectors.parsing.archives import entry_of, open_archive
from connectors.parsing.cleaning import line
from connectors.parsing.draft import Draft
from connectors.parsing.markup import attribute, first_text, local, named, tree_of
from connectors.parsing.results import ParseFailed
from connectors.parsing.tables import Cell, spread

BODIES = frozenset({"text", "spreadsheet", "presentation", "drawing"})
# What no reader sees on the page: deleted text is kept in `tracked-changes`.
SKIPPED = frozenset({"tracked-changes", "forms", "sequence-decls", "hidden-text", "hidden-paragraph", "script"})
UNSAID = frozenset({"image", "object", "title", "desc", "ruby-text"})
MOST_REPEATED = 1_000  # columns or rows; a sheet may declare a million
MOST_COLUMNS = 4_000
MOST_BLANKS = 100
BLANKS = {"s": " ", "tab": "\t", "line-break": "\n"}


def read(content: bytes, draft: Draft) -> None:
    """By what the body holds; comments and footnotes come after it."""
    with open_archive(content) as archive:
        manifest = entry_of(archive, "META-INF/manifest.xml") if "META-INF/manifest.xml" in archive.namelist() else b""
        if b"encryption-data" in manifest:
            raise ParseFailed("encrypted")
        if "meta.xml" in archive.namelist():
            with contextlib.suppress(ParseFailed):
                _read_properties(tree_of(entry_of(archive, "meta.xml")), draft)
        draft.mime = entry_of(archive, "mimetype")[:100].decode("ascii", "replace").strip()
        root = tree_of(entry_of(archive, "content.xml"))
    body = next((child for element in named(root, "body") for child in element if local(child.tag) in BODIES), None)
    if body is None:
        raise ParseFailed("corrupt")
    writer = Writer(draft, Styles(root))
    kind = local(body.tag)
    if kind == "spreadsheet":
        writer.sheets(body)
    elif kind == "text":
        writer.blocks(body)
        writer.notes()
    else:
        writer.slides(body)


def _read_properties(meta: Element, draft: Draft) -> None:
    draft.title = first_text(meta, "title")
    draft.note("author", first_text(meta, "initial-creator") or first_text(meta, "creator"))
    draft.note("created", first_text(meta, "creation-date")[:10])


class Styles:
    """Which styles hide what has them, and which stand for a title."""

    def __init__(self, root: Element) -> None:
        self.hidden: set[str] = set()
        self.titles: set[str] = {"Title"}
        self.numbered = {
            (attribute(style, "name"), number_of(level, "level", 1))
            for style in named(root, "list-style")
            for level in named(style, "list-level-style-number")
            if attribute(level, "num-format")
        }
        for style in named(root, "style"):
            name = attribute(style, "name")
            if attribute(style, "parent-style-name") == "Title":
                self.titles.add(name)
            if any(_hides(properties) for properties in style):
                self.hidden.add(name)

    def hide(self, element: Element) -> bool:
        """Whether a reader of the page does not see it."""
        return attribute(element, "style-name") in self.hidden or attribute(element, "display") == "none"


def _hides(properties: Element) -> bool:
    found = {local(key): value for key, value in properties.attrib.items()}
    return found.get("display") in ("false", "none") or found.get("visibility") == "hidden"


class Writer:
    """Writes what it walks through; notes and comments wait for the end of their page."""

    def __init__(self, draft: Draft, styles: Styles) -> None:
        self.draft = draft
        self.styles = styles
        self.aside: list[str] = []
        self.boxes: list[Element] = []

    def blocks(self, parent: Element) -> None:
        """Headings, paragraphs, lists and tables; everything else only holds some."""
        for element in parent:
            tag = local(element.tag)
            if tag in SKIPPED or self.styles.hide(element):
                continue
            if tag == "h":
                self.draft.heading(number_of(element, "outline-level", 1), self.inline(element))
            elif tag == "p":
                self._paragraph(element)
            elif tag == "list":
                self._list(element, attribute(element, "style-name"), 0)
            elif tag == "table":
                rows = [[self._spanning(cell) for cell in row if _is_cell(cell)] for row in rows_of(element)]
                self.draft.table(spread(rows))
            elif tag == "annotation":
                self._comment(element)
            else:
                self.blocks(element)
            self._boxes()

    def _paragraph(self, element: Element) -> None:
        text = self.inline(element)
        if attribute(element, "style-name") in self.styles.titles:
            self.draft.heading(1, text)
        else:
            self.draft.add(text)

    def _list(self, element: Element, style: str, level: int) -> None:
        is_numbered = (style, level + 1) in self.styles.numbered
        tight = level > 0
        for number, item in enumerate(element, start=1):
            marker = f"{number}. " if is_numbered else "- "
            for child in item:
                if local(child.tag) == "list":
                    self._list(child, style, level + 1)
                elif local(child.tag) in ("p", "h") and (text := self.inline(child)).strip():
                    self.draft.add("  " * level + marker + text, tight=tight)
                    marker, tight = "  ", True

    def _boxes(self) -> None:
        """Text boxes, after the paragraph they are anchored in."""
        boxes, self.boxes = self.boxes, []
        for box in boxes:
            self.blocks(box)

    def _comment(self, element: Element) -> None:
        said = [self.inline(part) for part in element if local(part.tag) in ("p", "list")]
        author = first_text(element, "creator")
        self.aside.append(f"Comment{f' by {author}' if author else ''}: {line(' '.join(said))}")

    def notes(self) -> None:
        """Footnotes, endnotes and comments so far."""
        for text in self.aside:
            self.draft.add(text, tight=text is not self.aside[0])
        self.aside = []

    def inline(self, element: Element) -> str:
        """The words of a paragraph."""
        return "".join(self._inline(element))

    def _inline(self, element: Element) -> Iterator[str]:
        yield element.text or ""
        for child in element:
            yield from self._inside(child)
            yield child.tail or ""

    def _inside(self, child: Element) -> Iterator[str]:
        match local(child.tag):
            case tag if tag in BLANKS:
                times = number_of(child, "c", 1) if tag == "s" else 1
                yield BLANKS[tag] * min(times, MOST_BLANKS)
            case "annotation":
                self._comment(child)
            case "note":
                words = [self.inline(part) for body in named(child, "note-body") for part in body]
                self.aside.append(line(f"{first_text(child, 'note-citation')} {' '.join(words)}"))
            case "text-box" | "table":
                self.boxes.append(child)
            case tag if tag not in SKIPPED and tag not in UNSAID and not self.styles.hide(child):
                yield from self._inline(child)
            case _:
                return

    def rows(self, table: Element) -> Iterator[list[str]]:
        """A table's rows, repeated ones as often as they say."""
        for row in rows_of(table):
            cells: list[str] = []
            for cell in row:
                text = self._cell(cell) if _is_cell(cell) else ""
                times = number_of(cell, "number-columns-repeated", 1)
                cells += [text] * min(times, MOST_REPEATED, MOST_COLUMNS - len(cells))
            while cells and not cells[-1]:
                cells.pop()
            for _ in range(min(number_of(row, "number-rows-repeated", 1), MOST_REPEATED if cells else 1)):
                yield cells

    def _spanning(self, cell: Element) -> Cell:
        across = number_of(cell, "number-columns-spanned", 1)
        return Cell(self._cell(cell), across, number_of(cell, "number-rows-spanned", 1))

    def _cell(self, cell: Element) -> str:
        """What the cell shows; the comment on it is kept for later."""
        said_beside: set[Element] = set()
        for comment in cell:
            if local(comment.tag) == "annotation":
                self._comment(comment)
                said_beside.update(comment.iter())
        return line(" ".join(self.inline(part) for part in named(cell, "p") if part not in said_beside))

    def sheets(self, body: Element) -> None:
        """Shown sheets in order, under their names, each with its comments."""
        for table in body:
            if local(table.tag) != "table" or self.styles.hide(table):
                continue
            self.draft.sheet(attribute(table, "name"), self.rows(table))
            self.notes()

    def slides(self, body: Element) -> None:
        """Shown slides in order with their notes; a hidden one is an empty page."""
        pages = [element for element in body if local(element.tag) == "page"]
        for number, page in enumerate(pages, start=1):
            self.draft.page(f"Slide {number}")
            if self.styles.hide(page):
                continue
            notes = [part for part in page if local(part.tag) == "notes"]
            shown = [part for part in page if part not in notes]
            self._slide([*titles_first(shown), *notes])
            self.notes()

    def _slide(self, parts: Sequence[Element]) -> None:
        for part in parts:
            if attribute(part, "class") == "title":
                self.draft.heading(2, " ".join(self.inline(p) for p in named(part, "p")))
            elif attribute(part, "class") != "page":
                holder = Element("slide")
                holder.append(part)
                self.blocks(holder)


def titles_first(parts: Sequence[Element]) -> list[Element]:
    """A slide's title stands above it, wherever its file keeps it."""
    return sorted(parts, key=lambda part: attribute(part, "class") != "title")


def rows_of(table: Element) -> Iterator[Element]:
    """The rows of a table itself, inside header rows and groups too, without those of tables inside it."""
    for child in table:
        tag = local(child.tag)
        if tag == "table-row":
            yield child
        elif tag in ("table-header-rows", "table-rows", "table-row-group"):
            yield from rows_of(child)


def _is_cell(element: Element) -> bool:
    """A cell that is shown, not the place another one covers."""
    return local(element.tag) == "table-cell"


def number_of(element: Element, name: str, otherwise: int) -> int:
    """An attribute that is a number, at least 0."""
    value = attribute(element, name)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else otherwise
