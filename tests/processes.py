"""Real processes: on the database of a test, looked at by data directory, and waited for."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from gateway import embedded


@contextmanager
def passable_directory() -> Iterator[Path]:
    """A new directory through which the account passes that root lets the servers run as."""
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-test-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def on_this_database(process: str) -> dict[str, str]:
    """The environment of a process of this kind (web, worker, command) on the database and the queue of this test."""
    url = embedded.database_url(Path(settings.DATA_DIR))
    return os.environ | {
        "DATABASE_URL": url.replace("/gatehouse?", f"/{connection.settings_dict['NAME']}?"),
        "REDIS_URL": settings.BROKER_URL,
        "GATEHOUSE_PROCESS": process,
        "DJANGO_SETTINGS_MODULE": "gateway.settings",
    }


def processes_of(data_dir: Path, word: str = "") -> list[psutil.Process]:
    """What was started for this data directory, its servers and their keepers too; with `word` in its command."""
    return [process for process in psutil.process_iter() if _belongs(process, data_dir, word)]


def _belongs(process: psutil.Process, data_dir: Path, word: str) -> bool:
    try:
        command = " ".join(process.cmdline())
        ours = process.environ().get("GATEHOUSE_DATA_DIR") == str(data_dir)
        return word in command and (ours or str(data_dir) in command or process.cwd().startswith(str(data_dir)))
    except psutil.Error:
        return False


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it came to hold within that time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
