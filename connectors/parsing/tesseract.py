"""Becomes the program tesseract, behind walls: a picture from standard input, its words to standard output.

Run by `recognising` with the program, the folder of its data and the languages to read.
"""

import os
import sys
from pathlib import Path

from connectors.parsing import sandbox

SECONDS = 60


def main() -> None:
    """Builds the walls, then replaces this process; nothing of Python is left when the picture is read."""
    program, data, languages = sys.argv[1:]
    sandbox.lock_down(sandbox.Program(Path(program), Path(data)))
    sandbox.limit_cpu(SECONDS)
    arguments = [program, "stdin", "stdout", "--tessdata-dir", data, "-l", languages, "tsv"]
    os.execve(program, arguments, {"LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1"})  # noqa: S606


if __name__ == "__main__":
    main()
