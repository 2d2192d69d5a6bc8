"""What is planted: sources, people and their tokens, and its removal to the last row.

Everything is planted through the entry points that real records take, and bears a mark by which a later run finds
what an earlier one, killed, left behind. Nobody real reads it: its lists name planted accounts and groups, and where
they name `everyone`, they are restricted to planted people as well.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from accounts import tokens
from accounts.models import AccessToken, AddressClaim, Principal, User
from accounts.statements import rows
from connectors.adding import add_source, delete_source
from connectors.applying import Appliable, apply_record
from connectors.models import BreakGlass, Source
from connectors.records import (
    Access,
    AccessRecord,
    Deletion,
    DocumentRecord,
    Entry,
    Kind,
    PrincipalRecord,
    ScopeRecord,
)
from connectors.sources.registry import PUSH
from gateway.leaktest.canaries import Canary

DOMAIN = "leaktest.gatehouse.invalid"  # RFC 6761: nobody's, for good
NAME = "Leak test, removed by itself"
SOURCES = ("main", "other", "paused", "stale", "links")
KEY = re.compile(rf"leaktest-[0-9a-f]{{16}}-({'|'.join(SOURCES)})")
LOCK = 0x6C65616B  # "leak" in ASCII
LONGEST_RUN = timedelta(minutes=30)  # after which tokens are worth nothing, whatever happened to the run

# Who they are, and what they show at a door, is said in `people.callers`.
PEOPLE = ("reader", "loser", "stranger", "guest", "leaver", "unlinked", "administrator")
ACCOUNTS = {
    "main": ("reader", "loser", "stranger", "guest", "leaver"),
    "other": ("reader", "loser"),
    "paused": ("reader", "loser"),
    "stale": ("reader", "loser"),
    "links": ("reader", "unlinked"),
}
NAMES_AS_THEY_ARE = frozenset({*PEOPLE, "everyone", "*"})

Entries = Iterable[str | Entry]


class AnotherRuns(Exception):
    """Another leak test is under way in this installation."""


@contextmanager
def only_one() -> Iterator[None]:
    """On a connection of its own: the lock ends with the process, however that ends."""
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                raise AnotherRuns("Another leak test is under way.")
        yield
    finally:
        connection.close()


@dataclass(frozen=True)
class Person:
    """Somebody who exists for the time of the run."""

    user: User
    password: str


@dataclass
class Plot:
    """What one run has planted."""

    run: str = field(default_factory=lambda: secrets.token_hex(8))
    sources: dict[str, Source] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def plant(self) -> None:
        """The people, and the sources with an account for each who has one there."""
        for name in PEOPLE:
            self.people[name] = self._person(name)
        for name in SOURCES:
            key = f"leaktest-{self.run}-{name}"
            self.sources[name] = add_source(key, kind=PUSH, name=f"{NAME} ({name})", vouches_for_emails=True)
            for person in ACCOUNTS[name]:
                self.account(name, person)

    def _person(self, name: str) -> Person:
        password = secrets.token_urlsafe(24)
        runs_it = name == "administrator"
        user = User.objects.create_user(
            f"{name}-{self.run}@{DOMAIN}",
            password,
            name=f"{NAME} ({name})",
            external=name == "guest",
            is_staff=runs_it,
            is_superuser=runs_it,
        )
        return Person(user, password)

    def account(self, source: str, person: str, *, linked: bool = True, external: bool = False) -> None:
        email = self.people[person].user.email if linked else None
        record = PrincipalRecord(id=person, kind="user", name=person, email=email, external=external)
        apply_record(self.sources[source], record)

    def token(self, person: str, verbs: Sequence[str], sources: Sequence[str] | None) -> tuple[AccessToken, str]:
        """A token for these sources, or for all."""
        return tokens.issue(
            self.people[person].user,
            verbs=verbs,
            directories=[self.sources[name].directory for name in sources or ()],
            all_sources=sources is None,
            expires_at=timezone.now() + LONGEST_RUN,
            name=NAME,
        )

    def key(self, source: str) -> str:
        return self.sources[source].key


@dataclass
class Bed:
    """Where the canary of one boundary stands. Names of its groups and folders are its own."""

    plot: Plot
    source_name: str
    prefix: str
    canary: Canary
    glasses: list[BreakGlass] = field(default_factory=list)

    @property
    def source(self) -> Source:
        return self.plot.sources[self.source_name]

    @property
    def document_id(self) -> str:
        return f"{self.prefix}/{self.canary.external_id}"

    def push(self, record: Appliable) -> None:
        apply_record(self.source, record)

    def group(self, name: str, *members: str | Entry, shown: str = "") -> None:
        record = PrincipalRecord(id=self._id(name), kind="group", name=shown or name, members=self._entries(members))
        self.push(record)

    def folder(self, name: str, grants: Entries = (), *, parent: str | None = None, **lists: Any) -> None:
        place = None if parent is None else self._id(parent)
        shown = f"{name} {self.canary.scope}"
        self.push(ScopeRecord(id=self._id(name), name=shown, parent=place, access=self._access(grants, **lists)))

    def document(self, grants: Entries = (), *, scope: str | None = None, **lists: Any) -> None:
        canary = self.canary
        record = DocumentRecord(
            id=self.document_id,
            title=f"The {canary.clue} file {canary.title}",
            scope=None if scope is None else self._id(scope),
            access=self._access(grants, **lists),
            text=f"# About {canary.heading}\n\nThe watchword of {canary.clue} is {canary.text}.\n",
            mime="text/markdown",
            url=f"https://{DOMAIN}/{canary.url}",
            author=f"Author {canary.author}",
            metadata={"watchword": canary.metadata},
        )
        self.push(record)

    def reshare(self, grants: Entries = (), *, scope: str | None = None, **lists: Any) -> None:
        """Another place and other readers for the document, and nothing else of it."""
        place = None if scope is None else self._id(scope)
        wanted = self._access(grants, **lists)
        self.push(AccessRecord(kind="document", id=self.document_id, place=place, access=wanted))

    def delete(self, kind: Kind, name: str = "") -> None:
        self.push(Deletion(kind=kind, id=self._id(name) if name else self.document_id))

    def _access(
        self,
        grants: Entries = (),
        *,
        restrictions: Iterable[Iterable[str]] = (),
        deny: Iterable[str] = (),
        inherits: bool = True,
    ) -> Access:
        return Access(
            inherits=inherits,
            grants=self._entries(grants),
            restrictions=tuple(tuple(map(self._id, clause)) for clause in restrictions),
            deny=tuple(map(self._id, deny)),
        )

    def _entries(self, entries: Entries) -> tuple[Entry, ...]:
        listed = (entry if isinstance(entry, Entry) else Entry(id=entry) for entry in entries)
        return tuple(Entry(id=self._id(entry.id), until=entry.until) for entry in listed)

    def _id(self, name: str) -> str:
        return name if name in NAMES_AS_THEY_ARE else f"{self.prefix}/{name}"


def until(name: str, moment: datetime) -> Entry:
    return Entry(id=name, until=moment)


def database_now() -> datetime:
    """By the clock that decides (P17)."""
    now: datetime = rows("SELECT statement_timestamp()")[0][0]
    return now


# --- removal ------------------------------------------------------------------------------------------------


def remove() -> int:
    """Delete everything any run has planted, with all that hangs on it. Says how many people and sources it was.

    The audit keeps what was done, as it keeps everything.
    """
    removed = 0
    for source in planted_sources():
        delete_source(source)
        removed += 1
    people = list(User.objects.filter(email__endswith=f"@{DOMAIN}").order_by("is_staff", "pk"))
    if people:
        _end_sessions({str(person.pk) for person in people})
    for person in people:  # those who were given something before the one who gave it
        with transaction.atomic():
            AddressClaim.objects.filter(address=person.email).delete()
            person.delete()
            Principal.objects.filter(pk=person.principal_id).delete()
        removed += 1
    return removed


def planted_sources() -> list[Source]:
    """By key, kind and name: a source that only looks like one of these in part is somebody's own."""
    marked = Source.objects.filter(kind=PUSH, directory__name__startswith=NAME).select_related("directory")
    return [source for source in marked if KEY.fullmatch(source.key)]


def _end_sessions(user_ids: set[str]) -> None:
    sessions = Session.objects.filter(expire_date__gte=timezone.now()).iterator()
    theirs = [each.pk for each in sessions if each.get_decoded().get("_auth_user_id") in user_ids]
    Session.objects.filter(pk__in=theirs).delete()
