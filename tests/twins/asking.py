"""Everything one reader can ask, at every address: about what they know, what is hidden, and what is not at all."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from uuid import UUID

from tests.security.hidden import Ids
from tests.security.routes import Route, routes
from tests.security.sent import Body, as_form, as_json, bodies_for, streamed
from tests.security.walking import METHODS, Asked, asked, kinds_for
from tests.twins.worlds import QUESTIONS

KNOWN, HIDDEN = "known", "hidden by one"
NOTHING = str(UUID(int=17, version=4))
LIST = "api/v1/documents"
MODES = ("hybrid", "vector", "text")
# Where whoever runs the system is told of it: its sources, people, runs and numbers (P12). Asked by everyone else.
FOR_STAFF = {
    "admin/": "the stock admin: people, sources, runs",
    "console/": "the console: counts of each source, people, the audit",
    "api/v1/sources": "the sources there are",
    "api/v1/sync-runs": "how they were read",
    "api/v1/users": "the people there are",
    "api/v1/audit": "what was given to answerers, by its ids",
    "api/v1/access/": "why somebody may read something: for auditors",
}
# Where what a reader may read is shown: asked about every kind of id. Elsewhere one refusal is like another.
OF_CONTENT = ("api/v1/documents", "api/v1/conversations", "api/v1/questions", "documents/", "questions/")
# Addresses whose answers go by nearness in meaning: which of the permitted passages an approximate index finds is
# excepted (P14).
BY_MEANING = frozenset({"api/v1/search", "api/v1/ask", "ask/"})


@dataclass(frozen=True)
class Names:
    """What stands for each kind of id in an address or body: of something known, or hidden, or of nothing."""

    document: str = NOTHING
    passage: str = NOTHING
    conversation: str = NOTHING
    question: str = NOTHING
    external_id: str = "nothing/17"
    scope: str = "nothing"
    account: str = "nothing"
    source: str = "nothing"
    person: str = "17"

    @property
    def ids(self) -> Mapping[str, str]:
        other = {"email": "nobody@example.org", "document_type": "7", "own_source": "docs", "app": "accounts"}
        told = {each.name: other.get(each.name, self.person) for each in fields(Ids)} | {"row": "17"}
        return told | {"pulled": self.source} | vars(self)


@cache
def every_route() -> tuple[Route, ...]:
    return tuple(routes())


def requests(names: Mapping[str, Names], chance: random.Random, *, thorough: bool, staff: bool) -> Iterator[Asked]:
    """All that is asked in one world. `thorough`: by every method, with every body and every kind of id."""
    for route in every_route():
        if staff and route.template.startswith(tuple(FOR_STAFF)):
            continue
        yield from to_read(route, names, thorough=thorough)
        yield from to_search_and_ask(route, names, chance)
        if thorough:
            yield from by_every_method(route, names)


def to_read(route: Route, names: Mapping[str, Names], *, thorough: bool) -> Iterator[Asked]:
    """By GET; where content is shown, with each kind of id, else with that of something hidden."""
    every = thorough or route.template.startswith(OF_CONTENT)
    for title, which in names.items():
        for body in bodies_for(route.template, "GET"):
            named = route.parameters or body.names
            if title == (HIDDEN if named and not every else KNOWN) or (named and every):
                yield asked(route, "GET", body, natural(route, which.ids), which.ids)


def by_every_method(route: Route, names: Mapping[str, Names]) -> Iterator[Asked]:
    for which in (names[KNOWN], names[HIDDEN]):
        for naming in every_naming(route, which.ids):
            for method in METHODS:
                for body in bodies_for(route.template, method, thorough=True):
                    yield asked(route, method, body, naming, which.ids)


def to_search_and_ask(route: Route, names: Mapping[str, Names], chance: random.Random) -> Iterator[Asked]:
    sent = {"api/v1/search": searches, "api/v1/ask": questions, "ask/": questions_on_a_page}.get(route.template)
    for body in sent(chance) if sent else ():
        for which in (names[KNOWN], names[HIDDEN]) if body.names else (names[KNOWN],):
            yield asked(route, "POST", body, {}, which.ids)


def searches(chance: random.Random) -> Iterator[Body]:
    for mode in MODES:
        for question in chance.sample(QUESTIONS, 2):
            yield as_json(query=question, mode=mode, limit=chance.choice((1, 5, 10, 50)))
    yield as_json(query=chance.choice(QUESTIONS), sources=["docs", "{source}"])
    yield as_json(query="{external_id}", mode=chance.choice(MODES))


def questions(chance: random.Random) -> Iterator[Body]:
    yield as_json(question=chance.choice(QUESTIONS), conversation="{conversation}")
    yield streamed(as_json(question=chance.choice(QUESTIONS)))


def questions_on_a_page(chance: random.Random) -> Iterator[Body]:
    yield as_form(question=chance.choice(QUESTIONS))
    yield streamed(as_form(question=chance.choice(QUESTIONS)))


def natural(route: Route, ids: Mapping[str, str]) -> dict[str, str]:
    return {name: kinds_for(name, route.takes[name], ids)[0] for name in route.parameters}


def every_naming(route: Route, ids: Mapping[str, str]) -> list[dict[str, str]]:
    first = natural(route, ids)
    others = [first | {n: kind} for n in route.parameters for kind in kinds_for(n, route.takes[n], ids)[1:]]
    return [first, *others]


def next_page(answered: Asked, body: bytes) -> Asked | None:
    """The request for the next page of a list, if there is one."""
    cursor = json.loads(body)["next_cursor"]
    return replace(answered, body=Body(query=f"cursor={cursor}")) if cursor else None


def knows_tokens(asked: Asked) -> bool:
    """Whether a token opens more here than a session of the same person does, or less."""
    return asked.route.startswith(("api/v1/search", "api/v1/ask", "api/v1/me", *OF_CONTENT[:3]))


def uses_meaning(asked: Asked) -> bool:
    return asked.route in BY_MEANING and '"mode": "text"' not in asked.body.content
