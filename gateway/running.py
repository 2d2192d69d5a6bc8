"""The processes of `up`: started together, restarted when one ends by itself, stopped in order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.embedded.processes import die_with_parent
from gateway.start import EX_CONFIG, stop

PROJECT = Path(__file__).resolve().parent.parent
LONGEST_STOP = 5.0  # seconds; what a worker leaves undone is still due in Postgres
LONGEST_PAUSE = 30.0  # seconds between two restarts
# Celery warns root of pickled messages; ours are JSON.
WITHOUT_SERMON = {"PYTHONWARNINGS": "ignore:::celery.platforms"}
CELERY = ("-m", "celery", "--quiet", "-A", "gateway.celery")
QUIET = ("--loglevel", "WARNING")
SETTLED = 60.0  # seconds after which a restart counts as a success


@dataclass
class Child:
    """One process of `up` that is to run all the time."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    pause: float = 1.0
    started_at: float = 0.0
    start_again_at: float = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *self.words],
            cwd=PROJECT,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches `up` alone, which stops them in order
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        self.started_at = time.monotonic()
        self.start_again_at = 0.0

    def look_after(self) -> None:
        """Start it again if it has ended, each time in a row after a longer pause. Stops on a wrong setting."""
        code = self.process.poll() if self.process else None
        now = time.monotonic()
        if code is None:
            return
        if code == EX_CONFIG:
            stop(f"the {self.name} refused its settings; the line above says which.")
        if not self.start_again_at:
            self.pause = 1.0 if now - self.started_at > SETTLED else min(self.pause * 2, LONGEST_PAUSE)
            self.start_again_at = now + self.pause
            say(f"The {self.name} ended unexpectedly ({_how(code)}); it starts again in {self.pause:.0f} s.")
        elif now >= self.start_again_at:
            self.start()


def stop_all(running: Sequence[Child]) -> None:
    """End those that were started, all at a time; who does not listen is killed."""
    processes = [child.process for child in running if child.process]
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + LONGEST_STOP
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def say(sentence: str) -> None:
    print(sentence, flush=True)


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def children(port: int) -> list[Child]:
    """Web, workers and scheduler, in the order in which they start.

    What reads sources and answers Slack waits for neither parser nor embedder. Threads are enough for each of them, and
    need less memory than processes: sources and models are waited for, files are parsed in a child, vectors are
    multiplied without the interpreter.
    """
    return [
        Child("web", _uvicorn(port), {"GATEHOUSE_PROCESS": "web"}),
        _worker("worker", queues="permissions,answers", threads=4),
        _worker("parser", queues="ingest", threads=2),
        _worker("embedder", queues="embed", threads=1, process="embedder"),
        Child("scheduler", [*CELERY, "beat", *QUIET, "--pidfile="], {"GATEHOUSE_PROCESS": "scheduler"}),
    ]


def _worker(name: str, *, queues: str, threads: int, process: str = "worker") -> Child:
    """A worker that watches no other: nobody would be told."""
    words = [
        *(*CELERY, "worker", *QUIET, "--hostname", f"{name}@%h", "--queues", queues),
        *("--pool", "threads", "--concurrency", str(threads)),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    return Child(name, words, {"GATEHOUSE_PROCESS": process} | WITHOUT_SERMON)


def _uvicorn(port: int) -> list[str]:
    return [
        *("-m", "uvicorn", "gateway.asgi:application"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--log-level", "warning", "--no-access-log", "--no-server-header", "--no-proxy-headers"),
        *("--lifespan", "off", "--timeout-graceful-shutdown", "2"),
    ]
