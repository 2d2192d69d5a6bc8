"""What an answer is made of while it streams: `retrieved`, `sentence`, `citation`, `withdrawn`, `done`, `error`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from connectors.corpus.hits import Hit
from gateway.answering.notices import Notice
from gateway.databases.rows import Table

Status = Literal["answered", "partial", "not_found", "ambiguous"]


@dataclass(frozen=True, kw_only=True)
class Citation:
    """Number `n` in the answer stands for this passage."""

    n: int
    hit: Hit

    def as_json(self) -> dict[str, Any]:
        hit = self.hit
        return {
            "n": self.n,
            "document": {
                "id": str(hit.document_id),
                "external_id": hit.external_id,
                "title": hit.title,
                "url": hit.url,
                "source": hit.source,
                **({"attached_to": hit.attached_to.as_json()} if hit.attached_to else {}),
            },
            "passage": {
                "id": str(hit.passage_id),
                "text": hit.text,
                "start": hit.start,
                "end": hit.end,
                "heading": hit.heading,
                "page": hit.page,
            },
        }


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence with the numbers of the passages it rests on."""

    ordinal: int
    text: str
    citations: tuple[int, ...]
    support: Literal["supported", "unsupported"] = "supported"
    table: Table | None = None  # the rows of a database that it tells

    def as_json(self) -> dict[str, Any]:
        told = {"text": self.text, "citations": list(self.citations), "support": self.support}
        return told | ({"table": self.table.as_json()} if self.table else {})


@dataclass(frozen=True, kw_only=True)
class Extent:
    """That only the first `read` of the `of` passages of a document were read."""

    read: int
    of: int

    def as_json(self) -> dict[str, int]:
        return {"first": self.read, "of": self.of}


@dataclass(frozen=True, kw_only=True)
class Retrieved:
    """Retrieval has ended; the id under which the answer will be found."""

    question_id: UUID
    conversation_id: UUID
    name: Literal["retrieved"] = "retrieved"

    def as_json(self) -> dict[str, Any]:
        return {"id": str(self.question_id), "conversation": str(self.conversation_id)}


@dataclass(frozen=True, kw_only=True)
class SentenceShown:
    """A verified sentence. Citations it uses for the first time were announced just before it."""

    sentence: Sentence
    name: Literal["sentence"] = "sentence"

    def as_json(self) -> dict[str, Any]:
        return {"ordinal": self.sentence.ordinal, **self.sentence.as_json()}


@dataclass(frozen=True, kw_only=True)
class CitationShown:
    citation: Citation
    name: Literal["citation"] = "citation"

    def as_json(self) -> dict[str, Any]:
        return self.citation.as_json()


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    """A sentence already shown rests on something the reader may no longer read, or that is no longer said (P15)."""

    ordinal: int
    name: Literal["withdrawn"] = "withdrawn"

    def as_json(self) -> dict[str, Any]:
        return {"ordinal": self.ordinal}


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Nothing was written for a while; the answer lives."""

    name: Literal["silence"] = "silence"

    def as_json(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The answer could not be finished; what the person can do about it."""

    code: str
    message: str
    name: Literal["error"] = "error"

    def as_json(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


@dataclass(frozen=True, kw_only=True)
class Done:
    """The whole answer, as `POST /api/v1/ask` returns it."""

    question_id: UUID
    conversation_id: UUID
    status: Status
    answer: str
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    task: str = ""  # what was done; "": it was answered
    language: str = "en"
    model: str = "extractive"
    notice: Notice = ""
    notice_text: str = ""  # the same in the reader's language
    missing: tuple[str, ...] = ()  # parts of the question that were not found
    missing_text: str = ""
    options: tuple[str, ...] = ()  # of an ambiguous question: the same for each thing it may mean, as a question
    holds_for: tuple[str, str] | None = None  # the reader's country, office or role, and its name
    holds_for_text: str = ""
    extent: Extent | None = None  # of a summary that is not of all of its document
    extent_text: str = ""
    general: str = ""  # a model's general knowledge, where nothing was found: no part of the answer
    general_message: str = ""  # that it is that
    withheld: int = field(default=0)
    left_out: tuple[str, ...] = ()  # sentences no passage supports: no part of the answer
    name: Literal["done"] = "done"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.question_id),
            "conversation": str(self.conversation_id),
            "status": self.status,
            "answer": self.answer,
            "sentences": [sentence.as_json() for sentence in self.sentences],
            "citations": [citation.as_json() for citation in self.citations],
            "language": self.language,
            "model": self.model,
            "missing": missing_json(self.missing, self.missing_text),
            "notice": {"code": self.notice, "message": self.notice_text} if self.notice_text else None,
            "options": list(self.options),
            "holds_for": holds_for_json(self.holds_for, self.holds_for_text),
            "general": general_json(self.general, self.general_message),
            **({"extent": {**self.extent.as_json(), "message": self.extent_text}} if self.extent else {}),
        }

    def with_withheld(self) -> dict[str, Any]:
        """The same with what was left out, apart from the answer."""
        return self.as_json() | {"withheld": unsupported(self.left_out)}


def missing_json(parts: Sequence[str], message: str) -> dict[str, Any] | None:
    """The parts of a question that were not found, for programs; None where all were, or nothing was."""
    return {"parts": list(parts), "message": message} if parts else None


def holds_for_json(holds_for: tuple[str, str] | None, message: str) -> dict[str, str] | None:
    """Whom an answer holds for, for programs; None where nothing is said of that."""
    return {"kind": holds_for[0], "name": holds_for[1], "message": message} if holds_for else None


def general_json(text: str, message: str) -> dict[str, str] | None:
    """A model's general knowledge with what says that it is that, for programs; None where there is none."""
    return {"text": text, "message": message} if text else None


def unsupported(sentences: Iterable[str]) -> list[dict[str, Any]]:
    """Sentences that no passage supports, for programs."""
    return [{"text": text, "citations": [], "support": "unsupported"} for text in sentences]


Event = Retrieved | SentenceShown | CitationShown | Withdrawn | Silence | Failed | Done
