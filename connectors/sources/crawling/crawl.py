"""One reading of a site: from its start addresses by links, and by its sitemaps, page by page to documents."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from hashlib import sha256
from pathlib import PurePosixPath

from connectors.parsing.kinds import kind_by_name
from connectors.records import Access, AccessRecord, Deletion, DocumentRecord, Problem, Record
from connectors.sources.base import ConnectorError, SlowDown
from connectors.sources.client import Refused, Reply, TooLarge
from connectors.sources.crawling import hypertext, sitemaps
from connectors.sources.crawling.asking import Asking, NotReadable
from connectors.sources.crawling.locations import Site, leads_into_itself, location, origin_of, target_of
from connectors.sources.crawling.memory import LONGEST_MARK, Memory, Seen
from connectors.sources.time_limit import TimeLimit

SCOPE = "site"
MOST_OF_A_PAGE = 50 * 1024 * 1024
MOST_OF_A_RUN = 10 * 1024**3  # bytes
MOST_OF_A_SITEMAP = sitemaps.MOST_BYTES
MOST_SITEMAPS = 1_000
MOST_LISTED = 200_000  # addresses that sitemaps name
MOST_KEPT = 256 * 1024 * 1024  # bytes, about, of addresses that are still to be asked for, or were
EACH_KEPT = 300  # of one, about, beside its letters
DEEPEST_INDEX = 3
MOST_VARIANTS = 200  # of one path, by what stands behind the question mark
MOST_FAILURES = 10  # one after the other
MOST_CLOSED = 20  # told one by one
MOST_REASONS = 100  # told
LONGEST_TYPE = 200  # characters of a Content-Type
HOPS = 5
SECONDS = 6 * 3600.0  # that a run may take
FOUND_BY_LISTS = -1  # the depth of what only a sitemap names: its links are not followed
CLOSED = frozenset({401, 402, 403, 407, 451})
GONE = frozenset({404, 410})
ANYTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})
NOT_TEXT = frozenset({"text/css", "text/javascript", "text/xml", "text/ecmascript"})
NOT_KINDS = frozenset({"", "picture", "code"})
WEB = frozenset({"text/html", "application/xhtml+xml"})
OFFICE = ("application/vnd.", "application/msword", "application/rtf")
MEDIA = """
    7z avi bin bmp bz2 css deb dmg eot exe flac gif gz ico iso jar jpeg jpg js m4a m4v map mjs mkv mov mp3 mp4 mpeg mpg
    msi ogg otf png rar rpm rss svg swf tar tgz tif tiff ttf wasm wav webm webp wmv woff woff2 xz zip
"""
NOT_ASKED = frozenset(f".{suffix}" for suffix in MEDIA.split())


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be read: locations, all."""

    site: Site
    start: Sequence[str] = ()
    sitemaps: Sequence[str] = ()
    by_robots: bool = False  # the sitemaps that robots.txt names, too
    without: Sequence[str] = ()  # parameters that say nothing
    depth: int = 5
    pages: int = 2_000
    hours: int = 6  # between two whole readings

    @property
    def origins(self) -> frozenset[str]:
        return self.site.origins | frozenset(map(origin_of, (*self.start, *self.sitemaps)))


@dataclass(frozen=True)
class Visit:
    place: str
    depth: int
    hops: int = 0


@dataclass
class Notes:
    """What was left out and why, told once for each reason. `failed`: something that may be there was not seen."""

    failed: bool = False
    _counts: dict[str, int] = field(default_factory=dict)
    _first: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note(self, words: str, place: str, detail: object = "") -> None:
        """`words` follow an address, and are the same for all that were left out for one reason."""
        if words not in self._counts and len(self._counts) >= MOST_REASONS:
            words, detail = "was left out, or not read, for yet another reason", ""
        self._counts[words] = self._counts.get(words, 0) + 1
        self._first.setdefault(words, (place, f" ({detail})" if detail else ""))

    def fail(self, words: str, place: str, detail: object = "") -> None:
        self.note(words, place, detail)
        self.failed = True

    def told(self) -> Iterator[Problem]:
        for words, count in self._counts.items():
            place, detail = self._first[words]
            several = f"{count:,} addresses: each {words}. The first: {place}{detail}"
            yield Problem(message=several if count > 1 else f"{place} {words}{detail}")
        if self.failed:
            yield Problem(message="So not all of the site was seen, and nothing that is known of it counts as gone.")


