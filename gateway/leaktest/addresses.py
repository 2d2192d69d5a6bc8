"""Every address of the gateway, from the URL configuration itself, so that a new one is probed without an edit."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import SlugConverter
from django.urls.resolvers import RegexPattern, RoutePattern
from django.utils.regex_helper import normalize

PARAMETER = re.compile(r"%\((\w+)\)s")
GROUP = re.compile(r"\(\?P<(\w+)>([^()]*)\)")


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

    def kinds(self, ids: Mapping[str, str]) -> list[str]:
        """A parameter that takes any text is for a source's own ids, or the number of a row."""
        if isinstance(self.converter, SlugConverter):
            return ["source"]
        if ids["external_id"] in self:
            return ["external_id", "person"]
        return [kind for kind in ("document", "question", "conversation", "person") if ids[kind] in self]


@dataclass(frozen=True)
class Address:
    """An address, what it calls, and what each of its parameters takes."""

    template: str  # "documents/%(id)s/"
    callback: Any
    takes: Mapping[str, Taken]

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.template)

    def path(self, values: Mapping[str, str]) -> str:
        return "/" + self.template % {name: quote(value) for name, value in values.items()}

    def fillings(self, ids: Mapping[str, str]) -> list[dict[str, str]]:
        """Which kind of id may stand for each parameter: those that are meant there, one changed at a time."""
        fitting = {name: self.takes[name].kinds(ids) for name in self.parameters}
        if not all(fitting.values()):
            return []
        natural = {name: kinds[0] for name, kinds in fitting.items()}
        return [natural, *(natural | {name: kind} for name, kinds in fitting.items() for kind in kinds[1:])]


def addresses(resolver: Any = None, before: tuple[Any, ...] = ()) -> Iterator[Address]:
    """All of them, through every include."""
    for entry in (resolver or get_resolver()).url_patterns:
        patterns = (*before, entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, patterns)
        elif isinstance(entry, URLPattern):
            takes = {name: taken for pattern in patterns for name, taken in _taken_by(pattern).items()}
            yield Address("".join(map(_template_of, patterns)), entry.callback, takes)
        else:
            raise TypeError(f"What is {entry!r} among the URL patterns?")


def _taken_by(pattern: RoutePattern | RegexPattern) -> dict[str, Taken]:
    by_converter = {name: Taken(converter.regex, converter) for name, converter in pattern.converters.items()}
    return by_converter or {name: Taken(regex) for name, regex in GROUP.findall(pattern.regex.pattern)}


def _template_of(pattern: RoutePattern | RegexPattern) -> str:
    """The pattern as a format string. What it matches without a name is left empty."""
    (template, _), *_ = normalize(pattern.regex.pattern)
    return template
