"""`sources` and `filters` of a request: they narrow what is searched, and never widen it."""

from typing import Any

from connectors.corpus.search import AnySource, Filters
from connectors.strict_json import Fields, invalid

FIELDS = ("source", "modified_after", "modified_before")


def filters_of(fields: Fields) -> Filters:
    """What `sources` and `filters` say together. An empty list of sources is no source, not every source (P18)."""
    filters = Fields(fields.object("filters"), FIELDS)
    return Filters(
        sources=_both(_keys(fields, "sources"), _keys(filters, "source")),
        modified_after=filters.time("modified_after"),
        modified_before=filters.time("modified_before"),
    )


def _keys(fields: Fields, name: str) -> tuple[str, ...] | None:
    """The keys a field names: one, or a list; None when it names nothing at all."""
    value = fields.get(name)
    if value is None:
        return None
    keys: list[Any] = [value] if isinstance(value, str) else fields.items(name)
    if not all(isinstance(key, str) for key in keys):
        raise invalid(name, "must name sources by their keys")
    return tuple(keys)


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | AnySource:
    if one is None:
        return AnySource() if other is None else other
    return one if other is None else tuple(key for key in one if key in other)
