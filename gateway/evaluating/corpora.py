"""A corpus with known answers, in the form of the BEIR benchmark (Thakur et al. 2021)."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from gateway.answering.following import EARLIER, said_before

T = TypeVar("T")


class CorpusUnreadable(Exception):
    """The folder does not hold a corpus; the message says what is wrong with it."""


@dataclass(frozen=True)
class Text:
    """A document of the corpus, as text or as the bytes of a file, or a page `of` a document."""

    id: str
    title: str
    text: str
    content: bytes = b""
    of: str = ""

    @property
    def document(self) -> str:
        """The id of the document this is, or is of."""
        return self.of or self.id


@dataclass(frozen=True)
class Question:
    """What is asked, with what was said before it (oldest first), and how well which documents answer it (more is
    better)."""

    id: str
    text: str
    history: tuple[str, ...]
    gains: Mapping[str, float]

    @property
    def before(self) -> str:
        """Of what was said before as much as the gateway looks at."""
        return said_before(self.history[-2 * EARLIER :])


@dataclass(frozen=True)
class Corpus:
    """`name`: of the folder. `digest` tells whether it is the one that was loaded before."""

    name: str
    digest: str
    texts: list[Text]
    questions: list[Question]


def read(folder: Path, split: str = "") -> Corpus:
    """The corpus in `corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv`; questions without judgments are left out.

    Raises CorpusUnreadable.
    """
    documents = folder / "corpus.jsonl"
    texts = [
        Text(_id(line, documents), str(line.get("title") or ""), str(line.get("text") or ""))
        for line in _lines(documents)
    ]
    if not texts:
        raise CorpusUnreadable(f"{documents} holds no document.")
    questions = [question for question, _ in every_question(folder, split) if question.gains]
    if not questions:
        raise CorpusUnreadable(f"No question of {folder / 'queries.jsonl'} has a judgment in {folder / 'qrels'}.")
    return Corpus(folder.resolve().name, sha256(documents.read_bytes()).hexdigest(), texts, questions)


def evenly(items: list[T], count: int) -> list[T]:
    """So many of them, evenly taken; all of them for 0."""
    return items[:: len(items) // count][:count] if 0 < count < len(items) else items


def every_question(folder: Path, split: str = "") -> list[tuple[Question, dict[str, Any]]]:
    """Each question of `queries.jsonl` with its `metadata`, judged or not. Raises CorpusUnreadable."""
    gains = _judgments(folder / "qrels", split)
    queries = folder / "queries.jsonl"
    return [
        (Question(id, str(line.get("text") or ""), _history(line), gains.get(id, {})), line.get("metadata") or {})
        for line in _lines(queries)
        for id in [_id(line, queries)]
    ]


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _object(json.loads(line), f"{file}, line {number}")
    except FileNotFoundError:
        raise CorpusUnreadable(
            f"There is no {file}. A corpus is a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv (BEIR's form), "
            "or with PDF files and a table of questions about them."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusUnreadable(f"{file} cannot be read: {error}.") from None
    except json.JSONDecodeError:
        raise CorpusUnreadable(f"{file}, line {number}, is not JSON.") from None


def _object(value: object, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CorpusUnreadable(f"{place}, is not an object.")
    return value


def _id(line: Mapping[str, Any], file: Path) -> str:
    if not line.get("_id"):
        raise CorpusUnreadable(f"{file} has a line without an _id.")
    return str(line["_id"])


def _history(line: Mapping[str, Any]) -> tuple[str, ...]:
    turns = (line.get("metadata") or {}).get("history") or ()
    return tuple(str(turn.get("text") or "") for turn in turns if isinstance(turn, dict))


def _judgments(folder: Path, split: str) -> dict[str, dict[str, float]]:
    files = sorted(folder.glob(f"{split or '*'}.tsv"))
    if len(files) != 1:
        found = ", ".join(file.stem for file in sorted(folder.glob("*.tsv"))) or "none"
        raise CorpusUnreadable(f"Which judgments of {folder}? Name one of them with --split ({found}).")
    gains: dict[str, dict[str, float]] = {}
    try:
        with files[0].open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines, delimiter="\t"):
                if len(row) >= 3 and row[0] != "query-id" and float(row[-1]) > 0:
                    gains.setdefault(row[0], {})[row[-2]] = float(row[-1])
    except ValueError:
        raise CorpusUnreadable(f"{files[0]} has a judgment that is not a number.") from None
    return gains
