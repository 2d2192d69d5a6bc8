"""What a run has to say: figures for people, and one JSON file for programs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from tests.twins.asking import FOR_STAFF
from tests.twins.comparing import Tally

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "twins.json"
RECALL = 0.95


@dataclass(frozen=True)
class Result:
    """A run that has ended. `controls`: after how many pairs each defect put in on purpose was noticed."""

    seed: int
    tally: Tally
    controls: Mapping[str, int]
    seconds: float

    @property
    def recall(self) -> float:
        """Of the nearest ten, in the world where fewer are found; the mean over all searches."""
        both = (self.tally.recalls, self.tally.recalls_of_the_other)
        return min(mean(recalls) if recalls else 1.0 for recalls in both)

    @property
    def changed(self) -> float:
        """The share of rows that differ between two worlds where the approximate index answers."""
        return mean(self.tally.changed) if self.tally.changed else 0.0

    @property
    def shortcomings(self) -> list[str]:
        found = [f"Unnoticed: {name}." for name, pairs in self.controls.items() if not pairs]
        if self.recall < RECALL:
            found.append(f"The approximate index finds {self.recall:.1%} of the nearest.")
        return [*self.tally.wrong[:20], *found]

    @property
    def is_good(self) -> bool:
        return not self.tally.differences and not self.shortcomings

    def tell(self) -> None:
        tally = self.tally
        print(f"twins: seed {self.seed}, {self.seconds:,.0f} s")
        print(f"  pairs {tally.pairs:,}, requests {tally.requests:,} to {len(tally.routes)} addresses")
        print(f"  compared {tally.compared:,} pairs of answers, {tally.bytes:,} bytes: {tally.differing:,} differ")
        print(f"  statuses {dict(sorted(tally.statuses.items()))}")
        print(f"  approximate index forced: {tally.forced:,} pairs, {tally.searches:,} searches")
        print(f"    recall {self.recall:.4f}, rows changed {self.changed:.1%}")
        for name, pairs in self.controls.items():
            print(f"  control: {name}: {f'noticed in pair {pairs}' if pairs else 'UNNOTICED'}")
        print(f"  not asked as staff: {', '.join(f'{path} ({why})' for path, why in FOR_STAFF.items())}")
        for difference in tally.differences[:10]:
            print(f"  DIFFERENCE: {difference}")
        for shortcoming in self.shortcomings:
            print(f"  WRONG: {shortcoming}")

    def as_json(self) -> dict[str, Any]:
        tally = self.tally
        return {
            "benchmark": "twins",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": self.seed,
            "pairs": tally.pairs,
            "requests": tally.requests,
            "addresses": len(tally.routes),
            "answers_compared": tally.compared,
            "bytes_compared": tally.bytes,
            "bytes_differing": tally.differing,
            "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
            "seconds": round(self.seconds, 1),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "controls": dict(self.controls),
            "approximate": {
                "pairs": tally.forced,
                "searches": tally.searches,
                "recall": round(self.recall, 4),
                "rows_changed": round(self.changed, 4),
            },
        }

    def save(self) -> None:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(self.as_json(), indent=1) + "\n")
