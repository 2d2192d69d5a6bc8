"""Sets of injections that others keep: a folder of JSON, JSON Lines and text files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.security.injections.own import Injection

FIELDS = ("user_input", "injection", "prompt", "text")  # of an entry, the first it has is what an author would write
TEXTS = (".txt", ".md")
NOTHING = "There is nothing in {folder}: JSON with a field of {fields}, or text files."


def of_folder(folder: Path) -> list[Injection]:
    """All there are in the folder and below it, or in this file. Raises SystemExit where there is none."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    paths = [path for path in files if path.suffix in (".json", ".jsonl", *TEXTS)]
    found = [injection for path in paths for injection in _of_file(path)]
    if not found:
        raise SystemExit(NOTHING.format(folder=folder, fields=", ".join(FIELDS)))
    return found


def _of_file(path: Path) -> Iterator[Injection]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix in TEXTS:
        yield Injection(path.stem, text)
        return
    entries = json.loads(text) if path.suffix == ".json" else list(map(json.loads, text.splitlines()))
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        if said := _said(entry):
            yield Injection(f"{path.stem} {number}", said)


def _said(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    return next((entry[name] for name in FIELDS if isinstance(entry.get(name), str)), "")
