"""JSON and notebooks: what stands in them, readable without knowing their marks."""

import json

import pytest

from connectors.parsing import ParserProcess
from tests.connectors.formats.reading import headings_of, reason_of

OFFICES = {
    "company": "Example Ltd",
    "open": True,
    "fax": None,
    "days": ["Monday", "Tuesday"],
    "offices": [{"city": "Berlin", "seats": 120}, {"city": "Rome", "tags": ["small", "new"]}],
    "contact": {"mail": "a@example.org", "people": [{"name": "Ann", "at": {"desk": 4}}], "note": "one\ntwo"},
}


def test_names_stand_before_what_they_name_and_records_on_a_line(parser: ParserProcess) -> None:
    parsed = parser.parse(json.dumps(OFFICES).encode(), filename="offices.json")
    assert parsed.text == (
        "company: Example Ltd\nopen: true\ndays: Monday, Tuesday\n\n"
        "offices\n\ncity: Berlin; seats: 120\ncity: Rome; tags: small, new\n\n"
        "contact\n\nmail: a@example.org\npeople:\n  - name: Ann\n    at:\n      desk: 4\nnote: one\n  two"
    )
    assert headings_of(parsed) == [(2, "offices"), (2, "contact")]
    assert parsed.mime == "application/json"


def test_each_line_of_json_lines_is_a_record(parser: ParserProcess) -> None:
    source = b'{"id": 1, "text": "Bikes"}\n\n{"id": 2, "text": "Boats"}\n'
    assert parser.parse(source, filename="a.jsonl").text == "id: 1; text: Bikes\nid: 2; text: Boats"


def test_what_is_not_json_after_all_is_read_as_it_is(parser: ParserProcess) -> None:
    assert parser.parse(b'{"a": 1,}', filename="a.json").text == '{"a": 1,}'


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"a":' * 200_000], ids=["lists", "objects"])
def test_json_nested_without_end_is_refused(parser: ParserProcess, content: bytes) -> None:
    assert reason_of(parser, content, "deep.json") == "expansion_limit"


NOTEBOOK = {
    "metadata": {"title": "Figures"},
    "cells": [
        {"cell_type": "markdown", "source": ["# Sales\n", "of **2026**"]},
        {
            "cell_type": "code",
            "source": "print(1)",
            "outputs": [
                {"output_type": "stream", "text": ["1\n"]},
                {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": "a figure"}},
                {"output_type": "error", "ename": "ValueError", "traceback": ["long"]},
            ],
        },
    ],
}


def test_a_notebook_is_its_text_its_code_and_what_it_printed(parser: ParserProcess) -> None:
    parsed = parser.parse(json.dumps(NOTEBOOK).encode(), filename="sales.ipynb")
    assert parsed.text == "Sales\n\nof 2026\n\nprint(1)\n\n1\n\na figure"
    assert headings_of(parsed) == [(1, "Sales")]
    assert parsed.title == "Figures"


@pytest.mark.parametrize("source", ["[]", '{"cells": 3}', '{"cells": [{}]}', "{"])
def test_a_notebook_without_cells_is_corrupt(parser: ParserProcess, source: str) -> None:
    assert reason_of(parser, source.encode(), "a.ipynb") == "corrupt"
