"""A citation as a line: where it leads and what is told of it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from connectors.corpus.hits import Hit, Named
from gateway.answering.events import Citation
from gateway.portal.citations import EXCERPT, source_line

ID = UUID("6f1c2a8e-0000-4000-8000-000000000001")
HIT = Hit(
    passage_id=ID,
    document_id=ID,
    external_id="leave.md",
    title="Leave & absence",
    url="",
    source="docs",
    source_name="Docs",
    revision=1,
    ordinal=0,
    text="Parental leave\n\nLasts  twelve\nweeks.",
    start=10,
    end=50,
    heading="Leave › Parental leave",
    page=3,
    modified_at=datetime(2026, 3, 4, tzinfo=UTC),
    language="en",
    digest="",
)


def line_of(hit: Hit) -> dict[str, object]:
    return source_line(Citation(n=2, hit=hit))


def test_a_line_leads_to_the_passage_and_names_its_place() -> None:
    assert line_of(HIT) == {
        "n": 2,
        "title": "Leave & absence",
        "href": f"/documents/{ID}/?start=10&end=50#passage",
        "place": "Leave › Parental leave · page 3 · Docs · 4 March 2026",
        "excerpt": "Lasts twelve weeks.",
        "report_href": f"/documents/{ID}/#report",
    }


def test_a_line_of_a_file_names_the_mail_it_is_attached_to() -> None:
    other = UUID("6f1c2a8e-0000-4000-8000-000000000002")
    line = line_of(replace(HIT, attached_to=Named(id=other, title="Q3 numbers")))
    assert (line["container"], line["container_href"]) == ("Q3 numbers", f"/documents/{other}/")


def test_what_is_not_known_is_left_out() -> None:
    assert line_of(replace(HIT, heading="", page=None, modified_at=None))["place"] == "Docs"


@pytest.mark.parametrize("length", [1, EXCERPT, EXCERPT + 1])
def test_an_excerpt_has_a_largest_length(length: int) -> None:
    assert line_of(replace(HIT, text="x" * length))["excerpt"] == "x" * min(length, EXCERPT)
