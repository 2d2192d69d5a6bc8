"""`python -m benchmarks.parsing FOLDER`: how much of real files the parsers find, and whether their walls hold.

FOLDER has an `index.jsonl`, a line a file: `path`, `ext` or `type`, and where there are such `expected` (a file with
the text another program found, in Markdown) and `must_include` (strings). Every file goes through one
`ParserProcess`, as a worker would read it. Recall counts each word of the expected text as often as it stands there.
Of `must_include`, what a mark of Markdown is made of is left aside, because readers write text without marks.
"""

import argparse
import ctypes
import fcntl
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from benchmarks.reporting import Report
from connectors.parsing import ParseFailed, ParserProcess, sandbox_report
from connectors.parsing.process import ROOT, WALL_CLOCK
from connectors.parsing.sandbox import libc

WORD = re.compile(r"[^\W_]+")
COMMENT = re.compile(r"<!--.*?-->", re.S)  # such as the place of a picture
TARGET = re.compile(r"\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")  # of a link
TEMPORARY = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
MISSED = 0.10  # of the expected words, the bar
NEW_MOUNTS, PRIVATE, RECURSIVE = 0x20000, 1 << 18, 1 << 14
OTHERS_TEXTS = ("docling", "markitdown")  # the sets whose expected texts the bar is about
# What the parser's own Python is about to do with the network or with other programs, counted before it is refused.
ATTEMPTED = "attempted:"  # libraries warn on the same pipe
WATCHED_CHILD = """
import os, sys
def watch(event, arguments):
    if event.startswith(('socket.', 'subprocess.', 'urllib.', 'os.system', 'os.exec', 'os.fork', 'os.posix_spawn')):
        os.write(2, ('attempted:' + event + chr(10)).encode())
from connectors.parsing import child
sys.addaudithook(watch)
child.main()
"""


class WatchedParser(ParserProcess):
    """A parser that tells which forbidden things were attempted in it."""

    program = ("-c", WATCHED_CHILD)

    def __init__(self) -> None:
        super().__init__()
        self._reading, self.errors = os.pipe()
        fcntl.fcntl(self._reading, fcntl.F_SETFL, os.O_NONBLOCK)

    def attempts(self) -> list[str]:
        """Since the last call."""
        try:
            said = os.read(self._reading, 1024 * 1024).decode("utf-8", "replace")
        except BlockingIOError:
            return []
        return [line.removeprefix(ATTEMPTED) for line in said.splitlines() if line.startswith(ATTEMPTED)]


@dataclass(frozen=True)
class Result:
    """What became of a file."""

    path: str
    kind: str
    reason: str
    seconds: float
    recall: float | None
    recall_of_words: float | None
    strings: int
    strings_found: int
    attempts: Sequence[str]

    @property
    def source(self) -> str:
        return self.path.partition("/")[0]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    folder: Path = arguments.parse_args().folder
    shared = [place for place in TEMPORARY if place.is_dir() and not _made_private(place, folder)]
    before = _temporary_files()
    began = time.time()
    with WatchedParser() as parser:
        recogniser = type(parser.recogniser).__name__ if parser.recogniser else "none"
        results = list(results_of(folder, parser))
    left = sorted(
        str(path) for path in _temporary_files() - before if path.lstat().st_ctime >= began and _is_ours(path)
    )
    report = Report("parsing", facts={"text recognition": recogniser, "walls missing": sandbox_report()})
    if shared:
        report.facts["watched among the files of other programs"] = list(map(str, shared))
    _add_figures(report, results, left)
    report.facts |= {f"{kind:5}": _row(rows) for kind, rows in _by_kind(results).items()}
    report.facts["refused"] = {r.path: r.reason for r in results if r.reason}
    report.facts["least found"] = {
        r.path: round(r.recall, 3) for r in sorted(results, key=_order) if r.recall is not None and r.recall < 0.8
    }
    report.finish()


def results_of(folder: Path, parser: WatchedParser) -> Iterator[Result]:
    """Reads every file the index names."""
    for line in (folder / "index.jsonl").read_text().splitlines():
        entry = json.loads(line)
        content = (folder / entry["path"]).read_bytes()
        started = time.monotonic()
        text = reason = ""
        try:
            parsed = parser.parse(content, filename=Path(entry["path"]).name)
            text = f"{parsed.title}\n{parsed.text}"
        except ParseFailed as failed:
            reason = failed.reason
        seconds = time.monotonic() - started
        expected = (folder / entry["expected"]).read_text(errors="replace") if entry.get("expected") else ""
        strings = [found for string in entry.get("must_include") or () if (found := _plain(string))]
        plain = _plain(text)
        yield Result(
            path=entry["path"],
            kind=entry.get("ext") or entry.get("type") or "",
            reason=reason,
            seconds=seconds,
            recall=recall(text, expected),
            recall_of_words=recall(text, TARGET.sub("]", COMMENT.sub("", expected))),
            strings=len(strings),
            strings_found=sum(string in plain for string in strings),
            attempts=parser.attempts(),
        )


