"""A parsed document in passages: pieces of about 220 tokens that can be found, read and cited alone.

A passage is text[start:end] exactly, inside one page and below one heading; small sections under one
parent are put together. The cutting itself is llama-index's SentenceSplitter with our own token count
and sentence ends, so that nothing is downloaded and offsets stay true.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from connectors.parsing.languages import guess_language
from connectors.parsing.results import Heading, Page
from connectors.sentences import MARKER, sentences

if TYPE_CHECKING:
    from llama_index.core.node_parser import SentenceSplitter

TARGET = 220  # tokens a passage; the local model reads 256
PATH_SEPARATOR = " \u203a "
LONGEST_TOKEN = 10  # characters, with the blank after it
SLICE = 50_000  # characters
DIVIDING_LEVEL = 2  # headings down to this level always begin a passage
# The model's English vocabulary has a token for about 7 letters of an English word and for 3 of another
# (ratio of true to estimated count: English .94, German .98, Spanish .92; 95 % below 1.1).
ENGLISH_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w{1,7}|[^\w\s]")
FOREIGN_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w{1,3}|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A passage: `text` is the document's text[start:end]; `page` is the page's number, if it has pages."""

    ordinal: int
    text: str
    start: int
    end: int
    heading_path: str
    page: int | None


@dataclass(frozen=True)
class Section:
    """The text from one heading to the next, inside one page."""

    start: int
    end: int
    path: tuple[str, ...]
    level: int
    page: int | None
    has_body: bool


def split(parsed_text: str, headings: Sequence[Heading], pages: Sequence[Page]) -> list[Piece]:
    """The passages of a document in reading order; they do not overlap."""
    pieces: list[Piece] = []
    token = token_pattern(guess_language(parsed_text))
    for section in _merged(parsed_text, token, _sections(parsed_text, headings, pages)):
        path = PATH_SEPARATOR.join(section.path)
        for start, end in _cut(parsed_text, token, section.start, section.end):
            pieces.append(Piece(len(pieces), parsed_text[start:end], start, end, path, section.page))
    return pieces


def count_tokens(text: str, language: str = "en") -> int:
    """About how many WordPiece tokens a text has; an estimate that needs no model."""
    return len(token_pattern(language).findall(text))


def token_pattern(language: str) -> re.Pattern[str]:
    """What counts as one token; where the language is unknown the safe one."""
    return ENGLISH_TOKEN if language == "en" else FOREIGN_TOKEN


def _sections(text: str, headings: Sequence[Heading], pages: Sequence[Page]) -> Iterator[Section]:
    """Cuts at every heading and page; each section knows the headings above it."""
    starts = {heading.start: heading for heading in headings}
    page_of = {page.start: page.number for page in pages if page.end > page.start}
    edges = sorted({0, len(text), *starts, *page_of})
    above: list[Heading] = []
    page: int | None = None
    for start, end in pairwise(edges):
        page = page_of.get(start, page)
        heading = starts.get(start)
        if heading is not None:
            above = [*(h for h in above if h.level < heading.level), heading]
        start, end = _stripped(text, start, end)
        if start < end:
            has_body = heading is None or end - start > len(heading.title)
            level = heading.level if heading is not None else 0
            yield Section(start, end, tuple(h.title for h in above), level, page, has_body)


def _merged(text: str, token: re.Pattern[str], sections: Iterator[Section]) -> Iterator[Section]:
    """Puts a bare heading before what it heads, and small sections under one parent together."""
    held: Section | None = None
    for section in sections:
        joined = _joined(text, token, held, section) if held is not None else None
        if held is not None and joined is None:
            yield held
        held = joined or section
    if held is not None:
        yield held


def _joined(text: str, token: re.Pattern[str], before: Section, after: Section) -> Section | None:
    """Both as one section, or None where they must stay apart."""
    if before.page != after.page:
        return None
    if not before.has_body and after.level > before.level:
        return Section(before.start, after.end, after.path, after.level, after.page, after.has_body)
    if 0 < after.level <= DIVIDING_LEVEL or not _fits(token, text[before.start : after.end]):
        return None
    return Section(before.start, after.end, _shared(before.path, after.path), before.level, before.page, True)


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = next((i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    return one[: min(len(one), len(other)) if length is None else length]


def _cut(text: str, token: re.Pattern[str], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Offsets of the passages of one section."""
    if _fits(token, text[start:end]):
        yield start, end
        return
    for begin, stop in _slices(text, start, end):
        position = begin
        for chunk in _splitter(token).split_text(text[begin:stop]):
            position = text.index(chunk, position, stop)
            yield position, position + len(chunk)
            position += len(chunk)


def _fits(token: re.Pattern[str], text: str) -> bool:
    return len(text) <= TARGET * LONGEST_TOKEN and len(token.findall(text)) <= TARGET


def _slices(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Line by line up to a size the splitter, which holds every token of what it is given, can take."""
    while end - start > SLICE:
        cut = text.rfind("\n", start + 1, start + SLICE)
        cut = cut if cut > 0 else start + SLICE
        yield start, cut
        start = cut
    yield start, end


@cache
def _splitter(token: re.Pattern[str]) -> "SentenceSplitter":
    from llama_index.core.node_parser import SentenceSplitter  # takes seconds to import

    return SentenceSplitter(
        chunk_size=TARGET,
        chunk_overlap=0,
        paragraph_separator="\n\n",
        tokenizer=token.findall,
        chunking_tokenizer_fn=_with_blanks,
        include_metadata=False,
        include_prev_next_rel=False,
    )


def _with_blanks(text: str) -> list[str]:
    """The sentences of a text with what stands between them, so that joined they are the text again."""
    starts = [start for start, _ in sentences(text)][1:]
    edges = [0, *(_with_mark(text, start) for start in starts), len(text)]
    return [text[start:end] for start, end in pairwise(edges) if end > start]


def _with_mark(text: str, start: int) -> int:
    """Where an item begins whose words begin at `start`: at its list mark, if it has one."""
    line = text.rfind("\n", 0, start) + 1
    return line if MARKER.fullmatch(text, line, start) else start


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the blanks at both ends."""
    section = text[start:end]
    return end - len(section.lstrip()), start + len(section.rstrip())
