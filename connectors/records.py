"""What a connector yields: principals, scopes, documents, and how far it has read.

A record is the whole truth about its id: a field left out is empty, nothing is kept from an earlier
record. Ids are the source's own; principals (users and groups share one name space), scopes and
documents may be named before they are introduced. In a list of readers `"everyone"` is everyone in
the organisation and `"*"` everyone the source itself calls a full member.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

EVERYONE = "everyone"
SOURCE_EVERYONE = "*"
RESERVED_IDS = frozenset({EVERYONE, SOURCE_EVERYONE})

Kind = Literal["principal", "scope", "document"]
State = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A principal in a list of members or grants, until a time where one is given (P17)."""

    id: str
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PrincipalRecord:
    """A person's account in the source, or a group of accounts and groups."""

    id: str
    kind: Literal["user", "group"]
    name: str = ""
    email: str | None = None
    members: tuple[Entry, ...] = ()
    external: bool = True
    revision: int | None = None


@dataclass(frozen=True, kw_only=True)
class Access:
    """A condition on a reader: in the grants, in every restriction, and in nothing denied (P4).

    `inherits`: united with the condition of the parent (P5); otherwise it stands alone.
    `problem`: why the list could not be read; nobody is admitted until it can.
    """

    inherits: bool = True
    grants: tuple[Entry, ...] = ()
    restrictions: tuple[tuple[str, ...], ...] = ()
    deny: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_plain(self) -> bool:
        """Says nothing of its own: whoever may read the parent may read this."""
        return self == Access()


@dataclass(frozen=True, kw_only=True)
class ScopeRecord:
    """Whatever holds permissions at the source: a drive, space, channel, folder, restricted page."""

    id: str
    name: str = ""
    parent: str | None = None
    access: Access = field(default_factory=Access)
    revision: int | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentRecord:
    """A document with its place, its readers and its text.

    Give `text`, or `content`: the bytes of a file, or a function that reads them, called only when
    `version` (an opaque mark that changes with the content) differs from the one stored. An empty `title` is
    taken from the document's text.
    """

    id: str
    title: str
    scope: str | None = None
    access: Access = field(default_factory=Access)
    url: str = ""
    mime: str = ""
    text: str | None = None
    content: bytes | Callable[[], bytes] | None = None
    version: str | None = None
    unreadable: str = ""  # a code of parsing.results.REASONS: there is content, and it cannot be read
    author: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    revision: int | None = None


@dataclass(frozen=True, kw_only=True)
class AccessRecord:
    """Replaces where a known document or scope stands and who reads it, and nothing else.

    `version`: of the content these rights were read with. Where another is stored, that is held to the rights it had as
    well, until this one comes: a right given with new words is none to the old ones.
    """

    kind: Literal["document", "scope"]
    id: str
    place: str | None = None
    access: Access = field(default_factory=Access)
    version: str | None = None
    revision: int | None = None


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """The source no longer has this principal, scope or document."""

    kind: Kind
    id: str
    revision: int | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something the connector could not read; told on the sync run, in words for an administrator.

    `kind` and `id`: what the source said of this could not be understood. It counts as named, and nobody is admitted to
    it, or by it, until it is sent again (P4).
    """

    message: str
    kind: Kind | None = None
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The end of a page: everything yielded since the last one is committed together with `state`.

    `complete`: all that lives was named since `since=None`; what was not named is gone. `readers_complete`: that holds
    of principals and scopes, though documents may have been left out.
    """

    state: State = field(default_factory=dict)
    complete: bool = False
    readers_complete: bool = False


Record = PrincipalRecord | ScopeRecord | DocumentRecord | AccessRecord | Deletion | Problem | Checkpoint
Records = Iterator[Record]
