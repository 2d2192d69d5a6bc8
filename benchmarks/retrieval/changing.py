"""What it costs to share a tenth of the corpus anew, and how long a reader taken away still finds a document.

In the pattern of folders. Sharing: a further group is to read all below a folder that holds about a tenth of the
passages. Taking away: the first passage a reader finds belongs to a document that from now on nobody may read; they
ask again and again until it is gone. Both end when the change is in force, by the words of the system itself.
"""

import time
from collections.abc import Callable
from statistics import fmean

import numpy as np

from benchmarks.reporting import percentile
from benchmarks.retrieval.asking import asked_of, best_effort
from benchmarks.retrieval.cells import Found
from benchmarks.retrieval.corpus import A_DOCUMENT, Corpus
from benchmarks.retrieval.patterns import Pattern
from benchmarks.retrieval.peers.system import Folder, System

PATTERN = "directory"
STRATUM = "5"
NEW_GROUP = 1_000_000
TIMES = 10  # a document is taken away
PATIENCE = 30.0  # seconds


def changed(system: System, corpus: Corpus, pattern: Pattern) -> Found:
    """The system has loaded. What it holds is another afterwards, and it knows so."""
    stratum = STRATUM if STRATUM in pattern.readers else next(iter(pattern.readers))
    readers = pattern.readers[stratum]
    system.meet(readers)
    figures: Found = {"built": dict(system.load()), "bytes_a_passage": round(system.bytes() / corpus.size, 1)}
    effort, _ = best_effort(system, asked_of(corpus, pattern, stratum)[1])
    gone = _taken_away(system, pattern, len(readers), corpus, effort)
    figures["invisible"] = {"p50": percentile(gone, 50) * 1000, "max": max(gone) * 1000, "mean": fmean(gone) * 1000}
    folder = a_tenth(pattern, corpus)
    began = time.perf_counter()
    system.share(folder)
    seconds = time.perf_counter() - began
    return figures | {"shared": {"passages": len(folder.documents) * A_DOCUMENT, "seconds": seconds}}


def a_tenth(pattern: Pattern, corpus: Corpus) -> Folder:
    """The folder whose documents, with all below it, are nearest to a tenth of the corpus, but not the whole of it."""
    owners = range(len(pattern.groups_of))
    masks = {scope: pattern.documents((pattern.groups_of[scope][-1],)) for scope in owners}
    scope = min(owners, key=lambda scope: abs(int(masks[scope].sum()) - corpus.documents // 10))
    return Folder(scope, np.flatnonzero(masks[scope]), NEW_GROUP)


def _taken_away(system: System, pattern: Pattern, readers: int, corpus: Corpus, effort: str) -> list[float]:
    """Seconds from each order to the first answer without the document. It is given back, unmeasured."""
    found: list[float] = []
    for number, vector in enumerate(corpus.queries):
        reader = number % readers
        if len(found) < TIMES and (numbers := system.ask(reader, vector, effort).numbers):
            document = numbers[0] // A_DOCUMENT
            found.append(_until_gone(system, document, lambda: system.ask(reader, vector, effort).numbers))  # noqa: B023
            system.regrant(document, pattern.groups_of[pattern.scope_of[document]])
    return found


def _until_gone(system: System, document: int, ask: Callable[[], list[int]]) -> float:
    began = time.perf_counter()
    system.regrant(document, ())
    while document in {number // A_DOCUMENT for number in ask()}:
        if time.perf_counter() - began > PATIENCE:
            raise SystemExit(f"Document {document} is still found {PATIENCE:.0f} s after it was taken away.")
    return time.perf_counter() - began
