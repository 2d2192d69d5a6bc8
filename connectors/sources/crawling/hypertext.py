"""What a page says to who reads it by links: where it leads, what it is called, whether it wants to be found.

Only tags are looked for, each letter once, in plain Python: what a page holds is read elsewhere, in a process that
may do nothing. Whatever a page does, this takes as long as it is long.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST = 5 * 1024 * 1024  # bytes of a page that are looked at
MOST_LINKS = 5_000  # of one page
LONGEST_TAG = 8_192
TAG = re.compile(r"[a-zA-Z][a-zA-Z0-9]*")
ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))|([^\s"'<>/=]+)""")
UNREAD = frozenset({"script", "style", "textarea", "title", "template", "xmp", "iframe", "noembed", "noframes"})
READ = frozenset({"a", "area", "base", "link", "meta", "frame"})
NAMES = frozenset({"robots", "gatehouse"})
UTF_16 = frozenset({"utf-16", "utf-16le", "utf-16be"})


@dataclass
class Hypertext:
    """`links`, `base` and `canonical` are as the page spells them; `wishes` are its directives to robots. `cut`: it may
    lead to more."""

    links: dict[str, None] = field(default_factory=dict)
    base: str = ""
    canonical: str = ""
    wishes: set[str] = field(default_factory=set)
    cut: bool = False


def read(content: bytes, charset: str = "") -> Hypertext:
    """`charset`: as it was declared with the page; addresses are ASCII, so it seldom matters."""
    text = _decoded(content[:MOST], charset)
    found = Hypertext(cut=len(content) > MOST)
    place = text.find("<")
    while place >= 0 and len(found.links) < MOST_LINKS:
        place = text.find("<", _past(text, place, found))
    found.cut = found.cut or place >= 0
    return found


def wishes_of(said: str) -> set[str]:
    """The directives of a robots tag or an X-Robots-Tag header that are for us or for everybody."""
    wishes: set[str] = set()
    agent = ""
    for part in said.lower().split(","):
        before, colon, after = part.partition(":")
        if colon and before.strip() not in (
            "unavailable_after",
            "max-snippet",
            "max-image-preview",
            "max-video-preview",
        ):
            agent, part = before.strip(), after
        if agent in ("", *NAMES):
            wishes.add(part.strip())
    return wishes | {"noindex", "nofollow"} if "none" in wishes else wishes


def _decoded(content: bytes, charset: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode(charset if charset.lower() in UTF_16 else "utf-8", "replace")


def _past(text: str, start: int, found: Hypertext) -> int:
    """Where to go on after what begins with the `<` at `start`; the end of the text if nothing more counts."""
    if text.startswith("<!--", start):
        return _after(text, "-->", start + 4)
    tag = TAG.match(text, start + 1)
    if tag is None:
        return start + 1
    end = _after(text, ">", tag.end())
    name = tag[0].lower()
    if name in UNREAD:
        closing = re.compile(rf"</{name}", re.I).search(text, end)
        return closing.end() if closing else len(text)
    if name in READ:
        inside = text[tag.end() : end - 1]
        if inside.count('"') % 2 or inside.count("'") % 2:  # a > that stands in a value
            end = _after(text, ">", end)
            inside = text[tag.end() : end - 1]
        if len(inside) <= LONGEST_TAG:
            _take(name, _attributes(inside), found)
    return end


def _after(text: str, what: str, start: int) -> int:
    place = text.find(what, start)
    return len(text) if place < 0 else place + len(what)


def _attributes(inside: str) -> Mapping[str, str]:
    """By lower-case name, the first of each, as browsers have it."""
    values: dict[str, str] = {}
    for match in ATTRIBUTE.finditer(inside):
        name, *values_of, alone = match.groups()
        values.setdefault((name or alone).lower(), html.unescape(next(filter(None, values_of), "")))
    return values


def _take(name: str, attributes: Mapping[str, str], found: Hypertext) -> None:
    relation = attributes.get("rel", "").lower().split()
    address = attributes.get("href", "").strip()
    match name:
        case "base":
            found.base = found.base or address
        case "link" if "canonical" in relation:
            found.canonical = found.canonical or address
        case "meta" if attributes.get("name", "").lower() in NAMES:
            found.wishes |= wishes_of(attributes.get("content", ""))
        case "a" | "area" if address and "nofollow" not in relation:
            found.links[address] = None
        case "frame" if attributes.get("src"):
            found.links[attributes["src"]] = None
