"""DOCX: headings, paragraphs, lists and tables in reading order."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docx import Document
from docx.opc.exceptions import OpcError
from docx.oxml import parse_xml  # resolves no entities
from docx.oxml.ns import qn
from lxml.etree import LxmlError

from connectors.parsing.archives import BROKEN
from connectors.parsing.cleaning import described, line
from connectors.parsing.draft import Draft
from connectors.parsing.formats.charts import lines_of
from connectors.parsing.formats.numbering import Numbering, numbering_of
from connectors.parsing.formats.strict import readable
from connectors.parsing.results import damaged
from connectors.parsing.tables import Cell, spread

DAMAGED = (*BROKEN, OpcError, LxmlError, KeyError, ValueError, TypeError, AttributeError, IndexError)
HEADING_STYLE = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop)\s*(\d)", re.I)
PARAGRAPH, TABLE, ROW, CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
TEXT, TAB, BREAKS = qn("w:t"), qn("w:tab"), (qn("w:br"), qn("w:cr"))
PICTURE = qn("wp:docPr")
TEXT_BOX = qn("w:txbxContent")
MATHS_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # repeats the text box before it
NOTE_PARTS, COMMENT_PART = ("/footnotes", "/endnotes"), "/comments"
RUN, HIDDEN, MOVED_AWAY = qn("w:r"), f"{qn('w:rPr')}/{qn('w:vanish')}", qn("w:moveFrom")
CHART, RELATION = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart", qn("r:id")
MOST_COLUMNS = 100
W_VAL, W_ID, W_TYPE = qn("w:val"), qn("w:styleId"), qn("w:type")


def read(content: bytes, draft: Draft) -> None:
    """Page headers first, then the body, then footnotes, endnotes and comments."""
    content = readable(content)
    try:
        document = Document(io.BytesIO(content))
        draft.title = document.core_properties.title or ""
        draft.note("author", document.core_properties.author)
        draft.note("created", document.core_properties.created)
        for text in _headers(document):
            draft.add(text, tight=True)
        Body(draft, Shapes(heading_levels(document), numbering_of(document), document.part)).write(
            document.element.body
        )
        for part in _parts(document, NOTE_PARTS):
            Body(draft, Shapes()).write(part)
        for part in _parts(document, (COMMENT_PART,)):
            _read_comments(part, draft)
    except DAMAGED as error:
        raise damaged(error) from error


def _headers(document: Any) -> list[str]:
    """The distinct lines of all page headers, once."""
    lines: dict[str, None] = {}
    for section in document.sections:
        if not section.header.is_linked_to_previous:
            for paragraph in section.header._element.iter(PARAGRAPH):
                lines[line(paragraph_text(paragraph))] = None
    return [text for text in lines if text]


def _parts(document: Any, kinds: tuple[str, ...]) -> Iterator[Any]:
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(kinds):
            yield parse_xml(relation.target_part.blob)


def _read_comments(part: Any, draft: Draft) -> None:
    """What was said beside the text, and by whom."""
    for index, comment in enumerate(part.iter(qn("w:comment"))):
        author = line(comment.get(qn("w:author"), ""))
        said = line(" ".join(paragraph_text(paragraph) for paragraph in comment.iter(PARAGRAPH)))
        if said:
            draft.add(f"Comment{f' by {author}' if author else ''}: {said}", tight=index > 0)


def heading_levels(document: Any) -> dict[str, int]:
    """Level by style id: by the outline level a style has, or by its name."""
    levels: dict[str, int] = {}
    for style in document.styles.element.iter(qn("w:style")):
        name = style.find(qn("w:name"))
        label = name.get(W_VAL, "") if name is not None else ""
        named = HEADING_STYLE.match(label)
        outline = style.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if named:
            levels[style.get(W_ID, "")] = int(named[1])
        elif label.lower() == "title":
            levels[style.get(W_ID, "")] = 1
        elif outline is not None and int(outline.get(W_VAL, "9")) < 6:
            levels[style.get(W_ID, "")] = int(outline.get(W_VAL)) + 1
    return levels


def paragraph_text(paragraph: Any) -> str:
    """All text of a paragraph, inserted text and links included; without what was deleted, moved away or is hidden."""
    parts: list[str] = []
    for node in _own_nodes(paragraph):
        if node.tag in (TEXT, MATHS_TEXT):
            parts.append(node.text or "")
        elif node.tag == PICTURE:
            parts.append(f" {described(node.get('descr'))} ")
        elif node.tag == TAB:
            parts.append("\t" if parts else "")
        elif node.tag in BREAKS:
            parts.append("\n" if node.get(W_TYPE) in (None, "textWrapping") else "")
    return "".join(parts)


def _own_nodes(element: Any) -> Iterator[Any]:
    """Descendants in order, not entering text boxes; an explicit stack, because documents nest without limit."""
    stack = list(reversed(element))
    while stack:
        node = stack.pop()
        yield node
        if node.tag not in (TEXT_BOX, FALLBACK, MOVED_AWAY) and not _is_hidden(node):
            stack.extend(reversed(node))


def _is_hidden(node: Any) -> bool:
    hidden = node.find(HIDDEN) if node.tag == RUN else None
    return hidden is not None and hidden.get(W_VAL, "true") not in ("false", "0", "off")


@dataclass
class Shapes:
    """What the document says elsewhere of its paragraphs: levels of headings, numbers of items, charts."""

    levels: dict[str, int] = field(default_factory=dict)
    numbering: Numbering = field(default_factory=Numbering)
    part: Any = None

    def chart(self, name: str) -> Any:
        """The chart a paragraph refers to, if it is there."""
        relation = self.part.rels.get(name) if self.part is not None else None
        return parse_xml(relation.target_part.blob) if relation is not None and not relation.is_external else None


class Body:
    """Writes the blocks below an element in order."""

    def __init__(self, draft: Draft, shapes: Shapes) -> None:
        self.draft = draft
        self.shapes = shapes
        self.in_list = False

    def write(self, element: Any) -> None:
        """Paragraphs and tables are blocks; everything else (content controls, sections) only holds some."""
        stack = list(reversed(element))
        while stack:
            node = stack.pop()
            if node.tag == PARAGRAPH:
                self._paragraph(node)
                stack.extend(box for box in reversed(list(_own_nodes(node))) if box.tag == TEXT_BOX)
            elif node.tag == TABLE:
                self._table(node)
            elif node.tag != FALLBACK:
                stack.extend(reversed(node))

    def _paragraph(self, node: Any) -> None:
        text = paragraph_text(node).strip()
        if text:
            self._write(text, node.find(qn("w:pPr")))
        for reference in _own_nodes(node):
            if reference.tag == CHART and (chart := self.shapes.chart(reference.get(RELATION, ""))) is not None:
                for index, said in enumerate(lines_of(chart)):
                    self.draft.add(said, tight=index > 0)

    def _write(self, text: str, properties: Any) -> None:
        """A heading, an item or a paragraph, with the number it is given."""
        style = properties.find(qn("w:pStyle")) if properties is not None else None
        style_id = style.get(W_VAL, "") if style is not None else ""
        mark, depth = self.shapes.numbering.mark(properties, style_id)
        if mark is None and style_id.startswith("List"):
            mark = "- "
        level = self.shapes.levels.get(style_id, 0)
        if level:
            self.draft.heading(level, text if mark in (None, "- ") else f"{mark}{text}")
        else:
            said = text if mark is None else "  " * depth + mark + text
            self.draft.add(said, tight=mark is not None and self.in_list)
        self.in_list = mark is not None and not level

    def _table(self, table: Any) -> None:
        self.in_list = False
        rows: list[list[Cell]] = []
        for row in table.iter(ROW):
            if row.getparent() is not table and row.getparent().tag == TABLE:
                continue  # of a table inside a cell, already part of that cell's text
            cells = [cell for cell in _own_nodes(row) if cell.tag == CELL and _nearest(cell, ROW) is row]
            before = row.find(f"{qn('w:trPr')}/{qn('w:gridBefore')}")
            indent = [Cell("")] * min(_number(before), MOST_COLUMNS)
            rows.append([*indent, *(_cell(cell) for cell in cells)])
        self.draft.table(spread(rows))


def _cell(cell: Any) -> Cell:
    """Its text and what it covers; the lower parts of a merged cell say that they go on with the one above."""
    span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
    merged = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
    text = " ".join(paragraph_text(paragraph) for paragraph in cell.iter(PARAGRAPH))
    goes_on = merged is not None and merged.get(W_VAL, "continue") == "continue"
    return Cell(text, across=max(_number(span), 1), above=goes_on)


def _number(element: Any) -> int:
    value = element.get(W_VAL, "") if element is not None else ""
    return int(value) if value.isdecimal() and len(value) < 6 else 0


def _nearest(node: Any, tag: str) -> Any:
    parent = node.getparent()
    while parent is not None and parent.tag != tag:
        parent = parent.getparent()
    return parent
