"""Dates, people and amounts of a document, or of what was found for a question, as a table and as a file."""

from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gateway.conversations import get_question
from gateway.portal.citations import source_line
from gateway.portal.requests import SignedInRequest, reader_of
from gateway.tasks import extracting
from gateway.tasks.extracting import Rows

KINDS = {"date": "Dates", "person": "People", "amount": "Amounts"}


@require_safe
@never_cache
def of_document(request: HttpRequest, id: UUID) -> HttpResponse:
    """Foreign and unknown are the same 404 (P14)."""
    return shown(request, in_document(request, id), reverse("document-facts-csv", args=[id]))


@require_safe
@never_cache
def of_document_as_csv(request: HttpRequest, id: UUID) -> HttpResponse:
    return as_csv(in_document(request, id))


@require_safe
@never_cache
def of_question(request: HttpRequest, id: UUID) -> HttpResponse:
    """Of what is found for it now."""
    return shown(request, found_for(request, id), reverse("question-facts-csv", args=[id]))


@require_safe
@never_cache
def of_question_as_csv(request: HttpRequest, id: UUID) -> HttpResponse:
    return as_csv(found_for(request, id))


def in_document(request: HttpRequest, id: UUID) -> Rows:
    rows = extracting.of_document(reader_of(cast(SignedInRequest, request)), id)
    if rows is None:
        raise Http404
    return rows


def found_for(request: HttpRequest, id: UUID) -> Rows:
    reader = reader_of(cast(SignedInRequest, request))
    asked = get_question(reader, id)
    if asked is None:
        raise Http404
    return extracting.of_found(reader, asked.question, id)


def shown(request: HttpRequest, rows: Rows, file: str) -> HttpResponse:
    titles = {row.citation.hit.title for row in rows.rows}
    context: dict[str, Any] = {
        "tables": [(name, table) for kind, name in KINDS.items() if (table := table_of(rows, kind))],
        "title": titles.pop() if len(titles) == 1 else "",
        "extent": rows.extent,
        "more": rows.more,
        "file": file,
    }
    return render(request, "portal/facts.html", context)


def table_of(rows: Rows, kind: str) -> list[dict[str, Any]]:
    sources = {each.n: source_line(each) for each in rows.citations}
    return [{"fact": row.fact, "source": sources[row.citation.n]} for row in rows.rows if row.fact.kind == kind]


def as_csv(rows: Rows) -> HttpResponse:
    file = HttpResponse(rows.as_csv(), content_type="text/csv; charset=utf-8")
    file["Content-Disposition"] = 'attachment; filename="dates-people-amounts.csv"'
    return file
