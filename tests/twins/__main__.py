"""`python -m tests.twins --pairs 1000 --seed N`: worlds that differ only in what a reader may not read.

Both worlds of a pair are asked everything by the same reader, by session and by token, and every answer is compared
to the last byte: status, headers, cookies and body. Each process starts a Postgres of its own. It fails on the first
difference, and if one of the defects it puts in on purpose goes unnoticed.
"""

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.leakproof import ground

ground.prepare()

from django.conf import settings  # noqa: E402  (its own by now)

from tests.twins import meaning  # noqa: E402
from tests.twins.comparing import Tally  # noqa: E402
from tests.twins.defects import DEFECTS  # noqa: E402
from tests.twins.reporting import Result  # noqa: E402
from tests.twins.running import run, until_found  # noqa: E402

settings.EMBED_CLASS = meaning.PATH
settings.ALLOWED_HOSTS = ["testserver"]
TELL_EVERY = 30.0  # seconds
UNTIL_FOUND = 5  # pairs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.twins", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    wanted = parser.parse_args()
    began = time.monotonic()
    shares = [range(job, wanted.pairs, wanted.jobs) for job in range(wanted.jobs)]
    tally = Tally()
    with ProcessPoolExecutor(wanted.jobs, multiprocessing.get_context("spawn")) as pool:
        controls = pool.submit(control, wanted.seed)
        for share in pool.map(share_of, [wanted.seed] * len(shares), shares):
            tally.merge(share)
    result = Result(wanted.seed, tally, time.monotonic() - began, controls.result())
    result.tell()
    if wanted.pairs >= 1000 or not result.is_good:
        result.save()
    return 0 if result.is_good else 1


def share_of(seed: int, numbers: range) -> Tally:
    """Some of the pairs, in this process."""
    with ground.installation():
        return run(seed, numbers, Tally(), Telling(numbers))


def control(seed: int) -> dict[str, int]:
    """After how many pairs each defect was noticed; 0: never."""
    with ground.installation():
        return {name: until_found(name, seed, UNTIL_FOUND) for name in DEFECTS}


class Telling:
    """How far a process is, from time to time."""

    def __init__(self, numbers: range) -> None:
        self.numbers = numbers
        self.began = self.last = time.monotonic()

    def __call__(self, tally: Tally) -> None:
        now = time.monotonic()
        if now - self.last > TELL_EVERY:
            self.last = now
            done = f"{tally.pairs:>5,} of {len(self.numbers):,} pairs, {tally.requests:>9,} requests"
            print(f"{now - self.began:6,.0f} s  {done}, {tally.differing} bytes differ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