def words(text: str) -> Counter[str]:
    return Counter(WORD.findall(unescape(text).lower()))


def recall(text: str, expected: str) -> float | None:
    """The share of the expected words, each as often as it is expected, that are in the text."""
    wanted = words(expected)
    return (wanted & words(text)).total() / wanted.total() if wanted else None


def _plain(text: str) -> str:
    """The words and numbers alone, a blank between them."""
    return " ".join(WORD.findall(unescape(TARGET.sub("]", text)).lower()))


def _add_figures(report: Report, results: Sequence[Result], left: Sequence[str]) -> None:
    supported = [r for r in results if r.reason != "unsupported_type"]
    compared = [r for r in supported if r.source in OTHERS_TEXTS and r.recall is not None]
    report.add("files", len(results), "")
    report.add("parsed", sum(not r.reason for r in results), "")
    report.add("refused with a reason", sum(bool(r.reason) for r in results), "")
    report.add("of these: of a type that is not read", len(results) - len(supported), "")
    report.add("crashes", sum(r.reason == "crashed" for r in results), "", at_most=0)
    report.add("over the time limit", sum(r.reason == "parse_timeout" for r in results), "", at_most=0)
    report.add("longest file", max(r.seconds for r in results), "s", at_most=WALL_CLOCK)
    report.add("all files", sum(r.seconds for r in results), "s")
    attempted = [attempt for r in results for attempt in r.attempts]
    report.add("network connections or programs attempted", len(attempted), "", at_most=0)
    report.add("files left behind", len(left), "", at_most=0)
    if left or attempted:
        report.facts |= {"left behind": left, "attempted": attempted}
    if compared:
        report.add("files with an expected text, of a type that is read", len(compared), "")
        report.add("words not found, mean", 1 - mean([r.recall for r in compared]), "", at_most=MISSED)
        aside = [r.recall_of_words for r in compared]
        report.add("the same, without addresses of links and marks of pictures", 1 - mean(aside), "")
    report.add("strings that must be found", sum(r.strings for r in results), "")
    report.add("strings not found", sum(r.strings - r.strings_found for r in results), "")


def _by_kind(results: Sequence[Result]) -> dict[str, list[Result]]:
    kinds: dict[str, list[Result]] = {}
    for result in sorted(results, key=lambda result: result.kind):
        kinds.setdefault(result.kind, []).append(result)
    return kinds


def _row(rows: Sequence[Result]) -> str:
    """A format in a line."""
    parsed = [row for row in rows if not row.reason]
    refused = Counter(row.reason for row in rows if row.reason)
    parts = [f"{len(parsed)} of {len(rows)} parsed"]
    parts += [f"{count} {reason}" for reason, count in refused.items()]
    recalls = [row.recall for row in rows if row.recall is not None and row.source in OTHERS_TEXTS]
    if recalls:
        parts.append(f"recall {mean(recalls):.3f} of {len(recalls)}")
    if strings := sum(row.strings for row in rows):
        parts.append(f"{sum(row.strings_found for row in rows)} of {strings} strings")
    return ", ".join([*parts, f"longest {max(row.seconds for row in rows):.1f} s"])


def _order(result: Result) -> float:
    return result.recall if result.recall is not None else 1.0


def mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0


def _made_private(place: Path, folder: Path) -> bool:
    """Gives this process and its children an empty directory there, where the system lets it (mount_namespaces(7))."""
    needed = (folder, Path(sys.prefix), ROOT)
    if any(path.resolve().is_relative_to(place) for path in needed) or libc.unshare(NEW_MOUNTS):
        return False
    if libc.mount(None, b"/", None, ctypes.c_ulong(PRIVATE | RECURSIVE), None):
        return False
    target = str(place).encode()
    return bool(libc.mount(b"tmpfs", target, b"tmpfs", ctypes.c_ulong(0), None) == 0)


def _temporary_files() -> set[Path]:
    return {entry for folder in TEMPORARY if folder.is_dir() for entry in folder.iterdir()}


def _is_ours(path: Path) -> bool:
    """Whether it may be a parser's: of this account, and nothing a test, a server or this shell keeps there."""
    return path.lstat().st_uid == os.geteuid() and not path.name.startswith(("pytest", "gatehouse-", "bash_"))


if __name__ == "__main__":
    main()
