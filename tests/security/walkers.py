"""Who walks through the doors: how each is known, what they may nevertheless see, and what they may tell apart."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from connectors.models import Source
from tests.cast import person
from tests.security.hidden import Hidden
from tests.security.walking import Credential

EVERY_VERB = ("read", "ask", "ingest", "admin")
# What running the system shows: which sources and people there are, what was given to a model, and who shared which
# conversation with whom: by ids, which open nothing.
OF_THE_SYSTEM = frozenset(
    {"source", "profile", "id of the document", "id of the passage", "id of the question", "id of the conversation"}
)
THE_SYSTEM = frozenset({"source", "pulled", "person", "account", "email", "app", "row", "glass"})
OPENING = frozenset({"console/break-glass/", "console/what-if/"})  # staff may open any document to somebody
EXPLAINING = frozenset(
    {
        *("api/v1/access/explain", "api/v1/access/documents", "api/v1/access/readers"),
        *("console/access/", "console/access/documents/", "console/access/readers/%(document)s/"),
    }
)
OF_A_COLLEAGUE = frozenset({"source"})  # they have an account there
ONES_OWN = frozenset({"question", "title_of_conversation", "profile", "id of the question", "id of the conversation"})


# --- credentials --------------------------------------------------------------------------------------


def session(person: User, *, forged: bool = False) -> Credential:
    client = Client()
    client.force_login(person)
    return Credential(cookies={"sessionid": client.cookies["sessionid"].value}, forged=forged)


def bearer(secret: str) -> Credential:
    return Credential(headers={"Authorization": f"Bearer {secret}"})


def token(person: User, *verbs: str, sources: list[Source] | None = None, hours: int = 1) -> Credential:
    """A token for these sources, or for all."""
    _, secret = tokens.issue(
        person,
        verbs=verbs,
        directories=[source.directory for source in sources or ()],
        all_sources=sources is None,
        expires_at=timezone.now() + timedelta(hours=hours),
    )
    return bearer(secret)


def revoked(person: User) -> Credential:
    issued, secret = tokens.issue(person, verbs=EVERY_VERB, all_sources=True, expires_at=None)
    tokens.revoke(issued)
    return bearer(secret)


def changed(person: User, credential: Credential, **fields: object) -> Credential:
    """What this person kept when they became another: its row is still there, so that only the change is the reason."""
    User.objects.filter(pk=person.pk).update(**fields)
    assert not credential.cookies or SessionStore(credential.cookies["sessionid"]).load()
    return credential


def suspended(person: User, credential: Credential) -> Credential:
    return changed(person, credential, is_active=False)


def unverified(person: User, credential: Credential) -> Credential:
    return changed(person, credential, email_verified_at=None)


def stepped_down(person: User, credential: Credential) -> Credential:
    return changed(person, credential, is_staff=False, is_superuser=False)


def staff() -> User:
    """Who may open the console, and nothing of the stock admin."""
    return person("sam", is_staff=True)


def auditor() -> User:
    """Who may ask why people read what, and reads no more by it."""
    return person("ada", is_staff=True, is_auditor=True)


@dataclass(frozen=True)
class Walker:
    """Who walks, what they may nevertheless see, and which kinds of ids they may tell from unknown ones."""

    credential: Callable[[Hidden], Credential]
    thorough: bool = False
    may_see: frozenset[str] = frozenset()
    may_tell: frozenset[str] = frozenset()
    may_tell_at: frozenset[str] = frozenset()  # addresses whose purpose it is


WALKERS: dict[str, Walker] = {
    "nobody": Walker(lambda hidden: Credential()),
    "a stranger": Walker(lambda hidden: session(hidden.charlie), thorough=True),
    "a page of somebody else's": Walker(lambda hidden: session(hidden.charlie, forged=True)),
    "a stranger's token": Walker(
        lambda hidden: token(hidden.charlie, "read", "ask", "ingest", sources=[hidden.notes.source]), thorough=True
    ),
    "a stranger's token that says admin": Walker(lambda hidden: token(hidden.charlie, *EVERY_VERB)),
    "a colleague kept out": Walker(lambda hidden: session(hidden.dan), may_see=OF_A_COLLEAGUE),
    "a token of a colleague kept out": Walker(lambda hidden: token(hidden.dan, "read", "ask"), may_see=OF_A_COLLEAGUE),
    "Ann's token without the verb": Walker(lambda hidden: token(hidden.ann, "ingest", "admin")),
    "Ann's token that has expired": Walker(lambda hidden: token(hidden.ann, *EVERY_VERB, hours=-1)),
    "Ann's token that was revoked": Walker(lambda hidden: revoked(hidden.ann)),
    "Ann's token for another source": Walker(
        lambda hidden: token(hidden.ann, *EVERY_VERB, sources=[hidden.notes.source]),
        may_see=ONES_OWN,
        may_tell=frozenset({"question", "conversation"}),
    ),
    "Ann's session after she left": Walker(lambda hidden: suspended(hidden.ann, session(hidden.ann))),
    "Ann's token after she left": Walker(lambda hidden: suspended(hidden.ann, token(hidden.ann, *EVERY_VERB))),
    "Ann's session with an address nobody verified": Walker(lambda hidden: unverified(hidden.ann, session(hidden.ann))),
    "Ann's token with an address nobody verified": Walker(
        lambda hidden: unverified(hidden.ann, token(hidden.ann, *EVERY_VERB))
    ),
    "who runs the system": Walker(
        lambda hidden: session(hidden.root),
        thorough=True,
        may_see=OF_THE_SYSTEM,
        may_tell=THE_SYSTEM,
        may_tell_at=OPENING,
    ),
    "a token of who runs the system": Walker(
        lambda hidden: token(hidden.root, *EVERY_VERB), may_see=OF_THE_SYSTEM, may_tell=THE_SYSTEM
    ),
    "a token of who runs the system, without the verb": Walker(lambda hidden: token(hidden.root, "read", "ask")),
    "staff": Walker(lambda hidden: session(staff()), may_see=OF_THE_SYSTEM, may_tell=THE_SYSTEM, may_tell_at=OPENING),
    "an auditor": Walker(
        lambda hidden: session(auditor()), may_see=OF_THE_SYSTEM, may_tell=THE_SYSTEM, may_tell_at=OPENING | EXPLAINING
    ),
    "an auditor's token": Walker(
        lambda hidden: token(auditor(), *EVERY_VERB),
        may_see=OF_THE_SYSTEM,
        may_tell=THE_SYSTEM,
        may_tell_at=EXPLAINING,
    ),
    "who ran the system": Walker(lambda hidden: stepped_down(hidden.root, session(hidden.root))),
    "a token of who ran the system": Walker(lambda hidden: stepped_down(hidden.root, token(hidden.root, *EVERY_VERB))),
    "a superuser who is no longer staff": Walker(
        lambda hidden: changed(hidden.root, session(hidden.root), is_staff=False)
    ),
}
