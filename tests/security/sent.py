"""What is sent to each address: nothing, an empty object, a form, and what the address is there for.

`{document}` and the like stand for ids: of something hidden, and of nothing. `{document:cursor}` is a cursor that
names it.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from gateway.api.cursors import cursor_after
from tests.security.hidden import ASKED

NAME = re.compile(r"\{([a-z_]+)(:cursor)?\}")
EVENTS = "text/event-stream"
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Body:
    """A request's content, query and further headers, as templates."""

    content: str = ""
    kind: str = ""
    accept: str = ""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> set[str]:
        """Which ids are sent where an address may look for them. In a header it never may."""
        return {name for name, _ in NAME.findall(self.content + self.query)}

    def filled(self, ids: Mapping[str, str]) -> "Body":
        def id_of(name: re.Match[str]) -> str:
            return cursor_after(ids[name[1]]) if name[2] else ids[name[1]]

        return replace(
            self,
            content=NAME.sub(id_of, self.content),
            query=NAME.sub(id_of, self.query),
            headers=tuple((header, NAME.sub(id_of, value)) for header, value in self.headers),
        )

    def __str__(self) -> str:
        shown = (self.query and f"?{self.query}", self.content, self.headers and f"with {dict(self.headers)}")
        return " ".join(part for part in shown if part)


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
# Ids where no address looks for them today, however deep: the thorough walk sends them everywhere.
IN_BODIES = (
    as_json(
        id="{document}",
        ids=[["{document}", ["{passage}"]], {"id": "{conversation}"}],
        filter={"document": {"in": ["{document}"]}, "or": [{"question": "{question}"}, {"scope": "{scope}"}]},
        question=ASKED,
        query=ASKED,
    ),
    as_form(id="{document}", document="{document}", conversation_id="{conversation}", pk="{question}", scope="{scope}"),
)
A_DOCUMENT = {"title": "Kestrel", "text": ASKED, "scope": "{scope}", "grants": ["{account}"], "deny": ["{account}"]}
LISTS: dict[str, Any] = {
    "grants": ["{account}", {"id": "{account}", "until": "2999-01-01T00:00:00Z"}],
    "restrictions": [["{account}"], ["{account}", "everyone"]],
    "deny": ["{account}"],
    "inherits": False,
}
TO: dict[str, tuple[Body, ...]] = {
    "api/v1/ask": (
        as_json(question=ASKED),
        as_json(question=ASKED, stream=True),
        streamed(as_json(question=ASKED, conversation="{conversation}")),
        as_json(question=ASKED, conversation="{conversation}"),
        as_json(question=ASKED, sources=["{source}"]),
        as_json(question=ASKED, filters={"source": "{source}"}, stream=True),
        as_json(question=ASKED, sources=["{own_source}", "{source}"], filters={"source": ["{source}", "{own_source}"]}),
        as_json(question=ASKED, conversation="{question}"),
        as_json(question=ASKED, conversation="{document}", sources=["{source}"]),
        as_json(question=ASKED, conversation={"id": "{conversation}"}),
        as_json(question=ASKED, conversation=["{conversation}"]),
        as_json(question=ASKED, sources=[["{source}"]]),
        as_json(question=ASKED, filters={"source": {"in": ["{source}"]}}),
        as_json(question=ASKED, filters={"document": "{document}", "conversation": "{conversation}"}),
    ),
    "api/v1/summaries": (
        as_json(document="{document}"),
        as_json(query=ASKED),
        streamed(as_json(document="{document}")),
        as_json(query=ASKED, conversation="{conversation}"),
        as_json(query=ASKED, sources=["{source}"], withheld=True),
    ),
    "api/v1/facts": (
        as_json(document="{document}"),
        as_json(query=ASKED),
        as_json(query=ASKED, sources=["{source}"]),
    ),
    "documents/%(id)s/summary/": (streamed(as_form(question=ASKED)),),
    "questions/%(id)s/summary/": (streamed(as_form(question=ASKED)),),
    "api/v1/search": (
        *(as_json(query=ASKED, mode=mode, limit=50) for mode in ("hybrid", "vector", "text")),
        as_json(query=ASKED, sources=["{source}"]),
        as_json(query=ASKED, filters={"source": "{source}"}),
        as_json(query="{external_id}"),
        as_json(query="{document} {email}", mode="text"),
        as_json(query=ASKED, sources=["{own_source}", "{source}"], filters={"source": ["{source}", "{own_source}"]}),
        as_json(query=ASKED, sources=[["{source}"]]),
        as_json(query=ASKED, filters={"source": {"in": ["{source}"]}}),
        as_json(query=ASKED, filters={"document": ["{document}"], "scope": "{scope}"}),
    ),
    "api/v1/conversations/%(id)s": (as_json(title="Kestrel"),),
    "api/v1/conversations/%(id)s/shares": (as_json(address="{email}"),),
    "conversations/%(id)s/share/": (as_form(address="{email}"),),
    "conversations/%(id)s/take-back/": (as_form(address="{email}"),),
    "api/v1/questions/%(id)s/feedback": (as_json(verdict="up", comment="Fine."),),
    "api/v1/me": (as_json(style="short"),),
    "api/v1/sources/%(key)s/principals/%(id)s": (
        as_json(kind="group", members=["{account}"]),
        as_json(kind="user", email="{email}", external=False),
        as_json(kind="group", members=[{"id": "{account}", "until": "2999-01-01T00:00:00Z"}]),
        as_json(kind="group", members=[["{account}"]]),
    ),
    "api/v1/sources/%(key)s/scopes/%(id)s": (
        as_json(name="x", parent="{scope}", grants=["{account}"]),
        as_json(name="x", **LISTS),
    ),
    "api/v1/sources/%(key)s/documents/%(id)s": (
        as_json(**A_DOCUMENT),
        as_json(title="Kestrel", text=ASKED, **LISTS),
        as_json(title="Kestrel", text=ASKED, restrictions=[[["{account}"]]]),
    ),
    "api/v1/sources/%(key)s/batch": (
        as_lines({"type": "document", "id": "{external_id}", **A_DOCUMENT}, {"type": "scope", "id": "{scope}"}),
        as_lines(
            {"type": "principal", "id": "{account}", "kind": "group", "members": ["{account}"]},
            {"type": "scope", "id": "{scope}", "parent": "{scope}", **LISTS},
            {"type": "access", "kind": "document", "id": "{external_id}", "scope": "{scope}", **LISTS},
            {"type": "access", "kind": "scope", "id": "{scope}"},
            {"type": "deletion", "kind": "document", "id": "{external_id}"},
            {"type": "deletion", "kind": "principal", "id": "{account}"},
        ),
    ),
    "ask/": (
        as_form(question=ASKED),
        streamed(as_form(question=ASKED)),
        as_form(question=ASKED, conversation="{conversation}"),
        streamed(as_form(question=ASKED, conversation="{conversation}")),
        as_form(question=ASKED, conversation="{question}"),
    ),
    "console/what-if/": (
        as_form(source="{source}", member="{account}", change="leaves", group="{scope}"),
        as_form(source="{source}", records=json.dumps({"type": "deletion", "kind": "document", "id": "{external_id}"})),
        as_form(
            source="{source}",
            records=json.dumps({"type": "access", "kind": "scope", "id": "{scope}", "grants": ["{account}"]}),
        ),
        as_form(source="{source}", records=json.dumps({"type": "document", "id": "{external_id}", **A_DOCUMENT})),
    ),
    "console/add-source/": (
        as_form(kind="folder", key="fresh", regardless="yes", **{"set-path": "/nowhere"}),
        as_form(kind="folder", key="{source}", regardless="yes", **{"set-path": "/nowhere"}),
    ),
    "console/sources/%(key)s/settings/": (
        as_form(**{"set-path": "/elsewhere"}),
        as_form(regardless="yes", **{"set-path": "/elsewhere"}),
    ),
    "console/sources/%(key)s/delete/": (as_form(confirm="{source}"), as_form(confirm="{pulled}")),
    "console/sources/%(key)s/retry/": (as_form(document="{document}"), as_form(reason="empty")),
    "console/sources/%(key)s/anew/": (as_form(contents="yes"),),
    "console/people/%(id)s/active/": (as_form(active="no"),),
    "console/break-glass/": (
        as_form(person="charlie@example.org", document="{document}", reason="The tender.", hours="1"),
        as_form(person="charlie@example.org", source="{source}", scope="{scope}", reason="The tender.", hours="1"),
    ),
    "sign-in/": (as_form(username="{email}", password="a wrong password"),),
    "admin/login/": (as_form(username="{email}", password="a wrong password"),),
    "slack/events": (
        as_json(type="event_callback", event={"type": "message", "text": ASKED, "channel_type": "im"}),
        as_json(
            type="event_callback",
            event_id="{document}",
            team_id="T1",
            event={"type": "message", "channel_type": "im", "user": "{email}", "text": "{document}", "channel": "C1"},
        ),
    ),
    "slack/commands": (
        as_form(command="/ask", text=ASKED, user_id="U1", team_id="T1", channel_id="C1"),
        as_form(
            command="/ask", text="{document}", user_id="{email}", team_id="T1", channel_id="C1", trigger_id="{question}"
        ),
    ),
}
# What pages look for in their query.
QUERIES: dict[str, tuple[str, ...]] = {
    "api/v1/access/explain": ("user={email}&document={document}", "user=charlie@example.org&document={document}"),
    "api/v1/access/documents": ("user={email}", "user={email}&cursor={document:cursor}"),
    "api/v1/access/readers": ("document={document}",),
    "console/access/": ("user={email}&document={document}", "user=charlie@example.org&document={document}"),
    "console/access/documents/": ("user={email}", "user=charlie@example.org&after={document}"),
    "console/people/": ("search={email}",),
    "console/add-source/": ("kind=folder", "kind={source}"),
    "console/runs/": ("source={source}",),
    "console/sources/%(key)s/quarantined/": ("reason=empty", "reason={document}&after={document}"),
    "api/v1/conversations": ("search=Kestrel", "search={document}"),
    "api/v1/conversations/%(id)s": ("withheld=true",),
    "api/v1/conversations/%(id)s/shares": ("address={email}",),
    "questions/": ("before={question}",),
    "questions/%(id)s/": ("left-out=shown",),
    "conversations/": ("search=Kestrel", "before={question}&search={document}"),
    "documents/%(id)s/": ("start=0&end=9&part=1",),
}
# Headers that something in front of the gateway, a browser or a library gives a meaning to: none has one here.
HEADERS = (
    ("Referer", "http://testserver/documents/{document}/?conversation={conversation}"),
    ("Cookie", "conversation={conversation}; document={document}; user={person}; source={source}"),
    ("If-Match", '"{document}"'),
    ("If-None-Match", '"{question}", W/"{document}"'),
    ("Range", "documents={document}-"),
    ("Last-Event-ID", "{question}"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Original-URL", "/documents/{document}/"),
    ("X-Rewrite-URL", "/questions/{question}/"),
    ("X-Forwarded-Prefix", "/documents/{document}"),
    ("X-Forwarded-User", "{email}"),
    ("X-Remote-User", "{email}"),
    ("Remote-User", "{email}"),
    ("X-User-Id", "{person}"),
    ("X-Source", "{source}"),
    ("X-Document-Id", "{document}"),
    ("X-Conversation-Id", "{conversation}"),
    ("X-Request-Id", "{passage}"),
    ("HX-Current-URL", "http://testserver/questions/{question}/"),
    ("HX-Prompt", "{external_id}"),
    ("HX-Target", "{document}"),
)
AS_FRAGMENT = (("HX-Request", "true"),)
IN_HEADERS = (Body(headers=HEADERS), Body(headers=HEADERS + AS_FRAGMENT))
EVERYWHERE = (*IN_BODIES, replace(TO_ANY[1], headers=HEADERS + AS_FRAGMENT))
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
    "id__in={document}&pk={document_row}&public_id__exact={document}&owner__email__startswith={email}",
    "document={document}&question={question}&passage={passage}&scope={scope}&ids[]={document}&id[$ne]={document}",
    "before={conversation}&after={document}&cursor={document:cursor}&page={document}&start={document}",
    "_to_field=id&_popup=1&_facets=True&e=1&o=1.-2&p=0&q={external_id}&_changelist_filters=q%3D{document}",
    "%2B__title__startswith=Kestrel&source__%2B__title__contains=Kestrel",
)


