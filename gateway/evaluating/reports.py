"""Long documents and questions whose answers stand on their pages: PDF files, and a table that names them.

The table has the columns `Question`, `Source Docs` (names of files, or patterns such as `*2023 Q3*`) and `Answer`, and
may have `Page`. Where it names no page, the figures of the answer say which: a page is right if no other page of the
document holds more of them, and it holds at least half. So only questions about one document are asked, and of those
the ones that are answered in figures.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path, PurePath

from gateway.evaluating.corpora import Corpus, CorpusUnreadable, Question, Text

COLUMNS = frozenset({"Question", "Source Docs", "Answer"})
FIGURE = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?!\w)")
YEAR = re.compile(r"(?:19|20)\d\d")
FEWEST_DIGITS = 3  # of a figure without a point or comma: smaller ones stand everywhere
ENOUGH = 0.5  # of the answer's figures


@dataclass(frozen=True)
class Answered:
    """A question about one document: what answers it, and the pages that do where the table names them."""

    text: str
    document: str
    answer: str
    pages: frozenset[int]


@dataclass(frozen=True)
class Reports:
    """`texts` are files, each with its bytes. `digest` tells whether they are those that were loaded before."""

    name: str
    digest: str
    texts: list[Text]
    answered: list[Answered]


def is_reports(folder: Path) -> bool:
    """Whether the folder holds a table of questions and no corpus in the BEIR form."""
    return not (folder / "corpus.jsonl").exists() and bool(_tables(folder))


def read_reports(folder: Path, table: str = "") -> Reports:
    """The PDF files below the folder and the questions of the table, which is named where there are several.

    Raises CorpusUnreadable.
    """
    tables = [file for file in _tables(folder) if table in ("", file.stem)]
    if len(tables) != 1:
        found = ", ".join(file.stem for file in _tables(folder))
        raise CorpusUnreadable(f"Which questions of {folder}? Name one table with --split ({found}).")
    files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*.pdf"))}
    if not files:
        raise CorpusUnreadable(f"There is no PDF file in {folder}.")
    answered = list(_answered(tables[0], list(files)))
    if not answered:
        raise CorpusUnreadable(f"No question of {tables[0]} is about exactly one of the PDF files.")
    digest = sha256(b"".join(sha256(name.encode() + content).digest() for name, content in files.items()))
    texts = [Text(name, "", "", content) for name, content in files.items()]
    return Reports(folder.resolve().name, digest.hexdigest(), texts, answered)


def paged(reports: Reports, pages: Mapping[tuple[str, int], str]) -> Corpus:
    """Its pages as the documents of a corpus, given their texts by name of the file and number of the page.

    Raises CorpusUnreadable.
    """
    figures = {page: figures_of(text) for page, text in pages.items()}
    questions = [
        Question(str(number), asked.text, (), dict.fromkeys(right, 1.0))
        for number, asked in enumerate(reports.answered, start=1)
        if (right := [page_id(asked.document, page) for page in _right(asked, figures)])
    ]
    if not questions:
        raise CorpusUnreadable(f"For no question of {reports.name} can be said on which page its answer stands.")
    texts = [Text(page_id(*page), "", text, of=page[0]) for page, text in pages.items()]
    return Corpus(reports.name, reports.digest, texts, questions)


def page_id(document: str, page: int | None) -> str:
    return f"{document}#{page}"


def figures_of(text: str) -> frozenset[str]:
    """Numbers as they are written, without years and without those of one or two digits."""
    found = (match[0].rstrip(",") for match in FIGURE.finditer(text))
    return frozenset(
        figure
        for figure in found
        if not YEAR.fullmatch(figure) and ("." in figure or "," in figure or len(figure) >= FEWEST_DIGITS)
    )


def _right(asked: Answered, figures: Mapping[tuple[str, int], frozenset[str]]) -> list[int]:
    """The pages on which the answer stands, if that can be told."""
    of_answer = figures_of(asked.answer)
    held = {page: len(of_answer & found) for (name, page), found in figures.items() if name == asked.document}
    if asked.pages:
        return sorted(asked.pages & held.keys())
    most = max(held.values(), default=0)
    return [page for page, count in held.items() if count == most] if most and most >= ENOUGH * len(of_answer) else []


def _tables(folder: Path) -> list[Path]:
    """The files in the folder that are tables of questions."""
    return [file for file in sorted(folder.glob("*.csv")) if set(next(_rows(file), {})) >= COLUMNS]


def _answered(table: Path, files: Sequence[str]) -> Iterator[Answered]:
    for row in _rows(table):
        patterns = [pattern.strip() for pattern in (row["Source Docs"] or "").split(",")]
        named = [name for name in files if any(fnmatchcase(PurePath(name).name, pattern) for pattern in patterns)]
        if len(named) == 1 and (row["Question"] or "").strip():
            pages = frozenset(int(number) for number in re.findall(r"\d+", row.get("Page") or ""))
            yield Answered(row["Question"].strip(), named[0], row["Answer"] or "", pages)


def _rows(table: Path) -> Iterator[dict[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            yield from csv.DictReader(lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusUnreadable(f"{table} cannot be read: {error}.") from None
