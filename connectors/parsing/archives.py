"""What is checked of a ZIP file (office documents and books are such files) before any of it is unpacked."""

import io
import stat
import zipfile
import zlib
from collections.abc import Sequence

from connectors.parsing.results import ParseFailed

MAX_ENTRIES = 10_000
MAX_UNPACKED = 500 * 1024 * 1024
MAX_RATIO = 200
SMALL = 1024 * 1024  # below this a high ratio is ordinary: a short part full of repeated tags
LOCAL_HEADER = 30
# What zipfile raises for entries that are damaged.
BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError)
ENCRYPTED_FLAG = 0x1


def open_archive(content: bytes, damaged: str = "corrupt") -> zipfile.ZipFile:
    """The archive, when it is one that may be unpacked. Raises ParseFailed.

    zipfile never reads past the size an entry declares, so a lying declaration ends in "corrupt".
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ParseFailed(damaged) from error
    entries = archive.infolist()
    refuse_bomb(entries)
    refuse_unsafe_names(entries)
    if any(entry.flag_bits & ENCRYPTED_FLAG for entry in entries):
        raise ParseFailed("encrypted")
    return archive


def entry_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """One entry's bytes. Raises ParseFailed where it is missing or damaged."""
    try:
        return archive.read(name)
    except (KeyError, ValueError, *BROKEN) as error:
        raise ParseFailed("corrupt") from error


def refuse_bomb(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Raises for too many entries, too much in them, or too high a ratio; nested archives are never opened."""
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    too_dense = any(entry.file_size > SMALL and entry.file_size > MAX_RATIO * entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED or too_dense:
        raise ParseFailed("expansion_limit")
    if unpacked > SMALL and unpacked > MAX_RATIO * packed:
        raise ParseFailed("expansion_limit")


def refuse_unsafe_names(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Raises for entries that climb out, are links, or share bytes with another entry."""
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        climbs = ".." in parts or parts[0] == "" or ":" in parts[0]
        if climbs or stat.S_ISLNK(entry.external_attr >> 16):
            raise ParseFailed("unsafe_archive")
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise ParseFailed("unsafe_archive")
        end = entry.header_offset + LOCAL_HEADER + entry.compress_size
