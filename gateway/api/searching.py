"""`POST search`: the passages a reader may read that fit a query best."""

from collections.abc import Sequence

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors.corpus.hits import Hit
from connectors.corpus.search import Mode
from connectors.strict_json import Fields, invalid
from gateway.answering.events import Citation
from gateway.answering.threads import give_back
from gateway.api import shapes
from gateway.api.authentication import reader_of
from gateway.api.filtering import filters_of
from gateway.api.view import ApiView
from gateway.retrieval import retrieve

FIELDS = ("query", "limit", "sources", "filters", "mode")
MODES: Sequence[Mode] = ("hybrid", "vector", "text")
MAX_QUERY = 8_000
DEFAULT_LIMIT, MAX_LIMIT = 10, 50


class Search(ApiView):
    verb = Verb.READ

    @extend_schema(operation_id="search", request=shapes.SearchRequest, responses=shapes.Hits)
    def post(self, request: Request) -> Response:
        """The best passages first. No totals and no scores: both would tell of what stays hidden."""
        fields = Fields(request.data, FIELDS)
        query = fields.required_text("query", most=MAX_QUERY)
        if not query.strip():
            raise invalid("query", "must not be empty")
        limit = fields.integer("limit", least=1, most=MAX_LIMIT) or DEFAULT_LIMIT
        mode = fields.choice("mode", MODES, absent="hybrid")
        filters = filters_of(fields)
        give_back()  # none is held while the embedder works
        hits = retrieve(reader_of(request), query, limit=limit, filters=filters, mode=mode)
        return Response({"results": [result_of(hit) for hit in hits]})


def result_of(hit: Hit) -> dict[str, object]:
    shown = Citation(n=1, hit=hit).as_json()
    return {"document": shown["document"], "passage": shown["passage"]}
