"""Pages that are pictures are read by tesseract where it is installed, behind walls and within limits."""

import os
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from connectors.parsing import ParseFailed, ParserProcess, sandbox_report
from connectors.parsing.process import MAX_SCANS, ROOT
from connectors.parsing.recognising import Tesseract, installed, text_of
from tests.connectors.files import making

WORDS = "The canteen opens\nat half past eleven\nevery day."
needs_tesseract = pytest.mark.skipif(installed() is None, reason="tesseract is not installed")


class Reading:
    """A recogniser that says the same of every picture, and remembers what it was given."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.pictures: list[bytes] = []

    def read(self, picture: bytes, seconds: float) -> str:
        self.pictures.append(picture)
        return self.said


def reason_of(content: bytes, filename: str, recogniser: Reading | None) -> str:
    with ParserProcess(recogniser=recogniser) as parser, pytest.raises(ParseFailed) as failure:
        parser.parse(content, filename=filename)
    return failure.value.reason


def joined(*documents: bytes) -> bytes:
    writer = PdfWriter()
    for document in documents:
        writer.append(PdfReader(BytesIO(document)))
    return making.written(writer)


@needs_tesseract
@pytest.mark.parametrize("form", ["PDF", "PNG", "TIFF", "JPEG", "BMP"])
def test_a_scan_is_read(form: str) -> None:
    with ParserProcess() as parser:
        parsed = parser.parse(making.scan(WORDS, form=form), filename=f"menu.{form.lower()}")
    assert parsed.text.replace("\n", " ") == "The canteen opens at half past eleven every day."
    assert [page.label for page in parsed.pages] == ["1"]


def test_without_text_recognition_a_scan_has_no_text() -> None:
    assert reason_of(making.scan(WORDS), "menu.pdf", None) == "no_text"
    assert reason_of(making.scan(WORDS, form="PNG"), "menu.png", None) == "no_text"


def test_a_picture_in_which_nothing_is_recognised_has_no_text() -> None:
    assert reason_of(making.scan(" "), "white.pdf", Reading("")) == "no_text"


def test_an_empty_page_is_no_scan() -> None:
    recogniser = Reading("What is not there.")
    assert reason_of(making.pdf([[]]), "empty.pdf", recogniser) == "no_text"
    assert recogniser.pictures == []


def test_only_the_pages_that_are_pictures_are_recognised() -> None:
    content = joined(making.pdf([["A page of real text, typed."]]), making.scan(WORDS), making.pdf([["The end."]]))
    recogniser = Reading("What the scan says.")
    with ParserProcess(recogniser=recogniser) as parser:
        parsed = parser.parse(content, filename="mixed.pdf")
    assert parsed.text == "A page of real text, typed.\n\nWhat the scan says.\n\nThe end."
    assert [parsed.text[page.start : page.end] for page in parsed.pages][1] == "What the scan says."
    assert len(recogniser.pictures) == 1
    assert recogniser.pictures[0].startswith(b"P5\n")


def test_a_document_says_which_of_its_pages_were_not_read() -> None:
    content = joined(making.pdf([["A page of real text, typed."]]), making.scan(WORDS))
    with ParserProcess(recogniser=None) as parser:
        parsed = parser.parse(content, filename="mixed.pdf")
    assert parsed.text == "A page of real text, typed."
    assert parsed.metadata["pages_without_text"] == "2"


def test_no_more_than_so_many_pages_of_a_document_are_recognised() -> None:
    recogniser = Reading("Words of a page.")
    with ParserProcess(recogniser=recogniser) as parser:
        parsed = parser.parse(making.scan(*[" "] * (MAX_SCANS + 2)), filename="long.pdf")
    assert len(recogniser.pictures) == MAX_SCANS
    assert parsed.metadata["pages_without_text"] == f"{MAX_SCANS + 1}, {MAX_SCANS + 2}"


def test_words_that_were_guessed_are_left_out() -> None:
    rows: Sequence[tuple[int, int, float, str]] = (
        (1, 1, 96.1, "Leave"),
        (1, 1, 91.0, "policy"),
        (1, 2, 12.0, "~;|"),
        (1, 2, 88.0, "2026"),
        (2, 1, 95.0, "Ask"),
    )
    table = "block_num\tpar_num\tline_num\tconf\ttext\n" + "".join(
        f"{block}\t1\t{line}\t{confidence}\t{word}\n" for block, line, confidence, word in rows
    )
    assert text_of(table) == "Leave policy\n2026\n\nAsk"
    assert text_of(table.splitlines()[0] + "\n1\t1\t1\t90\tx\n") == ""


def test_a_program_that_does_not_end_is_ended() -> None:
    program = Tesseract(Path("/bin/sleep"), Path("/usr/share"), ("60",))
    slow = program.read(b"", seconds=0.5)
    assert slow == ""


@needs_tesseract
@pytest.mark.parametrize("program", ["/bin/true", sys.executable], ids=["another program", "python"])
def test_behind_its_walls_nothing_runs_but_tesseract(program: str) -> None:
    found = installed()
    assert found is not None
    source = (
        "import os, sys; from pathlib import Path; from connectors.parsing import sandbox\n"
        f"sandbox.lock_down(sandbox.Program(Path({str(found.program)!r}), Path({str(found.data)!r})))\n"
        f"try: os.execv({program!r}, [{program!r}, '-c', 'pass'])\n"
        "except PermissionError: print('refused')"
    )
    result = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "refused" or any("Landlock" in sentence for sentence in sandbox_report())


@needs_tesseract
def test_a_broken_picture_is_corrupt_and_leaves_nothing() -> None:
    before = set(os.listdir("/tmp"))
    assert reason_of(making.scan(WORDS, form="PNG")[:200], "half.png", Reading("x")) == "corrupt"
    assert not {name for name in set(os.listdir("/tmp")) - before if name.startswith("tess")}
