"""What is sent to each address: nothing, an empty object, a form, and what the address is there for.

`{document}` and the like stand for ids: of something hidden, and of nothing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from tests.security.hidden import ASKED

NAME = re.compile(r"\{([a-z_]+)\}")
EVENTS = "text/event-stream"
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Body:
    """A request's content and query, as templates."""

    content: str = ""
    kind: str = ""
    accept: str = ""
    query: str = ""

    @property
    def names(self) -> set[str]:
        return set(NAME.findall(self.content + self.query))

    def filled(self, ids: Mapping[str, str]) -> "Body":
        def id_of(name: re.Match[str]) -> str:
            return ids[name[1]]

        return replace(self, content=NAME.sub(id_of, self.content), query=NAME.sub(id_of, self.query))

    def __str__(self) -> str:
        return " ".join(part for part in (self.query and f"?{self.query}", self.content) if part)


def as_json(**fields: Any) -> Body:
    return Body(json.dumps(fields), "application/json")


def as_form(**fields: str) -> Body:
    return Body(urlencode(fields, safe="{}"), "application/x-www-form-urlencoded")


def as_lines(*records: dict[str, Any]) -> Body:
    return Body("\n".join(map(json.dumps, records)), "application/jsonl")


def streamed(body: Body) -> Body:
    return replace(body, accept=EVENTS)


NOTHING = Body()
TO_ANY = (
    as_json(),
    as_form(question=ASKED, query=ASKED, q=ASKED, verdict="up", comment="Fine.", active="no", username="x"),
)
A_DOCUMENT = {"title": "Kestrel", "text": ASKED, "scope": "{scope}", "grants": ["{account}"], "deny": ["{account}"]}
TO: dict[str, tuple[Body, ...]] = {
    "api/v1/ask": (
        as_json(question=ASKED),
        as_json(question=ASKED, stream=True),
        streamed(as_json(question=ASKED, conversation="{conversation}")),
        as_json(question=ASKED, conversation="{conversation}"),
        as_json(question=ASKED, sources=["{source}"]),
        as_json(question=ASKED, filters={"source": "{source}"}, stream=True),
    ),
    "api/v1/search": (
        *(as_json(query=ASKED, mode=mode, limit=50) for mode in ("hybrid", "vector", "text")),
        as_json(query=ASKED, sources=["{source}"]),
        as_json(query=ASKED, filters={"source": "{source}"}),
        as_json(query="{external_id}"),
    ),
    "api/v1/questions/%(id)s/feedback": (as_json(verdict="up", comment="Fine."),),
    "api/v1/me": (as_json(style="short"),),
    "api/v1/sources/%(key)s/principals/%(id)s": (
        as_json(kind="group", members=["{account}"]),
        as_json(kind="user", email="{email}", external=False),
    ),
    "api/v1/sources/%(key)s/scopes/%(id)s": (as_json(name="x", parent="{scope}", grants=["{account}"]),),
    "api/v1/sources/%(key)s/documents/%(id)s": (as_json(**A_DOCUMENT),),
    "api/v1/sources/%(key)s/batch": (
        as_lines({"type": "document", "id": "{external_id}", **A_DOCUMENT}, {"type": "scope", "id": "{scope}"}),
    ),
    "ask/": (
        as_form(question=ASKED),
        streamed(as_form(question=ASKED)),
        as_form(question=ASKED, conversation="{conversation}"),
        streamed(as_form(question=ASKED, conversation="{conversation}")),
    ),
    "sign-in/": (as_form(username="{email}", password="a wrong password"),),
    "admin/login/": (as_form(username="{email}", password="a wrong password"),),
    "slack/events": (as_json(type="event_callback", event={"type": "message", "text": ASKED, "channel_type": "im"}),),
    "slack/commands": (as_form(command="/ask", text=ASKED, user_id="U1", team_id="T1", channel_id="C1"),),
}
# Names of filters that would widen a list if an address took them from its query.
WIDENING = (
    "_connector=OR&_negated=1",
    "_connector=OR%29+OR+1%3D1&_negated=True",
    "owner={person}&user={person}&reader={person}&as={email}",
    "source={source}",
    "conversation__owner={person}&pk__gt=0&id__isnull=False",
    "search=Kestrel&q=Kestrel&query=Kestrel",
    "expand=all&include=document&fields=*&format=json&limit=100000&all=1&state=deleted&debug=1",
    "before=2999-01-01T00:00:00%2B00:00&after=0&cursor={document}&page=1&start=0&end=9",
    "%2B__title__startswith=Kestrel&source__%2B__title__contains=Kestrel",
)


def bodies_for(template: str, method: str) -> tuple[Body, ...]:
    if method not in WITH_BODY:
        return (NOTHING,)
    return (*(TO_ANY if method == "POST" else TO_ANY[:1]), *TO.get(template, ()))
