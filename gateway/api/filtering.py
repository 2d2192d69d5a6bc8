"""`sources` and `filters` of a request: they narrow what is searched, and never widen it."""

from typing import Any

from connectors.corpus.search import AnySource, Filters
from connectors.parsing.kinds import MIMES
from connectors.strict_json import Fields, invalid

FIELDS = ("source", "folder", "type", "author", "modified_after", "modified_before")


def filters_of(fields: Fields) -> Filters:
    """What `sources` and `filters` say together. An empty list of sources is no source, not every source (P18)."""
    filters = Fields(fields.object("filters"), FIELDS)
    return Filters(
        sources=_both(_keys(fields, "sources"), _keys(filters, "source")),
        folders=_keys(filters, "folder"),
        types=_types(filters),
        authors=_keys(filters, "author"),
        modified_after=filters.time("modified_after"),
        modified_before=filters.time("modified_before"),
    )


def _types(filters: Fields) -> tuple[str, ...] | None:
    """MIME types, said by the short names of the formats that are read or as they are."""
    named = _keys(filters, "type")
    return None if named is None else tuple(MIMES.get(each.lower(), each.lower()) for each in named)


def _keys(fields: Fields, name: str) -> tuple[str, ...] | None:
    """What a field names: one, or a list; None when it names nothing at all."""
    value = fields.get(name)
    if value is None:
        return None
    keys: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(key, str) for key in keys):
        raise invalid(name, "must be a text or a list of texts")
    return tuple(keys)


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | AnySource:
    if one is None:
        return AnySource() if other is None else other
    return one if other is None else tuple(key for key in one if key in other)
