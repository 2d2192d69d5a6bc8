"""How GitHub's API is asked: sign-in by token or App, pages, rate limits, GraphQL, and fields nobody vouches for."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.calling import retry_after
from connectors.sources.base import ConnectorError, SlowDown
from connectors.sources.client import MEGABYTE, Auth, Client, Reply, Token, shown

DOT_COM = "https://api.github.com"
VERSION = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
RAW = {"Accept": "application/vnd.github.raw+json", "X-GitHub-Api-Version": "2022-11-28"}
A_PAGE = 100  # GitHub's most
MOST = 64 * MEGABYTE  # bytes of a page: a hundred issues of 64 KB each, with all that JSON adds
MOST_PAGES = 20_000  # of one list
A_SECOND = 10.0  # requests; GitHub asks for one after the other, and for pauses
SECONDARY = 60.0  # seconds to wait where GitHub says neither when nor how long
LONGEST_RESET = 3_600.0  # seconds; allowances are by the hour
APP_LIFE = 540  # seconds a sign-in as the App holds; GitHub takes at most 600
SLACK = 300  # seconds before its end that a token is renewed
NOT_ALLOWED = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_FOUND"})

Object = Mapping[str, Any]


class Denied(ConnectorError):
    """A GraphQL question was answered with an error that asking again does not change."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


# --- fields: whatever comes may be of any type -----------------------------------------------------------------------


def objects(value: Any, what: str) -> list[Object]:
    """Raises ConnectorError where it is no list; an entry that is no object is an empty one, which nobody can name."""
    if not isinstance(value, list):
        raise ConnectorError(f"GitHub's answer about {what} is not a list; nothing is taken from it.")
    return [entry if isinstance(entry, dict) else {} for entry in value]


def whole(value: Any, what: str) -> Object:
    if not isinstance(value, dict):
        raise ConnectorError(f"GitHub's answer about {what} is not what it should be; nothing is taken from it.")
    return value


def inner(fields: Object, *names: str) -> Object:
    """The object at the end of the names, an empty one where there is none."""
    for name in names:
        value = fields.get(name)
        fields = value if isinstance(value, dict) else {}
    return fields


def number(fields: Object, name: str) -> int | None:
    """A positive whole number, as all of GitHub's ids are."""
    value = fields.get(name)
    return value if type(value) is int and 0 < value < 2**63 else None


def text(fields: Object, name: str, most: int = 500_000) -> str:
    """Text the database can hold, "" where there is none."""
    value = fields.get(name)
    return value[:most].replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def address(fields: Object, name: str) -> str:
    """An address a person may follow, "" where there is none."""
    found = text(fields, name, 2_000)
    return found if found.startswith(("https://", "http://")) else ""


def moment(fields: Object, name: str) -> datetime | None:
    """None for what is no time, and for times in which there was no GitHub."""
    try:
        at = datetime.fromisoformat(text(fields, name, 40))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if 1970 <= at.year <= 2200 else None


