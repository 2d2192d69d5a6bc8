"""`python -m benchmarks.retrieval.engines NAME SIZE PATTERN URL`: serve one engine over standard input and output.

The files of an engine are those of one pattern at a time; another pattern builds them anew.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

import numpy as np

from benchmarks.retrieval.corpus import corpus_of
from benchmarks.retrieval.engines.engine import Engine, groups_by_document
from benchmarks.retrieval.patterns import pattern_of


class Desk:
    """Carries out the commands that come in."""

    def __init__(self, name: str, size: str, pattern: str, url: str) -> None:
        corpus = corpus_of(int(size))
        self.pattern = pattern_of(corpus, pattern)
        self.place = corpus.place / "engines" / name
        self.groups = groups_by_document(self.pattern)
        self.readers: list[tuple[int, ...]] = []
        self.seconds: dict[str, float] = {}
        self.stamp = self.place / "built.json"
        self._take_over(pattern)
        module = import_module(f"benchmarks.retrieval.engines.{name}")
        self.engine: Engine = module.Here(corpus, self.groups, self.place, url)
        self.package = module.PACKAGE

    def do(self, command: str, **parameters: Any) -> object:
        return getattr(self, f"do_{command}")(**parameters)

    def do_efforts(self) -> object:
        return list(self.engine.efforts)

    def do_load(self) -> object:
        self.engine.build(self._once)
        return self.seconds

    def do_meet(self, readers: list[list[int]]) -> object:
        self.readers = [tuple(groups) for groups in readers]
        self.engine.meet(self.readers)
        return None

    def do_ask(self, reader: int | None, vector: list[float], effort: str) -> object:
        asked = np.array(vector, np.float32)
        groups = None if reader is None else self.readers[reader]
        began = time.perf_counter()
        numbers = self.engine.ask(groups, asked, effort)
        seconds = time.perf_counter() - began
        return {"numbers": [int(number) for number in numbers], "seconds": seconds}

    def do_facts(self) -> object:
        return {"package": f"{self.package} {metadata.version(self.package)}", **self.engine.facts()}

    def do_bytes(self) -> object:
        return self.engine.bytes()

    def do_share(self, documents: list[int], group: int) -> object:
        self._give(documents, [(*self.groups[document], group) for document in documents])
        return None

    def do_regrant(self, document: int, groups: list[int]) -> object:
        self._give([document], [tuple(groups)])
        return None

    def _give(self, documents: list[int], groups: list[tuple[int, ...]]) -> None:
        """What is in the files is no longer the pattern, so the next one builds them anew."""
        self.stamp.unlink(missing_ok=True)
        for document, own in zip(documents, groups, strict=True):
            self.groups[document] = own
        self.engine.give(documents, groups)

    def _take_over(self, pattern: str) -> None:
        known = json.loads(self.stamp.read_text()) if self.stamp.exists() else {}
        if known.get("pattern") == pattern:
            self.seconds = known["seconds"]
        else:
            shutil.rmtree(self.place, ignore_errors=True)
            self.place.mkdir(parents=True)

    def _once(self, step: str, do: Callable[[], object]) -> None:
        if step not in self.seconds:
            began = time.perf_counter()
            do()
            self.seconds[step] = time.perf_counter() - began
            self.stamp.write_text(json.dumps({"pattern": self.pattern.name, "seconds": self.seconds}))


def main() -> None:
    """Answers go to what was standard output; whatever the engines print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    desk = Desk(*sys.argv[1:5])
    for line in sys.stdin:
        command = json.loads(line)
        answer = desk.do(command.pop("do"), **command)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
