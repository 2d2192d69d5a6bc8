"""`conversations/{id}/shares` and `shared`: whom a person lets see a conversation, and what others let them see."""

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors.strict_json import Fields, InvalidJSON, is_storable
from gateway import exporting, sharing
from gateway.api import shapes
from gateway.api.authentication import reader_of
from gateway.api.view import ApiView
from gateway.sharing import ShareRefused


class Shares(ApiView):
    verb = Verb.ASK
    parameters = frozenset({"address"})

    @extend_schema(operation_id="shares", responses=shapes.Shares)
    def get(self, request: Request, id: UUID) -> Response:
        """The addresses a conversation of the person's own is shared with, as they were written."""
        addresses = sharing.shared_with(reader_of(request), id)
        if addresses is None:
            raise Http404
        return Response({"results": [{"address": address} for address in addresses]})

    @extend_schema(operation_id="share", request=shapes.Share, responses={204: None})
    def post(self, request: Request, id: UUID) -> Response:
        """Lets the person with this address see it. Whether it is anybody's is not told."""
        address = Fields(request.data, ("address",)).required_text("address")
        try:
            shared = sharing.share(reader_of(request), id, address)
        except ShareRefused as refused:
            raise InvalidJSON(refused.code, refused.message) from None
        if not shared:
            raise Http404
        return Response(status=204)

    @extend_schema(
        operation_id="share_take_back",
        parameters=[OpenApiParameter("address", str, required=True)],
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Takes it back from the person with this address."""
        address = request.query_params.get("address", "")
        if not sharing.take_back(reader_of(request), id, address if is_storable(address) else ""):
            raise Http404
        return Response(status=204)


class SharedWithMe(ApiView):
    verb = Verb.ASK

    @extend_schema(operation_id="shared", responses=shapes.SharedLines)
    def get(self, request: Request) -> Response:
        """The conversations that others share with the person, the newest first."""
        lines = sharing.list_shared(reader_of(request))
        return Response({"results": [exporting.shared_line_json(line) for line in lines]})


class SharedOne(ApiView):
    verb = Verb.ASK

    @extend_schema(operation_id="shared_conversation", responses=shapes.SharedConversation)
    def get(self, request: Request, id: UUID) -> Response:
        """Its questions, and of the answers only sentences the person may read every source of now."""
        shared = sharing.get_shared(reader_of(request), id)
        if shared is None:
            raise Http404
        return Response(exporting.shared_json(shared))
