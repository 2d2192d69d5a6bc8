"""Push ingestion: a program tells what a source holds, one record or many (contract part 3.1)."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors import tasks
from connectors.adding import connector_of
from connectors.applying import apply_record, hide
from connectors.errors import RecordRefused
from connectors.models import Source
from connectors.parsing import ParseFailed
from connectors.records import Kind
from connectors.sources.base import ConnectorError
from connectors.strict_json import Fields, InvalidJSON, loads
from connectors.wire import ReadersUnreadable, record_from_json, record_of
from gateway.api import shapes
from gateway.api.authentication import token_of
from gateway.api.errors import Told, told
from gateway.api.parsing import MAX_LINE, BytesParser, LinesParser, NewlineDelimitedParser
from gateway.api.view import ApiView

log = logging.getLogger("gatehouse.api")

PUSH = "push"
MAX_LINES = 100_000
JSON_LINES = "application/jsonl"
TOO_LONG = Told(413, "too_large", f"A line has at most {MAX_LINE // 1024 // 1024} MB.")
TOO_MANY = Told(413, "too_large", f"A batch has at most {MAX_LINES:,} lines. This line and the rest were not read.")


def named_sources(request: Request) -> QuerySet[Source]:
    """The sources this token names. One that names none, or all, pushes nowhere (P18)."""
    token = token_of(request)
    if token is None:
        return Source.objects.none()
    return Source.objects.filter(directory__in=token.directories.all()).select_related("directory")


def pushed_source(request: Request, key: str) -> Source:
    """The source this token pushes to. Unknown, not named and not pushed to are the same 404 (P14)."""
    source = named_sources(request).filter(directory__key=key, kind=PUSH).first()
    if source is None:
        raise Http404
    return source


class Push(ApiView):
    """One record: the whole truth about its id."""

    verb = Verb.INGEST
    max_body = MAX_LINE
    parameters = frozenset({"revision"})
    kind: ClassVar[Kind]

    def put(self, request: Request, key: str, id: str) -> Response:
        source = pushed_source(request, key)
        if request.query_params:
            raise InvalidJSON("field_unknown", "A revision is a field of the record here.")
        with hiding(source):
            outcome = apply_record(source, record_from_json(self.kind, id, request.data))
        return Response({"id": outcome.id, "state": outcome.state})

    @extend_schema(
        parameters=[OpenApiParameter("revision", int, description="Older than what is known: changes nothing.")],
        responses={204: None},
    )
    def delete(self, request: Request, key: str, id: str) -> Response:
        """The source no longer has it. The same answer when it never had."""
        source = pushed_source(request, key)
        apply_record(source, record_from_json("deletion", id, {"kind": self.kind, "revision": _revision(request)}))
        return Response(status=204)


@contextmanager
def hiding(source: Source) -> Iterator[None]:
    """A list that cannot be understood is refused, and what it is about is hidden: a change of it is known (P4)."""
    try:
        yield
    except ReadersUnreadable as unreadable:
        hide(source, unreadable.kind, unreadable.id)
        raise


def _revision(request: Request) -> int | None:
    value = request.query_params.get("revision")
    number = int(value) if value is not None and value.isascii() and value.isdecimal() and len(value) < 20 else value
    return Fields({"revision": number}, ["revision"]).integer("revision")


class PushPrincipal(Push):
    kind = "principal"

    @extend_schema(request=shapes.Principal, responses=shapes.Outcome)
    def put(self, request: Request, key: str, id: str) -> Response:
        """A person's account in the source, or a group of accounts and groups."""
        return super().put(request, key, id)


class PushScope(Push):
    kind = "scope"

    @extend_schema(request=shapes.Scope, responses=shapes.Outcome)
    def put(self, request: Request, key: str, id: str) -> Response:
        """Whatever holds permissions: a drive, space, channel, folder, restricted page."""
        return super().put(request, key, id)


class PushDocument(Push):
    kind = "document"

    @extend_schema(request=shapes.PushedDocument, responses=shapes.Outcome)
    def put(self, request: Request, key: str, id: str) -> Response:
        """With `text` it is readable and found by keyword when the call returns; a file is parsed soon after."""
        return super().put(request, key, id)


class Batch(ApiView):
    """Many records as JSON Lines: one transaction a line, one result line for each."""

    verb = Verb.INGEST
    parser_classes = (LinesParser, NewlineDelimitedParser)

    @extend_schema(
        request={JSON_LINES: OpenApiTypes.STR},
        responses={(200, JSON_LINES): OpenApiTypes.STR},
    )
    def post(self, request: Request, key: str) -> HttpResponse:
        """A line that is refused changes nothing and says why; the lines after it are applied all the same."""
        source = pushed_source(request, key)
        lines: Any = request.data
        results = b"".join(result_lines(source, iter(lines)))
        return HttpResponse(results, content_type=JSON_LINES)


def result_lines(source: Source, lines: Iterator[bytes | None]) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        too_many = number > MAX_LINES
        result = _failure(None, TOO_MANY) if too_many else _result(source, line)
        yield json.dumps({"line": number, **result}, ensure_ascii=False).encode() + b"\n"
        if too_many:
            return


def _result(source: Source, line: bytes | None) -> dict[str, Any]:
    id_ = None
    try:
        if line is None:
            return _failure(None, TOO_LONG)
        value = loads(line)
        id_ = value.get("id") if isinstance(value, dict) else None
        with hiding(source):
            outcome = apply_record(source, record_of(value))
    except (InvalidJSON, RecordRefused, ParseFailed) as error:
        answer = told(error)
        assert answer is not None
        return _failure(id_, answer)
    return {"id": outcome.id, "state": outcome.state}


def _failure(id_: object, answer: Told) -> dict[str, Any]:
    return {"id": id_ if isinstance(id_, str) else None, **answer.body}


class Notify(ApiView):
    """A pulled source says that something changed."""

    verb = Verb.INGEST

    @extend_schema(request=None, responses={202: shapes.Noted})
    def post(self, request: Request, key: str) -> Response:
        """Wakes a sync at once."""
        source = named_sources(request).filter(directory__key=key).exclude(kind=PUSH).first()
        if source is None:
            raise Http404
        tasks.read_at_once(source)
        return Response({"state": "accepted"}, status=202)


class Webhook(ApiView):
    """A source's own word that something changed, signed as its system signs. It only wakes a sync."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (BytesParser,)
    max_body = 25 * 1024 * 1024  # GitHub sends no more

    @extend_schema(request=bytes, responses={202: shapes.Noted}, auth=[])
    def post(self, request: Request, key: str) -> Response:
        """Wakes a sync, if the message is signed with the secret of the source and concerns what is read of it."""
        source = Source.objects.select_related("directory").filter(directory__key=key, enabled=True).first()
        if source is None or source.kind == PUSH:
            raise Http404
        headers = {name.lower(): value for name, value in request.headers.items()}
        data: Any = request.data
        body = data if isinstance(data, bytes) else b""  # the framework makes a dict of no body
        try:
            wanted = connector_of(source).webhook(headers, body)
        except ConnectorError as error:
            log.warning("A message for the source %s was not taken: %s", key, error)
            raise Http404 from None
        if wanted:
            tasks.read_at_once(source)
        return Response({"state": "accepted"}, status=202)
