"""What a run has to say: figures for people, one JSON file for programs, and a case for each failure."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.leakproof.running import Failure, Tally
from tests.leakproof.top_down import RULES

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "leakproof.json"
CASES = Path(__file__).parent / "cases"
COVERED = tuple(sorted({*RULES, "P10"}, key=lambda rule: int(rule[1:])))  # P10 is judged where audiences are
ENOUGH = 100_000  # decisions after which every rule must have decided something both ways
BOUNDARY = 0.2  # the share of decisions wanted at a boundary
CANNOT = {"P1 for allow"}  # who is not active reads nothing; nobody reads because somebody is not active


@dataclass(frozen=True)
class Result:
    """A run that has ended."""

    seed: int
    tally: Tally
    seconds: float
    failure: Failure | None
    defect: str = ""

    @property
    def undecided(self) -> list[str]:
        """Rules that were never decisive one way, and could be."""
        ways = (("allow", self.tally.allowed), ("deny", self.tally.denied))
        never = [f"{rule} for {way}" for rule in COVERED for way, counted in ways if not counted[rule]]
        return [each for each in never if each not in CANNOT]

    @property
    def shortcomings(self) -> list[str]:
        """What makes a run that found no difference fail all the same."""
        if self.tally.decisions < ENOUGH:
            return []
        found = [f"No decision was made by {rule}." for rule in self.undecided]
        if self.tally.share < BOUNDARY:
            found.append(f"Only {self.tally.share:.1%} of the decisions were at a boundary.")
        return found

    @property
    def is_good(self) -> bool:
        return self.failure is None and not self.shortcomings

    def tell(self) -> None:
        tally = self.tally
        print(f"leakproof: seed {self.seed}{f', broken by {self.defect}' if self.defect else ''}")
        print(f"  worlds {tally.worlds:,}, states {tally.states:,}, {self.seconds:,.0f} s")
        print(f"  decisions {tally.decisions:,}, at a boundary {tally.boundary:,} ({tally.share:.1%})")
        print(f"  differences {len(self.failure.differences) if self.failure else 0}")
        print(f"  decisions on which the two evaluators were compared: {tally.compared:,}, all equal")
        print("  rule   decisive for allow   for deny")
        for rule in COVERED:
            print(f"  {rule:5} {tally.allowed[rule]:>20,} {tally.denied[rule]:>10,}")
        print("  surface                       decisions")
        for surface, count in tally.surfaces.most_common():
            print(f"  {surface:28} {count:>10,}")
        for shortcoming in self.shortcomings:
            print(f"  NOT ENOUGH: {shortcoming}")

    def as_json(self) -> dict[str, Any]:
        tally = self.tally
        return {
            "benchmark": "leakproof",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": self.seed,
            "worlds": tally.worlds,
            "states": tally.states,
            "decisions": tally.decisions,
            "boundary": tally.boundary,
            "differences": len(self.failure.differences) if self.failure else 0,
            "evaluators_compared": tally.compared,
            "seconds": round(self.seconds, 1),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "decisive_for_allow": {rule: tally.allowed[rule] for rule in COVERED},
            "decisive_for_deny": {rule: tally.denied[rule] for rule in COVERED},
            "surfaces": dict(tally.surfaces.most_common()),
            "operations": dict(tally.operations.most_common()),
        }

    def save(self) -> None:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(self.as_json(), indent=1) + "\n")


def save_case(failure: Failure, seed: int) -> Path:
    """The failure as a file that a test replays; the same failure is the same file."""
    told = {
        "seed": seed,
        "differences": [str(difference) for difference in failure.differences],
        "operations": failure.operations,
    }
    name = sha256(json.dumps(failure.operations, sort_keys=True).encode()).hexdigest()[:12]
    CASES.mkdir(exist_ok=True)
    path = CASES / f"{name}.json"
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path


def describe(failure: Failure) -> None:
    for difference in failure.differences[:20]:
        print(f"  DIFFERENCE: {difference}")
    print(f"  after these {len(failure.operations)} operations:")
    for operation in failure.operations:
        print(f"    {json.dumps(operation)}")
