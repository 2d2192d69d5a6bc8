"""What was found, by the boundary it was found at."""

from dataclasses import dataclass, field
from typing import Any

SHOWN = 5  # findings of one line that are printed


@dataclass
class Line:
    """One boundary: how often it was probed, what got through, and where its own readers were not seen."""

    name: str
    rules: str
    probes: int = 0
    leaks: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.leaks:
            return "LEAK"
        return "blind" if self.blind or not self.probes else "ok"

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "rules": self.rules,
            "state": self.state,
            "probes": self.probes,
            "leaks": self.leaks,
            "blind": self.blind,
        }

    def __str__(self) -> str:
        told = [*(f"LEAK {leak}" for leak in self.leaks), *(f"blind {each}" for each in self.blind)]
        if not self.probes:
            told.append("blind: nothing was probed")
        more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
        return "\n".join(
            [f"{self.state:5}  {self.name} ({self.rules})", *(f"         {each}" for each in [*told[:SHOWN], *more])]
        )


@dataclass
class Findings:
    """All lines of a run, in their order, and the number of requests and statements it made."""

    lines: dict[str, Line] = field(default_factory=dict)
    probes: int = 0

    def open(self, name: str, rules: str) -> None:
        self.lines.setdefault(name, Line(name, rules))

    def __getitem__(self, name: str) -> Line:
        return self.lines[name]

    def count(self, *lines: str) -> None:
        """One more probe, which says something about each of these."""
        self.probes += 1
        for name in set(lines):
            self.lines[name].probes += 1

    @property
    def leaks(self) -> int:
        return sum(len(line.leaks) for line in self.lines.values())

    @property
    def blind(self) -> int:
        """How many boundaries were not seen: finding nothing there proves nothing."""
        return sum(bool(line.blind) or not line.probes for line in self.lines.values())
