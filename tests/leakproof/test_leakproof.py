"""A slice of the differential run, the failures it once found, and proof that it would find others.

`python -m tests.leakproof` is the whole of it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.leakproof.ground import Ground

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
DECISIONS = 5_000
UNTIL_FOUND = 30_000
FOUND_HERE = {  # with a seed that finds it soon
    "deny-ignored": 1,
    "nesting-one-level": 1,
    "freshness-ignored": 6,
    "restrictions-ored": 6,
    "token-reads-everywhere": 5,
    "closure-not-updated": 1,
}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def ground(transactional_db: None) -> "Iterator[Ground]":
    """Worlds are copies of the tests' own database, which nothing has been written to."""
    from tests.leakproof.ground import ground

    with ground() as made:
        yield made


def test_every_surface_answers_by_the_rules(ground: "Ground") -> None:
    from tests.leakproof.running import Run

    run = Run(ground, seed=7, wanted=DECISIONS)
    failure = run.until_done()
    assert failure is None, f"python -m tests.leakproof --seed {run.seed}: {failure.differences[:3]}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_once_went_wrong_does_not_again(ground: "Ground", case: Path) -> None:
    from tests.leakproof.shrinking import replayed

    assert [str(difference) for difference in replayed(ground, json.loads(case.read_text())["operations"])] == []


@pytest.mark.parametrize("defect", FOUND_HERE)
def test_a_defect_is_found(ground: "Ground", defect: str) -> None:
    from tests.leakproof.breaking import broken
    from tests.leakproof.running import Run

    with broken(ground, defect):
        failure = Run(ground, seed=FOUND_HERE[defect], wanted=UNTIL_FOUND).until_done()
    assert failure is not None and failure.differences
