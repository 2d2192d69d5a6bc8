"""The first page, and asking: as a stream for the page's script, as a stored page for browsers without it."""

from typing import Any, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.reader import Reader
from gateway.answering.asking import AnswerFailed, ConversationUnknown, QuestionInvalid, answer, ask
from gateway.answering.streaming import ANSWERING, Work
from gateway.answering.threads import give_back
from gateway.conversations import list_questions
from gateway.demo.load import questions_for
from gateway.portal.requests import SignedInRequest
from gateway.portal.streaming import shown as data_of
from gateway.server_sent_events import MEDIA_TYPE
from gateway.server_sent_events import streamed as as_stream

RECENT = 8
DOOR = "portal"


@require_safe
@never_cache
def ask_page(request: HttpRequest) -> HttpResponse:
    return shown(cast(SignedInRequest, request).user, request)


@require_safe
@never_cache
def recent(request: HttpRequest) -> HttpResponse:
    """The list at the side, which the page fetches anew after each answer."""
    return render(request, "portal/_recent.html", recent_of(cast(SignedInRequest, request).user))


@require_POST
async def ask_stream(request: HttpRequest) -> HttpResponseBase:
    """Answers the question in the form: as events where the client takes them, else by leading to its own page."""
    user = cast(User, await request.auser())
    question = request.POST.get("question", "")
    conversation = conversation_from(request.POST.get("conversation", ""))
    return await answered(request, user, question, conversation)


async def answered(
    request: HttpRequest, user: User, question: str, conversation: UUID | None, work: Work = ANSWERING
) -> HttpResponseBase:
    if MEDIA_TYPE in request.headers.get("Accept", ""):
        return await streamed(Reader(user.pk), question, conversation, work)
    return await on_its_page(request, user, question, conversation, work)


async def on_its_page(
    request: HttpRequest, user: User, question: str, conversation: UUID | None, work: Work
) -> HttpResponse:
    """The answer as a stored page, once it is whole."""
    try:
        done = await answer(Reader(user.pk), question, conversation=conversation, door=DOOR, work=work)
    except QuestionInvalid as refused:
        return await sync_to_async(shown)(user, request, question=question, problem=refused.message, status=400)
    except AnswerFailed as failed:
        return await sync_to_async(shown)(user, request, question=question, problem=failed.message, status=503)
    except ConversationUnknown:
        raise Http404 from None
    return redirect("question", done.question_id)


async def streamed(reader: Reader, question: str, conversation: UUID | None, work: Work) -> HttpResponseBase:
    events = ask(reader, question, conversation=conversation, door=DOOR, work=work)
    try:
        response = await as_stream(events, data_of)
    except QuestionInvalid as refused:
        return JsonResponse({"error": {"code": refused.code, "message": refused.message}}, status=400)
    except ConversationUnknown:
        raise Http404 from None
    await sync_to_async(give_back)()  # a pooled connection would be held until the stream ends
    return response


def conversation_from(value: str) -> UUID | None:
    """The conversation a form names; none for a new one. What is no id at all leads nowhere, like an unknown one."""
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Http404 from None


def shown(
    user: User, request: HttpRequest, *, question: str = "", problem: str = "", status: int = 200
) -> HttpResponse:
    """The first page, with what was typed and what was wrong with it."""
    context = {"section": "ask", "examples": examples_for(user), "question": question, "problem": problem}
    return render(request, "portal/ask.html", context | recent_of(user), status=status)


def recent_of(user: User) -> dict[str, Any]:
    """The person's last questions, and how long ago each was in words."""
    lines = list_questions(Reader(user.pk), limit=RECENT)
    return {"recent": [(line, naturaltime(line.asked_at)) for line in lines]}


def examples_for(user: User) -> list[str]:
    """Questions to try, for the people of the demo company."""
    return list(questions_for(user.email)) if settings.EVALUATION else []
