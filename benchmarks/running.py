"""`manage.py up` as a person starts it, in a data directory of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ground import own_environment

PROJECT = Path(__file__).resolve().parent.parent
LONGEST_START = 300.0  # seconds
LONGEST_STOP = 30.0  # seconds
READY = 200


@contextmanager
def up(data_dir: Path, port: int) -> Iterator[tuple[int, float]]:
    """A running installation; yields its process id and the seconds until `/readyz` said yes."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=PROJECT,
        env=own_environment(data_dir) | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    try:
        while answer(port) != READY:
            if process.poll() is not None or time.monotonic() - began > LONGEST_START:
                raise SystemExit("`manage.py up` did not become ready.")
            time.sleep(0.05)
        yield process.pid, time.monotonic() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LONGEST_STOP)


def free_port() -> int:
    """A port nobody listens on at this moment; PORT names another."""
    if wanted := os.environ.get("PORT"):
        return int(wanted)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(port: int) -> int:
    """The status of `/readyz`; 0 while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