class Crawl:
    """`whole`: every page, else only what sitemaps say is new. `new` is what is to be remembered of it."""

    def __init__(
        self, plan: Plan, asking: Asking, memory: Memory, *, whole: bool, limit: TimeLimit | None = None
    ) -> None:
        self.plan = plan
        self.asking = asking
        self.whole = whole
        self.old = memory.pages
        self.new = Memory({} if whole else dict(memory.pages))
        self.notes = Notes()
        self.held = 0  # bytes of the records since somebody last asked
        self._limit = limit or TimeLimit(SECONDS)
        self._queue: deque[Visit] = deque()
        self._queued: set[str] = set()
        self._variants: dict[str, int] = {}
        self._listed: dict[str, str] = {}
        self._others: dict[str, tuple[str, DocumentRecord]] = {}  # pages that say they are called otherwise
        self._documents: set[str] = set()
        self._read = self._failures = self._closed = self._bytes = self._kept = 0

    @property
    def complete(self) -> bool:
        return self.whole and not self.notes.failed

    def records(self) -> Iterator[Record]:
        """Raises ConnectorError where the site cannot be read at all, or asks to be left alone."""
        self._read_sitemaps()
        for place in self.plan.start if self.whole else ():
            self._queue_up(Visit(place, 0))
        for visit in self._visits():
            if over := self._is_over():
                self.notes.fail(f"was not read any more: the limit is {over}", visit.place)
                break
            yield from self._visit(visit)
        yield from self._called_otherwise()
        if self.whole and not self._documents:  # rather a fault of the site than the end of everything
            self.notes.fail("and all it leads to hold no page that is read", self._first())
        yield from self.notes.told()
        if self.notes.failed and self.whole and not self._read:
            raise ConnectorError("Nothing of the site could be read; what is known of it is kept.")

    def tried(self) -> list[str]:
        """What is wrong with the start addresses and the sitemaps, each asked for once; no page is kept."""
        self._read_sitemaps()
        visits = [Visit(place, self.plan.depth) for place in self.plan.start]
        told: list[Problem] = []
        for visit in visits:
            if over := self._is_too_much():
                self.notes.fail(f"was not tried: the limit is {over}", visit.place)
                break
            told += [record for record in self._visit(visit) if isinstance(record, Problem)]
        if not visits and not self._listed and not self.notes.failed:
            self.notes.fail("and all it leads to name nothing that is read", self._first())
        summary = 1 if self.notes.failed else 0
        return [each.message for each in [*told, *self.notes.told()][: -summary or None]]

    def _first(self) -> str:
        return next(iter((*self.plan.start, *self.plan.sitemaps, *self.plan.site.within)))

    def _is_over(self) -> str:
        return f"{self.plan.pages:,} pages" if self._read >= self.plan.pages else self._is_too_much()

    def _is_too_much(self) -> str:
        if self._bytes > MOST_OF_A_RUN:
            return f"{MOST_OF_A_RUN // 1024**3} GB"
        return self._limit.told if self._limit.is_over else ""

    # --- where to go ------------------------------------------------------------------------------------------

    def _visits(self) -> Iterator[Visit]:
        """What links lead to, then what only sitemaps name."""
        while self._queue:
            yield self._queue.popleft()
        for place, modified in list(self._listed.items()):
            if self.whole or self._is_news(place, modified):
                self._queue_up(Visit(place, FOUND_BY_LISTS))
            while self._queue:
                yield self._queue.popleft()

    def _is_news(self, place: str, modified: str) -> bool:
        return place not in self.old or bool(modified and modified != self.old[place].listed)

    def _queue_up(self, visit: Visit) -> None:
        place = visit.place
        if place in self._queued or not self.plan.site.has(place):
            return None
        path, _, query = target_of(place).partition("?")
        if PurePosixPath(path).suffix.lower() in NOT_ASKED:
            return None
        if leads_into_itself(place):
            return self.notes.note("was not asked for: its path leads into itself", place)
        if len(self._queued) > 20 * self.plan.pages + MOST_LISTED or self._kept > MOST_KEPT:
            return self.notes.fail("was not kept in mind: the site leads to too many addresses", place)
        if query:
            self._variants[path] = self._variants.get(path, 0) + 1
            if self._variants[path] > MOST_VARIANTS:
                words = f"was not asked for: more than {MOST_VARIANTS} addresses differ behind the question mark alone"
                return self.notes.fail(words, place)
        self._kept += len(place) + EACH_KEPT
        self._queued.add(place)
        self._queue.append(visit)
        return None

    def _read_sitemaps(self) -> None:
        named = list(self.plan.sitemaps)
        for origin in sorted(self.plan.origins) if self.plan.by_robots else ():
            try:
                named += filter(None, (location(said, origin) for said in self.asking.robots(origin).sitemaps))
            except NotReadable as told:
                self.notes.fail("is not read", origin, told)
        waiting: deque[tuple[str, int]] = deque()
        known: set[str] = set()
        self._wait_for(named, 0, waiting, known)
        while waiting:
            place, depth = waiting.popleft()
            if over := self._is_too_much():
                return self.notes.fail(f"was not read any more: the limit is {over}", place)
            found = self._sitemap(place)
            self._wait_for(self._below(place, depth, found), depth + 1, waiting, known)
            if not self._list(found):
                words = "was not read to its end, nor what comes after it: the sitemaps name too many addresses"
                return self.notes.fail(words, place)
        return None

    def _wait_for(self, places: Iterable[str], depth: int, waiting: deque[tuple[str, int]], known: set[str]) -> None:
        """Sitemaps to be read, each once, and no more of them than are read."""
        for place in places:
            if place in known:
                continue
            if len(known) >= MOST_SITEMAPS:
                self.notes.fail(f"was not read: there are more than {MOST_SITEMAPS:,} sitemaps", place)
                break
            known.add(place)
            waiting.append((place, depth))

    def _sitemap(self, place: str) -> sitemaps.Sitemap:
        try:
            reply = self.asking.led(place, most=MOST_OF_A_SITEMAP)
            self._bytes += len(reply.content)
            found = sitemaps.read(reply.content)
        except sitemaps.NotRead as error:
            self.notes.fail(f"{error}", place)
            return sitemaps.Sitemap()
        except SlowDown:
            raise
        except ConnectorError as error:
            self.notes.fail("is a sitemap that was not read", place, error)
            return sitemaps.Sitemap()
        if found.cut:
            self.notes.fail(f"names more than {sitemaps.MOST_ENTRIES:,} addresses; the rest was not read", place)
        return found

    def _below(self, place: str, depth: int, found: sitemaps.Sitemap) -> Iterator[str]:
        for entry in found.sitemaps:
            below = location(entry.address, place)
            if below is None or origin_of(below) not in self.plan.origins:
                self.notes.note("is a sitemap of another host, which is not read", entry.address[:200])
            elif depth >= DEEPEST_INDEX:
                self.notes.fail("is a sitemap below too many others, which was not read", below)
            else:
                yield below

    def _list(self, found: sitemaps.Sitemap) -> bool:
        """Whether all of it could be kept in mind."""
        for entry in found.pages:
            place = location(entry.address, without=self.plan.without)
            if place is None or not self.plan.site.has(place):
                continue
            if place not in self._listed:
                if len(self._listed) >= MOST_LISTED or self._kept > MOST_KEPT // 2:  # the rest is for what is asked for
                    return False
                self._kept += len(place) + EACH_KEPT
            self._listed[place] = entry.modified
        return True

    # --- what stands there ------------------------------------------------------------------------------------

    def _visit(self, visit: Visit) -> Iterator[Record]:
        place = visit.place
        seen = self.old.get(place, Seen())
        try:
            reply = self._asked(place, seen)
        except TooLarge:
            self._reached(MOST_OF_A_PAGE)
            yield self._document(place, Seen(version="too large"), unreadable="too_large")
        except Refused as refused:
            yield from self._refused(place, refused)
        except SlowDown:
            raise
        except NotReadable as told:
            self.notes.fail("was not asked for", place, told)
        except ConnectorError as error:
            self._failed(place, error)
        else:
            yield from self._answered(visit, seen, reply) if reply is not None else ()

    def _asked(self, place: str, seen: Seen) -> Reply | None:
        """None where robots.txt keeps it from us."""
        if self.asking.allows(place):
            reply = self.asking.get(place, seen.conditions, most=MOST_OF_A_PAGE)
            self._reached(len(reply.content))
            return reply
        if place in self.plan.start:
            self.notes.fail("is a start address, and robots.txt keeps it from us", place)
        return None

    def _reached(self, size: int = 0) -> None:
        self._read += 1
        self._bytes += size
        self._failures = 0

    def _failed(self, place: str, error: ConnectorError) -> None:
        self.notes.fail("was not read", place, error)
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            told = f"{MOST_FAILURES} addresses one after the other could not be read, so the run ends here."
            raise ConnectorError(f"{told} The last: {error}")

    def _refused(self, place: str, refused: Refused) -> Iterator[Record]:
        """Gone is what is not there; what we may not read any more, nobody reads here either."""
        if refused.status == 429:
            raise refused
        if refused.status in GONE:
            self._reached()
            self._is_no_page(place)
            if place in self.plan.start:
                self.notes.fail(f"is a start address and is not there ({refused.status})", place)
        elif refused.status in CLOSED:
            self._reached()
            self._closed += 1
            told = f"{place} may not be read ({refused.status}), so nobody reads it here until it may."
            if self._closed <= MOST_CLOSED:
                yield Problem(message=told, kind="document", id=place)
            else:
                self.notes.fail(f"may not be read ({refused.status}), so nobody reads it here until it may", place)
                yield AccessRecord(kind="document", id=place, place=SCOPE, access=Access(problem=told))
        else:
            self._failed(place, refused)

    def _answered(self, visit: Visit, seen: Seen, reply: Reply) -> Iterator[Record]:
        if reply.status == 304 and seen.conditions:
            listed = self._listed.get(visit.place, seen.listed)
            yield from self._understood(visit, replace(seen, listed=listed), _wishes(reply), None)
        elif reply.leads:
            self._led(visit, reply)
        elif reply.status == 200:
            yield from self._page(visit, reply)
        else:
            self.notes.fail(f"was answered with status {reply.status}, which holds nothing to read", visit.place)

    def _led(self, visit: Visit, reply: Reply) -> None:
        target = location(reply.headers["location"], visit.place, without=self.plan.without)
        self._is_no_page(visit.place)
        if target is not None and self.plan.site.has(target) and visit.hops < HOPS:
            self._queue_up(Visit(target, visit.depth, visit.hops + 1))
        elif visit.place in self.plan.start:
            where = reply.headers["location"][:200]
            self.notes.fail(f"is a start address and leads out of what is read, to {where}", visit.place)
        else:
            self.notes.note("leads out of what is read", visit.place)

    def _is_no_page(self, place: str) -> None:
        """Known again until a sitemap says that it changed."""
        self.new.remember(place, Seen(listed=self._listed.get(place, "")))

    def _page(self, visit: Visit, reply: Reply) -> Iterator[Record]:
        declared, _, parameters = reply.headers.get("content-type", "").partition(";")
        declared = declared.strip().lower()[:LONGEST_TYPE]
        wishes = _wishes(reply)
        page = hypertext.Hypertext()
        if declared in WEB:
            charset = parameters.partition("charset=")[2].strip(" \"'")
            page = hypertext.read(reply.content, charset)
            wishes |= page.wishes
            if page.cut and "nofollow" not in wishes:
                self.notes.fail("leads to more than is followed from one page", visit.place)
        readable = is_read(declared, target_of(visit.place))
        base = location(page.base, visit.place) or visit.place
        seen = Seen(
            etag=_mark(reply, "etag"),
            modified=_mark(reply, "last-modified"),
            listed=self._listed.get(visit.place, ""),
            version=sha256(reply.content).hexdigest() if readable else "",
            mime=declared if declared not in ANYTHING else "",
            canonical=self._canonical(page.canonical or _called(reply), base, visit.place),
            links=() if visit.depth == FOUND_BY_LISTS else tuple(self._links(page, base)),
        )
        if not readable:
            self.notes.note(f"holds what is not read ({declared[:60]})", visit.place)
        yield from self._understood(visit, seen, wishes, reply.content)

    def _links(self, page: hypertext.Hypertext, base: str) -> Iterator[str]:
        places = (location(link, base, without=self.plan.without) for link in page.links)
        yield from dict.fromkeys(place for place in places if place is not None and self.plan.site.has(place))

    def _canonical(self, said: str, base: str, place: str) -> str:
        """How the page is called, if it says so of an address that is read and not its own."""
        named = location(said, base, without=self.plan.without) if said else None
        return named if named is not None and named != place and self.plan.site.has(named) else ""

    def _understood(self, visit: Visit, seen: Seen, wishes: set[str], content: bytes | None) -> Iterator[Record]:
        """`content` is None where it is what it was."""
        place = visit.place
        hidden = "noindex" in wishes
        if "nofollow" in wishes:
            seen = replace(seen, links=())
        self.new.remember(place, replace(seen, version="") if hidden else seen)
        if visit.depth != FOUND_BY_LISTS and visit.depth < self.plan.depth:
            for link in seen.links:
                self._queue_up(Visit(link, visit.depth + 1))
        if hidden or not seen.version:
            if self.old.get(place, Seen()).version:
                yield Deletion(kind="document", id=place)
        elif seen.canonical:
            self._others[place] = (seen.canonical, self._document(place, seen))
            self._queue_up(Visit(seen.canonical, visit.depth, visit.hops + 1 if visit.hops < HOPS else HOPS))
        else:
            yield self._document(place, seen, content)

    def _called_otherwise(self) -> Iterator[Record]:
        """Pages under a name that is none of a page are pages of their own."""
        for place, (named, record) in sorted(self._others.items()):
            names = {named}
            while named in self._others and self._others[named][0] not in names:
                named = self._others[named][0]
                names.add(named)
            if not names & self._documents:
                self._documents.add(place)
                yield record

    def _document(
        self, place: str, seen: Seen, content: bytes | None = None, *, unreadable: str = ""
    ) -> DocumentRecord:
        if not seen.canonical:
            self._documents.add(place)
        self.held += len(content or b"")
        return DocumentRecord(
            id=place,
            title="",  # its text says it better than its address
            scope=SCOPE,
            url=place,
            mime=seen.mime,
            content=None if unreadable else content if content is not None else partial(self._again, place),
            version=seen.version,
            unreadable=unreadable,
            modified_at=_moment(seen),
        )

    def _again(self, place: str) -> bytes:
        self._limit.hold()
        reply = self.asking.get(place, most=MOST_OF_A_PAGE)
        self._bytes += len(reply.content)
        if reply.status != 200:
            raise ConnectorError(f"{place} was there and is not any more; the next run looks again.")
        return reply.content


