"""A document as its readers see it: who wrote it, where it is kept, and its text with the cited passage marked."""

import re
from bisect import bisect_right
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import escape
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connectors.corpus.reading import TextView, attached_to, document_text, get_document
from gateway import reporting
from gateway.portal.document_text import Block, Passage, blocks, parts_of, passage_from
from gateway.portal.requests import SignedInRequest, reader_of
from gateway.reporting import own_report

HOST = re.compile(r"[\w.:@%\[\]-]+")


@require_safe
@never_cache
def document(request: HttpRequest, id: UUID) -> HttpResponse:
    """Foreign and unknown are the same 404 (P14)."""
    reader = reader_of(cast(SignedInRequest, request))
    attachments = attached_to(reader, id)
    said = own_report(reader, id)
    view = get_document(reader, id)
    text = document_text(reader, id)
    if view is None or text is None:
        raise Http404
    passage = passage_from(request.GET.get("start", ""), request.GET.get("end", ""), len(text.text))
    part = shown_part(text, passage, request.GET.get("part", ""))
    part["blocks"] = without_title(part["blocks"], view.title)
    context = {
        "document": view,
        "original": original_at(view.url),
        "cited": passage is not None,
        "said": said,
        "attachments": attachments,
        "left_out": view.metadata.get("attachments_left_out", ""),
    }
    return render(request, "portal/document.html", context | part)


@require_POST
def report(request: HttpRequest, id: UUID) -> HttpResponse:
    """A reader says that the document is out of date."""
    text = request.POST.get("text", "").replace("\0", " ")
    if not reporting.report(reader_of(cast(SignedInRequest, request)), id, text):
        raise Http404
    messages.success(request, "Thank you. Whoever the source names as its author is told, if they use Gatehouse.")
    return redirect("document", id)


@require_POST
def seen_to(request: HttpRequest, id: UUID) -> HttpResponse:
    """The author of a document has seen to a report on it."""
    reader = reader_of(cast(SignedInRequest, request))
    if not reporting.mark_done(reader, id, reporting.on_ones_own(reader)):
        raise Http404
    messages.success(request, "The report is marked as done.")
    return redirect("me")


def shown_part(text: TextView, passage: Passage | None, wanted: str) -> dict[str, Any]:
    """The part that was asked for, else the one the passage begins in, else the first. Parts count from 1."""
    parts = parts_of(text.text)
    number = bisect_right([start for start, _ in parts], passage.start) if passage else 1
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 and 1 <= int(wanted) <= len(parts):
        number = int(wanted)
    pages = text.pages if len(text.pages) > 1 else []
    return {
        "blocks": blocks(text.text, parts[number - 1], headings=text.headings, pages=pages, passage=passage),
        "part": number,
        "parts": len(parts),
        "previous": number - 1,
        "next": number + 1 if number < len(parts) else 0,
    }


def without_title(shown: list[Block], title: str) -> list[Block]:
    """The page's own heading says the title already; a mark in the text's first heading keeps it."""
    says_title = bool(shown) and shown[0].kind == "heading" and shown[0].html == escape(title)
    return shown[1:] if says_title else shown


def original_at(url: str) -> dict[str, str] | None:
    """The address of the original and the host it is on, shown in full; None where it is not a web address, or its host
    holds what browsers read otherwise.
    """
    try:
        address = urlsplit(url)
    except ValueError:
        return None
    is_plain = address.scheme in ("http", "https") and HOST.fullmatch(address.netloc)
    return {"url": url, "host": address.netloc} if is_plain else None
