"""Ids of the gateway's own, as programs send them."""

from uuid import UUID

NIL = UUID(int=0)  # the id of nothing


def public_id(value: str) -> UUID:
    """The id `value` stands for. What cannot be an id is nothing's: it gets the same 404 in the same way (P14)."""
    try:
        return UUID(value)
    except ValueError:
        return NIL
