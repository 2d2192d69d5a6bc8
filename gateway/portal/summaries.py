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
from gateway.portal.asking import on_its_page, streamed
from gateway.server_sent_events import MEDIA_TYPE
from gateway.tasks import summarising
from gateway.tasks.summarising import Summary


@require_POST
async def of_document(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """Foreign and unknown are the same 404 (P14)."""
    user = cast(User, await request.auser())
    summary = await in_thread(summarising.of_document, Reader(user.pk), id)
    if summary is None:
        raise Http404
    return await answered(request, user, summary, None)


@require_POST
async def of_question(request: HttpRequest, id: UUID) -> HttpResponseBase:
    """In the conversation of the question, which is found for again."""
    user = cast(User, await request.auser())
    asked = await in_thread(get_question, Reader(user.pk), id)
    if asked is None:
        raise Http404
    return await answered(request, user, summarising.of_found(asked.question, id), asked.conversation_id)


async def answered(request: HttpRequest, user: User, summary: Summary, conversation: UUID | None) -> HttpResponseBase:
    if MEDIA_TYPE in request.headers.get("Accept", ""):
        return await streamed(Reader(user.pk), summary.text, conversation, summary.work)
    return await on_its_page(user, request, summary.text, conversation, summary.work)
