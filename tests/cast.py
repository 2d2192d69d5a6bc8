"""The cast: Ann and Bob work here, Carol is staff and reads nothing by it, Charlie is a stranger.

A world is a push source filled through the real entry point, as a program would fill it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from accounts.models import User
from accounts.reader import Reader
from connectors.adding import add_source
from connectors.applying import Appliable, Outcome, apply_record
from connectors.corpus.reading import list_documents
from connectors.models import Source
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

Entries = Iterable[str | Entry]
PASSWORD = "a long enough password"


def person(name: str, **profile: object) -> User:
    return User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.title(), **profile)


def access(
    grants: Entries = (),
    *,
    restrictions: Iterable[Iterable[str]] = (),
    deny: Iterable[str] = (),
    inherits: bool = True,
) -> Access:
    entries = tuple(entry if isinstance(entry, Entry) else Entry(id=entry) for entry in grants)
    return Access(
        inherits=inherits,
        grants=entries,
        restrictions=tuple(tuple(clause) for clause in restrictions),
        deny=tuple(deny),
    )


@dataclass
class World:
    """A source, and the records pushed to it one by one."""

    source: Source
    people: dict[str, User] = field(default_factory=dict)

    @classmethod
    def of(cls, *names: str, key: str = "docs") -> "World":
        """A source that vouches for e-mail addresses, and people with an account each."""
        world = cls(add_source(key, kind="push", name=key.title(), vouches_for_emails=True))
        for name in names:
            world.join(name)
        return world

    def join(self, name: str, *, external: bool = False) -> User:
        """A person who can sign in and has an account here under their own name."""
        existing = User.objects.filter(email=f"{name}@example.org").first()
        self.people[name] = existing or person(name)
        self.account(name, external=external)
        return self.people[name]

    def push(self, record: Appliable) -> Outcome:
        return apply_record(self.source, record)

    def account(self, name: str, *, email: str | None = "", external: bool = False) -> None:
        address = f"{name}@example.org" if email == "" else email
        self.push(PrincipalRecord(id=name, kind="user", name=name, email=address, external=external))

    def group(self, name: str, *members: str | Entry) -> None:
        entries = tuple(member if isinstance(member, Entry) else Entry(id=member) for member in members)
        self.push(PrincipalRecord(id=name, kind="group", name=name, members=entries))

    def folder(self, name: str, grants: Entries = (), *, parent: str | None = None, **lists: Any) -> None:
        self.push(ScopeRecord(id=name, name=name, parent=parent, access=access(grants, **lists)))

    def document(
        self,
        name: str,
        scope: str | None = None,
        grants: Entries = (),
        *,
        text: str = "",
        **lists: Any,
    ) -> Outcome:
        return self.push(
            DocumentRecord(
                id=name,
                title=name.title(),
                scope=scope,
                text=text or f"What {name} says.",
                access=access(grants, **lists),
            )
        )

    def reshare(
        self, kind: Literal["document", "scope"], name: str, place: str | None, grants: Entries = (), **lists: Any
    ) -> Outcome:
        wanted = access(grants, **lists)
        return self.push(AccessRecord(kind=kind, id=name, place=place, access=wanted))

    def delete(self, kind: Kind, name: str) -> None:
        self.push(Deletion(kind=kind, id=name))

    def reader(self, name: str) -> Reader:
        return Reader(self.people[name].pk)

    def reads(self, name: str) -> set[str]:
        """The documents this person may read, by the id of the source."""
        return {document.external_id for document in list_documents(self.reader(name), limit=1000)}

    def readers(self, document: str) -> set[str]:
        """Who may read this document."""
        return {name for name in self.people if document in self.reads(name)}


def until(moment: datetime, name: str) -> Entry:
    return Entry(id=name, until=moment)
