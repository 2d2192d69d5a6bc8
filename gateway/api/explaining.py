"""`GET access/…`: why people may read what, for auditors. Every call is audited before it is answered (P12)."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User, Verb
from connectors.corpus.explaining import OutsideTheHistory, Unknown
from connectors.strict_json import Fields
from gateway import explaining
from gateway.api import shapes
from gateway.api.authentication import HasVerb, reader_of
from gateway.api.cursors import cursor_after, mark_of
from gateway.api.errors import Refused
from gateway.api.ids import public_id
from gateway.api.view import ApiView
from gateway.explaining import Asker

if TYPE_CHECKING:  # the framework's views import the permissions
    from rest_framework.views import APIView

CURSOR = OpenApiParameter("cursor", str)
USER = OpenApiParameter("user", str, required=True, description="An e-mail address.")
DOCUMENT = OpenApiParameter("document", UUID, required=True)
AT = OpenApiParameter("at", str, description="A time that is past, RFC 3339. Without it: now.")


class IsAuditor(HasVerb):
    """For auditors, by session or by a token with the verb. To everyone else the address does not exist."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, User):
            return False
        allowed = request.auth is None or super().has_permission(request, view)
        if allowed and not request.user.is_auditor:
            raise Http404
        return allowed


class AuditorsView(ApiView):
    verb = Verb.ADMIN
    permission_classes = (IsAuditor,)

    def fields(self, request: Request) -> Fields:
        return Fields(request.query_params.dict(), self.parameters)

    def asker(self, request: Request) -> Asker:
        return Asker(door="api", reader=reader_of(request))

    def person(self, fields: Fields) -> User:
        found = explaining.person_named(fields.required_text("user"))
        if found is None:
            raise Http404
        return found

    def document(self, fields: Fields) -> UUID:
        return public_id(fields.required_text("document"))


class Explain(AuditorsView):
    parameters = frozenset({"user", "document", "at"})

    @extend_schema(operation_id="explain", parameters=[USER, DOCUMENT, AT], responses=shapes.Explanation)
    def get(self, request: Request) -> Response:
        """Whether a person may read a document, or could at a time: the rules, and the chain that leads there."""
        fields = self.fields(request)
        at, person, document = fields.time("at"), self.person(fields), self.document(fields)
        try:
            told = explaining.explain(self.asker(request), person, document, at)
        except Unknown:
            raise Http404 from None
        except OutsideTheHistory as error:
            raise Refused(400, "time_invalid", str(error)) from None
        return Response(told.as_json())


class DocumentsOf(AuditorsView):
    parameters = frozenset({"user", "cursor"})

    @extend_schema(operation_id="documents_of", parameters=[USER, CURSOR], responses=shapes.DocumentsOf)
    def get(self, request: Request) -> Response:
        """What a person may read now, by its ids; without a total."""
        fields = self.fields(request)
        after = mark_of(fields.optional_text("cursor"), UUID)
        page = explaining.documents_of(self.asker(request), self.person(fields), after=after)
        results = [explaining.document_json(each.id, each.source, titled) for each, titled in page.documents]
        return Response({"results": results, "next_cursor": cursor_after(page.after) if page.after else None})


class ReadersOf(AuditorsView):
    parameters = frozenset({"document", "cursor"})

    @extend_schema(operation_id="readers_of", parameters=[DOCUMENT, CURSOR], responses=shapes.ReadersOf)
    def get(self, request: Request) -> Response:
        """Who may read a document now; without a total. A page may be short or empty and yet have one after it."""
        fields = self.fields(request)
        after = mark_of(fields.optional_text("cursor"), explaining.row_number)
        document = self.document(fields)
        try:
            page = explaining.readers_of(self.asker(request), document, after=after or 0)
        except Unknown:
            raise Http404 from None
        people = [{"email": person.email, "name": person.name} for person in page.people]
        return Response({"results": people, "next_cursor": cursor_after(page.after) if page.after else None})
