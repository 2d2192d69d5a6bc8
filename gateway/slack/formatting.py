"""An answer as Slack blocks. Nothing a model or a document wrote becomes a link, a mention or a channel call."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from gateway.answering.events import Citation
from gateway.answering.phrases import name_it, not_found, not_found_here, unmarked, which
from gateway.conversations import ShownAnswer, ShownSentence

Block = dict[str, Any]
ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
SECTION = 3000  # characters Slack takes in one text; more is refused
ELEMENTS = 10  # of a context block
TITLE = 150  # characters


def escaped(text: str, limit: int = SECTION) -> str:
    """`text` with Slack's three control characters made harmless, cut to `limit` characters of the result."""
    pieces: list[str] = []
    room = limit
    for character in text:
        piece = ESCAPED.get(character, character)
        room -= len(piece)
        if room < 1:
            return "".join(pieces).rstrip() + "…"
        pieces.append(piece)
    return "".join(pieces)


def mrkdwn(text: str) -> Block:
    """`text` must be escaped. `verbatim`: Slack makes no links of addresses and names it finds in it."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def notice(sentence: str) -> list[Block]:
    """Something the gateway itself says."""
    return [section(escaped(sentence))]


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def answer(shown: ShownAnswer, *, openly: bool = False) -> list[Block]:
    """What of an answer may be read now, and the passages it rests on.

    A sentence withheld or changed since it was written was never shown here, so nothing is said of it
    and the citations are numbered anew (P16).
    """
    sentences = [sentence for sentence in shown.sentences if sentence.state == "shown"]
    if not sentences:
        return notice(not_found_here(shown.language) if openly else not_found(shown.language)) + general(shown)
    used = dict.fromkeys(n for sentence in sentences for n in sentence.citations)
    numbers = {n: number for number, n in enumerate(used, start=1)}
    citations = sorted((c for c in shown.citations if c.n in numbers), key=lambda citation: numbers[citation.n])
    lines = [source_line(numbers[citation.n], citation) for citation in citations]
    missing = [section(escaped(shown.missing_text))] if shown.missing_text else []
    told = [context([escaped(shown.notice)])] if shown.notice else []
    holds_for = [context([escaped(shown.holds_for_text)])] if shown.holds_for_text else []
    asks = shown.status == "ambiguous"
    said = asked_back(sentences, numbers, shown.language) if asks else paragraphs(sentences, numbers)
    return [*holds_for, *map(section, said), *missing, *told, *map(context, tens(lines))]


def general(shown: ShownAnswer) -> list[Block]:
    """A model's general knowledge, in one text with what says that it is that."""
    heading = f"*{escaped(shown.general_message)}*\n"
    return [section(heading + escaped(shown.general, SECTION - len(heading)))] if shown.general else []


def asked_back(sentences: Sequence[ShownSentence], numbers: dict[int, int], language: str) -> Iterator[str]:
    """What the question may mean, a line each; nothing here can be clicked, so it says what to do."""
    lines = [f"• {text}" for each in sentences for text in paragraphs([each], numbers)]
    yield "\n".join([escaped(which(language)), *lines, escaped(name_it(language))])


def paragraphs(sentences: Sequence[ShownSentence], numbers: dict[int, int]) -> Iterator[str]:
    """The sentences with their marks, as many in one text as Slack takes."""
    paragraph = ""
    for sentence in sentences:
        marks = "".join(f"[{numbers[n]}]" for n in sentence.citations)
        text = f"{escaped(unmarked(sentence.text), SECTION - len(marks) - 1)} {marks}"
        if paragraph and len(paragraph) + 1 + len(text) > SECTION:
            yield paragraph
            paragraph = ""
        paragraph = f"{paragraph} {text}".strip()
    yield paragraph


def source_line(number: int, citation: Citation) -> str:
    """`[1] title · source`, the title leading to the passage in the portal; of a file, what it is attached to."""
    hit = citation.hit
    named = link(hit.title, hit.document_id, f"?start={hit.start}&end={hit.end}")
    attached = f", attached to {link(hit.attached_to.title, hit.attached_to.id)}" if hit.attached_to else ""
    return f"[{number}] {named}{attached} · {escaped(hit.source_name, TITLE)}"


def link(title: str, document: UUID, place: str = "") -> str:
    """A document's title, leading to it in the portal."""
    address = f"{settings.PUBLIC_URL}{reverse('document', args=[document])}{place}"
    return f"<{escaped(address)}|{escaped(' '.join(title.split()), TITLE)}>"


def context(lines: Sequence[str]) -> Block:
    return {"type": "context", "elements": [mrkdwn(line) for line in lines]}


def tens(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(lines), ELEMENTS):
        yield lines[start : start + ELEMENTS]


def fallback(blocks: Sequence[Block]) -> str:
    """The same words for notifications and screen readers, which see no blocks."""
    return "\n".join(block["text"]["text"] for block in blocks if block["type"] == "section")
