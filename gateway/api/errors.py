"""Every error of the API has one shape: `{"error": {"code", "message"}}`, with a code that stays."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from connectors.errors import RecordRefused
from connectors.parsing import ParseFailed
from connectors.strict_json import InvalidJSON
from gateway.answering.asking import AnswerFailed, ConversationUnknown, QuestionInvalid

log = logging.getLogger("gatehouse.api")

RETRY_AFTER = "5"  # seconds
STATUS_OF_CODE = {"scope_cycle": 409, "signed_out": 401, "too_large": 413}


@dataclass(frozen=True)
class Told:
    """What a program is told of an error."""

    status: int
    code: str
    message: str

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


# What is hidden and what does not exist are told in the same words (P14).
NOT_FOUND = Told(404, "not_found", "There is nothing at this address.")
UNAVAILABLE = Told(503, "unavailable", "The gateway cannot reach its database. Try again shortly.")
INTERNAL = Told(500, "internal_error", "Something went wrong here. It has been logged.")

TOLD: Mapping[type[Exception], Told] = {
    Http404: NOT_FOUND,
    exceptions.NotFound: NOT_FOUND,
    exceptions.NotAuthenticated: Told(401, "not_authenticated", "Sign in, or send an access token."),
    exceptions.AuthenticationFailed: Told(401, "token_invalid", "This access token is not valid."),
    exceptions.MethodNotAllowed: Told(405, "method_not_allowed", "This address does not take that method."),
    exceptions.UnsupportedMediaType: Told(415, "type_unsupported", "This address does not take that content type."),
    exceptions.NotAcceptable: Told(406, "not_acceptable", "None of the accepted content types can be given."),
    RequestDataTooBig: Told(413, "too_large", "The request is too large."),
    ConversationUnknown: NOT_FOUND,
    OperationalError: UNAVAILABLE,
    InterfaceError: UNAVAILABLE,
}


class Refused(Exception):
    """This door refuses the request as it stands."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.told = Told(status, code, message)


def told(error: Exception) -> Told | None:
    """What to say of this error; None when it is a defect."""
    if isinstance(error, Refused):
        return error.told
    if isinstance(error, InvalidJSON | RecordRefused | QuestionInvalid):
        return Told(STATUS_OF_CODE.get(error.code, 400), error.code, error.message)
    if isinstance(error, AnswerFailed):
        return Told(STATUS_OF_CODE.get(error.code, 503), error.code, error.message)
    if isinstance(error, ParseFailed):
        return Told(400 if error.permanent else 503, "text_unreadable", error.message)
    for kind, answer in TOLD.items():
        if isinstance(error, kind):
            return answer
    if isinstance(error, exceptions.APIException):
        return Told(error.status_code, str(error.get_codes()), str(error.detail))
    return None


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    answer = told(error)
    if answer is None:
        log.error("A request failed", exc_info=error)
        answer = INTERNAL
    response = Response(answer.body, status=answer.status)
    if answer.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if answer.status == 503:
        response["Retry-After"] = RETRY_AFTER
    return response
