"""`conversations` and `questions`: what this person asked, and the answers as they may be shown now (P15, P16)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors.strict_json import Fields, InvalidJSON
from gateway import conversations, exporting
from gateway.api import shapes
from gateway.api.authentication import reader_of
from gateway.api.cursors import cursor_after, mark_of
from gateway.api.view import ApiView
from gateway.conversations import ConversationLine, Reason, ShownAnswer

FEEDBACK_FIELDS = ("verdict", "comment", "reason")
REASONS: Sequence[Reason] = get_args(Reason)
VERDICTS: Sequence[Literal["up", "down"]] = ("up", "down")
MAX_COMMENT = 2_000
PAGE = 50


class Conversations(ApiView):
    verb = Verb.ASK
    parameters = frozenset({"search", "cursor"})

    @extend_schema(
        operation_id="conversations",
        parameters=[OpenApiParameter("search", str), OpenApiParameter("cursor", str)],
        responses=shapes.Conversations,
    )
    def get(self, request: Request) -> Response:
        """The person's own conversations, the one they last asked in first.

        With `search`, those whose title or questions hold each of its words.
        """
        before = mark_of(request.query_params.get("cursor"), moment)
        search = request.query_params.get("search", "")
        found = conversations.list_conversations(reader_of(request), limit=PAGE + 1, before=before, search=search)
        page, more = found[:PAGE], len(found) > PAGE
        return Response(
            {
                "results": [exporting.line_json(line) for line in page],
                "next_cursor": cursor_after(page[-1].asked_at) if more else None,
            }
        )

    @extend_schema(operation_id="conversations_delete", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Forgets all conversations of the person."""
        conversations.delete_conversations(reader_of(request))
        return Response(status=204)


class Conversation(ApiView):
    verb = Verb.ASK

    parameters = frozenset({"withheld"})

    @extend_schema(
        operation_id="conversation",
        parameters=[OpenApiParameter("withheld", bool)],
        responses=shapes.Conversation,
    )
    def get(self, request: Request, id: UUID) -> Response:
        """The answers, each sentence only if what it rests on may still be read.

        With `withheld=true` also, apart, what a model wrote and no passage supports.
        """
        apart = wants_withheld(request)
        line, answers = found_or_404(request, id)
        return Response(exporting.as_json(line, answers, apart=apart))

    @extend_schema(
        operation_id="conversation_rename", request=shapes.ConversationTitle, responses=shapes.ConversationLine
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Gives it a title; an empty one: it is called by its first question again."""
        reader = reader_of(request)
        title = Fields(request.data, ("title",)).text("title", most=conversations.LONGEST_TITLE)
        renamed = conversations.rename_conversation(reader, id, title)
        line = conversations.find_conversation(reader, id)
        if not renamed or line is None:
            raise Http404
        return Response(exporting.line_json(line))

    @extend_schema(operation_id="conversation_delete", responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Forgets a conversation with its questions and answers."""
        if not conversations.delete_conversation(reader_of(request), id):
            raise Http404
        return Response(status=204)


class Markdown(ApiView):
    verb = Verb.ASK

    @extend_schema(operation_id="conversation_markdown", responses={(200, "text/markdown"): str})
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """The conversation as a file for people, made of what may be shown now."""
        line, answers = found_or_404(request, id)
        return HttpResponse(exporting.as_markdown(line, answers), content_type="text/markdown; charset=utf-8")


def found_or_404(request: Request, id: UUID) -> tuple[ConversationLine, list[ShownAnswer]]:
    """The answers are looked at last: that is the check that releases them (P15)."""
    reader = reader_of(request)
    line = conversations.find_conversation(reader, id)
    answers = conversations.get_conversation(reader, id)
    if line is None or answers is None:
        raise Http404
    return line, answers


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError
    return found


class Feedback(ApiView):
    verb = Verb.ASK

    @extend_schema(operation_id="feedback", request=shapes.FeedbackRequest, responses={204: None})
    def post(self, request: Request, id: UUID) -> Response:
        """What the asker thought of an answer; said again, it replaces what was said."""
        fields = Fields(request.data, FEEDBACK_FIELDS)
        verdict = fields.choice("verdict", VERDICTS)
        comment = fields.text("comment", most=MAX_COMMENT)
        reason = fields.choice("reason", REASONS) if fields.get("reason") is not None else None
        if not conversations.give_feedback(reader_of(request), id, verdict, comment, reason):
            raise Http404
        return Response(status=204)


def wants_withheld(request: Request) -> bool:
    """Raises `InvalidJSON` for what is neither true nor false."""
    value = request.query_params.get("withheld", "false")
    if value not in ("true", "false"):
        raise InvalidJSON("withheld_invalid", "'withheld' is true or false.")
    return value == "true"
