"""What every system beside us can do, so that all are asked and changed in the same words."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.corpus import Corpus, Floats
from benchmarks.retrieval.patterns import Pattern
from benchmarks.retrieval.serving import Server
from benchmarks.retrieval.sharing import Groups

WANTED = 10  # passages an answer should have


@dataclass(frozen=True)
class World:
    """What a system stands in: passages, who may read them, and a Postgres."""

    corpus: Corpus
    pattern: Pattern
    server: Server


@dataclass(frozen=True)
class Answer:
    """Numbers of passages, best first, and the seconds it took to get them."""

    numbers: list[int]
    seconds: float


@dataclass(frozen=True)
class Folder:
    """Documents that `group` is to read as well; in the pattern of folders they are all those below one folder."""

    scope: int
    documents: NDArray[np.int64]
    group: int


class LeftOut(Exception):
    """This system is not measured here; the message says why, and stands in the table's notes."""


class System(Protocol):
    """Readers are known by their place in the list given last to `meet`.

    `efforts` are the settings an expert may turn, as names; the one that suits best is found out for each cell.
    """

    efforts: Sequence[str]

    def load(self) -> Mapping[str, float]:
        """Have the corpus and the pattern in place. Seconds of each step, as they were when it was done."""

    def meet(self, readers: Sequence[Groups]) -> None:
        """Be ready to answer these readers."""

    def ask(self, reader: int, vector: Floats, effort: str) -> Answer:
        """The ten nearest passages this reader may read."""

    def unfiltered(self, reader: int, vector: Floats, effort: str) -> Answer:
        """The ten nearest of all passages, whoever may read them, by the same graph and the same settings: what this
        reader's question would cost if there were no rights.
        """

    def facts(self, reader: int, vector: Floats, effort: str) -> Mapping[str, object]:
        """How it answers this question: its plan, or the way it chose ("arm"), or its settings."""

    def bytes(self) -> int:
        """What it keeps to be able to answer: vectors, indexes, rights; not the text."""

    def share(self, folder: Folder) -> None:
        """One more group reads these documents; done when the next question would find them."""

    def regrant(self, document: int, groups: Groups) -> None:
        """These groups and no others read this document from now on."""

    def close(self) -> None: ...


def timed(call: Callable[[], list[int]]) -> Answer:
    began = time.perf_counter()
    numbers = call()
    return Answer(numbers, time.perf_counter() - began)


@dataclass
class Steps:
    """The steps of building something, each done once; the file remembers which, and how long they took."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            self.seconds = json.loads(self.path.read_text())

    def once(self, step: str, do: Callable[[], object]) -> None:
        if step not in self.seconds:
            began = time.perf_counter()
            do()
            self.seconds[step] = time.perf_counter() - began
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.seconds))

    def drop(self, step: str) -> None:
        """It is to be done again."""
        if self.seconds.pop(step, None) is not None:
            self.path.write_text(json.dumps(self.seconds))

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.seconds = {}
