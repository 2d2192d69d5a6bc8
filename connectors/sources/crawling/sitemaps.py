"""Sitemaps (sitemaps.org): XML, packed or not, an index of others, or one address a line."""

import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.parsers import expat

MOST_BYTES = 50 * 1024 * 1024  # unpacked, as sitemaps.org has it
MOST_ENTRIES = 50_000  # likewise, of one file
LONGEST = 4_000
DEEPEST = 10
MOST_ELEMENTS = 2_000_000
MOST_NAMES = 1_000  # of elements and attributes
LONGEST_TAG = 100_000  # bytes: the attributes of one could fill the memory
FAR_APART = re.compile(rb"<(?=[^<]{%d})" % LONGEST_TAG)
TAG = re.compile(rb"""<[^<>"'!?][^<>"']*+(?:(?:"[^"<]*+"|'[^'<]*+')[^<>"']*+)*+""")
ROOTS = frozenset({"urlset", "sitemapindex"})
GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class NotRead(Exception):
    """The sitemap is none, or is made to hurt; in words that follow its address."""


@dataclass(frozen=True)
class Entry:
    """An address, and when what stands there last changed, as the sitemap says it."""

    address: str
    modified: str = ""


@dataclass
class Sitemap:
    """`cut`: it holds more than is read of one."""

    pages: list[Entry] = field(default_factory=list)
    sitemaps: list[Entry] = field(default_factory=list)
    cut: bool = False


def read(content: bytes) -> Sitemap:
    """Raises NotRead."""
    text = _unpacked(content)
    if text.startswith(UTF_16):
        return _Reading(said="utf-8").of(text.decode("utf-16", "replace").encode("utf-8", "replace"))
    if text.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _Reading().of(text)
    return _lines(text)


def moment(modified: str) -> datetime | None:
    """W3C's form of ISO 8601: a day or a time with an offset."""
    try:
        found = datetime.fromisoformat(modified.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(GZIP):
        return content
    unpacking = zlib.decompressobj(wbits=31)
    try:
        text = unpacking.decompress(content, MOST_BYTES)
    except zlib.error:
        raise NotRead("is packed, and damaged") from None
    if unpacking.unconsumed_tail:
        raise NotRead(f"unpacks to more than {MOST_BYTES // 1024 // 1024} MB")
    if not unpacking.eof:
        raise NotRead("is packed, and broken off")
    return text


def _lines(text: bytes) -> Sitemap:
    found = Sitemap()
    for line in text.decode("utf-8-sig", "replace").splitlines():
        if not line.strip():
            continue
        if not line.startswith(("http://", "https://")):
            raise NotRead("is no sitemap")
        if len(found.pages) >= MOST_ENTRIES:
            found.cut = True
            break
        found.pages.append(Entry(line.strip()[:LONGEST]))
    return found


def _tag_at(text: bytes, place: int) -> int:
    """How long the tag is that begins there."""
    tag = TAG.match(text, place)
    return len(tag[0]) if tag else 0


class _Full(Exception):
    """The rest is not read."""


class _Reading:
    """Goes through the XML once and keeps nothing of it but the entries. A document type, and with it every entity
    that could grow, is refused; name spaces are not looked up, for a long one would be written out at every element."""

    def __init__(self, said: str | None = None) -> None:
        self.found = Sitemap()
        self.path: list[str] = []
        self.said = {"loc": "", "lastmod": ""}
        self.elements = 0
        self.parser = expat.ParserCreate(said)

    def of(self, text: bytes) -> Sitemap:
        """In one piece, since of several the beginning of a long tag is read again with each."""
        if b"\0" in text or any(_tag_at(text, place.start()) > LONGEST_TAG for place in FAR_APART.finditer(text)):
            raise NotRead("is no sitemap")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refused
        self.parser.StartElementHandler = self._begun
        self.parser.EndElementHandler = self._ended
        self.parser.CharacterDataHandler = self._text
        try:
            self.parser.Parse(text, True)
        except _Full:
            self.found.cut = True
        except (expat.ExpatError, ValueError, LookupError):
            raise NotRead("is no XML, or breaks off") from None
        return self.found

    def _refused(self, *declared: object) -> None:
        raise NotRead("declares a document type, which no sitemap needs")

    def _begun(self, name: str, attributes: object) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise _Full
        self.path.append(name.rpartition(":")[2])
        if (len(self.path) == 1 and self.path[0] not in ROOTS) or len(self.parser.intern) > MOST_NAMES:
            raise NotRead("is no sitemap")
        if len(self.path) > DEEPEST:
            raise NotRead("is nested too deeply")
        if len(self.path) == 2:
            self.said = {"loc": "", "lastmod": ""}

    def _text(self, text: str) -> None:
        if len(self.path) == 3 and self.path[2] in self.said:
            self.said[self.path[2]] = (self.said[self.path[2]] + text)[:LONGEST]

    def _ended(self, name: str) -> None:
        if len(self.path) == 2 and (address := self.said["loc"].strip()):
            if len(self.found.pages) + len(self.found.sitemaps) >= MOST_ENTRIES:
                raise _Full
            entries = self.found.sitemaps if self.path == ["sitemapindex", "sitemap"] else self.found.pages
            entries.append(Entry(address, self.said["lastmod"].strip()[:40]))
        self.path.pop()
