"""Websites: pages found by links and by sitemaps, as anybody sees them who is not signed in, for readers set here."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import ClassVar

from connectors.records import (
    EVERYONE,
    Access,
    Checkpoint,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.crawling.asking import Asking
from connectors.sources.crawling.crawl import SCOPE, Crawl, Plan, described
from connectors.sources.crawling.locations import Site, folder_of, location, origin_of
from connectors.sources.crawling.memory import Memory
from connectors.sources.time_limit import TimeLimit

BY_ROBOTS = "robots"
MOST_PAGES = 50_000
DEEPEST = 50
MOST_HOURS = 8_760
HELD = 16 * 1024 * 1024  # bytes of pages between two checkpoints
PAGE = 50  # records likewise
SECONDS_OF_A_CHECK = 300.0
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class Web(Connector):
    """Reads public pages politely. A site knows nothing of who may read here: that is the setting `readers`."""

    settings: ClassVar = {
        "start": "Addresses to begin at, by commas; links are followed from them.",
        "sitemaps": "Addresses of sitemaps, by commas; 'robots' stands for those that robots.txt names.",
        "readers": "Who may read: 'everyone', e-mail addresses and names of 'groups', by commas. Empty: nobody.",
        "groups": "Groups for 'readers', as 'board: ann@example.org, bob@example.org; legal: carol@example.org'.",
        "within": "Addresses below which it stays, by commas. Empty: the folders of 'start', the hosts of 'sitemaps'.",
        "exclude": "Paths that are not read, by commas, as in robots.txt: '/intern/, /*.pdf$'.",
        "ignored_parameters": "Names of parameters that say nothing, by commas, such as 'utm_*, sid'.",
        "private_hosts": "Hosts of these addresses, by commas, that may stand in the inner network.",
        "depth": "How many links away from 'start' it goes; 5 if empty.",
        "pages": "How many pages it reads in a run; 2000 if empty.",
        "hours": "Hours between two readings of the whole site; 6 if empty. In between, sitemaps tell what is new.",
    }

    a_second: ClassVar = 5.0  # questions to one host, unless robots.txt asks for fewer

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        vouches_for_emails: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(values, vouches_for_emails=vouches_for_emails)
        self.sleep = sleep

    def records(self, since: State | None) -> Records:
        """Readers first and always; then the whole site, or what its sitemaps say is new since it was read whole."""
        state = dict(since or {})
        yield from self.first(state)
        plan = self.plan()
        memory = Memory.of(state.get("seen")) if state.get("plan") == mark_of(plan) else Memory()
        read_at = moment(state.get("read_at")) if memory.pages else None
        now = datetime.now(UTC)
        whole = read_at is None or not read_at <= now < read_at + timedelta(hours=plan.hours)
        crawl = Crawl(plan, self.asking(plan), memory, whole=whole)
        for count, record in enumerate(crawl.records(), start=1):
            yield record
            if count % PAGE == 0 or crawl.held > HELD:
                crawl.held = 0
                yield Checkpoint(state=state)
        read_at = read_at if read_at is not None and not whole else now
        state = {"plan": mark_of(plan), "read_at": read_at.isoformat(), "seen": crawl.new.packed()}
        yield Checkpoint(state=state, complete=crawl.complete)

    def first(self, state: State) -> Iterator[Record]:
        """Who may read, whatever becomes of the site. A setting that cannot be understood admits nobody (P4)."""
        try:
            records = list(self.readers())
        except ConnectorError as error:
            yield ScopeRecord(id=SCOPE, name=self.name, access=Access(problem=str(error)))
            yield Checkpoint(state=state)
            raise
        yield from records
        yield Checkpoint(state=state)

    @property
    def name(self) -> str:
        return ", ".join(self.listed("within") or self.listed("start") or self.listed("sitemaps"))[:1000]

    def readers(self) -> Iterator[Record]:
        """The people and groups that are set, and the one scope all pages stand in."""
        groups = self.groups()
        readers = self.listed("readers")
        people = sorted(
            {name for name in (*readers, *(each for group in groups.values() for each in group)) if "@" in name}
        )
        yield from (PrincipalRecord(id=each, kind="user", name=each, email=each) for each in people)
        for name, members in sorted(groups.items()):
            yield PrincipalRecord(id=name, kind="group", name=name, members=tuple(Entry(id=each) for each in members))
        known = [name for name in readers if name == EVERYONE or name in groups or name in people]
        for name in readers:
            if name not in known:
                told = f"'readers' names {name!r}, which is no address and none of 'groups': it admits nobody."
                yield Problem(message=told)
        access = Access(inherits=False, grants=tuple(Entry(id=name) for name in known))
        yield ScopeRecord(id=SCOPE, name=self.name, access=access)
        if not readers:
            yield Problem(message="Nobody will be able to read anything until the setting 'readers' says who may.")
        if people and not self.vouches_for_emails:
            told = "The addresses in 'readers' and 'groups' count only if the source vouches for e-mail addresses."
            yield Problem(message=told)

    def check(self) -> list[str]:
        """Asks for robots.txt, the start addresses and the sitemaps."""
        try:
            plan = self.plan()
            told = [record.message for record in self.readers() if isinstance(record, Problem)]
        except ConnectorError as error:
            return [str(error)]
        limit = TimeLimit(SECONDS_OF_A_CHECK)
        return told + Crawl(plan, self.asking(plan), Memory(), whole=True, limit=limit).tried()

    # --- settings ---------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Raises ConnectorError with what is wrong in the settings."""
        start = self.places("start")
        by_robots = BY_ROBOTS in self.listed("sitemaps")
        sitemaps = self.places("sitemaps", but=BY_ROBOTS)
        if not start and not sitemaps and not (by_robots and self.listed("within")):
            raise wrong("Name addresses in 'start', or in 'sitemaps': there is nothing to read.")
        within = self.places("within") or [*map(folder_of, start), *(origin_of(place) + "/" for place in sitemaps)]
        site = Site(tuple(dict.fromkeys(within)), tuple(self.listed("exclude")))
        for place in start:
            if not site.has(place):
                raise wrong(f"{place} is a start address, and 'within' or 'exclude' leave it out.")
        for pattern in site.exclude:
            if not pattern.startswith(("/", "*")):
                raise wrong(f"'exclude' holds paths that begin with '/' or '*'; {pattern!r} does not.")
        return Plan(
            site=site,
            start=start,
            sitemaps=sitemaps,
            by_robots=by_robots,
            without=tuple(self.listed("ignored_parameters")),
            depth=self.number("depth", 5, DEEPEST),
            pages=self.number("pages", 2_000, MOST_PAGES),
            hours=self.number("hours", 6, MOST_HOURS),
        )

    def asking(self, plan: Plan) -> Asking:
        return Asking(plan.origins, self.listed("private_hosts"), self.a_second, self.sleep)

    def listed(self, setting: str) -> list[str]:
        parts = self.values.get(setting, "").replace("\n", ",").split(",")
        return list(dict.fromkeys(part.strip() for part in parts if part.strip()))

    def places(self, setting: str, *, but: str = "") -> list[str]:
        found = []
        for address in self.listed(setting):
            if address == but:
                continue
            place = location(address, without=self.listed("ignored_parameters"))
            if place is None:
                raise wrong(f"{address!r} in {setting!r} is no address such as https://www.example.org/docs/.")
            found.append(place)
        return found

    def groups(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for part in self.values.get("groups", "").split(";"):
            name, colon, members = (piece.strip() for piece in part.partition(":"))
            if not part.strip():
                continue
            addresses = list(filter(None, re.split(r"[,\s]+", members)))
            if not colon or not name or name in found or not all(map(ADDRESS.fullmatch, addresses)):
                raise wrong(f"{part.strip()[:200]!r} in 'groups' is no 'name: address, address', or is there twice.")
            if name in (EVERYONE, "*") or "@" in name:
                raise wrong(f"{name!r} cannot be the name of a group.")
            found[name] = addresses
        return found

    def number(self, setting: str, absent: int, most: int) -> int:
        value = self.values.get(setting, "").strip()
        if not value:
            return absent
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:10]) <= most:
            raise wrong(f"{setting!r} must be a number from 1 to {most:,}.")
        return int(value)


def wrong(message: str) -> ConnectorError:
    return ConnectorError(message, permanent=True)


def mark_of(plan: Plan) -> str:
    """Changes with what a memory depends on."""
    return sha256(repr(described(plan)).encode()).hexdigest()[:16]


def moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
