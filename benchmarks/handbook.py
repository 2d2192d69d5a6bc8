"""`python -m benchmarks.handbook FOLDER`: a tree of files through the folder connector, to the end.

The tree is copied and everyone is granted to read it. Files per second count until the last file is found by keyword;
embedding is measured by itself. Memory is that of this process and its parser, in quarters of each stretch; processor
time, which a busy machine changes least, is that of all, Postgres too.
"""

import argparse
import os
import resource
import shutil
import time
from pathlib import Path

from benchmarks import ground

ground.prepare("worker")

from django.conf import settings  # noqa: E402  (the benchmark's own settings are read by now)

from accounts.statements import rows  # noqa: E402
from benchmarks.processes import Samples, cpu_seconds, sampling, services_of  # noqa: E402
from benchmarks.reporting import Report  # noqa: E402
from connectors import ingest, sync, vectors  # noqa: E402
from connectors.adding import add_source  # noqa: E402
from connectors.corpus.counting import documents_by_state, waiting_to_be_embedded  # noqa: E402
from connectors.models import Source  # noqa: E402

MEGABYTE = 1024 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handbook", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--embed-seconds", type=float, default=86_400.0, help="stop embedding after this time; by default at its end"
    )
    wanted = parser.parse_args()
    with ground.installation(), sampling(os.getpid()) as samples:
        report = Report(f"handbook-{wanted.folder.resolve().name}")
        source = source_of(readable_copy(wanted.folder))
        found_by_keyword(report, source, samples)
        embedded(report, samples, wanted.embed_seconds)
        report.finish()


def readable_copy(folder: Path) -> Path:
    """The tree in a scratch directory, open to everyone. The original is not touched."""
    copy = ground.scratch_directory() / "tree"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".git", ".access.yaml"))
    (copy / ".access.yaml").write_text("grants: [everyone]\n")
    return copy


def source_of(folder: Path) -> Source:
    return add_source("handbook", kind="folder", settings={"path": str(folder)})


def found_by_keyword(report: Report, source: Source, samples: Samples) -> None:
    """Listing, reading, parsing, splitting and indexing."""
    began, worked = time.monotonic(), processor_time()
    run = sync.run_now(source)
    listed = time.monotonic()
    files = ingest.parse_waiting(source, listed + 3600.0)
    ended, work = time.monotonic(), processor_time() - worked
    passages: int = rows("SELECT count(*) FROM connectors_passage")[0][0]
    states = ", ".join(f"{each.count} {each.state} {each.reason}".strip() for each in documents_by_state(source))
    report.facts |= {"sync": f"{run.state}, {len(run.problems)} problems", "documents": states, "passages": passages}
    report.add("read and stored", files / (listed - began), "files/s")
    report.add("parsed, split and indexed", files / (ended - listed), "files/s")
    report.add("until found by keyword", files / (ended - began), "files/s")
    report.add("until found by keyword", passages / (ended - began), "passages/s")
    report.add("until found by keyword, in all", ended - began, "s")
    report.add("processor time a file (all processes)", work / files * 1000, "ms")
    add_memory(report, "until found by keyword", samples, began, ended)


def embedded(report: Report, samples: Samples, seconds: float) -> None:
    waiting = waiting_to_be_embedded()
    began, worked = time.monotonic(), processor_time()
    vectors.embed_waiting(began + seconds)
    ended, work = time.monotonic(), processor_time() - worked
    left = waiting_to_be_embedded()
    passages = waiting - left
    report.facts["waiting to be embedded at the end"] = left
    report.add("embedded", passages / (ended - began), "passages/s")
    report.add("embedded, in all", ended - began, "s")
    report.add("processor time a passage (all processes)", work / passages * 1000, "ms")
    add_memory(report, "embedding", samples, began, ended)


def processor_time() -> float:
    """Seconds used so far by this process, its ended parsers and Postgres."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + cpu_seconds(services_of(settings.DATA_DIR))


def add_memory(report: Report, name: str, samples: Samples, began: float, ended: float) -> None:
    for quarter, peak in enumerate(samples.peaks(began, ended), start=1):
        report.add(f"{name}, memory peak of quarter {quarter}", peak / MEGABYTE, "MB PSS")
    report.add(f"{name}, memory at the end", samples.taken[-1][1] / MEGABYTE, "MB PSS")


if __name__ == "__main__":
    main()
