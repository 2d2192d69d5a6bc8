"""HTTP for connectors: one system, its sign-in, its pace, and answers that no server can stretch.

A connector asks with `get` or `post` and has either a whole answer of a status it expects or a `ConnectorError` whose
sentence tells an administrator what to do. What passes by itself (a broken connection, 429, 5xx) is tried again here.
"""

import asyncio
import json
import os
import ssl
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol

import httpx

from connectors.calling import LOOP_LOCK, TooSlow, retry_after, within
from connectors.sources.addresses import Origin, Reach
from connectors.sources.base import ConnectorError, SlowDown

MEGABYTE = 1024 * 1024
MOST = 32 * MEGABYTE  # bytes of an answer, unless a caller says otherwise
SECONDS = 60.0  # an answer may take
CONNECT = 10.0
TRIES = 5
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds between tries, doubled each time
PATIENCE = 300.0  # seconds of waiting one request may cost a run; a source that wants more is read another time
REDIRECTS = 5
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
AGENT = "Gatehouse"
TOLD = 65_536  # bytes of an answer that is none: why, if it says so
PACKED = frozenset({"", "identity", "gzip", "deflate"})  # at most a thousandfold; others have no end


class Refused(ConnectorError):
    """The system answered, and not with what was asked for."""

    def __init__(self, status: int, url: str, detail: str = "") -> None:
        self.status = status
        self.detail = detail
        permanent = 400 <= status < 500 and status not in PASSING
        super().__init__(_sentence(status, url, detail), permanent=permanent, of_source=status in (401, 429))


class TooLarge(ConnectorError):
    """The answer holds more bytes than are read of one."""

    def __init__(self, url: str, most: int) -> None:
        megabytes = f"{max(most // MEGABYTE, 1)} MB"
        super().__init__(f"An answer of {shown(url)} is larger than {megabytes}.", permanent=True)


class Auth(Protocol):
    """How requests are signed in. `renewed` is asked once when an answer is 401: whether another try makes sense."""

    def headers(self) -> Mapping[str, str]: ...

    def renewed(self) -> bool: ...


@dataclass(frozen=True)
class Token:
    """A fixed key."""

    value: str = field(repr=False)
    scheme: str = "Bearer"

    def __post_init__(self) -> None:
        if not all(" " <= letter <= "~" for letter in self.value):
            raise ConnectorError("The token holds characters that no token has; set it again.", permanent=True)

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"{self.scheme} {self.value}".strip()} if self.value else {}

    def renewed(self) -> bool:
        return False


NOBODY = Token("")


