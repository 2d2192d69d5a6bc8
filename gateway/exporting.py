"""Answers as they may be shown now, for programs and as files: what is withheld is said as such to its owner (P16)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.answering.events import Citation, general_json, holds_for_json, missing_json, unsupported
from gateway.answering.phrases import unmarked
from gateway.conversations import ConversationLine, ShownAnswer, ShownSentence
from gateway.sharing import SharedConversation, SharedLine

MARKUP = re.compile(r"([\\`*_\[\]<>#|~&@]|^[-+]|:(?=//)|(?<=www)\.|(?<=^\d)[.)]|(?<=^\d\d)[.)])", re.IGNORECASE)
WITHHELD = "A sentence is withheld: what it rests on can no longer be read."
NO_ANSWER = "Nothing was found."


def answer_json(answer: ShownAnswer, *, apart: bool = False) -> dict[str, Any]:
    """`apart`: with what a model wrote and no passage supports, in a field of its own."""
    return {
        "id": answer.id,
        "question": answer.question,
        "asked_at": answer.asked_at,
        "status": answer.status,
        "language": answer.language,
        "model": answer.model,
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(sentence.citations),
                "state": sentence.state,
                **({"table": sentence.table.as_json()} if sentence.table else {}),
            }
            for sentence in answer.sentences
        ],
        "citations": [citation.as_json() for citation in answer.citations],
        "missing": missing_json(answer.missing, answer.missing_text),
        "holds_for": holds_for_json(answer.holds_for, answer.holds_for_text),
        "general": general_json(answer.general, answer.general_message),
        **({"withheld": unsupported(answer.left_out)} if apart else {}),
    }


def line_json(line: ConversationLine) -> dict[str, Any]:
    return {"id": line.id, "title": line.text, "started_at": line.started_at, "asked_at": line.asked_at}


def as_json(line: ConversationLine, answers: Sequence[ShownAnswer], *, apart: bool = False) -> dict[str, Any]:
    return {**line_json(line), "questions": [answer_json(answer, apart=apart) for answer in answers]}


def shared_line_json(line: SharedLine) -> dict[str, Any]:
    return {"id": line.id, "title": line.text, "owner": line.owner, "shared_at": line.shared_at}


def shared_json(shared: SharedConversation) -> dict[str, Any]:
    """Nothing of how the answers ended or who wrote them: that rests on what their owner may read."""
    questions = [
        {
            "question": answer.question,
            "asked_at": answer.asked_at,
            "sentences": [{"text": each.text, "citations": list(each.citations)} for each in answer.sentences],
            "citations": [citation.as_json() for citation in answer.citations],
        }
        for answer in shared.answers
    ]
    return {**shared_line_json(shared.line), "questions": questions}


def as_markdown(line: ConversationLine, answers: Sequence[ShownAnswer]) -> str:
    """For people. Whatever was written by others is escaped: it can make no heading, link or image of its own."""
    parts = [f"# {plain(line.text)}"]
    for answer in answers:
        parts += [f"## {plain(answer.question)}", f"{answer.asked_at:%Y-%m-%d %H:%M} UTC", *_answered(answer)]
    return "\n\n".join(parts) + "\n"


def _answered(answer: ShownAnswer) -> Iterator[str]:
    if answer.holds_for_text:
        yield f"*{plain(answer.holds_for_text)}*"
    yield " ".join(map(_sentence, answer.sentences)) or NO_ANSWER
    if answer.general:
        yield f"> *{plain(answer.general_message)}*\n>\n> {plain(answer.general)}"
    for sentence in answer.sentences:
        if sentence.table:
            yield "\n".join(_row(cells) for cells in _table(sentence))
    if answer.missing_text:
        yield plain(answer.missing_text)
    if answer.citations:
        yield "\n".join(map(_source, answer.citations))


def _sentence(sentence: ShownSentence) -> str:
    if sentence.state == "withheld":
        return f"*{WITHHELD}*"
    marks = "".join(f"\\[{n}\\]" for n in sentence.citations)
    changed = " *(changed at the source)*" if sentence.state == "changed" else ""
    return f"{plain(unmarked(sentence.text))}{' ' if marks else ''}{marks}{changed}"


def _table(sentence: ShownSentence) -> Iterator[Sequence[object]]:
    if sentence.table:
        yield sentence.table.columns
        yield ["---" for _ in sentence.table.columns]
        yield from sentence.table.rows


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(cell if cell == "---" else plain(str(cell or "")) for cell in cells) + " |"


def _source(citation: Citation) -> str:
    hit = citation.hit
    place = f", {plain(hit.heading)}" if hit.heading else ""
    return f"- \\[{citation.n}\\] {plain(hit.title)}{place} ({plain(hit.source_name)})"


def plain(text: str) -> str:
    """On one line, and nothing in it means anything to Markdown."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))
