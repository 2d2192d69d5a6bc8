"""Summing up a document, or what was found for a question: as a stream for the page's script, else on its own page."""

from typing import cast
from uuid import UUID

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.reader import Reader
from gateway.answering.threads import in_thread
from gateway.conversations import get_question
from gateway.portal.asking import answered
from gateway.tasks import summarising


@require_POST
async def of_document(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """Foreign and unknown are the same 404 (P14)."""
    user = cast(User, await request.auser())
    summary = await in_thread(summarising.of_document, Reader(user.pk), id)
    if summary is None:
        raise Http404
    return await answered(request, user, summary.text, None, summary.work)


@require_POST
async def of_question(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """In the conversation of the question, which is found for again."""
    user = cast(User, await request.auser())
    asked = await in_thread(get_question, Reader(user.pk), id)
    if asked is None:
        raise Http404
    summary = summarising.of_found(asked.question, id)
    return await answered(request, user, summary.text, asked.conversation_id, summary.work)
