"""Opening what stands below a directory, where others may put links at any moment: none is followed."""

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


def read_file(folder: int, name: str, limit: int) -> bytes:
    """The bytes of a plain file with one name in an open folder. Raises OSError and FileTooLarge."""
    descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise PermissionError(1, "it is a link or not a plain file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise FileTooLarge
    return content
