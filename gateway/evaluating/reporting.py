"""What an evaluation found, as a table and as JSON."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from gateway.evaluating.metrics import Quality

HEAD = ("", "found@10", "nDCG@10", "recall@10", "recall@100", "MRR@10", "p50 ms", "p95 ms")


@dataclass(frozen=True)
class Result:
    """One system for one person. Milliseconds a question, whose vector is known."""

    system: str
    quality: Quality
    p50: float
    p95: float


@dataclass(frozen=True)
class Person:
    """Who asked: how much of the corpus they may read, and how many questions have an answer in it."""

    name: str
    documents: int
    questions: int
    results: list[Result]


@dataclass(frozen=True)
class Evaluation:
    """`units`: what is ranked and judged, documents or pages; `documents` is how many of them there are."""

    corpus: str
    digest: str
    units: str
    documents: int
    model: str
    with_history: bool
    people: list[Person]
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    def as_table(self) -> str:
        history = ", with what was said before" if self.with_history else ""
        lines = [f"{self.corpus}: {self.documents:,} {self.units}, embedded by {self.model}{history}"]
        for person in self.people:
            lines += ["", f"{person.name}: {person.documents:,} {self.units}, {person.questions:,} questions"]
            lines += [_line(*HEAD), *(_of(result) for result in person.results)]
        return "\n".join(lines)


def _of(result: Result) -> str:
    found = result.quality
    measures = (found.found, found.ndcg, found.recall, found.deep_recall, found.reciprocal_rank)
    return _line(result.system, *(f"{each:.3f}" for each in measures), f"{result.p50:.1f}", f"{result.p95:.1f}")


def _line(name: str, *cells: str) -> str:
    return f"  {name:28}" + "".join(f"{cell:>12}" for cell in cells)
