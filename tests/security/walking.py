"""A walk through every door as one person: every address, every method, what is sent, and what comes back."""

import html
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

from asgiref.sync import async_to_sync
from django.db import transaction
from django.http import QueryDict
from django.test import AsyncClient, Client
from django.urls import resolve
from django.urls.converters import PathConverter, SlugConverter

from accounts.statements import rows
from connectors.corpus.wall import OWNER, WEB_ROLE
from gateway.api.cursors import cursor_after
from gateway.leaktest.addresses import Taken
from tests.gateway.slack.signing import SECRET, signature
from tests.security.hidden import Hidden
from tests.security.routes import Route, routes
from tests.security.sent import Body, bodies_for, queries_for

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TELLING_METHODS = ("GET", "POST", "DELETE")  # with the other ids an address takes
SAFE = ("GET", "HEAD", "OPTIONS")
METHOD_NOT_ALLOWED = 405
TEXTS = ("external_id", "account", "scope")  # what a source calls its things
ROWS = ("document_row", "row")  # what the admin calls its things: of no table it shows, and of the one it does
PUBLIC = ("document", "conversation", "question", "passage")
KEYS = ("source", "pulled", "document", "person")
NAMED = {"content_type_id": "document_type", "app_label": "app"}  # parameters that take a word of Django's own

# What may differ between two answers that say the same, and why.
UNTOLD_HEADERS = {
    *("date", "expires"),  # when it was sent
    "content-length",  # follows from the body, which is compared itself
}
CSRF = re.compile(r'(name="csrfmiddlewaretoken" value=")[^"]*')  # masked anew for every response
COOKIE = re.compile(r"^Set-Cookie: ([^=]+)=", re.MULTILINE)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # of what the request itself made


@dataclass(frozen=True)
class Credential:
    """How the walker is known: a session, a token, or not at all."""

    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    forged: bool = False  # the request comes from a page of somebody else's, without the token of a form
    signs: bool = False  # as Slack does
    superuser: bool = False
    role: str = WEB_ROLE  # of the database, as in the web process

    def headers_for(self, body: str) -> dict[str, str]:
        if not self.signs:
            return dict(self.headers)
        now = str(int(time.time()))
        signed = signature(body.encode(), now, SECRET)
        return {**self.headers, "X-Slack-Request-Timestamp": now, "X-Slack-Signature": signed}


@dataclass(frozen=True)
class Asked:
    """One request, and what of it names something: its ids as they were typed."""

    route: str
    method: str
    path: str
    body: Body
    typed: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()  # what these are ids of

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body}"


@dataclass(frozen=True)
class Answered:
    """What came back, with what the walker typed themselves taken out."""

    asked: Asked
    status: int
    headers: tuple[tuple[str, str], ...]
    cookies: str
    body: str

    def leaks(self, words: Mapping[str, str]) -> list[str]:
        """Which of the words came back, by where they stand in the world."""
        everything = f"{self.headers} {self.cookies} {self.body}".lower()
        return [place for place, word in words.items() if word.lower() in everything]

    def same_as(self, other: "Answered") -> bool:
        return self.told == other.told

    @property
    def told(self) -> tuple[Any, ...]:
        headers = tuple((name, UUID.sub("<made>", value)) for name, value in self.headers if name not in UNTOLD_HEADERS)
        names = tuple(COOKIE.findall(self.cookies))  # their values are random: sessions and form tokens
        body = UUID.sub("<made>", CSRF.sub(r"\1", self.body)).replace("<typed>", "<made>")
        return self.status, headers, names, body


@dataclass
class Walk:
    """All that was asked and answered; `twins` are answers about something hidden and about nothing at all."""

    answers: list[Answered] = field(default_factory=list)
    twins: list[tuple[Answered, Answered]] = field(default_factory=list)

    def seen(self, words: Mapping[str, str]) -> set[str]:
        return {place for answer in self.answers for place in answer.leaks(words)}

    def leaks(self, words: Mapping[str, str]) -> list[str]:
        return [f"{answer.asked}: {found}" for answer in self.answers if (found := answer.leaks(words))]

    def told_apart(self) -> list[Answered]:
        return [foreign for foreign, unknown in self.twins if not foreign.same_as(unknown)]

    def broken(self) -> list[str]:
        return [f"{answer.asked}: {answer.status}" for answer in self.answers if answer.status >= 500]


