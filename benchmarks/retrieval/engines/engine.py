"""What an engine outside can do. Each passage carries the groups that read it, laid flat."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.retrieval.corpus import A_DOCUMENT, Corpus, Floats
from benchmarks.retrieval.patterns import Pattern
from benchmarks.retrieval.sharing import Groups

WANTED = 10
A_BATCH = 2_000  # passages


class Engine(Protocol):
    efforts: Sequence[str]

    def build(self, once: Callable[[str, Callable[[], object]], None]) -> None:
        """The corpus, in steps; then open it."""

    def meet(self, readers: Sequence[Groups]) -> None:
        """Whatever an application would keep ready for a reader."""

    def ask(self, groups: Groups | None, vector: Floats, effort: str) -> list[int]:
        """Numbers of the nearest passages, best first; without groups, of all passages."""

    def give(self, documents: Sequence[int], groups: Sequence[Groups]) -> None:
        """These documents are read by these groups from now on; visible on return."""

    def bytes(self) -> int: ...

    def facts(self) -> Mapping[str, object]: ...


def groups_by_document(pattern: Pattern) -> list[Groups]:
    return [pattern.groups_of[scope] for scope in pattern.scope_of.tolist()]


def passages(document: int) -> range:
    return range(document * A_DOCUMENT, (document + 1) * A_DOCUMENT)


def batches(corpus: Corpus, size: int = A_BATCH) -> list[range]:
    return [range(start, min(start + size, corpus.size)) for start in range(0, corpus.size, size)]


def size_of(place: Path) -> int:
    """Bytes on disk, as blocks that are really there."""
    return sum(path.lstat().st_blocks * 512 for path in place.rglob("*") if path.is_file())
