"""One spelling for an address, and which addresses belong to what is read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import unquote_plus, urljoin

import httpx

LONGEST = 1_000  # characters: an address is the id of its document
DEEPEST = 30  # segments of a path
REPEATED = 3  # times that a segment may stand in a path: more is a link that leads into itself
HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]*[a-z0-9_-])?|[0-9a-f:.]*:[0-9a-f:.]*")
BLANKS = re.compile(r"[\t\r\n]")
ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def location(text: str, base: str = "", *, without: Sequence[str] = ()) -> str | None:
    """The canonical spelling of an address (RFC 3986, 6.2.2), None for what is none that can be read.

    `without`: names of parameters that say nothing, `*` standing for any letters.
    """
    try:
        url = httpx.URL(urljoin(base, _plain(text)))
        host = url.raw_host.decode("ascii").rstrip(".").lower() if url.host else ""
        path = _path(url.raw_path.partition(b"?")[0].decode("ascii"))
        query = _query(url.query.decode("ascii"), without)
    except (httpx.InvalidURL, ValueError):
        return None
    if url.scheme not in ("http", "https") or url.userinfo or not HOST.fullmatch(host) or (url.port or 1) > 65_535:
        return None
    place = f"[{host}]" if ":" in host else host
    port = f":{url.port}" if url.port is not None else ""
    whole = f"{url.scheme}://{place}{port}{path}{query}"
    return whole if len(whole) <= LONGEST else None


def _plain(text: str) -> str:
    """As a browser takes an address from a page: without line breaks in it and blanks around it."""
    return BLANKS.sub("", text[: 4 * LONGEST]).strip(" \0\x0b\x0c")


def escaped(text: str) -> str:
    """Escapes in one spelling: none for what needs none, capitals for the others."""

    def one(match: re.Match[str]) -> str:
        letter = chr(int(match[1], 16))
        return letter if letter in UNRESERVED else f"%{match[1].upper()}"

    return ESCAPED.sub(one, text)


def _path(path: str) -> str:
    segments: list[str] = []
    *folders, name = escaped(path).removeprefix("/").split("/")
    for segment in folders:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    if name == "..":
        del segments[-1:]
    return "/" + "/".join([*segments, "" if name in (".", "..") else name])


def _query(query: str, without: Sequence[str]) -> str:
    kept = [part for part in escaped(query).split("&") if part and not _says_nothing(part, without)]
    return "?" + "&".join(kept) if kept else ""


def _says_nothing(part: str, without: Sequence[str]) -> bool:
    name = unquote_plus(part.partition("=")[0]).lower()
    return any(fnmatchcase(name, pattern.lower()) for pattern in without)


def origin_of(place: str) -> str:
    """Scheme, host and port of a location."""
    return place[: place.index("/", place.index("://") + 3)]


def host_of(place: str) -> str:
    return str(httpx.URL(place).host)


def target_of(place: str) -> str:
    """Path and query of a location."""
    return place[len(origin_of(place)) :]


def folder_of(place: str) -> str:
    """The location up to the last slash of its path."""
    return place.partition("?")[0].rpartition("/")[0] + "/"


def matches(pattern: str, target: str) -> bool:
    """Whether a path and query match, as robots.txt has it (RFC 9309, 2.2.3): `*` any letters, a last `$` the end."""
    anchored = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    place = len(first)
    for number, part in enumerate(rest, start=1):
        if anchored and number == len(rest):
            return len(target) - len(part) >= place and target.endswith(part)
        found = target.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return not anchored or place == len(target)


def leads_into_itself(place: str) -> bool:
    """Whether the path looks like a link that was put on top of itself again and again."""
    segments = [segment for segment in target_of(place).partition("?")[0].split("/") if segment]
    return len(segments) > DEEPEST or any(segments.count(segment) > REPEATED for segment in set(segments))


@dataclass(frozen=True)
class Site:
    """What is read: addresses below any of `within` that match none of `exclude`."""

    within: Sequence[str]
    exclude: Sequence[str] = ()

    def has(self, place: str) -> bool:
        return any(_below(place, top) for top in self.within) and not any(
            matches(pattern, target_of(place)) for pattern in self.exclude
        )

    @property
    def origins(self) -> frozenset[str]:
        return frozenset(map(origin_of, self.within))


def _below(place: str, top: str) -> bool:
    folder = top if top.endswith("/") else top + "/"
    return place == top or place.startswith((folder, top.rstrip("/") + "?"))
