"""Questions whose answers are known: what a good answer says, and whether the corpus answers them at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.evaluating.corpora import CorpusUnreadable, Question, every_question


@dataclass(frozen=True)
class Expected:
    """A question with the answers that count as right. `answerable`: None where nobody has said."""

    question: Question
    answers: tuple[str, ...]
    answerable: bool | None


def read_expected(folder: Path, split: str = "") -> list[Expected]:
    """Every question of the folder, with what its `metadata` tells: `answers`, and `answerable` (a truth value) or
    `answerability` (MTRAG's words). Raises CorpusUnreadable."""
    expected = [
        Expected(question, answers, _answerable(metadata, question, answers))
        for question, metadata in every_question(folder, split)
        for answers in [tuple(map(str, metadata.get("answers") or ()))]
    ]
    if not expected:
        raise CorpusUnreadable(f"{folder} holds no question.")
    return expected


def _answerable(metadata: Mapping[str, Any], question: Question, answers: tuple[str, ...]) -> bool | None:
    said = metadata.get("answerable")
    if isinstance(said, bool):
        return said
    words = metadata.get("answerability")
    if words:
        return {"UNANSWERABLE": False, "ANSWERABLE": True, "PARTIAL": True}.get(str(words[0]))
    return True if question.gains and answers else None
