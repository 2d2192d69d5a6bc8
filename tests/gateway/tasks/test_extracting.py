"""Rows of facts: verbatim in the passage they cite, of readable documents only, and inert as a table."""

import csv
import io
from uuid import UUID, uuid4

import pytest

from accounts.reader import Reader
from connectors.corpus.reading import document_text, list_documents
from gateway.tasks import extracting
from gateway.tasks.facts import Fact, facts
from tests.gateway.library import Library

pytestmark = pytest.mark.django_db

TEXT = """Owner: Anna Weber, head of Sales.

The contract was signed on 3 November 2025 and costs EUR 4.10 a month.

=cmd|'/c calc'!A1 is due on 1 May 2026."""


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    library.put("contract", TEXT, readers=("ann",), title="Contract with Kestrel")
    library.put("tender", "The tender closes on 2 June 2027.", readers=("bob",), title="Tender")
    return library


@pytest.fixture
def ann(library: Library) -> Reader:
    return library.person("ann")


def document(reader: Reader) -> UUID:
    [view] = list_documents(reader)
    return view.id


def test_each_value_stands_exactly_where_its_row_says(library: Library, ann: Reader) -> None:
    id = document(ann)
    rows = extracting.of_document(ann, id)
    text = document_text(ann, id)
    assert rows is not None
    assert text is not None
    told = rows.as_json()
    assert [(each["kind"], each["value"], each["date"], each["number"], each["unit"]) for each in told["facts"]] == [
        ("person", "Anna Weber", None, None, None),
        ("date", "3 November 2025", "2025-11-03", None, None),
        ("amount", "EUR 4.10", None, "4.10", "EUR"),
        ("date", "1 May 2026", "2026-05-01", None, None),
    ]
    passages = {each["n"]: each["passage"]["text"] for each in told["citations"]}
    for each in told["facts"]:
        assert text.text[each["start"] : each["end"]] == each["value"]
        assert each["value"] in passages[each["citation"]]
        assert each["sentence"] in " ".join(passages[each["citation"]].split())
    assert (told["extent"], told["more"]) == (None, False)


def test_a_table_for_programs_calculates_nothing(library: Library, ann: Reader) -> None:
    rows = extracting.of_document(ann, document(ann))
    assert rows is not None
    header, *lines = csv.reader(io.StringIO(rows.as_csv()))
    assert header[:4] == ["kind", "label", "value", "date"]
    assert [line[2] for line in lines] == ["Anna Weber", "3 November 2025", "EUR 4.10", "1 May 2026"]
    assert lines[-1][6].startswith("'=cmd")
    assert not any(cell.startswith(extracting.FORMULA) for line in lines for cell in line)


def test_of_others_documents_there_is_nothing(library: Library, ann: Reader) -> None:
    bob = library.person("bob")
    assert extracting.of_document(bob, document(ann)) is None
    assert extracting.of_document(bob, uuid4()) is None
    assert {row.fact.value for row in extracting.of_found(bob, "contract Anna Weber tender").rows} == {"2 June 2027"}


def test_what_is_lost_while_it_is_read_is_left_out(
    library: Library, ann: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = document(ann)

    def lost(text: str) -> list[Fact]:
        library.put("contract", TEXT, readers=("bob",), title="Contract with Kestrel")
        return facts(text)

    monkeypatch.setattr(extracting, "facts", lost)
    rows = extracting.of_document(ann, id)
    assert rows is not None
    assert rows.as_json() == {"facts": [], "citations": [], "extent": None, "more": False}


def test_a_long_document_says_what_part_was_read_and_a_long_table_that_there_is_more(
    library: Library, ann: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = document(ann)
    text = "\n\n".join(f"## Part {n}\n\nIt was built on {n + 1} May 2026." for n in range(9))
    library.put("contract", text, readers=("ann",), title="Contract", mime="text/markdown")
    monkeypatch.setattr(extracting, "MOST_READ", 3)
    monkeypatch.setattr(extracting, "MOST_ROWS", 2)
    rows = extracting.of_document(ann, id)
    assert rows is not None
    told = rows.as_json()
    assert [each["value"] for each in told["facts"]] == ["1 May 2026", "2 May 2026"]
    assert (told["extent"], told["more"]) == ({"first": 3, "of": 9}, True)
