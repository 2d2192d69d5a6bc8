"""A citation as a line in a list of sources, for the stream and for stored answers alike."""

from typing import Any

from django.urls import reverse
from django.utils.formats import date_format

from connectors.corpus.hits import Hit
from gateway.answering.events import Citation

EXCERPT = 240  # characters
SEPARATOR = " › "  # between the headings of a path


def source_line(citation: Citation) -> dict[str, Any]:
    """What `portal/_source.html` and ask.js show: number, title, place, excerpt, where they lead."""
    hit = citation.hit
    address = reverse("document", args=[hit.document_id])
    changed = date_format(hit.modified_at, "j F Y") if hit.modified_at else ""
    container = hit.attached_to
    older = "an older version" if hit.superseded else ""
    place = (hit.heading, f"page {hit.page}" if hit.page is not None else "", hit.source_name, changed, older)
    return {
        "n": citation.n,
        "title": hit.title,
        "href": f"{address}?start={hit.start}&end={hit.end}#passage",
        "place": " · ".join(part for part in place if part),
        "excerpt": excerpt_of(hit),
        "report_href": f"{address}#report",
        **(
            {"container": container.title, "container_href": reverse("document", args=[container.id])}
            if container
            else {}
        ),
    }


def excerpt_of(hit: Hit) -> str:
    """The beginning of the passage on one line, without the heading it may begin with, which its place names."""
    text = hit.text.lstrip().removeprefix(hit.heading.rpartition(SEPARATOR)[2])
    return " ".join(text.split())[:EXCERPT]
