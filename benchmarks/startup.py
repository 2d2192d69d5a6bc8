"""`python -m benchmarks.startup`: how long `manage.py up` takes until it is ready, the first time and later."""

import argparse
import time

from benchmarks.ground import scratch_directory
from benchmarks.reporting import Report
from benchmarks.running import free_port, up

LATER_STARTS = 3
BAR = 10.0  # seconds, for every later start


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__).parse_args()
    report = Report("startup")
    data_dir, port = scratch_directory(), free_port()
    later: list[float] = []
    stops: list[float] = []
    with up(data_dir, port) as (_, first):
        pass
    for _ in range(LATER_STARTS):
        with up(data_dir, port) as (_, seconds):
            later.append(seconds)
            leaving = time.monotonic()
        stops.append(time.monotonic() - leaving)
    report.add("first start, after the installation", first, "s")
    report.add(f"later start, longest of {LATER_STARTS}", max(later), "s", at_most=BAR)
    report.add(f"stop, longest of {LATER_STARTS}", max(stops), "s", at_most=20.0)
    report.finish()


if __name__ == "__main__":
    main()
