"""What is remembered of a site between two crawls: how its pages were, where they led. It stays small."""

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

MOST = 2_000_000  # characters that a source keeps of a site
MOST_HELD = 100_000_000  # bytes, about, that it takes while the site is read
EACH_PAGE, EACH_ADDRESS, EACH_LINK = 700, 100, 16  # bytes, about, beside the letters
UNPACKED = 64_000_000
LONGEST_MARK = 300  # characters of an ETag or a date


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A page as it was. `version` is empty where it was no document. `links`: where it led, within the site."""

    etag: str = ""
    modified: str = ""  # its Last-Modified
    listed: str = ""  # what a sitemap said of its last change
    version: str = ""
    mime: str = ""
    canonical: str = ""
    links: tuple[str, ...] = ()

    @property
    def conditions(self) -> Mapping[str, str]:
        """Headers that ask for the page only if it is another by now (RFC 9110, 13.1)."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.modified} if self.modified else {}


@dataclass
class Memory:
    """The pages of a site by their location."""

    pages: dict[str, Seen] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict, compare=False)  # each address that pages lead to, once
    _held: int = field(default=0, compare=False)

    def remember(self, place: str, seen: Seen) -> None:
        """A page that no longer fits is forgotten, not its links alone: of one that is found to be the same next time,
        nobody would know where it leads."""
        new = {link for link in seen.links if link not in self._names}
        said = (place, seen.etag, seen.modified, seen.listed, seen.mime, seen.canonical, *new)
        size = EACH_PAGE + sum(map(len, said)) + EACH_ADDRESS * len(new) + EACH_LINK * len(seen.links)
        if self._held + size > MOST_HELD:
            self.pages.pop(place, None)
            return
        self._held += size
        self._names.update(zip(new, new, strict=True))
        self.pages[place] = replace(seen, links=tuple(self._names[link] for link in seen.links))

    def packed(self) -> str:
        """As text that fits; what does not fit is forgotten, and read anew next time."""
        kept = list(self.pages)
        while True:
            text = _pack({place: self.pages[place] for place in kept})
            if text is not None:
                return text
            kept = kept[: len(kept) // 2]

    @classmethod
    def of(cls, packed: object) -> "Memory":
        """Nothing is remembered where it is not as `packed` made it."""
        try:
            return cls(dict(_unpacked(packed))) if isinstance(packed, str) and packed else cls()
        except (ValueError, TypeError, KeyError, IndexError, zlib.error, binascii.Error, RecursionError):
            return cls()


def _pack(pages: Mapping[str, Seen]) -> str | None:
    """None where it is too much."""
    names: dict[str, int] = {}

    def number(place: str) -> int:
        return names.setdefault(place, len(names))

    rows = [
        [
            *(number(place), seen.etag, seen.modified, seen.listed, seen.version, seen.mime, seen.canonical),
            [number(link) for link in seen.links],
        ]
        for place, seen in pages.items()
    ]
    content = json.dumps({"names": list(names), "pages": rows}, separators=(",", ":")).encode()
    text = base64.b64encode(zlib.compress(content)).decode()
    return text if len(content) <= UNPACKED and len(text) <= MOST else None


def _unpacked(packed: str) -> Iterator[tuple[str, Seen]]:
    content = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), UNPACKED)
    data = json.loads(content)
    names = data["names"]
    for place, etag, modified, listed, version, mime, canonical, links in data["pages"]:
        led = tuple(names[link] for link in links)
        yield (
            names[place],
            Seen(
                etag=etag,
                modified=modified,
                listed=listed,
                version=version,
                mime=mime,
                canonical=canonical,
                links=led,
            ),
        )