def walk(hidden: Hidden, credential: Credential, *, thorough: bool) -> Walk:
    """Every address as this walker; `thorough`: with every kind of id each address takes."""
    return walked(credential, (pair for route in routes() for pair in requests_to(route, hidden, thorough=thorough)))


def walk_lists(hidden: Hidden, credential: Credential, queries: Sequence[Body]) -> Walk:
    """Every address that takes no id, once with each of these queries."""
    lists = [route for route in routes() if not route.parameters]
    return walked(credential, (twins(r, "GET", query, {}, hidden) for r in lists for query in queries))


def walked(credential: Credential, pairs: Iterable[tuple[Asked, Asked]]) -> Walk:
    """The answers to requests that come as twins: about something hidden, and about nothing.

    Where an address does not take a method, whatever is sent by it is refused unread: once is enough.
    """
    found, door = Walk(), Door(credential)
    about_nothing: dict[Asked, Answered] = {}
    refused: set[tuple[str, str]] = set()
    for foreign, unknown in pairs:
        if (foreign.route, foreign.method) in refused:
            continue
        answer = door.answer(foreign)
        found.answers.append(answer)
        if answer.status == METHOD_NOT_ALLOWED:
            refused.add((foreign.route, foreign.method))
        if foreign == unknown:
            continue
        if unknown not in about_nothing:
            about_nothing[unknown] = door.answer(unknown)
        found.twins.append((answer, about_nothing[unknown]))
    found.answers += about_nothing.values()
    return found


def requests_to(route: Route, hidden: Hidden, *, thorough: bool) -> Iterator[tuple[Asked, Asked]]:
    """Each request twice: about something hidden, and about nothing."""
    for number, naming in enumerate(namings(route, hidden, thorough=thorough)):
        for method in METHODS if number == 0 else TELLING_METHODS:
            for body in bodies_for(route.template, method, thorough=thorough and number == 0):
                yield twins(route, method, body, naming, hidden)
        if thorough and number == 0:
            for query in queries_for(route.queried, ("document", "question", "source", "email", "person")):
                yield twins(route, "GET", query, naming, hidden)


def twins(route: Route, method: str, body: Body, naming: Mapping[str, str], hidden: Hidden) -> tuple[Asked, Asked]:
    foreign = {**vars(hidden.foreign), "row": row_of(route) or hidden.foreign.document_row}
    unknown = {**vars(hidden.unknown), "row": hidden.unknown.document_row}
    return asked(route, method, body, naming, foreign), asked(route, method, body, naming, unknown)


def row_of(route: Route) -> str:
    """The number of a row that this page of the admin is about; of any, where it is about none."""
    model = route.shown_model
    newest = model._default_manager.order_by("-pk").first() if model is not None else None
    return str(newest.pk) if newest is not None else ""


def asked(route: Route, method: str, body: Body, naming: Mapping[str, str], ids: Mapping[str, str]) -> Asked:
    path = route.path({name: ids[kind] for name, kind in naming.items()})
    kinds = frozenset({*naming.values(), *body.names})
    typed = tuple(sorted({ids[kind] for kind in kinds}))  # not what stands in headers: nobody tells that back
    return Asked(route.template, method, path, body.filled(ids), typed, kinds)


def namings(route: Route, hidden: Hidden, *, thorough: bool) -> list[dict[str, str]]:
    """Which kind of id stands for each parameter: first the natural one, then each other in its place."""
    ids = vars(hidden.foreign)
    kinds = {name: kinds_for(name, route.takes[name], ids) for name in route.parameters}
    natural = {name: found[0] for name, found in kinds.items()}
    resolve(route.path({name: ids[kind] for name, kind in natural.items()}))  # raises if it leads nowhere
    others = [natural | {name: kind} for name, found in kinds.items() for kind in found[1:]]
    own = [naming | {"key": "own_source"} for naming in (natural, *others) if "key" in naming and len(naming) > 1]
    return [natural, *others, *own] if thorough else [natural]


