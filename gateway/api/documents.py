"""`GET documents…`: what a reader may read, one by one, as text, and as a list."""

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors.corpus import reading
from connectors.corpus.reading import DocumentView
from connectors.strict_json import Fields, is_storable
from gateway import reporting
from gateway.api import shapes
from gateway.api.authentication import reader_of
from gateway.api.cursors import cursor_after, mark_of
from gateway.api.view import ApiView

PAGE = 50


class Documents(ApiView):
    verb = Verb.READ
    parameters = frozenset({"source", "cursor"})

    @extend_schema(
        operation_id="documents",
        parameters=[OpenApiParameter("source", str), OpenApiParameter("cursor", str)],
        responses=shapes.Documents,
    )
    def get(self, request: Request) -> Response:
        """The documents the reader may read, some at a time; without a total."""
        after = mark_of(request.query_params.get("cursor"), UUID)
        source = request.query_params.get("source")
        found: list[DocumentView] = []
        if source is None or is_storable(source):
            found = reading.list_documents(reader_of(request), source=source, after=after, limit=PAGE + 1)
        page = found[:PAGE]
        more = len(found) > PAGE
        return Response(
            {
                "results": [document.as_json() for document in page],
                "next_cursor": cursor_after(page[-1].id) if more else None,
            }
        )


class Document(ApiView):
    verb = Verb.READ

    @extend_schema(operation_id="document", responses=shapes.DocumentDetail)
    def get(self, request: Request, id: UUID) -> Response:
        """What is known of a document besides its text."""
        reader = reader_of(request)
        attachments = reading.attached_to(reader, id)
        document = reading.get_document(reader, id)
        if document is None:
            raise Http404
        return Response(
            {
                **document.as_json(),
                "mime": document.mime,
                "author": document.author,
                "language": document.language,
                "created_at": document.created_at,
                "modified_at": document.modified_at,
                "metadata": document.metadata,
                "attachments": [attachment.as_json() for attachment in attachments],
            }
        )


class Reports(ApiView):
    verb = Verb.READ

    @extend_schema(operation_id="document_report", request=shapes.ReportRequest, responses={204: None})
    def post(self, request: Request, id: UUID) -> Response:
        """Says that a document is out of date: to whom its source names as author, and to those who run the gateway."""
        text = Fields(request.data, ("text",)).text("text", most=reporting.LONGEST_TEXT)
        if not reporting.report(reader_of(request), id, text):
            raise Http404
        return Response(status=204)


class DocumentText(ApiView):
    verb = Verb.READ

    @extend_schema(operation_id="document_text", responses=shapes.DocumentText)
    def get(self, request: Request, id: UUID) -> Response:
        """The text passages point into, with where its headings and pages begin."""
        shown = reading.document_text(reader_of(request), id)
        if shown is None:
            raise Http404
        return Response({"text": shown.text, "headings": shown.headings, "pages": shown.pages})
