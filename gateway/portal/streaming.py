"""What the page's script is told of an answer's events, beside what the API tells."""

from typing import Any
from uuid import UUID

from django.urls import reverse

from gateway.answering.events import CitationShown, Done, Event
from gateway.answering.phrases import which
from gateway.portal.citations import source_line


def tasks_of(question_id: UUID) -> dict[str, str]:
    """Where what was found for a question is summed up, and where its facts are."""
    return {
        "summary": reverse("question-summary", args=[question_id]),
        "facts": reverse("question-facts", args=[question_id]),
    }


def shown(event: Event) -> dict[str, Any]:
    """The event as the API gives it, with what the page needs beside."""
    match event:
        case CitationShown():
            return event.as_json() | source_line(event.citation)
        case Done():
            beside = {
                "left_out": len(event.left_out),
                "page": reverse("question", args=[event.question_id]),
                "feedback": reverse("feedback", args=[event.question_id]),
            }
            if event.options:
                beside["which"] = which(event.language)
            return event.as_json() | beside | ({} if event.task else tasks_of(event.question_id))
        case _:
            return event.as_json()
