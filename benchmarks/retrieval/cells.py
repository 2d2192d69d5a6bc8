"""One cell: a system answers the questions of a stratum of a pattern. Its figures are a file of their own."""

import json
import os
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, TypeAlias

from benchmarks.reporting import RESULTS, percentile
from benchmarks.retrieval.asking import Asked, ask_in_turn, asked_of, best_effort
from benchmarks.retrieval.corpus import Corpus
from benchmarks.retrieval.exact import Numpy
from benchmarks.retrieval.patterns import Pattern
from benchmarks.retrieval.peers import LeftOut, System

Found: TypeAlias = dict[str, Any]

SAMPLED = 40  # questions whose way is looked at
PLACE = Path(os.environ.get("BENCH_RESULTS") or RESULTS / "retrieval")


@dataclass(frozen=True)
class Cell:
    """`stratum` is in percent readable; other kinds of measurements put their own word there."""

    size: int
    pattern: str
    stratum: str
    system: str

    @property
    def path(self) -> Path:
        return PLACE / str(self.size) / self.pattern / self.stratum / f"{self.system}.json"

    def __str__(self) -> str:
        return f"{self.size:,} {self.pattern} {self.stratum} {self.system}"


def recorded(cell: Cell, measure: Callable[[], Found]) -> Found:
    """What was measured, or why it was not, with the machine's load before and after, in the cell's file."""
    at, load = datetime.now(UTC).isoformat(timespec="seconds"), os.getloadavg()
    try:
        figures = measure()
    except LeftOut as reason:
        figures = {"left_out": str(reason)}
    found = {
        **vars(cell),
        "at": at,
        **figures,
        "load_before": load,
        "load_after": os.getloadavg(),
        "machine": machine(),
    }
    cell.path.parent.mkdir(parents=True, exist_ok=True)
    draft = cell.path.with_suffix(".new")
    draft.write_text(json.dumps(found, indent=1) + "\n")
    draft.replace(cell.path)
    return found


def is_measured(cell: Cell) -> bool:
    """What was left out is tried again: the reason may be gone."""
    return cell.path.exists() and "left_out" not in json.loads(cell.path.read_text())


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"


def measured(system: System, corpus: Corpus, pattern: Pattern, stratum: str, *, floor: bool) -> Found:
    """The system has loaded; it meets the readers of the stratum here. `floor`: beside numpy."""
    asked, tried = asked_of(corpus, pattern, stratum)
    system.meet(asked.readers)
    effort, efforts = best_effort(system, tried)
    numpy = Numpy(corpus, pattern, asked.readers) if floor else None
    worth, unfiltered = ask_in_turn(system, asked, effort, numpy)
    counts = [int(mask.sum()) * corpus.size // corpus.documents for mask in asked.permitted]
    return {
        "permitted": counts,
        "share": round(fmean(counts) / corpus.size * 100, 4),
        "scopes": [int(pattern.scopes(groups).sum()) for groups in asked.readers],
        "groups": [len(groups) for groups in asked.readers],
        "questions": len(worth.seconds),
        "effort": effort,
        "efforts": efforts,
        "recall": round(fmean(worth.recall), 4),
        "fill": round(fmean(worth.fill), 4),
        "fewest": round(min(worth.fill), 4),
        "forbidden": worth.forbidden,
        **times(worth.seconds),
        "unfiltered": times(unfiltered),
        "numpy": {way: times(seconds) for way, seconds in numpy.seconds.items() if seconds} if numpy else {},
        **_facts(system, asked, effort, len(worth.seconds)),
    }


def _facts(system: System, asked: Asked, effort: str, questions: int) -> Found:
    """How the first question is answered. Where a system chooses among ways: how often each."""
    facts = dict(system.facts(int(asked.reader_of[0]), asked.vectors[0], effort))
    if "arm" not in facts:
        return {"facts": facts}
    every = [facts]
    for place in range(1, min(questions, SAMPLED)):
        every.append(dict(system.facts(int(asked.reader_of[place]), asked.vectors[place], effort)))
    searched = [float(str(one.pop("search"))) for one in every]
    return {"facts": facts, "arms": Counter(str(one["arm"]) for one in every), "search": times(searched)}


def times(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds, and questions a second of one client."""
    found = {f"p{percent}": round(percentile(seconds, percent) * 1000, 4) for percent in (50, 95, 99)}
    return found | {"mean": round(fmean(seconds) * 1000, 4), "a_second": round(1 / fmean(seconds), 2)}


def in_words(found: Mapping[str, Any]) -> str:
    """One line for whoever waits."""
    if "left_out" in found:
        return f"left out: {found['left_out']}"
    if "recall" not in found:
        return "done"
    return (
        f"{found['p50']:.2f} / {found['p95']:.2f} ms, recall {found['recall']:.3f}, fill {found['fill']:.3f}, "
        f"unfiltered {found['unfiltered']['p50']:.2f} ms, numpy {_numpy(found)} ms; {found['effort']}"
    )


def _numpy(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{way} {seconds['p50']:.2f}" for way, seconds in found["numpy"].items()) or "-"
