"""A made-up Confluence Cloud site on loopback: the shapes of its public API documentation, and strict about requests.

What may be asked stands in `ASKABLE`: a path and its parameters, after https://developer.atlassian.com/cloud/confluence
(REST v2, and v1 where v2 has nothing). Anything else is answered with 400 and remembered.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from connectors.kit.system import Answer, Asked, System

NUMBER, LIST, ANY = r"[0-9]+", r"[0-9]+(,[0-9]+)*", r".+"
CURSOR = {"cursor": ANY, "limit": r"([1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|250)"}
COUNTED = {"start": NUMBER, "limit": NUMBER}
ASKABLE: dict[str, Mapping[str, str]] = {
    r"GET /wiki/api/v2/spaces": {**CURSOR, "status": "current|archived", "keys": ANY},
    r"GET /wiki/api/v2/spaces/([0-9]+)/permissions": CURSOR,
    r"GET /wiki/api/v2/spaces/([0-9]+)/role-assignments": CURSOR,
    r"GET /wiki/api/v2/space-roles": CURSOR,
    r"GET /wiki/api/v2/space-role-mode": {},
    r"GET /wiki/api/v2/pages": {**CURSOR, "space-id": LIST, "status": r"(current|archived|trashed|deleted|,)+"},
    r"GET /wiki/api/v2/blogposts": {**CURSOR, "space-id": LIST, "status": r"(current|trashed|deleted|,)+"},
    r"GET /wiki/api/v2/(pages|blogposts)/([0-9]+)": {"body-format": "storage", "version": NUMBER},
    r"GET /wiki/api/v2/(folders|whiteboards|databases|embeds)/([0-9]+)": {},
    r"GET /wiki/api/v2/attachments": {**CURSOR, "status": "current"},
    r"GET /wiki/api/v2/(footer|inline)-comments": CURSOR,
    r"GET /wiki/api/v2/(pages|blogposts)/([0-9]+)/(footer|inline)-comments": {**CURSOR, "body-format": "storage"},
    r"GET /wiki/api/v2/(footer|inline)-comments/([0-9]+)/children": {**CURSOR, "body-format": "storage"},
    r"POST /wiki/api/v2/users-bulk": {},
    r"GET /wiki/rest/api/group": {**COUNTED, "accessType": "user|admin|site-admin"},
    r"GET /wiki/rest/api/group/([A-Za-z0-9-]+)/membersByGroupId": COUNTED,
    r"GET /wiki/rest/api/content/search": {
        "cql": ANY,
        "expand": ANY,
        "limit": NUMBER,
        "cursor": ANY,
        "next": "true",
        "start": NUMBER,  # both only as the link to the next page has them
    },
    r"GET /wiki/rest/api/content/([0-9]+)/restriction/byOperation/read": {**COUNTED, "expand": ANY},
    r"GET /wiki/rest/api/content/([0-9]+)/child/attachment/(att[0-9]+)/download": {"version": NUMBER},
    r"GET /media/(att[0-9]+)": {"token": ANY},
}
WHEN = "2024-05-01T10:00:00.000Z"
Json = dict[str, Any]
READERS: tuple[list[str], list[str]] = ([], [])


@dataclass
class Page:
    id: str
    title: str
    space: str = "1"
    parent: str | None = None
    parent_type: str = "page"
    status: str = "current"
    version: int = 1
    body: str = ""
    kind: str = "page"
    author: str = "ann"
    bodies: dict[int, str] = field(default_factory=dict)  # of earlier versions


@dataclass
class Comment:
    id: str
    page: str
    body: str
    parent: str | None = None
    version: int = 1
    kind: str = "footer"
    selection: str = ""


@dataclass
class Attachment:
    id: str
    page: str
    title: str
    content: bytes
    media: str = "text/plain"
    version: int = 1
    size: int | None = None


@dataclass
class Account:
    id: str
    email: str = ""
    type: str = "atlassian"
    status: str = "active"
    external: bool = False


class AConfluence:
    """What is there, in public fields; `wrong` has what was asked against the documentation."""

    def __init__(self) -> None:
        self.system = System(self.answer)
        self.most = 2  # entries of a page, whatever is asked for
        self.spaces: dict[str, Json] = {}
        self.permissions: dict[str, list[Json]] = {}
        self.assignments: dict[str, list[Json]] = {}
        self.roles: list[Json] = []
        self.mode: str | None = None
        self.pages: dict[str, Page] = {}
        self.comments: dict[str, Comment] = {}
        self.attachments: dict[str, Attachment] = {}
        self.restrictions: dict[str, tuple[list[str], list[str]]] = {}  # accounts and groups that may view
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, list[str]] = {}
        self.access: dict[str, list[str]] = {"user": ["users"], "admin": ["admins"], "site-admin": []}
        self.guests: set[str] = set()
        self.not_indexed: set[str] = set()
        self.shown_readers = 100  # of a restriction within a search
        self.instead: dict[str, Callable[[Asked], Answer | None]] = {}  # by a pattern of "METHOD path"
        self.wrong: list[str] = []
        self.authorization = "Basic " + base64.b64encode(b"bot@example.org:secret").decode()
        self.prefix = ""
        self.media = ""  # another server's address for downloads

    # --- what is told ---------------------------------------------------------------------------------------------

    def space(self, id: str, key: str, *readers: str, type: str = "global", name: str = "") -> None:
        """`readers`: accounts, or groups with a colon before them."""
        self.spaces[id] = {"id": id, "key": key, "name": name or key.title(), "type": type, "status": "current"}
        self.permissions[id] = [permission(reader) for reader in readers]

    def add(self, page: Page) -> None:
        self.pages[page.id] = page

    def edit(self, id: str, body: str) -> None:
        page = self.pages[id]
        page.bodies[page.version] = page.body
        page.version, page.body = page.version + 1, body

    def people(self, *names: str) -> None:
        for name in names:
            self.accounts[name] = Account(name, f"{name}@example.org")

    def refuse(self, pattern: str, status: int, body: Any = None) -> None:
        said = Answer({"message": "No."} if body is None else body, status)
        self.instead[pattern] = lambda asked: said

    def say(self, pattern: str, body: Any) -> None:
        self.instead[pattern] = lambda asked: Answer(body)

    @contextmanager
    def running(self) -> Iterator["AConfluence"]:
        with self.system.running():
            yield self

    @property
    def url(self) -> str:
        return self.system.url + self.prefix

    def asked(self, pattern: str) -> int:
        """How many requests there were of this kind."""
        return sum(bool(re.search(pattern, f"{asked.method} {asked.path}")) for asked in self.system.asked)

    # --- answers --------------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Answer:
        path = asked.path.removeprefix(self.prefix)
        called = f"{asked.method} {path}"
        query = dict(parse_qsl(asked.target.partition("?")[2], keep_blank_values=True))
        wrong = self._wrong(called, asked, query)
        if wrong:
            self.wrong.append(wrong)
            return Answer({"message": wrong}, 400)
        if not path.startswith("/media/") and asked.headers.get("authorization") != self.authorization:
            return Answer({"message": "Unauthorized"}, 401)
        for pattern, instead in self.instead.items():
            if re.search(pattern, called):
                said = instead(asked)
                if said is not None:
                    return said
        return self._answer(called, asked, query)

    def _wrong(self, called: str, asked: Asked, query: dict[str, str]) -> str:
        for pattern, parameters in ASKABLE.items():
            if re.fullmatch(pattern, called):
                for name, value in query.items():
                    if name not in parameters or not re.fullmatch(parameters[name], value):
                        return f"{called} has no parameter {name}={value}"
                if len(parse_qsl(asked.target.partition("?")[2])) != len(query):
                    return f"{called} has a parameter twice"
                return ""
        return f"{called} is no question of the API"

    def _answer(self, called: str, asked: Asked, query: dict[str, str]) -> Answer:
        path = called.partition(" ")[2].removeprefix("/wiki")
        for pattern, answer in self._routes():
            found = re.fullmatch(pattern, path)
            if found:
                return answer(path, query, asked, *found.groups())
        raise AssertionError(called)

    def _routes(self) -> list[tuple[str, Callable[..., Answer]]]:
        return [
            (r"/api/v2/spaces", self._spaces),
            (r"/api/v2/spaces/(\d+)/permissions", self._permissions),
            (r"/api/v2/spaces/(\d+)/role-assignments", self._assignments),
            (r"/api/v2/space-roles", lambda p, q, a: self._listed(p, q, self.roles)),
            (r"/api/v2/space-role-mode", self._mode),
            (r"/api/v2/(pages|blogposts)", self._pages),
            (r"/api/v2/(pages|blogposts|folders|whiteboards|databases|embeds)/(\d+)", self._page),
            (r"/api/v2/attachments", self._attachments),
            (r"/api/v2/(footer|inline)-comments", self._comments),
            (r"/api/v2/(?:pages|blogposts)/(\d+)/(footer|inline)-comments", self._comments_of),
            (r"/api/v2/(footer|inline)-comments/(\d+)/children", self._replies),
            (r"/api/v2/users-bulk", self._users),
            (r"/rest/api/group", self._groups),
            (r"/rest/api/group/(.+)/membersByGroupId", self._members),
            (r"/rest/api/content/search", self._search),
            (r"/rest/api/content/(\d+)/restriction/byOperation/read", self._restriction),
            (r"/rest/api/content/(\d+)/child/attachment/(att\d+)/download", self._download),
            (r"/media/(att\d+)", lambda p, q, a, id: Answer(self.attachments[id].content)),
        ]

    def _listed(self, path: str, query: dict[str, str], entries: list[Json]) -> Answer:
        start = int(query.get("cursor", "c0")[1:])
        most = min(self.most, int(query.get("limit", "25")))
        links = {"base": "https://example.atlassian.net/wiki"}
        if start + most < len(entries):
            kept = "&".join(
                f"{name}={quote(value)}" for name, value in query.items() if name not in ("cursor", "next", "start")
            )
            links["next"] = f"/wiki{path}?{kept}&cursor=c{start + most}"
        return Answer({"results": entries[start : start + most], "_links": links})

    def _counted(self, query: dict[str, str], entries: list[Json]) -> Json:
        start, most = int(query.get("start", "0")), min(self.most, int(query.get("limit", "200")))
        shown = entries[start : start + most]
        links = {"next": "/rest/api/more"} if start + most < len(entries) else {}
        return {"results": shown, "start": start, "limit": most, "size": len(shown), "_links": links}

    def _spaces(self, path: str, query: dict[str, str], asked: Asked) -> Answer:
        keys = query["keys"].split(",") if "keys" in query else None
        found = [space for space in self.spaces.values() if keys is None or space["key"] in keys]
        return self._listed(path, query, [one for one in found if one["status"] == query.get("status", "current")])

    def _permissions(self, path: str, query: dict[str, str], asked: Asked, id: str) -> Answer:
        return self._listed(path, query, self.permissions[id]) if id in self.permissions else missing()

    def _assignments(self, path: str, query: dict[str, str], asked: Asked, id: str) -> Answer:
        return self._listed(path, query, self.assignments.get(id, []))

    def _mode(self, path: str, query: dict[str, str], asked: Asked) -> Answer:
        return Answer({"mode": self.mode}) if self.mode else missing()

    def _pages(self, path: str, query: dict[str, str], asked: Asked, kind: str) -> Answer:
        spaces, states = query.get("space-id"), query.get("status", "current").split(",")
        found = [
            shown(page)
            for page in self.pages.values()
            if page.kind + "s" == kind and page.status in states and (spaces is None or page.space in spaces.split(","))
        ]
        return self._listed(path, query, found)

    def _page(self, path: str, query: dict[str, str], asked: Asked, kind: str, id: str) -> Answer:
        page = self.pages.get(id)
        if page is None or page.kind + "s" != kind:
            return missing()
        found = shown(page)
        version = int(query.get("version", page.version))
        if "body-format" in query:
            body = page.body if version == page.version else page.bodies[version]
            found["body"] = {"storage": {"representation": "storage", "value": body}}
        found["version"]["number"] = version
        return Answer({**found, "_links": {**found["_links"], "base": "https://example.atlassian.net/wiki"}})

    def _attachments(self, path: str, query: dict[str, str], asked: Asked) -> Answer:
        return self._listed(path, query, [self._file(one) for one in self.attachments.values()])

    def _file(self, one: Attachment) -> Json:
        container = "blogPostId" if self.pages.get(one.page, Page("", "")).kind == "blogpost" else "pageId"
        return {
            "id": one.id,
            "status": "current",
            "title": one.title,
            "createdAt": WHEN,
            container: one.page,
            "mediaType": one.media,
            "fileSize": len(one.content) if one.size is None else one.size,
            "webuiLink": f"/pages/viewpageattachments.action?pageId={one.page}",
            "downloadLink": f"/download/attachments/{one.page}/{one.title}",
            "version": {"number": one.version, "createdAt": WHEN, "authorId": "ann"},
        }

    def _comments(self, path: str, query: dict[str, str], asked: Asked, kind: str) -> Answer:
        found = [self._comment(one, body=False) for one in self.comments.values() if one.kind == kind]
        return self._listed(path, query, found)

    def _comments_of(self, path: str, query: dict[str, str], asked: Asked, page: str, kind: str) -> Answer:
        roots = [one for one in self.comments.values() if (one.page, one.kind, one.parent) == (page, kind, None)]
        return self._listed(path, query, [self._comment(one) for one in roots])

    def _replies(self, path: str, query: dict[str, str], asked: Asked, kind: str, id: str) -> Answer:
        return self._listed(path, query, [self._comment(one) for one in self.comments.values() if one.parent == id])

    def _comment(self, one: Comment, *, body: bool = True) -> Json:
        container = "blogPostId" if self.pages[one.page].kind == "blogpost" else "pageId"
        found: Json = {
            "id": one.id,
            "status": "current",
            "title": "Re: page",
            "version": {"number": one.version, "createdAt": WHEN, "authorId": "bob"},
            "_links": {},
        }
        found |= {"parentCommentId": one.parent} if one.parent else {container: one.page}
        if one.selection:
            found["properties"] = {"inlineOriginalSelection": one.selection}
        if body:
            found["body"] = {"storage": {"representation": "storage", "value": one.body}}
        return found

    def _users(self, path: str, query: dict[str, str], asked: Asked) -> Answer:
        ids = asked.json()["accountIds"]
        if not 0 < len(ids) <= 250:
            self.wrong.append(f"{len(ids)} accounts at once")
        found = [self.accounts[id] for id in ids if id in self.accounts]
        return Answer(
            {
                "results": [
                    {
                        "accountId": one.id,
                        "accountType": one.type,
                        "accountStatus": one.status,
                        "email": one.email,
                        "displayName": one.id.title(),
                        "publicName": one.id,
                        "isExternalCollaborator": one.external,
                    }
                    for one in found
                ]
            }
        )

    def _groups(self, path: str, query: dict[str, str], asked: Asked) -> Answer:
        ids = self.access[query["accessType"]] if "accessType" in query else list(self.groups)
        return Answer(self._counted(query, [group(id) for id in ids]))

    def _members(self, path: str, query: dict[str, str], asked: Asked, id: str) -> Answer:
        if id not in self.groups:
            return missing()
        return Answer(
            self._counted(
                query, [{"type": "known", "accountId": one, "isGuest": one in self.guests} for one in self.groups[id]]
            )
        )

    def _search(self, path: str, query: dict[str, str], asked: Asked) -> Answer:
        keys = re.findall(r'"([^"]+)"', query["cql"])
        found = [
            {
                "id": page.id,
                "type": page.kind,
                "status": "current",
                "title": page.title,
                "restrictions": {"read": self._readers(page.id, 0, self.shown_readers)},
            }
            for page in self.pages.values()
            if page.status == "current"
            and page.kind in ("page", "blogpost")
            and page.id not in self.not_indexed
            and (not keys or self.spaces[page.space]["key"] in keys)
        ]
        page = self._listed(path, query, found).body
        if "next" in page["_links"]:
            page["_links"]["next"] = page["_links"]["next"].replace("/wiki", "") + "&next=true&start=2"
        return Answer(page)

    def _restriction(self, path: str, query: dict[str, str], asked: Asked, id: str) -> Answer:
        most = min(self.most, int(query.get("limit", "100")))
        return Answer(self._readers(id, int(query.get("start", "0")), most))

    def _readers(self, id: str, start: int, most: int) -> Json:
        accounts, groups = self.restrictions.get(id, READERS)
        users = [{"type": "known", "accountId": one} for one in accounts]
        return {
            "operation": "read",
            "restrictions": {
                "user": cut(users, start, most),
                "group": cut([group(one) for one in groups], start, most),
            },
        }

    def _download(self, path: str, query: dict[str, str], asked: Asked, page: str, id: str) -> Answer:
        if int(query["version"]) != self.attachments[id].version:
            return missing()
        return Answer(status=302, headers={"Location": f"{self.media or self.system.url}/media/{id}?token=signed"})


def cut(entries: list[Json], start: int, most: int) -> Json:
    shown = entries[start : start + most]
    return {"results": shown, "start": start, "limit": most, "size": len(shown)}


def missing() -> Answer:
    return Answer({"errors": [{"status": 404, "code": "NOT_FOUND", "title": "Not Found"}]}, 404)


def permission(reader: str, key: str = "read", target: str = "space") -> Json:
    principal = {"type": "group" if reader.startswith(":") else "user", "id": reader.removeprefix(":")}
    return {"id": "1", "principal": principal, "operation": {"key": key, "targetType": target}}


def assignment(kind: str, id: str, role: str) -> Json:
    return {"principal": {"principalType": kind, "principalId": id}, "roleId": role}


def group(id: str) -> Json:
    return {"type": "group", "name": f"The {id}", "id": id}


def shown(page: Page) -> Json:
    found: Json = {
        "id": page.id,
        "status": page.status,
        "title": page.title,
        "spaceId": page.space,
        "authorId": page.author,
        "createdAt": WHEN,
        "version": {"number": page.version, "createdAt": WHEN, "authorId": page.author, "message": ""},
        "_links": {"webui": f"/spaces/S/pages/{page.id}/{page.title.replace(' ', '+')}"},
    }
    if page.kind != "blogpost":
        found |= {"parentId": page.parent, "parentType": page.parent_type if page.parent else None}
    return found
