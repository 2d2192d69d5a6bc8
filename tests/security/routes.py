"""Every address of the gateway, from the URL configuration itself, with ids filled in where it takes some."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils.regex_helper import normalize

PARAMETER = re.compile(r"%\((\w+)\)s")
GROUP = re.compile(r"\(\?P<(\w+)>([^()]*)\)")


@dataclass(frozen=True)
class Route:
    """An address: its pattern, what it calls, and what each of its parameters takes."""

    template: str  # "documents/%(id)s/"
    callback: Any
    takes: Mapping[str, "Taken"]

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.template)

    @property
    def queried(self) -> frozenset[str]:
        """The parameters of its query, where the address says which it takes."""
        return getattr(getattr(self.callback, "cls", None), "parameters", frozenset())

    @property
    def shown_model(self) -> type[Model] | None:
        """The table a page of the stock admin is about."""
        return getattr(getattr(self.callback, "model_admin", None), "model", None)

    def path(self, values: Mapping[str, str]) -> str:
        return "/" + self.template % {name: quote(value) for name, value in values.items()}


@dataclass(frozen=True)
class Taken:
    """What a parameter takes."""

    regex: str
    converter: Any = None

    def __contains__(self, value: str) -> bool:
        if re.fullmatch(self.regex, value) is None:
            return False
        try:
            return self.converter is None or self.converter.to_python(value) is not None
        except ValueError:
            return False


def routes(resolver: Any = None, before: tuple[Any, ...] = ()) -> Iterator[Route]:
    """All of them, through every include."""
    for entry in (resolver or get_resolver()).url_patterns:
        patterns = (*before, entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, patterns)
        elif isinstance(entry, URLPattern):
            takes = {name: taken for pattern in patterns for name, taken in taken_by(pattern).items()}
            yield Route("".join(map(template_of, patterns)), entry.callback, takes)
        else:
            raise TypeError(f"What is {entry!r} among the URL patterns?")


def taken_by(pattern: RoutePattern | RegexPattern) -> dict[str, Taken]:
    by_converter = {name: Taken(converter.regex, converter) for name, converter in pattern.converters.items()}
    return by_converter or {name: Taken(regex) for name, regex in GROUP.findall(pattern.regex.pattern)}


def template_of(pattern: RoutePattern | RegexPattern) -> str:
    """The pattern as a format string. What it matches without a name is left empty."""
    (template, _), *_ = normalize(pattern.regex.pattern)
    return template
