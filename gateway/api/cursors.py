"""Cursors: opaque, URL-safe marks of how far a listing was read. They carry a place in it and no right."""

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

from connectors.strict_json import is_storable
from gateway.api.errors import Refused

MarkT = TypeVar("MarkT")


def cursor_after(mark: object) -> str:
    return base64.urlsafe_b64encode(str(mark).encode()).rstrip(b"=").decode()


def mark_of(cursor: str | None, kind: Callable[[str], MarkT]) -> MarkT | None:
    """Where a cursor stands, as `kind` reads it. Raises Refused (`cursor_invalid`) for what was never given out."""
    if cursor is None:
        return None
    try:
        mark = kind(_decoded(cursor))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    if cursor_after(mark) != cursor:
        raise _invalid()
    return mark


def _decoded(cursor: str) -> str:
    text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True).decode()
    if not is_storable(text):
        raise ValueError
    return text


def _invalid() -> Refused:
    return Refused(400, "cursor_invalid", "This cursor was not given out here. Start without one.")
