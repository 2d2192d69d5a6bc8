"""Text recognition in pictures of pages, by the program tesseract where it is installed.

The program gets a picture on standard input and gives words on standard output. It runs behind walls of its own: no
network, no other process, no written file, nothing readable but shared libraries and its own data.
"""

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]
PAGE_SECONDS = 60.0
SURE = 50.0  # tesseract's confidence in a word, 0 to 100; below it the word is left out
FEWEST_WORDS = 3  # of a page; fewer are taken for spots and frames
MAX_OUTPUT = 8 * 1024 * 1024
DATA = ("/usr/share/tesseract-ocr", "/usr/share/tessdata", "/usr/local/share/tessdata")
NOT_LANGUAGES = frozenset({"osd", "equ", "snum"})


class Recogniser(Protocol):
    """Reads the words in a picture."""

    def read(self, picture: bytes, seconds: float) -> str:
        """The text of a PGM picture, "" where there is none or where it takes longer than `seconds`."""


@dataclass(frozen=True)
class Tesseract:
    """The program, where its languages lie, and those it is asked for."""

    program: Path
    data: Path
    languages: tuple[str, ...]

    def read(self, picture: bytes, seconds: float) -> str:
        """The lines of the page, blocks apart; words it is not sure of are left out."""
        child = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "connectors.parsing.tesseract", *self.arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        try:
            output, _ = child.communicate(picture, timeout=min(seconds, PAGE_SECONDS))
        except subprocess.TimeoutExpired:
            return ""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
        return text_of(output[:MAX_OUTPUT].decode("utf-8", "replace")) if child.returncode == 0 else ""

    def arguments(self) -> list[str]:
        return [str(self.program), str(self.data), "+".join(self.languages)]


@cache
def installed() -> Tesseract | None:
    """Tesseract with every language that is installed, or None."""
    program = shutil.which("tesseract")
    folder = next((found for root in DATA for found in _data_folders(Path(root))), None)
    if program is None or folder is None:
        return None
    languages = sorted(file.stem for file in folder.glob("*.traineddata") if file.stem not in NOT_LANGUAGES)
    return Tesseract(Path(program).resolve(), folder, tuple(languages)) if languages else None


def _data_folders(root: Path) -> Iterator[Path]:
    """Debian keeps the data under the program's version."""
    yield from (folder for folder in (root, *sorted(root.glob("*/tessdata"))) if any(folder.glob("*.traineddata")))


def text_of(table: str) -> str:
    """The text in tesseract's table of words: a line for each line, a blank line between blocks."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        word = (row.get("text") or "").strip()
        if word and _confidence(row.get("conf")) >= SURE:
            lines.setdefault((row["block_num"], row["par_num"], row["line_num"]), []).append(word)
    if sum(map(len, lines.values())) < FEWEST_WORDS:
        return ""
    parts: list[str] = []
    before: tuple[str, ...] = ()
    for place, words in lines.items():
        parts += ["\n\n" if before and place[:2] != before[:2] else "\n" if before else "", " ".join(words)]
        before = place
    return "".join(parts)


def _confidence(value: str | None) -> float:
    try:
        return float(value or -1)
    except ValueError:
        return -1.0
