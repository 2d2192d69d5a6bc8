"""Sentences on their way to the reader: what an answerer proposes, and how a model's stream is cut into them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.corpus.hits import Hit
from connectors.parsing import cleaning
from connectors.sentences import sentences
from gateway.databases.rows import AskedRows

MARK = re.compile(r"\s*[\[【]\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]")
MARKS_AFTER_STOP = re.compile(r"([.!?…][\"'”’»)]*)((?:\s*[\[【]\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*[\]】])+)")
# Marks at the end, which may belong to the sentence before them, and what may still grow into a mark, a link or a tag.
UNSETTLED = re.compile(
    r"""(?:\s*[\[【][\d\s,;]*[\]】])*\s*
    (?:[\[【][^\]】]*(?:\](?:\([^)]*)?)? | <[^<>]* | ! | https?:\S*)?$""",
    re.VERBOSE,
)
TAIL = 400  # characters in which it is looked for: what takes longer is no mark, and its tag is not in any passage

LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
REFERENCE = re.compile(r"!?\[([^\[\]]*)\]\[[^\[\]]*\]")
TAG = re.compile(r"<[^<>]*>")
LINE_START = re.compile(r"^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+•]\s+|\d{1,2}[.)]\s+(?=\D))", re.MULTILINE)
EMPHASIS = re.compile(r"(\*{1,3}|_{2,3}|`{1,3}|~~)")
# What documents are cleaned of, with what chooses the look of an emoji and what has no meaning of its own: all of these
# carry words past readers and checks.
INVISIBLE = re.compile(f"{cleaning.INVISIBLE.pattern}|[\ufe0f\ue000-\uf8ff\U000f0000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A sentence and the passages it rests on; `rows`: those of a database that it was made from besides."""

    text: str
    evidence: tuple[Hit, ...]
    rows: AskedRows | None = None


@dataclass(frozen=True)
class Missing:
    """A part of the question that nothing answers, in the asker's words."""

    part: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """A sentence as a model wrote it, as plain text, and the numbers it marked it with."""

    text: str
    marks: tuple[int, ...]


@dataclass
class Cutter:
    """Cuts a stream of text into sentences; a mark after the full stop belongs to the sentence before it."""

    buffer: str = field(default="")

    def feed(self, text: str) -> Iterator[Written]:
        """The sentences that are complete now: something other than a mark has begun after them."""
        self.buffer += text
        unsettled = UNSETTLED.search(self.buffer, max(0, len(self.buffer) - TAIL))
        settled = unsettled.start() if unsettled else len(self.buffer)
        moved = MARKS_AFTER_STOP.sub(r"\2\1", self.buffer[:settled])
        found = sentences(moved)
        if len(found) < 2:
            return
        last = found[-1][0]
        for start, end in found[:-1]:
            yield from _written(moved[start:end])
        self.buffer = moved[last:] + self.buffer[settled:]

    def rest(self) -> Iterator[Written]:
        """What is left when the stream has ended."""
        moved = MARKS_AFTER_STOP.sub(r"\2\1", self.buffer)
        self.buffer = ""
        for start, end in sentences(moved):
            yield from _written(moved[start:end])


def plain_text(text: str) -> str:
    """Without Markdown, HTML and characters that cannot be seen."""
    text = INVISIBLE.sub("", text)
    while text != (without := REFERENCE.sub(r"\1", TAG.sub("", text))):  # what is left may be one in turn
        text = without
    for pattern in (LINE_START, EMPHASIS):
        text = pattern.sub("", text)
    return " ".join(text.split())


def _written(text: str) -> Iterator[Written]:
    while text != (without := LINK.sub(lambda link: f"[{link[1]}]" if link[1].isdigit() else link[1], text)):
        text = without
    marks = [int(number) for match in MARK.finditer(text) for number in re.findall(r"\d+", match[1])]
    plain = plain_text(MARK.sub("", text))
    if plain:
        yield Written(text=plain, marks=tuple(dict.fromkeys(marks)))
