"""Looking at real processes: what belongs to a data directory, and waiting for something to hold."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def passable_directory() -> Iterator[Path]:
    """A new directory through which the account passes that root lets the servers run as."""
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-test-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


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
