"""IMAP as one login speaks it (RFC 3501): in bounded time and size whatever the server sends, answers as values.

`imaplib` writes the commands and tells the answers apart; every byte it reads passes through here.
"""

import re
import socket
import ssl
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from imaplib import IMAP4
from time import monotonic
from typing import Any

from connectors.sources.base import ConnectorError

MEGABYTE = 1024 * 1024
CONNECT = 10.0  # seconds
SECONDS = 60.0  # a command may take
GOODBYE = 2.0
MOST = MEGABYTE  # bytes of its answer, unless a caller says otherwise
MOST_LINES = 300_000  # of it
DEEPEST = 20  # brackets within brackets
MOST_UIDS = 2_000_000  # of one mailbox
PASSING = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")  # codes of a refusal that may pass by itself (RFC 5530)
TOKEN = re.compile(
    rb'[ \r\n\t]*+(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"'
    rb'|(?P<atom>(?:[^\s()"\[]|\[[^\]\[]{0,1000}\]|\[)++)|(?P<end>$))',
    re.S,
)
WRONG = (OSError, ValueError, TypeError, LookupError, AttributeError)  # what imaplib makes of a line it did not expect
LITERAL = re.compile(rb"~?\{\d+\+?\}$")
SHIFTED = re.compile(r"&([^-]*)-")
SEQUENCE = re.compile(rb"\d{1,10}(?::\d{1,10})?")

Value = bytes | None | list[Any]  # an atom or a string, NIL, a list in brackets


class SignInRefused(ConnectorError):
    """The server does not let this login in."""

    def __init__(self, login: str, said: str) -> None:
        super().__init__(
            f"The mail server does not let {login} sign in: are name and password right, and is it allowed? {said}",
            permanent=True,
            of_source=True,
        )


class Declined(ConnectorError):
    """The server answered NO or BAD to a command; `code` is the response code of RFC 5530, such as NOPERM."""

    def __init__(self, what: str, said: str) -> None:
        super().__init__(f"The mail server declined {what}: {said}", permanent=True)


class Broken(ConnectorError):
    """The connection ended, was silent for too long, or what came is not IMAP."""


