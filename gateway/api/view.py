"""What every address of the API has in common."""

from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Verb
from connectors.strict_json import InvalidJSON
from gateway.answering.threads import give_back
from gateway.api.describing import ApiSchema
from gateway.api.parsing import SMALL


class AlwaysJSON(BaseContentNegotiation):
    """Answers in JSON whatever a program says it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type in (sent, "*/*")), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """A view that says which verb its caller needs, how long a body may be, and which parameters it takes."""

    verb: ClassVar[Verb]
    max_body: ClassVar[int] = SMALL
    parameters: ClassVar[frozenset[str]] = frozenset()
    content_negotiation_class = AlwaysJSON
    metadata_class = None
    schema = ApiSchema()

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            request.META["CONTENT_LENGTH"] = "-1"  # the framework takes a body of no stated length for no body
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        unknown = sorted(set(request.query_params) - self.parameters)
        if unknown:
            raise InvalidJSON("field_unknown", f"There is no parameter {unknown[0]!r} here.")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Cache-Control"] = "no-store"
        return final


class AsyncApiView(ApiView):
    """A view whose handlers await. Its caller is admitted, and the body read, in the thread that holds the database."""

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        self.args, self.kwargs = args, kwargs
        self.headers = self.default_response_headers
        self.request = self.initialize_request(request, *args, **kwargs)
        try:
            await sync_to_async(self._admit)()
            response = await self._handler()(self.request, *args, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self.response

    def _admit(self) -> None:
        try:
            self.initial(self.request, *self.args, **self.kwargs)
            _ = self.request.data
        finally:
            give_back()  # nothing is held while the handler waits for others

    def _handler(self) -> Any:
        handler = getattr(self, (self.request.method or "").lower(), None)
        if handler is None:
            raise MethodNotAllowed(self.request.method or "")
        return handler


class NotThere(ApiView):
    """Every address under `/api/` that is none: the answer an unknown id gets."""

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404