@dataclass(frozen=True)
class Reply:
    """`headers` by lower-case name. `url` is where the answer came from, after redirects."""

    status: int
    url: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def leads(self) -> bool:
        """Whether it says where else to ask."""
        return self.status in (301, 302, 303, 307, 308) and bool(self.headers.get("location"))

    def json(self) -> Any:
        """Raises ConnectorError where it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise ConnectorError(f"{shown(self.url)} answered something that is not JSON.") from None

    def link(self, relation: str) -> str | None:
        """The address of a `Link` header (RFC 8288), absolute. Raises ConnectorError where it is none."""
        for part in self.headers.get("link", "").split(","):
            address, _, parameters = part.partition(";")
            if f'rel="{relation}"' in parameters.replace(" ", "") and address.strip().startswith("<"):
                return _joined(httpx.URL(self.url), address.strip()[1:-1])
        return None


@dataclass
class Pace:
    """At most so many requests a second. One connector reads with one thread, so a moment is all it remembers."""

    a_second: float
    _next: float = 0.0

    def wait(self) -> None:
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.a_second


class Client:
    """`base_url` is an administrator's choice and may be private; whatever it leads to elsewhere, another port of its
    host included, must be public.

    `chosen`: further hosts that may be private. `limited`: seconds to wait by an answer's headers, where a system has
    its own way to say that it was asked too much; None where it was not. `tries`: of each question, the first included.
    Raises ConnectorError: this is no address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth = NOBODY,
        chosen: Collection[str] = (),
        trusts_base: bool = True,
        a_second: float = 20.0,
        limited: Callable[[Reply], float | None] | None = None,
        tries: int = TRIES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        base = _url(base_url)
        self.base = base.copy_with(path=base.path.rstrip("/") + "/")
        self.auth = auth
        self.reach = Reach(chosen, own=_origin(base) if trusts_base else None)
        self._pace = Pace(a_second)
        self._limited = limited
        self._tries = tries
        self._sleep = sleep

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        also: Collection[int] = (),
        most: int = MOST,
        seconds: float = SECONDS,
        follow: bool = True,
    ) -> Reply:
        """`path` below the base, or a whole address. `also`: statuses besides 2xx that are an answer (304, 404).

        `follow`: where an answer leads elsewhere, ask there; otherwise that it does is the answer.
        """
        return self._asked(_Question("GET", self.url(path, params), headers or {}, None, also, most, seconds, follow))

    def post(
        self,
        path: str,
        payload: object,
        *,
        headers: Mapping[str, str] | None = None,
        also: Collection[int] = (),
        most: int = MOST,
        seconds: float = SECONDS,
    ) -> Reply:
        """JSON there and back. Tried again like `get`: for questions, not for orders."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        content = json.dumps(payload).encode()
        return self._asked(_Question("POST", self.url(path), sent, content, also, most, seconds))

    def url(self, path: str, params: Mapping[str, str] | None = None) -> str:
        url = _joined(self.base, path if "://" in path else path.lstrip("/"))
        return str(httpx.URL(url).copy_merge_params(params) if params else url)

    # --- tries ------------------------------------------------------------------------------------------------

    def _asked(self, question: "_Question") -> Reply:
        waited = 0.0
        for number in range(self._tries):
            try:
                reply = self._signed_in(question)
                if reply.status < 300 or reply.status in question.also or (reply.leads and not question.follow):
                    return reply
                failure, wait = self._judged(question, reply)
            except _Broken as broken:
                failure, wait = ConnectorError(f"{shown(question.url)} {broken}"), None
            if failure.permanent or number == self._tries - 1:
                break
            wait = min(FIRST_WAIT * 2**number, LONGEST_WAIT) if wait is None else wait
            waited += wait
            if waited > PATIENCE:
                raise SlowDown(shown(question.url), wait)
            self._sleep(wait)
        raise failure

    def _signed_in(self, question: "_Question") -> Reply:
        reply = self._followed(question)
        if reply.status == 401 and self.auth.renewed():
            reply = self._followed(question)
        return reply

    def _judged(self, question: "_Question", reply: Reply) -> tuple[ConnectorError, float | None]:
        """What is wrong with an answer, and how long its system asks to wait."""
        wait = self._limited(reply) if self._limited is not None else None
        if wait is not None:
            return Refused(429, question.url, _detail(reply)), wait
        return Refused(reply.status, question.url, _detail(reply)), retry_after(reply.headers.get("retry-after", ""))

    def _followed(self, question: "_Question") -> Reply:
        """Redirects are followed by hand, since each address is checked; the sign-in stays with its own host."""
        url = question.url
        for _ in range(REDIRECTS + 1):
            self._pace.wait()
            target = _url(url)
            own = self.auth.headers() if _origin(target) == _origin(self.base) else {}
            sent = {"User-Agent": AGENT, "Accept": "application/json", **question.headers, **own}
            reply = _in_time(question, _sent(self.reach, question, target, sent))
            if not reply.leads or not question.follow:
                return reply
            if question.method != "GET":
                raise Refused(reply.status, url, "a question that is posted is not sent on elsewhere")
            url = _joined(target, reply.headers["location"])
            if target.scheme == "https" and not url.startswith("https:"):
                raise Refused(reply.status, url, "it leads from https to http")
        raise Refused(reply.status, url, f"it leads on more than {REDIRECTS} times")


@dataclass(frozen=True)
class _Question:
    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    also: Collection[int]
    most: int
    seconds: float
    follow: bool = True


class _Broken(Exception):
    """No whole answer, in words that follow the address."""


# --- one request, in the loop -----------------------------------------------------------------------------------


def _in_time(question: _Question, call: Coroutine[Any, Any, Reply]) -> Reply:
    try:
        return within(question.seconds, call)
    except TooSlow:
        raise _Broken(f"did not answer within {question.seconds:.0f} seconds.") from None


async def _sent(reach: Reach, question: _Question, url: httpx.URL, headers: Mapping[str, str]) -> Reply:
    """One request. A chosen host is asked by name; of any other, the address that was checked is connected to, while
    the certificate must still be that of the name."""
    patience = httpx.Timeout(question.seconds, connect=min(CONNECT, question.seconds))
    extensions: dict[str, Any] = {"timeout": patience.as_dict()}
    where, sent = url, {**headers, "Accept-Encoding": "gzip, identity"}
    chosen = reach.may_be_private(_origin(url))
    try:
        async with asyncio.timeout(question.seconds):
            if not chosen:
                port = url.port or (443 if url.scheme == "https" else 80)
                where = url.copy_with(host=await reach.address_of(url.host, port))
                sent["Host"] = url.netloc.decode("ascii")
                extensions["sni_hostname"] = url.raw_host.decode("ascii")
            client = _client(os.getpid(), "" if chosen else url.host)
            request = client.build_request(
                question.method, where, headers=sent, content=question.content, extensions=extensions
            )
            response = await client.send(request, stream=True)
            try:
                wanted = response.status_code < 300 or response.status_code in question.also
                body = await (_read(response, str(url), question.most) if wanted else _beginning(response))
            finally:
                await response.aclose()
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status_code, str(url), headers, body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise _Broken("cannot be reached.") from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise _Broken(f"did not answer within {question.seconds:.0f} seconds.") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise _Broken("broke off its answer, or answered no HTTP.") from error


async def _read(response: httpx.Response, url: str, most: int) -> bytes:
    """Counted as it is unpacked, so that a few bytes cannot become gigabytes. Packed more than once, or in another way
    than was asked for, one piece of it could become that before it is counted."""
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in PACKED:
        how = "more than once" if "," in packed else "in a way that was not asked for"
        raise ConnectorError(f"{shown(url)} packed its answer {how}, which is not read.", permanent=True)
    body = bytearray()
    async for piece in response.aiter_bytes(65_536):
        body += piece
        if len(body) > most:
            raise TooLarge(url, most)
    return bytes(body)


async def _beginning(response: httpx.Response) -> bytes:
    """Of an answer that is none, so that nobody is sent fifty megabytes with each of a thousand refusals."""
    body = bytearray()
    if response.headers.get("content-encoding", "").strip().lower() in PACKED:
        async for piece in response.aiter_bytes(TOLD):
            body += piece
            if len(body) >= TOLD:
                break
    return bytes(body[:TOLD])


def _client(process: int, host: str) -> httpx.AsyncClient:
    with LOOP_LOCK:
        return _opened(process, host)


@cache
def _certificates(process: int) -> ssl.SSLContext:
    return ssl.create_default_context()


@lru_cache(maxsize=64)  # a site may lead to any number of hosts
def _opened(process: int, host: str) -> httpx.AsyncClient:
    """One a process for chosen hosts, by way of a proxy where the environment names one. One for each other host, since
    its connections lead to checked addresses and are kept by these."""
    return httpx.AsyncClient(
        verify=_certificates(process),
        follow_redirects=False,
        trust_env=not host,
        limits=httpx.Limits(max_keepalive_connections=4, keepalive_expiry=15.0),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # no source is told what another was given
    )


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
        named = bool(url.host)  # raises where it is no name that letters can be made of
    except (httpx.InvalidURL, ValueError):
        raise _no_address(text) from None
    if url.scheme not in ("http", "https") or not named or (url.port or 0) > 65_535:
        raise ConnectorError(f"{text[:200]!r} must begin with https:// or http://, and name a host.", permanent=True)
    if url.userinfo:
        raise ConnectorError("An address may not hold a password; there is a setting for it.", permanent=True)
    return url


def _joined(base: httpx.URL, address: str) -> str:
    try:
        return str(base.join(address))
    except (httpx.InvalidURL, ValueError):
        raise _no_address(address) from None


def _no_address(text: str) -> ConnectorError:
    return ConnectorError(f"{text[:200]!r} is not an address.", permanent=True)


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port


def shown(url: str) -> str:
    """Host and path: what stands behind the question mark may be a secret."""
    parts = httpx.URL(url)
    return f"{parts.host}{parts.path}"


def _detail(reply: Reply) -> str:
    """What the system says itself, if it is short and in words."""
    try:
        said = json.loads(reply.content[:65_536])
    except (ValueError, RecursionError):
        return ""
    message = (
        said.get("message") or said.get("error_description") or said.get("detail") if isinstance(said, dict) else ""
    )
    return "".join(filter(str.isprintable, " ".join(message.split())))[:200] if isinstance(message, str) else ""


def _sentence(status: int, url: str, detail: str) -> str:
    told = f" It says: {detail}" if detail else ""
    match status:
        case 401:
            return f"{shown(url)} does not accept the sign-in: is the token right, and still in force?{told}"
        case 403:
            return f"{shown(url)} may not be read with these rights.{told}"
        case 404 | 410:
            return f"{shown(url)} is not there, or is hidden from this sign-in.{told}"
        case 429:
            return f"{shown(url)} was asked too often; the next run tries again.{told}"
        case _ if status >= 500:
            return f"{shown(url)} has a fault of its own ({status}); the next run tries again.{told}"
        case _:
            return f"{shown(url)} answered with status {status}.{told}"
