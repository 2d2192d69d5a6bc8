"""`POST ask`: one cited answer, whole or as it comes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors.corpus.search import Filters
from connectors.strict_json import Fields
from gateway.answering import asking
from gateway.answering.events import Done, Event
from gateway.answering.streaming import ANSWERING, Work
from gateway.api import shapes
from gateway.api.authentication import reader_of
from gateway.api.filtering import filters_of
from gateway.api.ids import public_id
from gateway.api.view import AsyncApiView
from gateway.server_sent_events import MEDIA_TYPE, as_json, streamed

HOW = ("conversation", "stream", "withheld")
FIELDS = ("question", "sources", "filters", *HOW)


@dataclass(frozen=True)
class How:
    """Where an answer belongs, and how it is given."""

    conversation: UUID | None
    stream: bool
    withheld: bool


def how(fields: Fields) -> How:
    conversation = fields.optional_text("conversation")
    return How(
        conversation=None if conversation is None else public_id(conversation),
        stream=fields.flag("stream", absent=False),
        withheld=fields.flag("withheld", absent=False),
    )


class Ask(AsyncApiView):
    verb = Verb.ASK

    @extend_schema(
        operation_id="ask",
        request=shapes.AskRequest,
        responses={(200, "application/json"): shapes.Answer, (200, MEDIA_TYPE): OpenApiResponse(str)},
    )
    async def post(self, request: Request) -> HttpResponseBase:
        """Answers a question from what its asker may read now, and cites every sentence.

        With `stream`, or `Accept: text/event-stream`: server-sent events `retrieved`, `citation`, `sentence`,
        `withdrawn`, and at the end `done` or `error`. With `withheld`, the answer has sentences of a model that no
        passage supports in a field apart: not to be relied on.
        """
        fields = Fields(request.data, FIELDS)
        return await answered(request, fields.required_text("question"), filters_of(fields), how(fields))


async def answered(
    request: Request, question: str, filters: Filters, how: How, work: Work = ANSWERING
) -> HttpResponseBase:
    """As events where the client asks for them, else whole."""
    put: dict[str, Any] = {"conversation": how.conversation, "filters": filters, "work": work, "door": "api"}
    if how.stream or MEDIA_TYPE in request.headers.get("Accept", ""):
        events = asking.ask(reader_of(request), question, **put)
        return await streamed(events, with_withheld if how.withheld else as_json)
    done = await asking.answer(reader_of(request), question, **put)
    return Response(done.with_withheld() if how.withheld else done.as_json())


def with_withheld(event: Event) -> dict[str, Any]:
    return event.with_withheld() if isinstance(event, Done) else event.as_json()
