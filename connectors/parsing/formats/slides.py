"""PPTX: each slide a page, its title a heading, its notes and comments after it."""

import contextlib
import io
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element

from lxml.etree import LxmlError
from pptx import Presentation
from pptx.exc import PythonPptxError

from connectors.parsing.archives import BROKEN
from connectors.parsing.cleaning import described, line
from connectors.parsing.draft import Draft
from connectors.parsing.formats.strict import readable
from connectors.parsing.markup import attribute, local, tree_of
from connectors.parsing.results import damaged
from connectors.parsing.tables import Cell, spread

AUTHORS, COMMENTS = ("/commentAuthors", "/authors"), ("/comments",)
DAMAGED = (*BROKEN, PythonPptxError, LxmlError, KeyError, ValueError, TypeError, AttributeError, IndexError)


def read(content: bytes, draft: Draft) -> None:
    """Slides in order; a hidden one is an empty page."""
    content = readable(content)
    try:
        deck = Presentation(io.BytesIO(content))
        properties = deck.core_properties
        draft.title = properties.title or ""
        draft.note("author", properties.author)
        draft.note("created", properties.created)
        authors = _authors(deck)
        for number, slide in enumerate(deck.slides, start=1):
            draft.page(f"Slide {number}")
            if slide._element.get("show") not in ("0", "false"):
                _read_slide(slide, draft)
                for index, said in enumerate(_comments(slide, authors)):
                    draft.add(said, tight=index > 0)
    except DAMAGED as error:
        raise damaged(error) from error


def _read_slide(slide: Any, draft: Draft) -> None:
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        draft.heading(2, title.text_frame.text)
    for shape in shapes_of(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            _read_shape(shape, draft)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        draft.add(slide.notes_slide.notes_text_frame.text)


def _authors(deck: Any) -> dict[str, str]:
    """Who comments, by the number the comments give."""
    people = (author for part in _related(deck.part, AUTHORS) for author in part)
    return {attribute(author, "id"): attribute(author, "name") for author in people}


def _comments(slide: Any, authors: dict[str, str]) -> Iterator[str]:
    """What was said beside the slide, answers included."""
    for part in _related(slide.part, COMMENTS):
        for comment in part.iter():
            if local(comment.tag) in ("cm", "reply"):
                body = [child for child in comment if local(child.tag) in ("text", "txBody")]
                said = line(" ".join("".join(text.itertext()) for text in body))
                author = authors.get(attribute(comment, "authorId"), "")
                if said:
                    yield f"Comment{f' by {author}' if author else ''}: {said}"


def _related(part: Any, kinds: tuple[str, ...]) -> Iterator[Element]:
    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.endswith(kinds):
            yield tree_of(relation.target_part.blob)


def shapes_of(shapes: Iterable[Any]) -> Iterator[Any]:
    """Shapes in the order they were placed, those of groups included."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from shapes_of(shape.shapes)
        else:
            yield shape


def _read_shape(shape: Any, draft: Draft) -> None:
    if getattr(shape, "has_table", False):
        rows = [[_cell(cell) for cell in row.cells if not cell.is_spanned] for row in shape.table.rows]
        draft.table(spread(rows))
    elif getattr(shape, "has_chart", False):
        with contextlib.suppress(ValueError):  # a kind of chart python-pptx does not know
            _read_chart(shape.chart, draft)
    elif (picture := getattr(shape._element, "nvPicPr", None)) is not None:
        draft.add(described(picture.cNvPr.get("descr")))
    elif shape.has_text_frame:
        for index, paragraph in enumerate(shape.text_frame.paragraphs):
            indent = "  " * paragraph.level
            draft.add(indent + paragraph.text.replace("\v", "\n"), tight=index > 0)


def _cell(cell: Any) -> Cell:
    return Cell(cell.text, cell.span_width, cell.span_height) if cell.is_merge_origin else Cell(cell.text)


def _read_chart(chart: Any, draft: Draft) -> None:
    """A chart is its title and, for each series, the value of each category."""
    if chart.has_title and chart.chart_title.has_text_frame:
        draft.add(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        categories = [str(category) for category in plot.categories]
        for series in plot.series:
            pairs = zip(categories, series.values, strict=False)
            values = "; ".join(f"{category}: {value:g}" for category, value in pairs if value is not None)
            draft.add(f"{series.name}: {values}", tight=True)
