"""The gateway's own processes, started as `up` starts them, and killed as nobody should."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from gateway.embedded.places import places_of
from gateway.embedded.processes import die_with_parent
from gateway.running import PROJECT, children
from tests.faults import inside

PARSER = "tests.faults.child"
SCHEDULER = "scheduler"
NOT_FOR_FAULTS = ("web",)


@dataclass
class Process:
    """One that is to run all the time: who looks after it starts it again."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.started.append(
                subprocess.Popen(
                    [sys.executable, *self.words],
                    cwd=PROJECT,
                    env=dict(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=die_with_parent(signal.SIGKILL),
                )
            )

    @property
    def pid(self) -> int:
        return self.started[-1].pid

    def is_running(self) -> bool:
        return bool(self.started) and self.started[-1].poll() is None

    def kill(self, *, whole: bool = True) -> None:
        """With the processes it forked, or without them: then these end what they are at, as orphans."""
        if self.is_running():
            victims = tree_of(self.pid) if whole else [self.pid]
            signalled(victims, signal.SIGKILL)
            self.started[-1].wait()

    def stop(self) -> None:
        """For good, whatever is left of any that was started."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # orphans are still of its session
            process.wait()


def tree_of(pid: int) -> list[int]:
    """A process and all it descends to."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.Error:
        return [pid]


def signalled(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@dataclass
class Gateway:
    """Its workers and its scheduler. `logs`: a file for each. `environment`: the whole of it, but what `up` adds."""

    logs: Path
    environment: Mapping[str, str]
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        for child in children(0):
            if child.name not in NOT_FOR_FAULTS:
                self.add(child.name, child.words, child.environment)

    def add(self, name: str, words: Sequence[str], environment: Mapping[str, str]) -> Process:
        assert list(words[:2]) == ["-m", "celery"], words
        own = [f"--schedule={self.logs / name}"] if name == SCHEDULER else []  # others use the data directory too
        process = Process(
            name,
            ["-m", "tests.faults.inside", *words[1:], *own],
            {**self.environment, **environment},
            self.logs / f"{name}.log",
        )
        self.processes.append(process)
        return process

    @property
    def workers(self) -> list[Process]:
        return [process for process in self.processes if process.name != SCHEDULER]

    @property
    def scheduler(self) -> Process:
        return next(process for process in self.processes if process.name == SCHEDULER)

    def look_after(self) -> None:
        for process in self.processes:
            if not process.is_running():
                process.start()

    def parsers(self) -> list[int]:
        """The children in which files are read at this moment."""
        pids = [pid for process in self.workers if process.is_running() for pid in tree_of(process.pid)]
        return [pid for pid in pids if PARSER in command_of(pid)]

    def log(self) -> str:
        return "".join(process.log.read_text(errors="replace") for process in self.processes if process.log.exists())


@contextmanager
def running(logs: Path, environment: Mapping[str, str], *, defect: str = "") -> Iterator[Gateway]:
    """Up inside, until somebody kills one of them: who is inside looks after them."""
    gateway = Gateway(logs, {**environment, inside.VARIABLE: defect})
    gateway.look_after()
    try:
        yield gateway
    finally:
        for process in gateway.processes:
            process.stop()


def command_of(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


# --- servers ------------------------------------------------------------------------------------------------------


def postmaster(data_dir: Path) -> int:
    """Of the embedded Postgres; 0 while there is none."""
    try:
        return int((places_of(data_dir).cluster / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return 0


def backends(data_dir: Path) -> list[int]:
    """The processes in which Postgres serves somebody."""
    return [pid for pid in tree_of(postmaster(data_dir))[1:] if "postgres: gatehouse" in command_of(pid)]


def valkey(data_dir: Path) -> int:
    """0 while there is none."""
    sockets = str(places_of(data_dir).sockets)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "valkey-server" and process.cwd() == sockets:
                return process.pid
    return 0


def ended(pid: int, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not psutil.pid_exists(pid)