def kinds_for(name: str, taken: Taken, ids: Mapping[str, str]) -> list[str]:
    if name in NAMED:
        return [NAMED[name]]
    if ids["external_id"] in taken:
        return list(ROWS if isinstance(taken.converter, PathConverter) else TEXTS)
    in_order = KEYS if isinstance(taken.converter, SlugConverter) else (*PUBLIC, "person", "glass", "report")
    kinds = [kind for kind in in_order if ids[kind] in taken]
    assert kinds, f"No id of the hidden world fits {taken.regex}: give Ids one that does."
    return kinds


class Door:
    """Where one credential knocks. What a request changed is taken back before the next."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self._client = Client(enforce_csrf_checks=credential.forged, raise_request_exception=False)
        self._streaming = AsyncClient(enforce_csrf_checks=credential.forged, raise_request_exception=False)

    def answer(self, asked: Asked) -> Answered:
        """The answer, read to its end, by the role of the database that the web process has."""
        before = "" if asked.method in SAFE else transaction.savepoint()
        set_role(self.credential.role)
        try:
            return self._answered(asked)
        finally:
            if before:
                transaction.savepoint_rollback(before)
                transaction.set_rollback(False)
            set_role(OWNER)

    def _answered(self, asked: Asked) -> Answered:
        response, content = self._read(asked)
        return _without_what_was_typed(
            Answered(
                asked,
                response.status_code,
                tuple(sorted((name.lower(), value) for name, value in response.items())),
                response.cookies.output(),
                content.decode(errors="replace"),
            )
        )

    def _read(self, asked: Asked) -> tuple[Any, bytes]:
        response: Any = self._sent(self._client, asked)
        if not response.streaming:
            return response, response.content
        if response.is_async:
            return async_to_sync(self._read_stream)(asked)
        return response, b"".join(response.streaming_content)

    async def _read_stream(self, asked: Asked) -> tuple[Any, bytes]:
        """Asked once more: a stream belongs to the event loop that began it."""
        response = await self._sent(self._streaming, asked)
        return response, b"".join([part async for part in response.streaming_content])

    def _sent(self, client: Client | AsyncClient, asked: Asked) -> Any:
        headers = dict(asked.body.headers)
        client.cookies = SimpleCookie(headers.pop("Cookie", ""))
        client.cookies.load(dict(self.credential.cookies))
        return client.generic(
            asked.method,
            asked.path,
            asked.body.content,
            content_type=asked.body.kind or "application/octet-stream",
            headers=headers
            | self.credential.headers_for(asked.body.content)
            | ({"Accept": asked.body.accept} if asked.body.accept else {}),
            query_params=QueryDict(asked.body.query) if asked.body.query else None,
        )


def set_role(role: str) -> None:
    """Until the end of the transaction, which is the test's."""
    rows("SELECT set_config('role', %s, true)", [role])


def _without_what_was_typed(answer: Answered) -> Answered:
    """An id that is told back to who typed it tells nothing; the path, and every longer id in any spelling."""
    typed = [each for each in (answer.asked.body.query, *answer.asked.typed) if len(each) > 6]
    spellings = {spelling for each in (answer.asked.path, *typed) for spelling in spellings_of(each)}
    longest_first = sorted(spellings, key=len, reverse=True) if answer.asked.typed else []

    def without(text: str) -> str:
        for spelling in longest_first:
            text = text.replace(spelling, "<typed>")
        return text

    return replace(
        answer,
        headers=tuple((name, without(value)) for name, value in answer.headers),
        cookies=without(answer.cookies),
        body=without(answer.body),
    )


@cache
def spellings_of(text: str) -> set[str]:
    once = {quote(text), quote(text, safe="")}
    twice = {quote(each, safe=safe) for each in once for safe in ("", "/")}
    return {text, *once, *twice, html.escape(text), json.dumps(text)[1:-1], cursor_after(text)}