def stamp(at: datetime) -> str:
    """As GitHub writes times, and takes them in `since`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- asking ----------------------------------------------------------------------------------------------------------


class Api:
    """One GitHub: `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise Server."""

    def __init__(self, base_url: str, auth: Auth, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.client = Client(base_url or DOT_COM, auth=auth, a_second=A_SECOND, limited=asked_too_much, sleep=sleep)
        self.now = datetime.fromtimestamp(0, UTC)  # by the server's clock, when it answered last

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, etag: str = "", also: tuple[int, ...] = ()
    ) -> Reply:
        """With an `etag` the answer may be 304, which costs nothing of the hour's allowance."""
        headers = {**VERSION, "If-None-Match": etag} if etag else VERSION
        reply = self.client.get(path, params, headers=headers, also=(*also, 304) if etag else also, most=MOST)
        self.now = moment_of(reply)
        return reply

    def blob(self, path: str, most: int) -> bytes:
        return self.client.get(path, headers=RAW, most=max(most, MEGABYTE), seconds=300.0).content

    def pages(
        self, path: str, params: Mapping[str, str] | None = None, *, etag: str = "", also: tuple[int, ...] = ()
    ) -> Iterator[Reply]:
        """Every page of a list to its end. Raises ConnectorError where one leads elsewhere or in a circle."""
        reply = self.get(path, {"per_page": str(A_PAGE), **(params or {})}, etag=etag, also=also)
        yield reply
        seen = {reply.url}
        while (following := _next(reply)) is not None:
            if following in seen or len(seen) >= MOST_PAGES or not self._is_own(following):
                raise ConnectorError(
                    f"The list {path} leads on to a page that is not its own; nothing of it counts as complete. "
                    "Is 'base_url' the address GitHub itself uses?"
                )
            seen.add(following)
            reply = self.get(following)
            yield reply

    def items(
        self, path: str, params: Mapping[str, str] | None = None, *, also: tuple[int, ...] = ()
    ) -> Iterator[Object]:
        """The entries of all pages; of an answer of a status in `also`, none."""
        for reply in self.pages(path, params, also=also):
            yield from objects(reply.json(), path) if reply.status == 200 else ()

    def graphql(self, query: str, variables: Mapping[str, object]) -> Object:
        """The data of an answer without errors. Raises Denied for rights that are missing, ConnectorError else."""
        reply = self.client.post(self._graphql_path(), {"query": query, "variables": variables}, headers=VERSION)
        self.now = moment_of(reply)
        body = whole(reply.json(), "a GraphQL question")
        if not body.get("errors"):
            return inner(body, "data")
        errors = objects(body["errors"], "a GraphQL question")
        kinds = {text(error, "type", 100) for error in errors}
        if "RATE_LIMITED" in kinds:
            raise SlowDown(shown(reply.url), until_reset(reply))
        said = " ".join(text(errors[0], "message", 200).split())
        if (kinds and kinds <= NOT_ALLOWED) or all(inner(error, "extensions").get("code") for error in errors):
            raise Denied(f"GitHub says: {said}")
        raise ConnectorError(f"GitHub could not answer a GraphQL question; the next run tries again. It says: {said}")

    def nodes(self, query: str, variables: Mapping[str, object], holder: str, name: str) -> Iterator[Object]:
        for page in self.connections(query, variables, holder, name):
            yield from objects(inner(page, name).get("nodes"), name)

    def connections(self, query: str, variables: Mapping[str, object], holder: str, name: str) -> Iterator[Object]:
        """The holder of a connection, page after page; one within another is `node.within`. Raises Denied where there
        is none."""
        variables, seen = dict(variables), set[str]()
        while True:
            page = inner(self.graphql(query, variables), *holder.split("."))
            if not isinstance(page.get(name), dict):
                raise Denied("GitHub shows none of it to this sign-in.")
            yield page
            following = inner(page, name, "pageInfo")
            if following.get("hasNextPage") is False:
                return
            after = text(following, "endCursor", 2_000)
            if not after or after in seen:
                raise ConnectorError(f"A list of {name} does not say how it goes on; nothing of it counts as complete.")
            seen.add(after)
            variables["after"] = after

    def _graphql_path(self) -> str:
        base = self.client.base
        return str(base.join("../graphql")) if base.path.endswith("/api/v3/") else "graphql"

    def _is_own(self, url: str) -> bool:
        base, other = self.client.base, httpx.URL(url)
        return (base.scheme, base.host, base.port) == (other.scheme, other.host, other.port)


def _next(reply: Reply) -> str | None:
    try:
        return reply.link("next")
    except httpx.InvalidURL:
        return ""  # no page's address


def asked_too_much(reply: Reply) -> float | None:
    """GitHub says 403 as well as 429 to a client that asked too much; None: it means something else."""
    if reply.status not in (403, 429):
        return None
    if (after := retry_after(reply.headers.get("retry-after", ""))) is not None:
        return after
    if reply.headers.get("x-ratelimit-remaining", "").strip() == "0":
        return until_reset(reply)
    said = reply.content[:2_000].lower()
    return SECONDARY if reply.status == 429 or b"secondary rate limit" in said or b"abuse detection" in said else None


def moment_of(reply: Reply) -> datetime:
    """When it was given, by the server's own clock; by ours where it does not say."""
    try:
        at = parsedate_to_datetime(reply.headers.get("date", ""))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return datetime.now(UTC)
    return at if 1970 < at.year <= 2200 else datetime.now(UTC)


def until_reset(reply: Reply) -> float:
    """Seconds until the hour's allowance is new, by the server's own clock."""
    now = moment_of(reply).timestamp()
    reset = reply.headers.get("x-ratelimit-reset", "").strip()
    seconds = int(reset) - now if reset.isascii() and reset.isdigit() and len(reset) < 15 else SECONDARY
    return min(max(seconds, 1.0), LONGEST_RESET)


# --- signing in as an App --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AppKey:
    """The App itself: good for nothing but asking for the token of an installation."""

    app_id: str
    private_key: str
    clock: Callable[[], float] = time.time

    def headers(self) -> Mapping[str, str]:
        now = int(self.clock())
        claims = {"iat": now - 60, "exp": now + APP_LIFE, "iss": self.app_id}
        return {"Authorization": f"Bearer {signed_claims(claims, self.private_key)}"}

    def renewed(self) -> bool:
        return False


@dataclass
class Installation:
    """The App as an organisation has installed it: a token for an hour, renewed before its end or if it is refused."""

    client: Client  # signed in as the App
    organization: str
    id: str = ""
    clock: Callable[[], float] = time.time
    _token: str = ""
    _ends: float = 0.0
    _renewed_at: float = 0.0

    def headers(self) -> Mapping[str, str]:
        if not self._token or self._ends - SLACK < self.clock():
            self._renew()
        return Token(self._token).headers()

    def renewed(self) -> bool:
        """A token that is refused as soon as it is there will not be better the next time."""
        if self.clock() - self._renewed_at < 60:
            return False
        self._renew()
        return True

    def _renew(self) -> None:
        if not self.id:
            found = self.client.get(f"orgs/{self.organization}/installation", headers=VERSION)
            self.id = str(number(whole(found.json(), "the App's installation"), "id") or "")
        if not self.id.isdigit():
            raise ConnectorError(
                "The setting 'installation_id' must be the number of the installation.", permanent=True
            )
        reply = self.client.post(f"app/installations/{self.id}/access_tokens", {}, headers=VERSION)
        body = whole(reply.json(), "the App's token")
        ends = moment(body, "expires_at")
        if not text(body, "token") or ends is None:
            raise ConnectorError("GitHub gave the App no token; the next run tries again.")
        self._token, self._ends, self._renewed_at = text(body, "token"), ends.timestamp(), self.clock()


def signed_claims(claims: Mapping[str, object], private_key: str) -> str:
    """A JSON Web Token by RS256 (RFC 7519, RFC 7518 3.3). Raises ConnectorError."""
    try:
        pem = private_key.replace("\\n", "\n").strip().encode()
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConnectorError(
            "The setting 'private_key' is no RSA key without a password. Give the whole .pem file that GitHub made.",
            permanent=True,
        )
    said = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, dict(claims)))
    return f"{said}.{_base64(key.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