def is_read(declared: str, target: str) -> bool:
    """Whether parsers may know what is declared so; where nothing is declared, by its name."""
    name = PurePosixPath(target.partition("?")[0]).name
    if declared in ANYTHING:
        return kind_by_name(name) not in NOT_KINDS
    if declared.startswith("text/"):
        return declared not in NOT_TEXT
    return declared in WEB or declared.startswith(OFFICE) or kind_by_name("", declared) not in NOT_KINDS


def _wishes(reply: Reply) -> set[str]:
    return hypertext.wishes_of(reply.headers.get("x-robots-tag", ""))


def _called(reply: Reply) -> str:
    try:
        return reply.link("canonical") or ""
    except ConnectorError:
        return ""


def _mark(reply: Reply, name: str) -> str:
    """A header to ask with next time; what is too long or odd is none."""
    mark = reply.headers.get(name, "")
    return mark if len(mark) <= LONGEST_MARK and all(" " <= letter <= "~" for letter in mark) else ""


def _moment(seen: Seen) -> datetime | None:
    try:
        at = parsedate_to_datetime(seen.modified)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return sitemaps.moment(seen.listed)


def described(plan: Plan) -> Mapping[str, object]:
    """What a memory depends on: of other settings, it would leave out what they add."""
    return {
        "within": list(plan.site.within),
        "exclude": list(plan.site.exclude),
        "without": list(plan.without),
        "start": list(plan.start),
        "depth": plan.depth,
    }
