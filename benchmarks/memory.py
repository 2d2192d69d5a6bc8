"""`python -m benchmarks.memory [PID]`: the memory of everything a running `up` has started, and of itself.

PID is `make up` or `manage.py up`. Without it one is started in a data directory of its own and measured when the
demo company has been read and nothing has happened for a while. PSS counts a page that several share once.
"""

import argparse
import time
from pathlib import Path

from benchmarks.ground import scratch_directory
from benchmarks.processes import cpu_seconds, installation_of, name_of, pss
from benchmarks.reporting import Report
from benchmarks.running import free_port, up

MEGABYTE = 1024 * 1024
BAR = 1536.0  # MB
LONGEST_WORK = 600.0  # seconds until the demo is read and embedded
QUIET = 15.0  # seconds with next to no processor time
IDLE = 0.15  # processor seconds a second; the scheduler looks for work every five


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("pid", type=int, nargs="?")
    wanted = parser.parse_args()
    if wanted.pid is not None:
        measure(wanted.pid)
        return
    with up(scratch_directory(), free_port()) as (pid, _):
        wait_until_idle(pid)
        measure(pid)


def wait_until_idle(pid: int) -> None:
    deadline = time.monotonic() + LONGEST_WORK
    while time.monotonic() < deadline:
        before = cpu_seconds(installation_of(pid))
        time.sleep(QUIET)
        if cpu_seconds(installation_of(pid)) - before < IDLE * QUIET:
            return
    raise SystemExit("The installation did not come to rest.")


def measure(pid: int) -> None:
    if not Path(f"/proc/{pid}").exists():
        raise SystemExit(f"There is no process {pid}.")
    report = Report("memory")
    processes = installation_of(pid)
    sizes = sorted(((pss([each]), name_of(each)) for each in processes), reverse=True)
    for size, name in sizes:
        report.add(name, size / MEGABYTE, "MB PSS")
    report.add(f"all {len(processes)} processes", sum(size for size, _ in sizes) / MEGABYTE, "MB PSS", at_most=BAR)
    report.finish()


if __name__ == "__main__":
    main()
