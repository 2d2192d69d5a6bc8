"""PDF: each page's text, its lines joined to paragraphs, headings from the outline; pages that are pictures."""

import re
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from connectors.parsing.cleaning import clean, line
from connectors.parsing.draft import Draft
from connectors.parsing.results import ParseFailed

PASSWORD = re.compile("password|security", re.I)
HYPHEN = "\ufffe"  # how pdfium marks a hyphen at the end of a line
WRAPPED = 0.7  # a line at least this long, compared with the longest, was broken by the layout
ENDS_SENTENCE = re.compile("[.!?:;\u2026\u3002\uff01\uff1f][\"'\u201c\u201d\u2019\u00bb)\\]]*$")
STARTS_BLOCK = re.compile(r"(?:[-*o\u2022\u00b7\u2023\u25aa\u2013\u2014]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
NUMBER = re.compile(r"[-+(]?[\d.,%]*\d[\d.,%)]*")
NARROW = 40
PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\u00e1gina|pagina)?\s*-?\s*\d{1,4}\s*-?(?:\s*(?:/|of|von|de|sur)\s*\d{1,4})?", re.I
)
PROGRAM = re.compile(r"Microsoft (?:Word|Excel|PowerPoint) - |\.(?:docx?|xlsx?|pptx?|od[pst]|rtf|indd|pdf)$", re.I)
NAMELESS = re.compile(r"(?:untitled|document|(?:powerpoint )?presentation)[\W\d]*", re.I)
WORD = re.compile(r"[^\W\d_]{2}")
CREATED = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?")
MAX_OUTLINE = 2_000
FEW_LETTERS = 20  # such as a stamp or a page number on a scan
MOST_OF_PAGE = 0.5
SOME_OF_PAGE = 0.03
MANY_PATHS = 200  # letters drawn as lines and curves
DOTS_AN_INCH = 200
POINTS_AN_INCH = 72
LARGEST_PICTURE = 4_000  # pixels, either side


def read(content: bytes, draft: Draft) -> None:
    """Pages in order. A page that cannot be read is empty; a file of which none can be is corrupt."""
    document = _open(content)
    draft.note("author", document.get_metadata_value("Author"))
    if created := CREATED.match(document.get_metadata_value("CreationDate")):
        draft.note("created", "-".join(filter(None, created.groups())))
    draft.title = title_of(document.get_metadata_value("Title"))
    starts: list[int] = []
    lost = 0
    for index in range(len(document)):
        draft.page(_label(document, index))
        starts.append(draft.length)
        try:
            _read_page(document, index, draft)
        except pdfium.PdfiumError:
            lost += 1
    if not starts or lost == len(starts):
        raise ParseFailed("corrupt")
    _mark_outline(document, draft, starts)
    draft.note("pages_without_text", ", ".join(_label(document, index) for index in draft.scans))


def _read_page(document: Any, index: int, draft: Draft) -> None:
    """Its text, or the words that were recognised in it; where it is a picture with none yet, that is noted."""
    text = paragraphs(_page_text(document, index))
    letters = sum(character.isalnum() for character in text)
    if letters < FEW_LETTERS and _is_picture(document, index, MOST_OF_PAGE if letters else SOME_OF_PAGE):
        recognised = paragraphs(draft.recognised.get(index, ""))
        if not recognised:
            draft.scans.append(index)
        text = recognised or text
    draft.add(text)


def _is_picture(document: Any, index: int, share: float) -> bool:
    """Whether one picture covers such a share of the page, or it is drawn of lines and curves."""
    page = document[index]
    try:
        area = page.get_width() * page.get_height()
        paths = 0
        for drawn in page.get_objects(filter=(pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_PATH), max_depth=3):
            left, bottom, right, top = drawn.get_bounds()
            if drawn.type == pdfium_c.FPDF_PAGEOBJ_IMAGE and (right - left) * (top - bottom) >= share * area:
                return True
            paths += drawn.type == pdfium_c.FPDF_PAGEOBJ_PATH
            if paths > MANY_PATHS:
                return True
        return False
    finally:
        page.close()


def picture(content: bytes, index: int) -> bytes:
    """A page in shades of grey, 200 dots an inch where that is not too large (PGM)."""
    document = _open(content)
    try:
        page = document[index]
        size = max(page.get_width(), page.get_height(), 1.0)
        scale = min(DOTS_AN_INCH / POINTS_AN_INCH, LARGEST_PICTURE / size)
        drawn = page.render(scale=scale, grayscale=True)
    except (pdfium.PdfiumError, IndexError, ValueError) as error:
        raise ParseFailed("corrupt") from error
    pixels = bytes(drawn.buffer)
    rows = range(0, drawn.height * drawn.stride, drawn.stride)
    lines = b"".join(pixels[start : start + drawn.width] for start in rows)
    return b"P5\n%d %d\n255\n" % (drawn.width, drawn.height) + lines


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


def title_of(noted: str) -> str:
    """What a program noted as the title, or "" where that names nothing: a number, or what stands there by default."""
    title = PROGRAM.sub("", line(noted)).strip()
    return title if WORD.search(title) and not NAMELESS.fullmatch(title) else ""


def paragraphs(page: str) -> str:
    """A page's text with the line breaks of its layout undone.

    A line goes on in the next one when it fills the page's width, ends no sentence, and the next does
    not begin an item; a word divided at its end is put together again.
    """
    lines = clean(page.replace("\r\n", "\n").replace(HYPHEN + "\n", HYPHEN).replace(HYPHEN, "")).split("\n")
    lines = _without_page_number([text.strip() for text in lines])
    lengths = sorted(len(text) for text in lines if text)
    width = lengths[int(len(lengths) * 0.9)] if lengths else 0
    return "\n".join(_joined(lines, width))


def _without_page_number(lines: list[str]) -> list[str]:
    """Drops a number that stands alone in the first or last line."""
    filled = [index for index, text in enumerate(lines) if text]
    edges = {index for index in filled[:1] + filled[-1:] if PAGE_NUMBER.fullmatch(lines[index])}
    return [text for index, text in enumerate(lines) if index not in edges]


def _joined(lines: list[str], width: int) -> Iterator[str]:
    paragraph: list[str] = []
    for text in lines:
        if paragraph and not goes_on(paragraph[-1], text, width):
            yield put_together(paragraph)
            paragraph = []
        paragraph.append(text)
    yield put_together(paragraph)


def put_together(lines: list[str]) -> str:
    """The lines of a paragraph as one; "exam-" and "ple" become one word."""
    paragraph = [""]
    for text in lines:
        last = paragraph[-1]
        divided = last.endswith("-") and text[:1].islower()
        paragraph[-1] = last[:-1] if divided else last
        paragraph += [text] if divided or not last else [" ", text]
    return "".join(paragraph)


def goes_on(before: str, after: str, width: int) -> bool:
    """Whether the line `after` continues the paragraph that `before` is a line of."""
    if not before or not after or STARTS_BLOCK.match(after) or is_tabular(before) or is_tabular(after):
        return False
    if before.endswith("-") or after[0].islower():
        return True
    return len(before) >= WRAPPED * width and width > NARROW and not ENDS_SENTENCE.search(before)


def is_tabular(text: str) -> bool:
    """Whether a line ends in columns of numbers."""
    last = text.split()[-2:]
    return len(last) == 2 and all(NUMBER.fullmatch(word) for word in last)


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
