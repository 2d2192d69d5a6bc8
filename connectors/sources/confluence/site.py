"""Asking a Confluence Cloud site by its two REST APIs: whole listings, and fields that are what they should be.

https://developer.atlassian.com/cloud/confluence/rest/v2/ and /v1/ (where v2 has nothing: restrictions, groups).
"""

import mimetypes
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from connectors.sources.base import ConnectorError
from connectors.sources.client import Client, Refused, Reply

V2, V1 = "wiki/api/v2", "wiki/rest/api"
MOST_ASKED = 250  # of a page of v2, and of accounts at once
MEMBERS_ASKED = 200
PAGES = 100_000  # of one listing; whoever has more goes in circles

CONTENT_ID = re.compile(r"[0-9]{1,20}")
ATTACHMENT_ID = re.compile(r"(?:att)?[0-9]{1,20}")
ACCOUNT_ID = re.compile(r"[A-Za-z0-9:_.-]{1,128}")
GROUP_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

PATHS = {
    "page": "pages",
    "blogpost": "blogposts",
    "folder": "folders",
    "whiteboard": "whiteboards",
    "database": "databases",
    "embed": "embeds",
}
DOCUMENTS = ("page", "blogpost")
SCOPES = {  # by what stands in a path; the first that does
    "/space-role-mode": "read:configuration:confluence",
    "/space-roles|/role-assignments": "read:space.permission:confluence",
    "/spaces": "read:space:confluence",
    "/(footer|inline)-comments": "read:comment:confluence",
    "/attachments?": "read:attachment:confluence",
    "/content/search": "search:confluence or read:content-details:confluence",
    "/restriction/": "read:content-details:confluence",
    "/membersByGroupId": "read:group:confluence and read:user:confluence",
    "/group": "read:group:confluence",
    "/users-bulk": "read:user:confluence",
    "/(pages|blogposts)": "read:page:confluence",
    "/folders": "read:folder:confluence",
    "/whiteboards": "read:whiteboard:confluence",
    "/databases": "read:database:confluence",
    "/embeds": "read:embed:confluence",
}
UNSTORABLE = re.compile("[\0\ud800-\udfff]")

Json = Mapping[str, Any]


