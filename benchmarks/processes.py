"""The processes of a running installation and the memory they hold, read from /proc."""

import contextlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
LOCK_OF_UP = "up.lock"
KEEPERS = ".keeper"


def tree_of(pid: int) -> list[int]:
    """A process and all it descends to."""
    children = defaultdict(list)
    for each in _all():
        with contextlib.suppress(OSError):
            children[int(_status_of(each)[1])].append(each)
    found = [pid]
    for each in found:
        found.extend(children[each])
    return found


def installation_of(pid: int) -> list[int]:
    """All processes of the `up` that `pid` is or has started, with the services it uses."""
    tree = tree_of(pid)
    data_dirs = {path.parent for each in tree for path in _open_files(each) if path.name == LOCK_OF_UP}
    return list(dict.fromkeys([*tree, *(each for data_dir in data_dirs for each in services_of(data_dir))]))


def services_of(data_dir: Path) -> list[int]:
    """The embedded servers of a data directory, with their keepers."""
    locks = data_dir.resolve() / "services"
    keepers = [
        each for each in _all() if any(path.parent == locks and path.suffix == KEEPERS for path in _open_files(each))
    ]
    return [each for keeper in keepers for each in tree_of(keeper)]


def pss(pids: Iterable[int]) -> int:
    """Bytes held by these processes together, shared pages divided among who shares them."""
    return sum(map(_pss_of, pids))


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time these processes and their ended children have used."""
    return sum(map(_ticks_of, pids)) / os.sysconf("SC_CLK_TCK")


def name_of(pid: int) -> str:
    """What a process runs, in a few words."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
    except OSError:
        return "ended"
    return " ".join([Path(words[0]).name, *words[1:7]])[:64] if words else "ended"


@dataclass
class Samples:
    """PSS of a process with its children, once in a while: (monotonic seconds, bytes)."""

    taken: list[tuple[float, int]] = field(default_factory=list)

    def peaks(self, start: float, end: float, parts: int = 4) -> list[int]:
        """The highest of each equal part of a stretch of time; 0 where none was taken."""
        length = (end - start) / parts
        edges = [(start + part * length, start + (part + 1) * length) for part in range(parts)]
        return [max((size for at, size in self.taken if low <= at <= high), default=0) for low, high in edges]


@contextmanager
def sampling(pid: int, every: float = 0.5) -> Iterator[Samples]:
    """Take samples while the block runs. `every`: seconds."""
    samples = Samples()
    ended = threading.Event()

    def take() -> None:
        while not ended.wait(every):
            samples.taken.append((time.monotonic(), pss(tree_of(pid))))

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _all() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _open_files(pid: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for entry in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield Path(os.readlink(entry))


def _status_of(pid: int) -> list[str]:
    """The fields of proc(5) `stat` after the name, which stands in brackets and may hold anything."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _ticks_of(pid: int) -> int:
    try:
        return sum(int(ticks) for ticks in _status_of(pid)[11:15])
    except OSError:
        return 0


def _pss_of(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