def bodies_for(template: str, method: str, *, thorough: bool = False) -> tuple[Body, ...]:
    """What is sent to an address; `thorough`: with ids also where none belongs."""
    if method not in WITH_BODY:
        asked = tuple(Body(query=query) for query in QUERIES.get(template, ())) if method == "GET" else ()
        return (NOTHING, *asked, *(IN_HEADERS if thorough and method == "GET" else ()))
    usual = (*(TO_ANY if method == "POST" else TO_ANY[:1]), *TO.get(template, ()))
    return (*usual, *EVERYWHERE) if thorough and method == "POST" else usual


def queries_for(parameters: Collection[str], kinds: Collection[str]) -> Iterator[Body]:
    """Every parameter an address says it takes, with every kind of id as it is and as a cursor; and all of them."""
    for name in sorted(parameters):
        for kind in kinds:
            yield Body(query=f"{name}={{{kind}}}")
            yield Body(query=f"{name}={{{kind}:cursor}}")
    if parameters:
        named = sorted(name for name in parameters if name in ("user", "reader", "document", "source"))
        yield Body(query="&".join(f"{name}={{{natural_kind(name, kinds)}}}" for name in named))


def natural_kind(parameter: str, kinds: Collection[str]) -> str:
    """The kind of id a parameter is called after; for a cursor and whatever else, a document's."""
    called = {"user": "email", "reader": "person", "cursor": "document:cursor"}.get(parameter, parameter)
    return called if called.partition(":")[0] in kinds else "document"
