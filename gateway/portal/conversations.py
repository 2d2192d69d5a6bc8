"""A person's own conversations: found again, read in order as they happened, gone on with, kept as files, forgotten."""

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from gateway import conversations as kept
from gateway import exporting, sharing
from gateway.conversations import ConversationLine, ShownAnswer
from gateway.portal.questions import PAGE, answer_context, moment_from
from gateway.portal.requests import SignedInRequest, reader_of
from gateway.sharing import ShareRefused


@require_safe
@never_cache
def conversations(request: HttpRequest) -> HttpResponse:
    """The one last asked in first; those that hold the words looked for."""
    search = request.GET.get("search", "")
    before = moment_from(request.GET.get("before", ""))
    reader = reader_of(cast(SignedInRequest, request))
    lines = kept.list_conversations(reader, limit=PAGE + 1, before=before, search=search)
    older = lines[PAGE - 1].asked_at.isoformat() if len(lines) > PAGE else ""
    context: dict[str, Any] = {"section": "conversations", "lines": lines[:PAGE], "older": older, "search": search}
    if not (search or before):
        context["shared"] = sharing.list_shared(reader)
    return render(request, "portal/conversations.html", context)


@require_safe
@never_cache
def conversation(request: HttpRequest, id: UUID) -> HttpResponse:
    shares = sharing.shared_with(reader_of(cast(SignedInRequest, request)), id)
    line, answers = found_or_404(request, id)
    return render(request, "portal/conversation.html", page_of(line, answers) | {"shares": shares})


@require_safe
@never_cache
def markdown(request: HttpRequest, id: UUID) -> HttpResponse:
    file = HttpResponse(exporting.as_markdown(*found_or_404(request, id)), content_type="text/markdown; charset=utf-8")
    file["Content-Disposition"] = 'attachment; filename="conversation.md"'
    return file


@require_safe
@never_cache
def json(request: HttpRequest, id: UUID) -> HttpResponse:
    file = JsonResponse(exporting.as_json(*found_or_404(request, id)), json_dumps_params={"ensure_ascii": False})
    file["Content-Disposition"] = 'attachment; filename="conversation.json"'
    return file


@require_POST
def rename(request: HttpRequest, id: UUID) -> HttpResponse:
    if not kept.rename_conversation(reader_of(cast(SignedInRequest, request)), id, storable(request.POST.get("title"))):
        raise Http404
    return redirect("conversation", id)


@require_POST
def delete(request: HttpRequest, id: UUID) -> HttpResponse:
    if not kept.delete_conversation(reader_of(cast(SignedInRequest, request)), id):
        raise Http404
    messages.success(request, "The conversation was deleted.")
    return redirect("conversations")


@require_POST
def delete_all(request: HttpRequest) -> HttpResponse:
    kept.delete_conversations(reader_of(cast(SignedInRequest, request)))
    messages.success(request, "All your conversations were deleted.")
    return redirect("conversations")


@require_POST
def share(request: HttpRequest, id: UUID) -> HttpResponse:
    """Says the same whether the address is anybody's or not (P14)."""
    reader = reader_of(cast(SignedInRequest, request))
    address = storable(request.POST.get("address")).strip()
    try:
        if not sharing.share(reader, id, address):
            raise Http404
    except ShareRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"If somebody here has the address {address}, they can see this conversation now.")
    return redirect("conversation", id)


@require_POST
def take_back(request: HttpRequest, id: UUID) -> HttpResponse:
    reader = reader_of(cast(SignedInRequest, request))
    address = storable(request.POST.get("address"))
    if not sharing.take_back(reader, id, address):
        raise Http404
    messages.success(request, f"The conversation is no longer shared with {address}.")
    return redirect("conversation", id)


@require_safe
@never_cache
def shared(request: HttpRequest, id: UUID) -> HttpResponse:
    """A conversation of somebody else's. Not shared, taken back and unknown are the same 404 (P14)."""
    found = sharing.get_shared(reader_of(cast(SignedInRequest, request)), id)
    if found is None:
        raise Http404
    answers = [answer_context(answer) for answer in found.answers]
    context = {"section": "conversations", "line": found.line, "answers": answers}
    return render(request, "portal/shared.html", context)


def page_of(line: ConversationLine, answers: list[ShownAnswer]) -> dict[str, Any]:
    shown = [answer_context(answer) for answer in answers]
    return {"section": "conversations", "line": line, "conversation": line.id, "answers": shown}


def found_or_404(request: HttpRequest, id: UUID) -> tuple[ConversationLine, list[ShownAnswer]]:
    """The answers are looked at last: that is the check that releases them (P15)."""
    reader = reader_of(cast(SignedInRequest, request))
    line = kept.find_conversation(reader, id)
    answers = kept.get_conversation(reader, id)
    if line is None or answers is None:
        raise Http404
    return line, answers


def storable(value: str | None) -> str:
    return (value or "").replace("\0", " ")
