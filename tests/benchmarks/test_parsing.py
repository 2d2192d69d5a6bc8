"""What the benchmark of parsers counts."""

import json
from pathlib import Path

import pytest

from benchmarks.parsing import WatchedParser, recall, results_of
from connectors.parsing import ParseFailed


def test_each_expected_word_counts_as_often_as_it_is_expected() -> None:
    assert recall("The bike, the boat.", "| The | bike |\n| the | car |") == 0.75
    assert recall("bike", "bike bike") == 0.5
    assert recall("R&D", "R&amp;D") == 1.0
    assert recall("anything", "<>") is None


def test_what_a_parser_tries_is_counted_and_what_libraries_warn_of_is_not() -> None:
    with WatchedParser() as parser:
        parser.parse(b"# Title", filename="a.md")
        assert parser.attempts() == []
        parser.program = ("-c", "import os; os.write(2, b'a warning\\nattempted:socket.connect\\n')")
        parser.close()
        with pytest.raises(ParseFailed):
            parser.parse(b"# Title", filename="a.md")
        assert parser.attempts() == ["socket.connect"]


def test_every_file_of_the_index_has_a_result(tmp_path: Path) -> None:
    (tmp_path / "docling").mkdir()
    (tmp_path / "docling/a.md").write_text("# Bikes\n\nfor **all**")
    (tmp_path / "docling/b.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "a.expected").write_text("# Bikes\n\n<!-- image -->\n\nfor [all](https://example.org/x)")
    entries = [
        {"path": "docling/a.md", "ext": "md", "expected": "a.expected", "must_include": ["# Bikes", "**none**"]},
        {"path": "docling/b.pdf", "type": "pdf", "expected": ""},
    ]
    (tmp_path / "index.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    with WatchedParser() as parser:
        read, broken = results_of(tmp_path, parser)
    assert (read.kind, read.reason, read.strings, read.strings_found) == ("md", "", 2, 1)
    assert (read.recall, read.recall_of_words) == (3 / 8, 1.0)
    assert (broken.kind, broken.reason, broken.recall) == ("pdf", "corrupt", None)
