"""What a benchmark found: one table for people, one JSON file for programs."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured number. `at_most` is the bar, where there is one."""

    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        if self.at_most is None:
            return ""
        return f"<= {self.at_most:g} {'met' if self.value <= self.at_most else 'MISSED'}"


@dataclass
class Report:
    """The figures of one run, with the load of the machine when it began and when it ended (getloadavg)."""

    benchmark: str
    facts: dict[str, object] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    load_before: tuple[float, float, float] = field(default_factory=os.getloadavg)

    def add(self, name: str, value: float, unit: str, *, at_most: float | None = None) -> None:
        self.figures.append(Figure(name, value, unit, at_most))

    def add_times(self, name: str, seconds: Sequence[float], *, p95_at_most: float | None = None) -> None:
        """p50, p95 and the longest of these times, in milliseconds."""
        if not seconds:
            return
        self.add(f"{name}, p50", percentile(seconds, 50) * 1000, "ms")
        self.add(f"{name}, p95", percentile(seconds, 95) * 1000, "ms", at_most=p95_at_most)
        self.add(f"{name}, max", max(seconds) * 1000, "ms")

    def finish(self) -> None:
        """Print the table and write the JSON file."""
        load_after = os.getloadavg()
        width = max(len(figure.name) for figure in self.figures)
        print(f"{self.benchmark}: load {self.load_before[0]:.1f} to {load_after[0]:.1f} on {os.cpu_count()} cores")
        for name, fact in self.facts.items():
            print(f"  {name}: {fact}")
        for figure in self.figures:
            print(f"  {figure.name:{width}}  {_readable(figure.value):>9} {figure.unit:11} {figure.verdict}".rstrip())
        RESULTS.mkdir(exist_ok=True)
        content = asdict(self) | {"load_after": load_after, "cores": os.cpu_count()}
        (RESULTS / f"{self.benchmark}.json").write_text(json.dumps(content, indent=1) + "\n")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all do not pass (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * percent / 100) - 1, 0)]


def _readable(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
