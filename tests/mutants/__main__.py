"""`python -m tests.mutants [WORD ...]`: does the suite notice when the permission filter is broken?

Every defect, or those whose name holds one of the words, is put into a copy of the code, by itself, and the tests
are run on it. A defect that no test notices is a survivor, and there must be none. `--of COMMIT` takes the code of
a commit instead of the code as it stands; `--own` asks only the tests whose work it is to notice.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from gateway import embedded
from tests.mutants.mutation import Mutation
from tests.mutants.mutations import MUTATIONS
from tests.mutants.running import ROOT, SUITE, Copy, Judged, Verdict

AT_ONCE = 2
RESULTS = ROOT / "benchmarks" / "results" / "mutants.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Break the permission filter, and see who notices."
    )
    parser.add_argument("words", nargs="*", help="only defects whose name holds one of these")
    parser.add_argument("--of", metavar="COMMIT", help="the code of this commit; without it, the code as it stands")
    parser.add_argument(
        "--own", action="store_true", help="only the tests that a defect names, not the rest of the suite"
    )
    asked = parser.parse_args()
    wanted = [each for each in MUTATIONS if not asked.words or any(word in each.name for word in asked.words)]
    began = time.monotonic()
    with code_of(asked.of) as code, places(code) as free:
        return report(wanted, run(wanted, free, () if asked.own else SUITE), commit=full_name(asked.of), began=began)


@contextmanager
def code_of(commit: str | None) -> Iterator[Path]:
    if commit is None:
        yield ROOT
        return
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-code-"))
    try:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", str(directory)], input=archive, check=True)
        yield directory
    finally:
        shutil.rmtree(directory)


def full_name(commit: str | None) -> str:
    if commit is None:
        return ""
    found = subprocess.run(["git", "rev-parse", commit], cwd=ROOT, check=True, capture_output=True, text=True)
    return found.stdout.strip()


@contextmanager
def places(code: Path) -> Iterator[SimpleQueue[Copy]]:
    """Copies of the code, beside servers that are up."""
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-mutants-"))
    directory.chmod(0o711)  # the account that root lets the servers run as must get through
    services = directory / "services"
    services.mkdir(0o711)
    free: SimpleQueue[Copy] = SimpleQueue()
    try:
        with embedded.services(services, durable=False):
            for number in range(AT_ONCE):
                free.put(Copy.of(code, directory / f"copy-{number}", services, number))
            yield free
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run(wanted: Sequence[Mutation], free: SimpleQueue[Copy], suite: Sequence[str]) -> list[Judged]:
    """Each of them judged, in their order, once it is known that without any of them the tests pass."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tests = sorted({test for each in wanted for test in each.tests})
        for verdict in pool.map(
            lambda share: healthy(share, free), [tests[start::AT_ONCE] for start in range(AT_ONCE)]
        ):
            if verdict.said != "nothing":
                sys.exit(f"Without any defect, {verdict.test or 'the run'} fails:\n{verdict.words}")
            print(f"{verdict.passed} tests pass without a defect", flush=True)
        return list(pool.map(lambda mutation: judged(mutation, free, suite), wanted))


def healthy(tests: Sequence[str], free: SimpleQueue[Copy]) -> Verdict:
    copy = free.get()
    try:
        return copy.tested(tests) if tests else Verdict("nothing")
    finally:
        free.put(copy)


def judged(mutation: Mutation, free: SimpleQueue[Copy], suite: Sequence[str]) -> Judged:
    copy = free.get()
    try:
        found = copy.judged(mutation, suite)
    finally:
        free.put(copy)
    print(line_of(found), flush=True)
    return found


def line_of(found: Judged) -> str:
    by = found.verdict.test.removeprefix("tests/") if found.killed else FATES[found.verdict.said]
    return f"{found.mutation.name:78}  {found.mutation.rule:8}  {found.seconds:5.1f} s  {by}"


FATES = {"nothing": "SURVIVED", "nonsense": "NOT JUDGED: the code no longer runs"}


def report(wanted: Sequence[Mutation], found: Sequence[Judged], *, commit: str, began: float) -> int:
    """The end of the table, and what needs a look; the exit code."""
    seconds = time.monotonic() - began
    alive = [each for each in found if not each.killed]
    for each in alive:
        print(f"\n{line_of(each)}\n{each.verdict.test}\n{each.verdict.words}")
    rules = Counter(rule for each in wanted for rule in each.rule.split())
    by_rule = ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items(), key=lambda item: int(item[0][1:])))
    print(f"\n{len(found) - len(alive)} of {len(found)} defects were noticed, in {seconds:.0f} s. By rule: {by_rule}")
    if len(found) == len(MUTATIONS):
        keep(found, commit=commit, seconds=seconds)
    return 1 if alive else 0


def keep(found: Sequence[Judged], *, commit: str, seconds: float) -> None:
    """The figures of a whole run, for programs."""
    content = {
        "commit": commit,
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "seconds": round(seconds, 1),
        "killed": sum(each.killed for each in found),
        "mutants": [
            {
                "name": each.mutation.name,
                "rule": each.mutation.rule,
                "killed": each.killed,
                "by": each.verdict.test,
                "seconds": each.seconds,
            }
            for each in found
        ],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