class Malformed(ConnectorError):
    """An answer that is not what the documentation of the API says."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path} answered {what}.")


class Unscoped(ConnectorError):
    """The token is right, and may not ask this: it lacks a scope."""

    def __init__(self, path: str) -> None:
        self.scope = scope_for(path)
        super().__init__(f"The token lacks the scope {self.scope}: {path} may not be read with it.", permanent=True)


def scope_for(path: str) -> str:
    """The scope by which this is asked."""
    return next((scope for pattern, scope in SCOPES.items() if re.search(pattern, path)), "for it")


def is_of_one_list(error: ConnectorError) -> bool:
    """Whether this one list could not be read or understood, while the site and the sign-in are in order."""
    refused = isinstance(error, Refused) and error.status in (400, 403, 404, 410)
    return refused or isinstance(error, Malformed | Unscoped)


class Site:
    """A site as one account sees it. Each listing is whole or raises ConnectorError."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.web = str(client.base.copy_with(path=client.base.path + "wiki"))  # until an answer says it better

    def one(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        return self._object(path, self.got(path, params))

    def got(self, path: str, params: Mapping[str, str] | None = None, **how: Any) -> Reply:
        """As `Client.get` has it, but that a scope that is missing is told as that."""
        with said_in_words(path):
            return self.client.get(path, params, **how)

    def listed(self, path: str, params: Mapping[str, str] | None = None, *, limit: int = MOST_ASKED) -> Iterator[Json]:
        """Every entry of a listing that goes on by `cursor`: all of v2, and the search of v1."""
        own = {**(params or {}), "limit": str(limit)}
        asked = own
        seen: set[str] = set()
        for _ in range(PAGES):
            reply = self.got(path, asked)
            page = self._object(path, reply)
            entries = _entries(path, page)
            yield from entries
            following = _next(path, page, reply, full=len(entries) >= limit)
            if following is None:
                return
            if following["cursor"] in seen:
                break
            seen.add(following["cursor"])
            asked = {**following, **own}
        raise Malformed(path, "the same page again and again")

    def counted(self, path: str, params: Mapping[str, str] | None = None, *, limit: int) -> Iterator[Json]:
        """Every entry of a listing of v1 that goes on by `start`."""
        start = 0
        for _ in range(PAGES):
            page = self.one(path, {**(params or {}), "start": str(start), "limit": str(limit)})
            entries = _entries(path, page)
            yield from entries
            more = bool(mapping(page.get("_links")).get("next"))
            if not entries and more:
                break
            if not entries or not (more or len(entries) >= _limit(page, limit)):
                return
            start += len(entries)
        raise Malformed(path, "the same page again and again")

    def accounts(self, ids: list[str]) -> list[Json]:
        """What the site says of these accounts, at most 250."""
        path = f"{V2}/users-bulk"
        with said_in_words(path):
            reply = self.client.post(path, {"accountIds": ids})
        return _entries(path, self._object(path, reply))

    def _object(self, path: str, reply: Reply) -> Json:
        found = reply.json()
        if not isinstance(found, dict):
            raise Malformed(path, "something that is no object")
        base = mapping(found.get("_links")).get("base")
        if isinstance(base, str) and re.match(r"https?://[^\s/?#]+(?:/[^\s?#]*)?\Z", base[:300]):
            self.web = base.rstrip("/")
        return found

    def address(self, link: object) -> str:
        """Where a person finds what an answer gives a relative link to."""
        return f"{self.web}{link}" if isinstance(link, str) and re.match(r"/[^/\s][^\s]{0,2000}\Z", link) else ""


@contextmanager
def said_in_words(path: str) -> Iterator[None]:
    """Atlassian answers 401 for a scope that is missing, as for a token that is wrong. Raises Unscoped."""
    try:
        yield
    except Refused as refused:
        if refused.status == 401 and "scope" in refused.detail.lower():
            raise Unscoped(path) from None
        raise


def _entries(path: str, page: Json) -> list[Json]:
    found = page.get("results")
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise Malformed(path, "no list of results")
    return found


def _next(path: str, page: Json, reply: Reply, *, full: bool) -> Mapping[str, str] | None:
    """How to ask for the page after this one, None where this is the last. Where it is asked for stays the same."""
    links = page.get("_links")
    following = mapping(links).get("next") or reply.link("next")
    if not following:
        if not isinstance(links, dict) and full:
            raise Malformed(path, "a full page, and not whether it is the last")
        return None
    asked = dict(parse_qsl(following.partition("?")[2])) if isinstance(following, str) else {}
    if not asked.get("cursor"):
        raise Malformed(path, "that there is more, and not how to ask for it")
    return asked


def _limit(page: Json, asked: int) -> int:
    """How many entries make a full page: a site may give fewer than were asked for."""
    given = page.get("limit")
    return given if type(given) is int and 0 < given < asked else asked


# --- fields ---------------------------------------------------------------------------------------------------------


def mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def ident(value: object, shape: re.Pattern[str] = CONTENT_ID) -> str:
    """An id of this shape, "" where there is none."""
    if type(value) is int:
        value = str(value)
    return value if isinstance(value, str) and shape.fullmatch(value) else ""


def words(value: object, most: int = 1000) -> str:
    return " ".join(UNSTORABLE.sub("", value).split())[:most] if isinstance(value, str) else ""


def number(value: object) -> int:
    """A version's number, 0 where there is none."""
    return value if type(value) is int and 0 < value < 2**31 else 0


def moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if at is None or not 1990 <= at.year <= 2200:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


# --- what there is --------------------------------------------------------------------------------------------------

NOBODY_KNOWS = "?"  # the parent of something whose parent has no id


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    id: str
    key: str
    name: str

    @property
    def scope(self) -> str:
        return f"space:{self.id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """Something in the tree of a space. `parent` has rights that it takes part in."""

    id: str
    kind: str
    space: str
    title: str = ""
    parent: str = ""
    parent_kind: str = ""
    current: bool = True
    version: int = 0
    author: str = ""
    created: datetime | None = None
    modified: datetime | None = None
    link: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def is_document(self) -> bool:
        return self.current and self.kind in DOCUMENTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """A comment, without its words."""

    id: str
    kind: str  # as in the path of its listing
    version: int
    parent: str
    container: str
    author: str


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """An attachment, without its content."""

    id: str
    container: str
    title: str
    mime: str
    size: int
    version: int
    author: str
    created: datetime | None
    modified: datetime | None
    link: str


def remark_of(kind: str, found: Json) -> Remark:
    version = mapping(found.get("version"))
    return Remark(
        id=ident(found.get("id")),
        kind=kind,
        version=number(version.get("number")),
        parent=ident(found.get("parentCommentId")),
        container=ident(found.get("pageId")) or ident(found.get("blogPostId")),
        author=ident(version.get("authorId"), ACCOUNT_ID),
    )


def node_of(kind: str, found: Json) -> Node:
    version = mapping(found.get("version"))
    parent, parent_kind = ident(found.get("parentId")), found.get("parentType")
    return Node(
        id=ident(found.get("id")),
        kind=kind,
        space=ident(found.get("spaceId")),
        title=words(found.get("title")),
        parent=parent or (NOBODY_KNOWS if found.get("parentId") else ""),
        parent_kind=parent_kind if parent and isinstance(parent_kind, str) else "",
        current=found.get("status") == "current",
        version=number(version.get("number")),
        author=ident(found.get("authorId"), ACCOUNT_ID),
        created=moment(found.get("createdAt")),
        modified=moment(version.get("createdAt")),
        link=words(mapping(found.get("_links")).get("webui"), 2000),
    )


def file_of(found: Json) -> File:
    version = mapping(found.get("version"))
    title = words(found.get("title"))
    size = found.get("fileSize")
    return File(
        id=ident(found.get("id"), ATTACHMENT_ID),
        container=ident(found.get("pageId")) or ident(found.get("blogPostId")),
        title=title,
        mime=_mime(words(found.get("mediaType"), 200).lower(), title),
        size=size if type(size) is int else 0,
        version=number(version.get("number")),
        author=ident(version.get("authorId"), ACCOUNT_ID),
        created=moment(found.get("createdAt")),
        modified=moment(version.get("createdAt")),
        link=words(found.get("webuiLink"), 2000),
    )


def _mime(said: str, filename: str) -> str:
    """What the site says, unless that says nothing and the file's name does."""
    if said not in ("", "application/octet-stream", "binary/octet-stream", "text/plain", "application/x-upload-data"):
        return said
    return mimetypes.guess_type(filename)[0] or said


def spaces_of(site: Site, keys: Sequence[str]) -> Iterator[Json]:
    """The spaces of these keys, or all that are not archived."""
    if not keys:
        yield from site.listed(f"{V2}/spaces", {"status": "current"})
    for start in range(0, len(keys), MOST_ASKED):
        yield from site.listed(
            f"{V2}/spaces", {"status": "current", "keys": ",".join(keys[start : start + MOST_ASKED])}
        )
