"""The dates, amounts and people of a document, or of what is found for a question, as rows that cite their passage."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.reader import Viewers
from connectors.corpus.hits import Hit
from connectors.corpus.reading import get_document
from connectors.corpus.search import NO_FILTERS, Filters
from connectors.corpus.wholes import beginning
from gateway.answering.events import Citation, Extent
from gateway.answering.releasing import as_it_stands, pairs_of, readable_evidence
from gateway.answering.surrounding import by_document
from gateway.tasks.facts import Fact, facts
from gateway.tasks.finding import found

MOST_READ = 400  # passages of a document, from its beginning
MOST_ROWS = 1_000
COLUMNS = ("kind", "label", "value", "date", "number", "unit", "sentence", "document", "heading", "page", "source")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a program for tables would calculate


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fact, and the number of the passage it stands in."""

    fact: Fact
    citation: Citation

    def as_json(self) -> dict[str, Any]:
        fact = self.fact
        return {
            "kind": fact.kind,
            "label": fact.label,
            "value": fact.value,
            "date": fact.date or None,
            "number": None if fact.number is None else f"{fact.number:f}",
            "unit": fact.unit or None,
            "sentence": fact.sentence,
            "citation": self.citation.n,
            "start": self.citation.hit.start + fact.start,
            "end": self.citation.hit.start + fact.end,
        }


@dataclass(frozen=True, kw_only=True)
class Rows:
    """`extent`: of a document of which not all was read; `more`: there are more than are kept."""

    rows: tuple[Row, ...]
    extent: Extent | None = None
    more: bool = False

    @property
    def citations(self) -> list[Citation]:
        return list({row.citation.n: row.citation for row in self.rows}.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "facts": [row.as_json() for row in self.rows],
            "citations": [citation.as_json() for citation in self.citations],
            "extent": self.extent.as_json() if self.extent else None,
            "more": self.more,
        }

    def as_csv(self) -> str:
        """For programs for tables: what such a program would calculate stands behind an apostrophe."""
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow(COLUMNS)
        writer.writerows([_inert(cell) for cell in _cells(row)] for row in self.rows)
        return written.getvalue()


def of_document(reader: Viewers, document: UUID) -> Rows | None:
    """None for a document the reader may not read, as for none (P14)."""
    if get_document(reader, document) is None:
        return None
    hits, of = beginning(reader, document, MOST_READ)
    return _released(reader, hits, Extent(read=len(hits), of=of) if len(hits) < of else None)


def of_found(reader: Viewers, query: str, question_id: UUID | None = None, filters: Filters = NO_FILTERS) -> Rows:
    """Of what the reader finds for a question, and for what was said before it if it is one of their own."""
    return _released(reader, by_document(found(reader, query, question_id, filters)))


def _released(reader: Viewers, hits: Sequence[Hit], extent: Extent | None = None) -> Rows:
    """What of their facts may be shown now; the last statement is the check that says so (P15)."""
    told = {hit.passage_id: found for hit in hits if (found := facts(hit.text))}
    telling = [hit for hit in hits if hit.passage_id in told]
    shown = as_it_stands(telling, readable_evidence(reader, pairs_of(telling)))
    citations = [Citation(n=n, hit=hit) for n, hit in enumerate(shown, start=1)]
    rows = [Row(fact=fact, citation=each) for each in citations for fact in told[each.hit.passage_id]]
    return Rows(rows=tuple(rows[:MOST_ROWS]), extent=extent if rows else None, more=len(rows) > MOST_ROWS)


def _cells(row: Row) -> list[str]:
    fact, hit = row.fact, row.citation.hit
    number = "" if fact.number is None else f"{fact.number:f}"
    page = "" if hit.page is None else str(hit.page)
    return [
        *(fact.kind, fact.label, fact.value, fact.date, number, fact.unit, fact.sentence),
        *(hit.title, hit.heading, page, hit.source_name),
    ]


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
