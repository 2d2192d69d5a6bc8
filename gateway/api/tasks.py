"""`POST summaries` and `POST facts`: a document, or what is found for a query, in short and as a table."""

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from accounts.reader import Reader
from connectors.corpus.search import Filters
from connectors.strict_json import Fields, invalid
from gateway.answering.asking import LONGEST_QUESTION
from gateway.answering.threads import give_back, in_thread
from gateway.api import shapes
from gateway.api.asking import HOW, answered, how
from gateway.api.authentication import reader_of
from gateway.api.filtering import filters_of
from gateway.api.ids import public_id
from gateway.api.view import ApiView, AsyncApiView
from gateway.server_sent_events import MEDIA_TYPE
from gateway.tasks import extracting, summarising
from gateway.tasks.summarising import Summary

OF = ("document", "query", "sources", "filters")


@dataclass(frozen=True)
class About:
    """A document, or a query and what narrows it."""

    document: UUID | None
    query: str
    filters: Filters


def about(fields: Fields) -> About:
    document, query = fields.optional_text("document"), fields.optional_text("query")
    if (document is None) == (query is None):
        raise invalid("document", "or else 'query' must be there, and not both")
    if document is not None and ("sources" in fields or "filters" in fields):
        raise invalid("document", "goes with neither sources nor filters")
    if query is not None and not 0 < len(query.strip()) <= LONGEST_QUESTION:
        raise invalid("query", f"must have 1 to {LONGEST_QUESTION} characters")
    return About(None if document is None else public_id(document), query or "", filters_of(fields))


class Summaries(AsyncApiView):
    verb = Verb.ASK

    @extend_schema(
        operation_id="summarise",
        request=shapes.SummaryRequest,
        responses={(200, "application/json"): shapes.Answer, (200, MEDIA_TYPE): OpenApiResponse(str)},
    )
    async def post(self, request: Request) -> HttpResponseBase:
        """Sums up a document, or what is found for a query, in sentences that cite, as answers do.

        Without a language model they are picked word for word, which `notice` says. It is kept like a question.
        """
        fields = Fields(request.data, (*OF, *HOW))
        of, wanted = about(fields), how(fields)
        summary = await in_thread(summary_of, reader_of(request), of)
        return await answered(request, summary.text, of.filters, wanted, summary.work)


class Facts(ApiView):
    verb = Verb.READ

    @extend_schema(operation_id="facts", request=shapes.FactsRequest, responses=shapes.Facts)
    def post(self, request: Request) -> Response:
        """Dates, amounts and people, each exactly as it stands in the passage it cites; no language model is asked."""
        of = about(Fields(request.data, OF))
        give_back()  # none is held while the embedder works
        return Response(rows_of(reader_of(request), of).as_json())


def summary_of(reader: Reader, of: About) -> Summary:
    summary = summarising.of_document(reader, of.document) if of.document else summarising.of_found(of.query)
    if summary is None:
        raise Http404
    return summary


def rows_of(reader: Reader, of: About) -> extracting.Rows:
    if of.document:
        rows = extracting.of_document(reader, of.document)
    else:
        rows = extracting.of_found(reader, of.query, filters=of.filters)
    if rows is None:
        raise Http404
    return rows
