"""Knocking: one request as somebody, over the network as programs and browsers send it, or inside this process."""

import asyncio
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Protocol
from urllib.parse import unquote, urlencode, urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import reverse

PATIENCE = 60.0  # seconds for one answer
AGAIN = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)  # a connection that idled too long
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Unreachable(Exception):
    """Nobody answers, or somebody who is not this installation."""


@dataclass(frozen=True)
class Request:
    """What is asked. `typed` are the ids in it: told back, they tell nothing."""

    method: str
    path: str
    body: str = ""
    kind: str = ""
    accept: str = ""
    typed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """What came back, read to its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def text(self) -> str:
        """All of it, to look for words in."""
        return "\n".join([*(f"{name}: {value}" for name, value in self.headers), "", self.body])

    @property
    def cookies(self) -> dict[str, str]:
        jar: SimpleCookie = SimpleCookie()
        for name, value in self.headers:
            if name == "set-cookie":
                jar.load(value)
        return {name: morsel.value for name, morsel in jar.items()}


@dataclass(frozen=True)
class Pass:
    """What somebody shows at a door: a session with its CSRF token, an access token, or nothing."""

    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Door(Protocol):
    """Where requests go."""

    name: str

    def answer(self, request: Request, shown: Pass) -> Answer: ...


def headers_of(request: Request, shown: Pass, address: str) -> dict[str, str]:
    """The headers of a request, `Referer` among them: with TLS, forms are refused without it."""
    headers = {"Referer": f"{address}/", **shown.headers}
    if shown.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in shown.cookies.items())
    if request.kind:
        headers["Content-Type"] = request.kind
    if request.accept:
        headers["Accept"] = request.accept
    return headers


def allowed_host(wanted: str) -> str:
    """This host, if the installation answers to it; else the one people type."""
    domain, _ = split_domain_port(wanted)
    if domain and validate_host(domain, settings.ALLOWED_HOSTS):
        return wanted
    public: str = urlsplit(settings.PUBLIC_URL).netloc
    return public


class OverHTTP:
    """The running web process. Behind a proxy that ends TLS it may be called past it, as that proxy calls it."""

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        try:
            self._parts = parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError
            self._connection = self._connected()
        except (ValueError, http.client.InvalidURL):  # its port and the name of its host are read late
            raise Unreachable(f"{url!r} is not the address of a web server.") from None
        self._host = allowed_host(parts.netloc)
        self._as_proxy = settings.BEHIND_TLS and parts.scheme == "http"

    def _connected(self) -> http.client.HTTPConnection:
        assert self._parts.hostname
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                self._parts.hostname, self._parts.port, timeout=PATIENCE, context=context
            )
        return http.client.HTTPConnection(self._parts.hostname, self._parts.port, timeout=PATIENCE)

    def answer(self, request: Request, shown: Pass) -> Answer:
        try:
            try:
                return self._answered(request, shown)
            except AGAIN:
                self._connection.close()
                return self._answered(request, shown)
        except (OSError, http.client.HTTPException, UnicodeError) as error:  # the last of a host that cannot be one
            self._connection.close()
            raise Unreachable(f"Nobody answers at {self.name} ({type(error).__name__}).") from error

    def _answered(self, request: Request, shown: Pass) -> Answer:
        scheme = "https" if self._as_proxy else self._parts.scheme
        headers = headers_of(request, shown, f"{scheme}://{self._host}") | {"Host": self._host}
        if self._as_proxy:
            headers["X-Forwarded-Proto"] = "https"
        self._connection.request(request.method, request.path, request.body.encode(), headers)
        response = self._connection.getresponse()
        body = response.read().decode(errors="replace")
        return Answer(response.status, tuple((name.lower(), value) for name, value in response.getheaders()), body)


class InProcess:
    """The same application called inside this process: no server is asked, so it proves less."""

    name = "in this process"

    def __init__(self) -> None:
        from gateway.asgi import application

        self._application: Any = application
        self._host = allowed_host(urlsplit(settings.PUBLIC_URL).netloc)
        self._scheme = "https" if settings.BEHIND_TLS else "http"

    def answer(self, request: Request, shown: Pass) -> Answer:
        answered: Answer = async_to_sync(self._answered)(request, shown)
        return answered

    async def _answered(self, request: Request, shown: Pass) -> Answer:
        body = request.body.encode()
        coming = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if coming:
                return coming.pop()
            await asyncio.Event().wait()  # nobody hangs up
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._application(self._scope(request, shown, len(body)), receive, send)
        start, *parts = sent
        headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"])
        content = b"".join(part.get("body", b"") for part in parts)
        return Answer(start["status"], tuple(headers), content.decode(errors="replace"))

    def _scope(self, request: Request, shown: Pass, length: int) -> dict[str, Any]:
        """As the ASGI specification has it (https://asgi.readthedocs.io/en/latest/specs/www.html)."""
        path, _, query = request.path.partition("?")
        headers = headers_of(request, shown, f"{self._scheme}://{self._host}")
        headers |= {"Host": self._host, "Content-Length": str(length)}
        if self._scheme == "https":
            headers["X-Forwarded-Proto"] = "https"
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": self._scheme,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 0),
            "server": (self._host.partition(":")[0], 0),
        }


# --- how somebody is known ------------------------------------------------------------------------------------


def bearer(secret: str) -> Pass:
    return Pass(headers={"Authorization": f"Bearer {secret}"})


def signed_in(door: Door, email: str, password: str) -> Pass:
    """A session, by the form people use. Raises `Unreachable` if the door does not let in whom it should know."""
    path = reverse("sign-in")
    form_token = door.answer(Request("GET", path), Pass()).cookies.get(settings.CSRF_COOKIE_NAME, "")
    fields = {"username": email, "password": password, "csrfmiddlewaretoken": form_token}
    shown = Pass(cookies={settings.CSRF_COOKIE_NAME: form_token})
    answer = door.answer(Request("POST", path, urlencode(fields), FORM), shown)
    session = answer.cookies.get(settings.SESSION_COOKIE_NAME)
    if answer.status != 302 or session is None:
        raise Unreachable(
            f"The web at {door.name} does not let in a person who was made a moment ago (status {answer.status}): "
            "it is another installation, or signs people in another way."
        )
    token = answer.cookies.get(settings.CSRF_COOKIE_NAME, form_token)
    cookies = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: token}
    return Pass(cookies=cookies, headers={"X-CSRFToken": token})
