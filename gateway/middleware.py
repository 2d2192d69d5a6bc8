"""What is said while the database or the broker is away: one sentence, and nothing to restart afterwards."""

import sys
from collections.abc import Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.decorators import sync_and_async_middleware
from kombu.exceptions import OperationalError as BrokerError

AWAY = (OperationalError, InterfaceError, BrokerError)
MESSAGE = "Gatehouse cannot reach its database or its broker right now. Try again shortly."
RETRY_AFTER = "5"  # seconds
FOR_PROGRAMS = ("/api/", "/v1/", "/slack/", "/mcp", "/scim/")

Respond = Callable[[HttpRequest], Any]  # a response, or one to await


@receiver(got_request_exception)
def remember_why(request: HttpRequest | None = None, **_: Any) -> None:
    """Django turns an exception into a response at every layer; this is the one place that sees them all."""
    if request is not None and isinstance(sys.exc_info()[1], AWAY):
        cast(Any, request).something_is_away = True


@sync_and_async_middleware
def unavailable(get_response: Respond) -> Respond:
    if iscoroutinefunction(get_response):

        async def respond_later(request: HttpRequest) -> HttpResponseBase:
            return _or_sentence(request, await get_response(request))

        return respond_later

    def respond(request: HttpRequest) -> HttpResponseBase:
        return _or_sentence(request, get_response(request))

    return respond


def _or_sentence(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code != 500 or not getattr(request, "something_is_away", False):
        return response
    for_page = not request.path.startswith(FOR_PROGRAMS) and "text/html" in request.headers.get("Accept", "")
    sentence = _page() if for_page else _json()
    sentence.headers["Retry-After"] = RETRY_AFTER
    sentence.headers["Cache-Control"] = "no-store"
    return sentence


def _page() -> HttpResponse:
    # Without the request: what a template reads from it may be in the database.
    return HttpResponse(render_to_string("503.html", {"evaluation": settings.EVALUATION}), status=503)


def _json() -> JsonResponse:
    return JsonResponse({"error": {"code": "unavailable", "message": MESSAGE}}, status=503)
