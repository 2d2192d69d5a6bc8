"""`conversations` and `questions`: what this person asked, and the answers as they may be shown now (P15, P16)."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors.strict_json import Fields, InvalidJSON
from gateway import conversations
from gateway.answering.events import unsupported
from gateway.api import shapes
from gateway.api.authentication import reader_of
from gateway.api.view import ApiView
from gateway.conversations import ShownAnswer

FEEDBACK_FIELDS = ("verdict", "comment")
VERDICTS: Sequence[Literal["up", "down"]] = ("up", "down")
MAX_COMMENT = 2_000


class Conversations(ApiView):
    verb = Verb.ASK

    @extend_schema(operation_id="conversations", responses=shapes.Conversations)
    def get(self, request: Request) -> Response:
        """The person's own conversations, newest first."""
        found = conversations.list_conversations(reader_of(request))
        return Response({"results": [{"id": each.id, "started_at": each.started_at} for each in found]})


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
        answers = conversations.get_conversation(reader_of(request), id)
        if answers is None:
            raise Http404
        return Response({"id": id, "questions": [answer_json(answer, apart=apart) for answer in answers]})

    @extend_schema(operation_id="conversation_delete", responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Forgets a conversation with its questions and answers."""
        if not conversations.delete_conversation(reader_of(request), id):
            raise Http404
        return Response(status=204)


class Feedback(ApiView):
    verb = Verb.ASK

    @extend_schema(operation_id="feedback", request=shapes.FeedbackRequest, responses={204: None})
    def post(self, request: Request, id: UUID) -> Response:
        """What the asker thought of an answer; said again, it replaces what was said."""
        fields = Fields(request.data, FEEDBACK_FIELDS)
        verdict = fields.choice("verdict", VERDICTS)
        comment = fields.text("comment", most=MAX_COMMENT)
        if not conversations.give_feedback(reader_of(request), id, verdict, comment):
            raise Http404
        return Response(status=204)


def wants_withheld(request: Request) -> bool:
    """Raises `InvalidJSON` for what is neither true nor false."""
    value = request.query_params.get("withheld", "false")
    if value not in ("true", "false"):
        raise InvalidJSON("withheld_invalid", "'withheld' is true or false.")
    return value == "true"


def answer_json(answer: ShownAnswer, *, apart: bool = False) -> dict[str, Any]:
    return {
        "id": answer.id,
        "question": answer.question,
        "asked_at": answer.asked_at,
        "status": answer.status,
        "language": answer.language,
        "model": answer.model,
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(sentence.citations),
                "state": sentence.state,
                **({"table": sentence.table.as_json()} if sentence.table else {}),
            }
            for sentence in answer.sentences
        ],
        "citations": [citation.as_json() for citation in answer.citations],
        **({"withheld": unsupported(answer.left_out)} if apart else {}),
    }
