"""PDF: each page's text, its lines joined to paragraphs, headings from the outline."""

import re
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium

from connectors.parsing.cleaning import clean, line
from connectors.parsing.draft import Draft
from connectors.parsing.results import ParseFailed

PASSWORD = re.compile("password|security", re.I)
HYPHEN = "\ufffe"  # how pdfium marks a hyphen at the end of a line
WRAPPED = 0.7  # a line at least this long, compared with the longest, was broken by the layout
ENDS_SENTENCE = re.compile("[.!?:;\u2026\u3002\uff01\uff1f][\"'\u201c\u201d\u2019\u00bb)\\]]*$")
STARTS_BLOCK = re.compile(r"(?:[-*o\u2022\u00b7\u2023\u25aa\u2013\u2014]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
MAX_OUTLINE = 2_000


def read(content: bytes, draft: Draft) -> None:
    """Pages in order. A page that cannot be read is empty; a file of which none can be is corrupt."""
    document = _open(content)
    for key, value in (("author", "Author"), ("created", "CreationDate")):
        draft.note(key, document.get_metadata_value(value))
    draft.title = document.get_metadata_value("Title")
    starts: list[int] = []
    lost = 0
    for index in range(len(document)):
        draft.page(_label(document, index))
        starts.append(draft.length)
        try:
            draft.add(paragraphs(_page_text(document, index)))
        except pdfium.PdfiumError:
            lost += 1
    if not starts or lost == len(starts):
        raise ParseFailed("corrupt")
    _mark_outline(document, draft, starts)


def _open(content: bytes) -> Any:
    try:
        return pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        raise ParseFailed("encrypted" if PASSWORD.search(str(error)) else "corrupt") from error


def _label(document: Any, index: int) -> str:
    try:
        return document.get_page_label(index) or str(index + 1)
    except (pdfium.PdfiumError, ValueError):  # a label that is not UTF-16
        return str(index + 1)


def _page_text(document: Any, index: int) -> str:
    page = document[index]
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_bounded(errors="ignore")
        return text
    finally:
        text_page.close()
        page.close()


def paragraphs(page: str) -> str:
    """A page's text with the line breaks of its layout undone.

    A line goes on in the next one when it fills the page's width, ends no sentence, and the next does
    not begin an item; a word divided at its end is put together again.
    """
    lines = clean(page.replace("\r\n", "\n").replace(HYPHEN + "\n", HYPHEN).replace(HYPHEN, "")).split("\n")
    lengths = sorted(len(text) for text in lines if text.strip())
    width = lengths[int(len(lengths) * 0.9)] if lengths else 0
    return "\n".join(_joined(lines, width))


def _joined(lines: list[str], width: int) -> Iterator[str]:
    held = ""
    for text in lines:
        text = text.strip()
        if held and goes_on(held, text, width):
            divided = held.endswith("-") and text[:1].islower()
            held = held[:-1] + text if divided else f"{held} {text}"
            continue
        if held:
            yield held
        held = text
        if not text:
            yield ""
    yield held


def goes_on(before: str, after: str, width: int) -> bool:
    """Whether `after` continues the paragraph whose last line ends `before`."""
    if not after or STARTS_BLOCK.match(after):
        return False
    last_line = len(before) if len(before) < width else width
    if before.endswith("-") or after[:1].islower():
        return True
    return last_line >= WRAPPED * width and width > 40 and not ENDS_SENTENCE.search(before)


def _mark_outline(document: Any, draft: Draft, starts: list[int]) -> None:
    """An entry of the outline is a heading where its words stand on the page it points to."""
    text = draft.text
    ends = [*starts[1:], len(text)]
    found = 0
    for level, title, index in _outline(document):
        if index is None or not 0 <= index < len(starts):
            continue
        place = re.compile(r"\s+".join(map(re.escape, title.split()))).search(text, starts[index], ends[index])
        if title and place:
            draft.mark_heading(level + 1, title, place.start())
        found += 1
        if found >= MAX_OUTLINE:
            return


def _outline(document: Any) -> Iterator[tuple[int, str, int | None]]:
    try:
        for entry in document.get_toc(max_depth=6):
            target = entry.get_dest()
            yield entry.level, line(entry.get_title()), target.get_index() if target else None
    except (pdfium.PdfiumError, ValueError):
        return
