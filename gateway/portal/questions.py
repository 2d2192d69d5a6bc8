"""A person's own questions, each answer checked again before it is shown (P15, P16)."""

from datetime import datetime
from typing import Any, cast, get_args
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from gateway.answering.phrases import option_of, which
from gateway.conversations import Reason, ShownAnswer, Verdict, get_question, give_feedback, list_questions
from gateway.portal.citations import source_line
from gateway.portal.requests import SignedInRequest, reader_of

PAGE = 30
REASONS = get_args(Reason)


@require_safe
@never_cache
def questions(request: HttpRequest) -> HttpResponse:
    """The person's own questions, newest first."""
    reader = reader_of(cast(SignedInRequest, request))
    lines = list_questions(reader, limit=PAGE + 1, before=moment_from(request.GET.get("before", "")))
    older = lines[PAGE - 1].asked_at.isoformat() if len(lines) > PAGE else ""
    return render(request, "portal/questions.html", {"section": "conversations", "lines": lines[:PAGE], "older": older})


def moment_from(value: str) -> datetime | None:
    """The moment an address names; none where it names none."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


@require_safe
@never_cache
def question(request: HttpRequest, id: UUID) -> HttpResponse:
    """A stored answer as it may be shown now. Somebody else's is the same 404 as an unknown one (P14)."""
    stored = get_question(reader_of(cast(SignedInRequest, request)), id)
    if stored is None:
        raise Http404
    context = {"section": "conversations", "opened": request.GET.get("left-out") == "shown"}
    return render(request, "portal/question.html", context | answer_context(stored))


@require_http_methods(["GET", "POST"])
@never_cache
def feedback(request: HttpRequest, id: UUID) -> HttpResponse:
    """The form below an answer, and what was entered in it."""
    reader = reader_of(cast(SignedInRequest, request))
    if request.method == "POST":
        return record_feedback(request, id)
    stored = get_question(reader, id)
    if stored is None:
        raise Http404
    return render(request, "portal/_feedback.html", {"question": stored, "given": stored.feedback})


def record_feedback(request: HttpRequest, id: UUID) -> HttpResponse:
    verdict: Verdict = "up" if request.POST.get("verdict") == "up" else "down"
    reader = reader_of(cast(SignedInRequest, request))
    reason = cast(Reason, request.POST["reason"]) if request.POST.get("reason", "") in REASONS else None
    comment = request.POST.get("comment", "").replace("\0", " ").strip()
    if not give_feedback(reader, id, verdict, comment, reason):
        raise Http404
    if request.headers.get("HX-Request") != "true":
        return redirect("question", id)
    return render(request, "portal/_feedback.html", {"question": {"id": id}, "given": verdict})


def answer_context(stored: ShownAnswer) -> dict[str, Any]:
    """The answer with each number resolved to the source it stands for."""
    sources = {citation.n: source_line(citation) for citation in stored.citations}
    asks = stored.status == "ambiguous"
    sentences = [
        {
            "text": sentence.text,
            "option": option_of(stored.question, sentence.text) if asks and sentence.text else "",
            "state": sentence.state,
            "table": sentence.table,
            "of_rows": sentence.of_rows,
            "sources": [sources[n] for n in sentence.citations if n in sources],
        }
        for sentence in stored.sentences
    ]
    asked = which(stored.language) if asks else ""
    return {
        "question": stored,
        "which": asked,
        "sentences": sentences,
        "sources": list(sources.values()),
        "given": stored.feedback,
    }
