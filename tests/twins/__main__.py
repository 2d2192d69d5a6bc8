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

from tests.twins.sharing import control, share_of  # makes the settings

# isort: split
from tests.twins.comparing import Tally
from tests.twins.reporting import Result

WHOLE = 1000  # pairs of a run whose result is kept


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.twins", description=__doc__)
    parser.add_argument("--pairs", type=int, default=WHOLE)
    parser.add_argument("--first", type=int, default=0, help="the number of the first, to go on with a run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    wanted = parser.parse_args()
    began = time.monotonic()
    tally, controls = asked(wanted.seed, range(wanted.first, wanted.first + wanted.pairs), wanted.jobs)
    result = Result(wanted.seed, tally, controls, time.monotonic() - began)
    result.tell()
    if wanted.pairs >= WHOLE:
        result.save()
    return 0 if result.is_good else 1


def asked(seed: int, numbers: range, jobs: int) -> tuple[Tally, dict[str, int]]:
    """What all pairs said, and after how many each defect was noticed."""
    tally = Tally()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, max_tasks_per_child=1) as pool:
        controls = pool.submit(control, seed)
        for share in [pool.submit(share_of, seed, numbers[job::jobs]) for job in range(jobs)]:
            tally.merge(share.result())
        return tally, controls.result()


if __name__ == "__main__":
    sys.exit(main())
