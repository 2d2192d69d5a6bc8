"""Whether two answers tell the same: an answer without what was typed, and without what no two answers share."""

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from gateway.leaktest.doors import Answer, Request

UNTOLD_HEADERS = frozenset({"date", "expires", "content-length", "connection", "keep-alive", "transfer-encoding"})
CSRF = re.compile(r'(name="csrfmiddlewaretoken" value=")[^"]*')  # masked anew for every response
ANY_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # of what a request itself made
LONG = 6  # characters above which a typed id cannot be part of something else


def told(answer: Answer, request: Request, noise: Iterable[str] = ()) -> tuple[Any, ...]:
    """Status, headers and body. `noise`: headers known to differ between any two answers."""
    without = _without_typed(request)
    left_out = UNTOLD_HEADERS | set(noise)
    headers = sorted(
        (name, ANY_ID.sub("<made>", without(value.partition("=")[0] if name == "set-cookie" else value)))
        for name, value in answer.headers
        if name not in left_out
    )
    return answer.status, tuple(headers), ANY_ID.sub("<made>", CSRF.sub(r"\1", without(answer.body)))


def differing(one: Answer, other: Answer) -> set[str]:
    """Headers that two answers to the same request do not share."""
    headers = set(one.headers) ^ set(other.headers)
    return {name for name, _ in headers}


def _without_typed(request: Request) -> Callable[[str], str]:
    """An id told back to who typed it tells nothing: the path, and every longer id in any spelling."""
    if not request.typed:
        return lambda text: text
    typed = (request.path, request.path.partition("?")[0], *(each for each in request.typed if len(each) > LONG))
    spellings = {spelled for each in typed for spelled in (each, quote(each), quote(each, safe=""), quote(quote(each)))}
    anywhere = re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True))))
    return lambda text: anywhere.sub("<typed>", text)
