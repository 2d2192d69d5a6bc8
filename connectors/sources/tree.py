"""Opening what stands below a directory, where others may put links at any moment: none is followed."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from connectors.sources.base import ConnectorError

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not make us wait


class FileTooLarge(Exception):
    """A file holds more bytes than are read of one."""


@contextmanager
def opened_root(path: Path) -> Iterator[int]:
    """The root directory, held open so that one listing sees one tree even if another is mounted over it."""
    try:
        descriptor = os.open(path, OPEN_FOLDER)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConnectorError(f"The setting 'path' is {str(path)!r}: {reason}.", permanent=True) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_beneath(root: int, parts: Sequence[str]) -> Iterator[int]:
    """A folder below the root, opened step by step so that no part of its path can be a link."""
    descriptor = os.dup(root)
    try:
        for part in parts:
            below = os.open(part, OPEN_FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


Mark = tuple[int, int]  # of a file, another one after every change of it or of its rights


def mark_of(status: os.stat_result) -> Mark:
    return status.st_ino, status.st_ctime_ns


def read_file(folder: int, name: str, limit: int, as_of: Mark | None = None) -> bytes:
    """The bytes of a plain file with one name in an open folder. Raises OSError and FileTooLarge.

    `as_of`: of which the rights are known; of a file that was changed since then nothing is read.
    """
    descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise PermissionError(1, "it is a link or not a plain file")
        content = file.read(limit + 1)
        if as_of is not None and {mark_of(status), mark_of(os.fstat(descriptor))} != {as_of}:
            raise OSError(errno.ESTALE, "it changed since its rights were read")
    if len(content) > limit:
        raise FileTooLarge
    return content