class Unclear(ConnectorError):
    """An answer came whole, and cannot be understood."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The mail server's answer cannot be understood: {what}")


class TooMuch(ConnectorError):
    """An answer, or what it tells of, is larger than it may be."""

    def __init__(self, what: str = "An answer of the mail server is larger than it may be.") -> None:
        super().__init__(what, permanent=True)


@dataclass(frozen=True)
class Server:
    """`context` is None where the connection is not encrypted."""

    host: str
    port: int
    context: ssl.SSLContext | None


@dataclass(frozen=True)
class Login:
    """Whose mail, and who signs in. A master signs in as `account*master`, or, where `separator` is empty, with the
    account as the identity to act as (RFC 4616)."""

    account: str
    password: str = field(repr=False)
    master: str = ""
    separator: str = "*"

    @property
    def name(self) -> str:
        return f"{self.account}{self.separator}{self.master}" if self.master and self.separator else self.signer

    @property
    def signer(self) -> str:
        return self.master or self.account

    @property
    def acts_as(self) -> str:
        return self.account if self.master and not self.separator else ""


class Wire(IMAP4):
    """One connection. `allow` says how much the next command may cost."""

    def __init__(self, server: Server, seconds: float) -> None:
        self._server = server
        self._held = bytearray()
        self._read = self._lines = 0
        self.allow(seconds, MEGABYTE)
        super().__init__(server.host, server.port)

    def allow(self, seconds: float, most: int) -> None:
        self._until, self._most, self._lines = monotonic() + seconds, self._read + most, 0

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        """Connects to the host an administrator chose; its certificate must be that of the name."""
        plain = socket.create_connection((self._server.host, self._server.port), CONNECT)
        try:
            context = self._server.context
            self.sock = plain if context is None else context.wrap_socket(plain, server_hostname=self._server.host)
        except BaseException:
            plain.close()
            raise

    def read(self, size: int) -> bytes:
        if self._read - len(self._held) + size > self._most:
            raise TooMuch
        while len(self._held) < size:
            self._more()
        return self._taken(size)

    def readline(self) -> bytes:
        start = 0
        while (end := self._held.find(b"\n", start)) < 0:
            start = len(self._held)
            self._more()
        self._lines += 1
        if self._lines > MOST_LINES:
            raise TooMuch
        return self._taken(end + 1)

    def send(self, data: Any) -> None:
        self.sock.settimeout(max(self._until - monotonic(), 0.001))
        self.sock.sendall(data)

    def shutdown(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def command(self, name: str, *arguments: bytes) -> tuple[str, list[Any]]:
        """Status and words of the answer. What came with it stands in `untagged_responses`."""
        self.untagged_responses.clear()
        return self._simple_command(name, *arguments)  # type: ignore[no-any-return]

    def _more(self) -> None:
        if self._read > self._most:
            raise TooMuch
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)
        piece = self.sock.recv(65_536)
        if not piece:
            raise ConnectionResetError
        self._read += len(piece)
        self._held += piece

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


@dataclass(frozen=True)
class Answer:
    """What came with a command, by its name."""

    parts: Mapping[str, Sequence[Any]]

    def all(self, name: str) -> list[list[Value]]:
        """Each answer of this name as its values. Raises Unclear."""
        return [values(pieces) for pieces in _apart(self.parts.get(name, ()))]

    def number(self, name: str) -> int | None:
        """The last number that was told under this name."""
        told = [part for part in self.parts.get(name, ()) if isinstance(part, bytes)]
        return whole(told[-1]) if told else None


@dataclass
class Session:
    """One login, signed in when it is first asked and, after a break, once more."""

    server: Server
    login: Login
    patience: float = SECONDS
    _wire: Wire | None = None
    _opened: tuple[bytes, int] | None = None  # mailbox and UIDVALIDITY
    capabilities: frozenset[str] = frozenset()

    def ask(
        self,
        name: str,
        *arguments: bytes,
        within: bytes | None = None,
        validity: int | None = None,
        seconds: float | None = None,
        most: int = MOST,
    ) -> Answer:
        """`within`: the mailbox that is to be open, of this UIDVALIDITY. Raises Declined, Broken, TooMuch."""
        for last in (False, True):
            try:
                if within is not None:
                    self._open(within, validity)
                return self._asked(self._connected(), name, arguments, seconds or self.patience, most)
            except Broken:
                self._drop()
                if last:
                    raise
            except TooMuch:
                self._drop()
                raise
        raise AssertionError

    def examine(self, mailbox: bytes) -> tuple[int, int]:
        """UIDVALIDITY of a mailbox and how many messages it has; it is opened anew, to be read only."""
        self._opened = None
        answer = self.ask("EXAMINE", quoted(mailbox))
        wire = self._connected()
        wire.state = "SELECTED"
        validity, exists = answer.number("UIDVALIDITY"), answer.number("EXISTS")
        if not validity or exists is None:
            raise Unclear(f"it does not say what the mailbox {shown(mailbox)} holds.")
        self._opened = (mailbox, validity)
        return validity, exists

    def has(self, *names: str) -> bool:
        self._connected()
        return all(name in self.capabilities for name in names)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.allow(GOODBYE, MEGABYTE)
            with suppress(IMAP4.error, ConnectorError, *WRONG):
                self._wire.logout()
        self._drop()

    def _drop(self) -> None:
        wire, self._wire, self._opened = self._wire, None, None
        if wire is not None:
            wire.shutdown()

    # --- one try ----------------------------------------------------------------------------------------------

    def _connected(self) -> Wire:
        if self._wire is None:
            self._wire = self._signed_in()
        return self._wire

    def _signed_in(self) -> Wire:
        try:
            wire = Wire(self.server, self.patience)
        except (IMAP4.error, *WRONG) as error:
            raise Broken(f"{self.server.host} cannot be asked for mail: {told(error)}") from error
        try:
            sign_in(wire, self.login, self.patience)
            self.capabilities = frozenset(_named(wire, self.patience))
        except BaseException:
            wire.shutdown()
            raise
        return wire

    def _open(self, mailbox: bytes, validity: int | None) -> None:
        if self._opened is None or self._opened[0] != mailbox:
            self.examine(mailbox)
        assert self._opened is not None
        if validity is not None and self._opened[1] != validity:
            raise ConnectorError(f"The mailbox {shown(mailbox)} was made anew while it was read; the next run goes on.")

    def _asked(self, wire: Wire, name: str, arguments: Iterable[bytes], seconds: float, most: int) -> Answer:
        wire.allow(seconds, most)
        try:
            status, said = wire.command(name, *arguments)
        except IMAP4.abort as error:
            raise Broken(f"The mail server broke off or answered no IMAP: {told(error)}") from error
        except IMAP4.error as error:
            raise Declined(name, told(error)) from error
        except TimeoutError as error:
            raise Broken(f"The mail server did not answer within {seconds:.0f} seconds.") from error
        except WRONG as error:
            raise Broken(f"The mail server broke off or answered no IMAP: {told(error)}") from error
        if status != "OK":
            raise Declined(name, told(said[-1] if said else ""))
        return Answer({key: list(parts) for key, parts in wire.untagged_responses.items()})


def sign_in(wire: Wire, login: Login, seconds: float) -> None:
    """Raises SignInRefused, Broken."""
    wire.allow(seconds, MEGABYTE)
    try:
        _sign_in(wire, login)
    except IMAP4.abort as error:
        raise Broken(f"The mail server broke off the sign-in: {told(error)}") from error
    except IMAP4.error as error:
        said = told(error)
        if any(f"[{code}]" in said for code in PASSING):
            raise Broken(f"The mail server cannot let {login.account} sign in now: {said}") from error
        raise SignInRefused(login.account, f"It says: {said}") from error
    except WRONG as error:
        raise Broken(f"The mail server broke off the sign-in: {told(error)}") from error


def _sign_in(wire: Wire, login: Login) -> None:
    """By SASL PLAIN, which takes any letters, else by LOGIN."""
    if "AUTH=PLAIN" in wire.capabilities:
        secret = f"{login.acts_as}\0{login.name}\0{login.password}".encode()
        wire.authenticate("PLAIN", lambda _: secret)
    elif login.acts_as:
        raise SignInRefused(login.account, "It knows no AUTH=PLAIN, which a master without a separator needs.")
    elif "LOGINDISABLED" in wire.capabilities:
        raise SignInRefused(login.account, "It lets nobody sign in by name and password.")
    else:
        status, said = wire.command("LOGIN", quoted(login.name.encode()), quoted(login.password.encode()))
        if status != "OK":
            raise IMAP4.error(told(said[-1]))
        wire.state = "AUTH"


def _named(wire: Wire, seconds: float) -> list[str]:
    """What the server can, said anew after the sign-in, when it may be more."""
    try:
        wire.allow(seconds, MEGABYTE)
        wire.command("CAPABILITY")
    except (IMAP4.error, *WRONG) as error:
        raise Broken(f"The mail server did not say what it can: {told(error)}") from error
    parts = [part for part in wire.untagged_responses.get("CAPABILITY", []) if isinstance(part, bytes)]
    return [name for part in parts for name in part.decode("ascii", "replace").upper().split()]


# --- answers as values ------------------------------------------------------------------------------------------


def _apart(pieces: Iterable[Any]) -> Iterable[list[Any]]:
    """Each answer of its own: any number of (words, literal), then words."""
    answer: list[Any] = []
    for piece in pieces:
        answer.append(piece)
        if not isinstance(piece, tuple):
            yield answer
            answer = []


def values(pieces: Iterable[Any]) -> list[Value]:
    """One answer as atoms, strings and lists. Raises Unclear."""
    stack: list[list[Value]] = [[]]
    for piece in pieces:
        words, literal = piece if isinstance(piece, tuple) else (piece or b"", None)
        _tokens(LITERAL.sub(b"", words) if literal is not None else words, stack)
        if literal is not None:
            stack[-1].append(literal)
    if len(stack) != 1:
        raise Unclear("a bracket is not closed.")
    return stack[0]


def _tokens(words: bytes, stack: list[list[Value]]) -> None:
    place = 0
    while place < len(words):
        token = TOKEN.match(words, place)
        if token is None:
            raise Unclear(f"{told(words[place:])}")
        place = token.end()
        if token["open"]:
            inner: list[Value] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif token["close"]:
            stack.pop()
        elif token["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", token["quoted"], flags=re.S))
        elif token["atom"]:
            stack[-1].append(None if token["atom"].upper() == b"NIL" else token["atom"])
        if not 0 < len(stack) <= DEEPEST:
            raise Unclear("its brackets do not match.")


def pairs(value: Value) -> dict[str, Value]:
    """A list of names and values, names in capitals. Raises Unclear."""
    if not isinstance(value, list) or len(value) % 2:
        raise Unclear("it holds no pairs.")
    return {word(name).upper(): content for name, content in zip(value[::2], value[1::2], strict=True)}


def word(value: Value) -> str:
    """Text of an atom or string. Raises Unclear: it is none."""
    if not isinstance(value, bytes):
        raise Unclear("a list stands where a word should.")
    return value.decode("utf-8", "replace")


def whole(value: Value) -> int | None:
    """A number that a server may give: up to 63 bits, as those of CONDSTORE are."""
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) <= 19 else None


def told(error: object) -> str:
    """What the server says, short and printable."""
    if isinstance(error, Exception) and error.args and isinstance(error.args[0], bytes):
        error = error.args[0]
    text = error.decode("utf-8", "replace") if isinstance(error, bytes) else str(error)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:2000]).split())[:200]


# --- names and numbers ------------------------------------------------------------------------------------------


def quoted(name: bytes) -> bytes:
    """As a quoted string. Raises ValueError: it holds what none can."""
    if any(byte in name for byte in b"\r\n\0"):
        raise ValueError("a line break in a name")
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def shown(name: bytes) -> str:
    """A mailbox name as a person reads it: modified UTF-7 (RFC 3501, 5.1.3), or UTF-8."""
    text = name.decode("utf-8", "replace")
    return told(SHIFTED.sub(_unshifted, text)) if text.isascii() else told(text)


def _unshifted(shifted: "re.Match[str]") -> str:
    packed = shifted[1].replace(",", "/")
    if not packed:
        return "&"
    try:
        return b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode("utf-16-be")
    except (NotBase64, ValueError):
        return shifted[0]


def uids(text: bytes) -> set[int]:
    """Those of a sequence set such as `1:5,7`. Raises Unclear: it is none, or names more than a mailbox holds."""
    found: set[int] = set()
    for part in filter(None, text.split(b",")):
        if not SEQUENCE.fullmatch(part):
            raise Unclear(f"{told(part)} is no number of a message.")
        first, _, last = part.partition(b":")
        low, high = sorted((int(first), int(last or first)))
        if low < 1 or high - low + len(found) >= MOST_UIDS:
            raise Unclear(f"{told(part)} are no messages.")
        found.update(range(low, high + 1))
    return found


def ranges(numbers: Collection[int]) -> str:
    """The shortest sequence set for these numbers; "" for none."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in parts)
