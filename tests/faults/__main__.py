"""`python -m tests.faults [--documents 2000] [--times 20] [--seed N]`: everything is killed in the middle of a sync.

A source of documents with permissions is synced twice by real processes on servers of their own: once in peace, once
while it fails, slows, repeats and shuffles, its permissions change, and parsers, workers, the scheduler, Valkey and
Postgres are killed so many times each. What both leave must be the same to the byte; meanwhile nobody may ever read
what the source does not let them. `--break NAME` puts a known defect in, which must be found.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import ground
from tests.faults.inside import DEFECTS

ground.prepare("command")

from django.conf import settings  # noqa: E402  (the settings are its own by now)

from tests.faults import dump  # noqa: E402
from tests.faults.run import Outcome, Stuck, Sync, Wanted, installation  # noqa: E402

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "faults.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--times", type=int, default=20, help="that each kind of process is killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="defect", choices=sorted(DEFECTS), default="", metavar="NAME")
    parser.add_argument("--save", action="store_true", help=f"write {RESULT.name} beside the benchmarks' results")
    asked = parser.parse_args()
    wanted = Wanted(asked.documents, asked.times, asked.seed, asked.defect)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # slowness is not the subject
    logging.getLogger("gatehouse").setLevel(logging.CRITICAL)  # that the broker is away is what was wanted
    logs = Path(tempfile.mkdtemp(prefix="gatehouse-faults-"))
    with installation() as look_after:
        try:
            peace = Sync(wanted.without_faults(), logs).outcome()
            print(f"In peace: {peace.seconds:.0f} s. Now with faults.", flush=True)
            faulty = Sync(wanted, logs, look_after).outcome()
        except Stuck as stuck:
            return tell_of(wanted, [str(stuck)], logs)
    told(wanted, peace, faulty)
    if asked.save:
        save(wanted, peace, faulty)
    return tell_of(wanted, problems(peace, faulty), logs)


def problems(peace: Outcome, faulty: Outcome) -> list[str]:
    """What is not as it must be; empty is good."""
    found = [f"in peace: {wrong}" for wrong in peace.wrong] + faulty.wrong
    if faulty.lost or peace.lost:
        found.append(f"{faulty.lost} documents are lost, or there though they are gone ({peace.lost} in peace).")
    if faulty.doubled:
        found.append(f"{faulty.doubled} documents are there twice.")
    if peace.dumped != faulty.dumped:
        found += ["What is left is not the same:", *dump.differences(peace.dumped, faulty.dumped)]
    return found


def told(wanted: Wanted, peace: Outcome, faulty: Outcome) -> None:
    print(f"faults: {wanted.documents:,} documents, each killed {wanted.times} times, seed {wanted.seed}")
    for name, fact in faulty.facts.items():
        print(f"  {name}: {fact}")
    print(f"  in peace {peace.seconds:.0f} s, with faults {faulty.seconds:.0f} s")
    print(f"  what is left: {len(peace.dumped):,} bytes, {dump.digest(peace.dumped)[:16]} in peace, ", end="")
    print(f"{len(faulty.dumped):,} bytes, {dump.digest(faulty.dumped)[:16]} with faults")
    print(f"  lost {faulty.lost}, doubled {faulty.doubled}, read by somebody who may not {len(faulty.wrong)}")


def tell_of(wanted: Wanted, found: list[str], logs: Path) -> int:
    for problem in found:
        print(f"  WRONG: {problem}")
    if found:
        print(f"  the processes' logs are in {logs}")
    print(
        "faults: "
        + ("found something" if found else "nothing found")
        + (f", broken by {wanted.defect}" * bool(wanted.defect))
    )
    return 1 if found else 0


def save(wanted: Wanted, peace: Outcome, faulty: Outcome) -> None:
    content = {
        "benchmark": "faults",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "documents": wanted.documents,
        "killed": faulty.facts["killed"],
        "seed": wanted.seed,
        "same_to_the_byte": peace.dumped == faulty.dumped,
        "digest": dump.digest(faulty.dumped),
        "lost": faulty.lost,
        "doubled": faulty.doubled,
        "wrong": len(faulty.wrong),
        "seconds": {"in peace": round(peace.seconds, 1), "with faults": round(faulty.seconds, 1)},
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        **{name: fact for name, fact in faulty.facts.items() if name != "killed"},
    }
    RESULT.write_text(json.dumps(content, indent=1, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
