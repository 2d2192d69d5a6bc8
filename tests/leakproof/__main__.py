"""`python -m tests.leakproof --decisions 1000000 --seed N`: the gateway against the rules, in random worlds.

It starts Postgres on a data directory of its own. The first difference is made short, saved as a case and printed;
then the exit code is 1. `--break NAME` puts a known defect in, which must be found.
"""

import argparse
import sys
import time

from tests.leakproof import ground

ground.prepare()

from tests.leakproof.breaking import DEFECTS, broken  # noqa: E402  (the settings are its own by now)
from tests.leakproof.ground import Ground  # noqa: E402
from tests.leakproof.reporting import Result, describe, save_case  # noqa: E402
from tests.leakproof.running import Failure, Run, Tally  # noqa: E402
from tests.leakproof.shrinking import replayed, shrunk  # noqa: E402

TELL_EVERY = 30.0  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.leakproof", description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="defect", choices=sorted(DEFECTS), default="", metavar="NAME")
    wanted = parser.parse_args()
    with ground.installation() as made:
        if wanted.defect:
            with broken(made, wanted.defect):
                result = run(made, wanted.seed, wanted.decisions, wanted.defect)
        else:
            result = run(made, wanted.seed, wanted.decisions)
            result.save()
    result.tell()
    if result.failure is not None:
        describe(result.failure)
    return 0 if result.is_good else 1


def run(made: Ground, seed: int, decisions: int, defect: str = "") -> Result:
    began = time.monotonic()
    done = Run(made, seed, decisions, tell=Telling(began))
    failure = done.until_done()
    seconds = time.monotonic() - began
    if failure is not None:
        failure = made_short(made, failure) if defect else saved_and_made_short(made, failure, seed)
    return Result(seed, done.tally, seconds, failure, defect)


def saved_and_made_short(made: Ground, failure: Failure, seed: int) -> Failure:
    """As it is at first: making it short takes minutes."""
    whole = save_case(failure, seed)
    short = made_short(made, failure)
    path = save_case(short, seed)
    if path != whole:
        whole.unlink()
    print(f"saved as {path}")
    return short


def made_short(made: Ground, failure: Failure) -> Failure:
    print(f"A difference: {failure.differences[0]}. It is being made short.", flush=True)
    operations = shrunk(made, failure.operations, failure.differences[0])
    return Failure(operations, replayed(made, operations) or failure.differences)


class Telling:
    """How far the run is, from time to time."""

    def __init__(self, began: float) -> None:
        self.began = self.last = began

    def __call__(self, tally: Tally) -> None:
        now = time.monotonic()
        if now - self.last > TELL_EVERY:
            self.last = now
            print(f"{now - self.began:6,.0f} s  {tally.decisions:>9,} decisions  {tally.share:.1%}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
