"""Hostile files fail alone, by a reason, inside walls that hold whatever the parser does."""

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from connectors.parsing import MAX_BYTES, ParseFailed, ParserProcess, parse, sandbox_report
from connectors.parsing.child import parse_here
from connectors.parsing.process import ROOT
from tests.connectors.files import making


def reason_of(content: bytes, filename: str) -> str:
    with pytest.raises(ParseFailed) as failure:
        parse(content, filename=filename)
    return failure.value.reason


def test_a_file_above_the_limit_is_not_even_sent_to_the_parser() -> None:
    with ParserProcess() as parser, pytest.raises(ParseFailed, match="larger") as failure:
        parser.parse(bytes(MAX_BYTES + 1), filename="big.txt")
    assert failure.value.reason == "too_large"
    assert parser.pid is None


def test_text_beyond_the_limit_is_refused() -> None:
    assert reason_of(b"word " * 5_000_000, "long.txt") == "too_large"


def test_a_zip_bomb_is_not_unpacked() -> None:
    assert reason_of(making.docx_of(b" " * 300_000_000), "bomb.docx") == "expansion_limit"


def test_an_archive_of_too_many_entries_is_not_opened() -> None:
    parts = {f"word/media/{number}": "" for number in range(10_001)}
    assert reason_of(making.docx_of("<w:document/>", **parts), "many.docx") == "expansion_limit"


@pytest.mark.parametrize("name", ["../../etc/cron.d/job", "/etc/passwd", "word/..\\..\\evil", "C:/evil"])
def test_an_archive_whose_names_climb_out_is_unsafe(name: str) -> None:
    assert reason_of(making.docx_of("<w:document/>", **{name: "x"}), "slip.docx") == "unsafe_archive"


def test_an_archive_with_a_link_is_unsafe() -> None:
    stream = BytesIO(making.docx())
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("word/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert reason_of(stream.getvalue(), "link.docx") == "unsafe_archive"


def test_billion_laughs_are_not_told() -> None:
    content = making.paragraph_docx("ha &l9;", making.billion_laughs())
    started = time.monotonic()
    with pytest.raises(ParseFailed) as failure:
        parse(content, filename="laughs.docx")
    assert failure.value.reason == "corrupt"
    assert time.monotonic() - started < 20


def test_an_external_entity_is_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the canary sings")
    content = making.paragraph_docx("seen: &x;", f'<!DOCTYPE w:document [<!ENTITY x SYSTEM "file://{secret}">]>')
    # outside of every wall: the reader itself must not open it
    assert parse_here(content, "xxe.docx", "").text == "seen:"


def test_a_page_nested_without_end_is_refused_at_once() -> None:
    assert reason_of(b"<html>" + b"<div>" * 100_000 + b"deep", "deep.html") == "expansion_limit"


def test_markdown_nested_without_end_ends() -> None:
    assert parse(b"> " * 5000 + b"deep\n\nshallow", filename="deep.md").text == "shallow"


def test_a_file_that_needs_too_much_memory_fails_alone() -> None:
    with ParserProcess() as parser:
        with pytest.raises(ParseFailed) as failure:
            parser.parse(b"<html>" + b"<p>" * 12_000_000, filename="eater.html")
        assert failure.value.reason == "memory_limit"
        assert parser.pid is None
        assert parser.parse(b"the next one", filename="next.txt").text == "the next one"


def test_one_child_reads_many_documents_also_after_it_has_refused_one() -> None:
    with ParserProcess() as parser:
        parser.parse(b"one", filename="1.txt")
        first = parser.pid
        parser.parse(making.docx(), filename="2.docx")
        with pytest.raises(ParseFailed):
            parser.parse(b"", filename="3.txt")
        parser.parse(b"four", filename="4.txt")
        assert parser.pid == first


def test_a_child_that_was_killed_between_documents_is_replaced() -> None:
    with ParserProcess() as parser:
        parser.parse(b"one", filename="1.txt")
        assert parser.pid is not None
        os.kill(parser.pid, signal.SIGKILL)
        time.sleep(0.2)
        assert parser.parse(b"two", filename="2.txt").text == "two"


def test_a_file_during_which_the_child_dies_has_crashed_and_may_be_tried_again() -> None:
    with ParserProcess() as parser:
        parser.parse(b"one", filename="1.txt")
        assert parser.pid is not None
        killer = threading.Timer(0.3, os.kill, (parser.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(ParseFailed) as failure:
            parser.parse(b"[" * 3_000_000, filename="slow.md")
        killer.join()
    assert failure.value.reason == "crashed"
    assert not failure.value.permanent


def test_a_file_that_takes_too_long_is_ended_with_its_child() -> None:
    with ParserProcess(seconds=0.5) as parser:
        with pytest.raises(ParseFailed) as failure:
            parser.parse(b"[" * 3_000_000, filename="slow.md")
        assert parser.pid is None
    assert failure.value.reason == "parse_timeout"
    assert not failure.value.permanent


def test_the_child_ends_with_its_parent() -> None:
    program = (
        "import os; from connectors.parsing import ParserProcess; parser = ParserProcess();"
        "parser.parse(b'one', filename='1.txt'); print(parser.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert ended_within(int(ended.stdout), seconds=5)


def ended_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


ATTEMPTS = {
    "reading a file": ("open('/etc/hostname')", "Landlock"),
    "reading the project": ("open('manage.py')", "Landlock"),
    "listing a folder": ("__import__('os').listdir('/')", "Landlock"),
    "writing a file": ("open('/tmp/gatehouse-parser', 'w').write('x')", ""),
    "connecting": ("__import__('socket').create_connection(('127.0.0.1', 9), 1)", "namespaces"),
    "a socket of a file": ("__import__('socket').socket(__import__('socket').AF_UNIX)", "System calls"),
    "a process": ("__import__('os').fork()", ""),
    "a program": ("__import__('os').execv('/bin/true', ['true'])", "System calls"),
    "a signal": ("__import__('os').kill(__import__('os').getppid(), 0)", "System calls"),
    "two gigabytes": ("bytearray(2 * 1024 ** 3)", ""),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_inside_the_walls_nothing_works_but_parsing(attempt: str) -> None:
    source, wall = ATTEMPTS[attempt]
    program = (
        "import socket; from connectors.parsing.sandbox import lock_down\nlock_down()\n"
        f"try: {source}\nexcept (OSError, MemoryError): print('refused')\nelse: print('worked')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    missing = bool(wall) and any(wall in sentence for sentence in sandbox_report())
    assert result.stdout.strip() == "refused" or missing


def test_the_child_is_told_nothing_of_the_environment() -> None:
    os.environ["GATEHOUSE_TEST_CANARY"] = "secret"
    try:
        with ParserProcess() as parser:
            parser.parse(b"one", filename="1.txt")
            environment = Path(f"/proc/{parser.pid}/environ")
            try:
                assert b"secret" not in environment.read_bytes()
            except PermissionError:
                return  # not even readable: the child gave up being looked into
    finally:
        del os.environ["GATEHOUSE_TEST_CANARY"]


def test_the_report_is_a_list_of_sentences() -> None:
    assert all(sentence.endswith(".") for sentence in sandbox_report())
