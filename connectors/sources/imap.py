"""Mailboxes of a mail server: mailboxes are scopes, messages are documents, read by whom the server lets read them.

RFC 3501 and 9051; access control lists by RFC 4314, namespaces by RFC 2342, special uses by RFC 6154, what changed by
RFC 7162 (CONDSTORE), ids of mailboxes by RFC 8474 (OBJECTID), short answers of searches by RFC 4731 (ESEARCH).
"""

import json
import re
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from functools import partial
from ipaddress import ip_address
from itertools import pairwise
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from connectors.records import (
    Access,
    Checkpoint,
    Deletion,
    DocumentRecord,
    Problem,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.imap_rights import NEEDED, Named, People, readers
from connectors.sources.imap_wire import (
    MEGABYTE,
    MOST_UIDS,
    Answer,
    Broken,
    Declined,
    Login,
    Server,
    Session,
    SignInRefused,
    TooMuch,
    Unclear,
    Value,
    pairs,
    quoted,
    ranges,
    shown,
    told,
    uids,
    whole,
    word,
)
from connectors.sources.time_limit import LONGEST_RUN, TimeLimit

MAX_MESSAGE = 50 * MEGABYTE
MAX_NAME = 400  # bytes of a mailbox's name; ids are indexed
MAX_MAILBOXES = 20_000  # of one login: those after them are not read, and closed
MAX_LISTED = 100_000  # of one login; of whoever sees more, nothing is read
MAX_OBJECT_ID = 255  # characters (RFC 8474, 4)
MAX_LISTS = 256 * MEGABYTE  # about, of all access lists of a run
EACH_NAMED = 100  # bytes of one entry of them, about, beside its letters
MAX_KNOWN = 32 * MEGABYTE  # characters of the numbers of all messages that are known
PAGE = 200  # messages asked for, and named, at once
NOTED = 2_000  # messages, at least, after which it is noted how far a run has come
WRITTEN = 100  # bytes for each message, at most, that this costs
EACH_KNOWN = 200  # bytes of a mailbox in a state, about, beside those numbers
SECONDS_OF_A_CHECK = 600.0
TRIES = 3  # at a search while the mailbox changes
MOST_OF_A_PAGE = MOST_OF_A_LIST = 16 * MEGABYTE
LONGEST_TEXT = 500  # characters of a subject or a sender
LONGEST_HEADER = 2_000  # of it as it is written: it takes the square of that to understand it
SLOWEST = 50_000  # bytes a second of a message
LEFT_OUT_USES = frozenset({rb"\drafts", rb"\junk", rb"\trash", rb"\all", rb"\flagged"})  # the last two hold others'
LEFT_OUT_NAMES = "Drafts, Junk, Spam, Trash, Deleted Items, Deleted Messages"
CLOSED_FLAGS = frozenset({rb"\noselect", rb"\nonexistent"})
TOLD_FLAGS = LEFT_OUT_USES | CLOSED_FLAGS
JUDGED = (
    "If a master signs in for accounts, the server must judge access lists as the account and not as the master "
    "(Dovecot: acl_user), and the setting 'judged_as' say so."
)
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")
MOST_OF_A_HEADER = 8192
HEADER = b"BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE)]<0.%d>" % MOST_OF_A_HEADER

Part = Literal["own", "others", "shared"]


class Imap(Connector):
    """Reads each account's mailboxes by a login of its own or by one master login."""

    settings: ClassVar = {
        "host": "The mail server's name, as its certificate has it.",
        "port": "Its port for IMAP over TLS; 993 if left out.",
        "accounts": "The accounts to read, separated by commas; 'login=address' where a login is not its address.",
        "domain": "What stands behind the @ of accounts whose login is only the part before it.",
        "password": "The password of the master, or of the one account.",
        "passwords": 'Where there is no master and are several accounts: a JSON object {"login": "password"}.',
        "master": "A master login that may act as each account; left out, each account signs in itself.",
        "master_separator": "What joins account and master, '*' if left out; 'none' to name the account apart (SASL).",
        "judged_as": "'account' if the server judges access lists as the account a master acts as (Dovecot: acl_user).",
        "groups": 'Who is in the groups that access lists name: a JSON object {"group": ["login", "$group"]}.',
        "leave_out": f"Mailboxes (as A/B) not to read, nor those below, by commas; if not given: {LEFT_OUT_NAMES}.",
        "certificate": "The PEM text of the authority that signed the server's certificate, if it is one of your own.",
        "tls": "'false' to connect without TLS, which only a server on this machine may be asked for.",
    }
    secrets: ClassVar = frozenset({"password", "passwords"})
    place = frozenset({"host", "port"})

    patience: ClassVar = 60.0  # seconds a command may take
    longest_run: ClassVar = LONGEST_RUN

    def __init__(self, values: Mapping[str, str], *, vouches_for_emails: bool = False) -> None:
        super().__init__(values, vouches_for_emails=vouches_for_emails)
        self._sessions: dict[str, Session] = {}

    def records(self, since: State | None) -> Records:
        """Who reads what first, of every mailbox in every run; then the messages that came, and those that went."""
        plan = Plan.of(self.values)
        try:
            limit = TimeLimit(self.longest_run)
            yield from Listing(plan, Memory.of(since), partial(self.session, plan.server), limit).records()
        finally:
            self.close()

    def check(self) -> list[str]:
        """Signs in as each account and looks at what it would read."""
        try:
            plan, limit = Plan.of(self.values), TimeLimit(SECONDS_OF_A_CHECK)
            return [sentence for login in plan.logins for sentence in self._checked(plan, login, limit)]
        except ConnectorError as error:
            return [str(error)]
        finally:
            self.close()

    def _checked(self, plan: "Plan", login: Login, limit: TimeLimit) -> list[str]:
        try:
            looking = Looking(plan, login, self.session(plan.server, login), limit)
            found = looking.mailboxes()
        except (SignInRefused, TooMuch) as refused:
            return [str(refused)]
        sentences = [*looking.problems, *([looking.nothing()] if not found else [])]
        if not looking.session.has("ACL"):
            sentences.append("The mail server tells no access lists (ACL), so only owners will read their mail.")
        return sentences

    def session(self, server: Server, login: Login) -> Session:
        if login.account not in self._sessions:
            self._sessions[login.account] = Session(server, login, patience=self.patience)
        return self._sessions[login.account]

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()


@dataclass(frozen=True)
class Plan:
    """The settings, understood. `judged`: rights told in a session are those of the account, not of a master."""

    server: Server
    logins: Sequence[Login]
    people: People
    left_out: frozenset[str]
    judged: bool

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Plan":
        """Raises ConnectorError with what is wrong."""
        addresses = dict(_account(part) for part in _parts(values.get("accounts", "")))
        if not addresses:
            raise _wrong("The setting 'accounts' is missing: name the accounts whose mail is to be read.")
        groups = {name: _logins(name, members) for name, members in _object(values, "groups").items()}
        domain = values.get("domain", "").strip().lstrip("@")
        given = {login: address for login, address in addresses.items() if address}
        return cls(
            server=_server(values),
            logins=_sign_ins(values, list(addresses)),
            people=People(list(addresses), groups, given, domain),
            left_out=frozenset(map(str.casefold, _parts(values.get("leave_out", LEFT_OUT_NAMES)))),
            judged=not values.get("master", "").strip() or values.get("judged_as", "").strip() == "account",
        )

    def leaves_out(self, mailbox: "Mailbox") -> bool:
        parts = [shown(part).casefold() for part in mailbox.path]
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        return bool(mailbox.flags & LEFT_OUT_USES) or not self.left_out.isdisjoint(above)


@dataclass(frozen=True)
class Namespace:
    part: Part
    prefix: bytes
    delimiter: bytes


@dataclass(frozen=True)
class Mailbox:
    """A mailbox as one login sees it. `path`: its name without the prefix of its namespace, in parts."""

    login: Login
    part: Part
    name: bytes
    delimiter: bytes
    path: tuple[bytes, ...]
    flags: frozenset[bytes] = frozenset()  # those that count here, in small letters
    rights: str | None = None  # None where the server tells none
    listed: tuple[Named, ...] | None = None  # its access list, where this login may see it
    problem: str = ""
    validity: int = 0
    object_id: str = ""
    marks: tuple[int, ...] = ()  # as long as they stay, nothing has changed in it; empty where that cannot be told

    @property
    def gate(self) -> str:
        return gate_of(self.login.account, self.part)

    @property
    def id(self) -> str:
        """Names no other mailbox, also not one that is made again under the same name."""
        mark = f"id:{_quoted(self.object_id)}" if self.object_id else f"{self.validity}:{self.name.decode()}"
        return f"{_quoted(self.login.account)}/{mark}" if self.part == "own" else f"shared/{mark}"

    @property
    def readable(self) -> bool:
        return self.rights is None or frozenset(self.rights) >= NEEDED

    @property
    def title(self) -> str:
        return shown(self.name)

    def document(self, uid: int) -> str:
        return f"{self.id}/{self.validity}-{uid}"


class TooMany(TooMuch):
    """More than is looked at of one account, which says nothing of the others."""


# --- who may read what ------------------------------------------------------------------------------------------


@dataclass
class Looking:
    """One login's mailboxes and its rights on them. `closed`: what of it must be closed, for it cannot be known.
    `beyond`: what holds more mailboxes than are looked at, of which the others must be closed."""

    plan: Plan
    login: Login
    session: Session
    limit: TimeLimit
    lists: int = 0  # bytes of access lists
    problems: list[str] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)  # gates
    beyond: set[str] = field(default_factory=set)  # likewise
    untold: int = 0  # mailboxes of others on a server that tells no rights

    def mailboxes(self) -> list[Mailbox]:
        """Those that are to be read and may be, in the order of their names."""
        found: dict[bytes, Mailbox] = {}
        for namespace in self.namespaces():
            for mailbox in self.listed(namespace):
                found.setdefault(mailbox.name, mailbox)
            if len(found) > MAX_LISTED:
                raise TooMany(f"{self.login.account} sees more than {MAX_LISTED:,} mailboxes, so none of them is read.")
        wanted = [mailbox for _, mailbox in sorted(found.items()) if not self.plan.leaves_out(mailbox)]
        self.beyond = {mailbox.gate for mailbox in wanted[MAX_MAILBOXES:]}
        if self.beyond:
            self.problems.append(
                f"{self.login.account} sees {len(wanted):,} mailboxes. The first {MAX_MAILBOXES:,} of them, by their "
                "names, are read; nobody is admitted to the others."
            )
        return [mailbox for mailbox in map(self.known, wanted[:MAX_MAILBOXES]) if mailbox is not None]

    def namespaces(self) -> list[Namespace]:
        """Longest prefix first, so that a mailbox is met in the namespace it belongs to."""
        if not self.session.has("NAMESPACE"):
            return [Namespace("own", b"", b"")]
        answers = self.session.ask("NAMESPACE").all("NAMESPACE")
        if len(answers) != 1 or len(answers[0]) < 3:
            raise Unclear("it does not say which namespaces there are.")
        found = [
            _namespace(part, described)
            for part, group in zip(PARTS, answers[0], strict=False)
            for described in (group if isinstance(group, list) else [])
        ]
        return sorted(found, key=lambda namespace: -len(namespace.prefix))

    def listed(self, namespace: Namespace) -> Iterator[Mailbox]:
        patterns = [namespace.prefix + b"*", *([b"INBOX"] if namespace.part == "own" else [])]
        options = [b"RETURN (SPECIAL-USE)"] if self.session.has("LIST-EXTENDED", "SPECIAL-USE") else []
        for pattern in patterns:
            for answer in self.session.ask("LIST", b'""', quoted(pattern), *options, most=MOST_OF_A_LIST).all("LIST"):
                mailbox = self.of(namespace, answer)
                if mailbox is not None:
                    yield mailbox

    def of(self, namespace: Namespace, answer: list[Value]) -> Mailbox | None:
        """One line of LIST, None where it is no mailbox that can be opened."""
        if len(answer) < 3 or not isinstance(answer[0], list):
            raise Unclear("it lists no mailboxes.")
        flags = frozenset(flag.lower() for flag in answer[0] if isinstance(flag, bytes)) & TOLD_FLAGS
        if flags & CLOSED_FLAGS:
            return None
        delimiter, name = answer[1], answer[2]
        if not isinstance(name, bytes) or isinstance(delimiter, list):
            raise Unclear("it lists no mailboxes.")
        name = b"INBOX" if name.upper() == b"INBOX" else name
        inside = name.removeprefix(namespace.prefix)
        path = tuple(inside.split(delimiter)) if delimiter else (inside,)
        return Mailbox(self.login, namespace.part, name, delimiter or b"", path, flags)

    def known(self, mailbox: Mailbox) -> Mailbox | None:
        """With its rights and its state; None where this login cannot read it, or nobody can say who does."""
        self.limit.hold()
        if refused := _refused(mailbox.name):
            self.problems.append(f"{mailbox.title}: {refused}")
            return None
        if not self.session.has("ACL") and mailbox.part != "own":
            self.untold += 1
            return None
        try:
            mailbox = self.with_rights(mailbox)
            return self.with_state(mailbox) if mailbox.readable else None
        except Declined as declined:
            if self.is_gone(mailbox):
                return None
            self.closed.add(mailbox.gate)
            self.problems.append(f"{mailbox.title} of {self.login.account} cannot be looked at. {declined}")
            return None

    def with_rights(self, mailbox: Mailbox) -> Mailbox:
        if not self.session.has("ACL"):
            return mailbox
        answers = self.session.ask("MYRIGHTS", quoted(mailbox.name)).all("MYRIGHTS")
        if len(answers) != 1 or len(answers[0]) != 2:
            raise Unclear(f"it does not say what {self.login.account} may do with {mailbox.title}.")
        mailbox = replace(mailbox, rights=word(answers[0][1]))
        if not mailbox.readable or "a" not in word(answers[0][1]):
            return mailbox
        try:
            lists = self.session.ask("GETACL", quoted(mailbox.name)).all("ACL")
            listed = [word(value) for value in lists[0][1:]] if len(lists) == 1 else []
            if len(listed) % 2 or not listed:
                raise Unclear("it holds no pairs.")
            self.lists += sum(len(each) + EACH_NAMED for each in listed)
            if self.lists > MAX_LISTS:
                raise TooMuch("All access lists together hold more than is read of them.")
        except (Declined, Unclear, TooMuch) as error:
            return replace(mailbox, problem=f"the access list cannot be read. {error}")
        return replace(mailbox, listed=tuple(zip(listed[::2], listed[1::2], strict=True)))

    def with_state(self, mailbox: Mailbox) -> Mailbox:
        names = [b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY"]
        names += [b"HIGHESTMODSEQ"] if self.session.has("CONDSTORE") or self.session.has("QRESYNC") else []
        names += [b"MAILBOXID"] if self.session.has("OBJECTID") else []
        answers = self.session.ask("STATUS", quoted(mailbox.name), b"(" + b" ".join(names) + b")").all("STATUS")
        if len(answers) != 1 or len(answers[0]) != 2:
            raise Unclear(f"it does not say how {mailbox.title} stands.")
        status = pairs(answers[0][1])
        validity = whole(status.get("UIDVALIDITY"))
        if not validity:
            raise Unclear(f"it does not say how {mailbox.title} stands.")
        marks = [whole(status.get(name)) for name in ("MESSAGES", "UIDNEXT", "HIGHESTMODSEQ")]
        told_id = status.get("MAILBOXID")
        object_id = word(told_id[0]) if isinstance(told_id, list) and told_id else ""
        return replace(
            mailbox,
            validity=validity,
            object_id=object_id if len(object_id) <= MAX_OBJECT_ID else "",
            marks=tuple(mark or 0 for mark in marks) if all(marks[1:]) and marks[0] is not None else (),
        )

    def is_gone(self, mailbox: Mailbox) -> bool:
        """Since it was listed: then that it cannot be looked at says nothing."""
        return not self.session.ask("LIST", b'""', quoted(mailbox.name)).all("LIST")

    def nothing(self) -> str:
        return f"{self.login.account} may read no mailbox, not even its own INBOX. {JUDGED}"


PARTS: Sequence[Part] = ("own", "others", "shared")
NAMES_OF_PARTS: Mapping[Part, str] = {"own": "Mail of {}", "shared": "Mail of others, read as {}"}


def _namespace(part: Part, described: Value) -> Namespace:
    if not isinstance(described, list) or len(described) < 2 or not isinstance(described[0], bytes):
        raise Unclear("it describes no namespace.")
    delimiter = described[1]
    return Namespace(part, described[0], delimiter if isinstance(delimiter, bytes) else b"")


# --- one run ----------------------------------------------------------------------------------------------------


@dataclass
class Known:
    """What earlier runs know of a mailbox: which messages, as a sequence set such as `1:5,7`, and the marks as of which
    that is all."""

    gate: str
    validity: int
    uids: str = ""
    marks: tuple[int, ...] = ()


@dataclass
class Memory:
    """The state between runs. `goes_on`: a listing of everything is under way, or begins."""

    mailboxes: dict[str, Known] = field(default_factory=dict)
    goes_on: bool = True
    _length: int = 0  # of the numbers of all messages that are known, in characters
    _noted: State | None = None
    _size: int = 0  # of it, in bytes, about
    _since: int = 0  # messages read since then

    @classmethod
    def of(cls, state: State | None) -> "Memory":
        if not state:
            return cls()
        try:
            told_of: Any = state["mailboxes"]
            known = {
                id: Known(row["gate"], int(row["validity"]), _numbers(row["uids"]), tuple(row["marks"]))
                for id, row in told_of.items()
            }
            length = sum(len(each.uids) for each in known.values())
            return cls(known, goes_on=bool(state.get("goes_on")), _length=length)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ConnectorError("The state of the last run cannot be understood; read the source anew.") from None

    def state(self, *, ended: bool = False) -> State:
        rows = {
            id: {"gate": known.gate, "validity": known.validity, "uids": known.uids, "marks": list(known.marks)}
            for id, known in self.mailboxes.items()
        }
        return {"mailboxes": rows, "goes_on": self.goes_on and not ended}

    def keep(self, known: Known, numbers: Collection[int]) -> None:
        text = ranges(numbers)
        self._length += len(text) - len(known.uids)
        known.uids = text

    def forget(self, id: str) -> None:
        self._length -= len(self.mailboxes.pop(id).uids)

    @property
    def is_full(self) -> bool:
        return self._length > MAX_KNOWN

    def read(self, messages: int) -> None:
        self._since += messages

    @property
    def is_due(self) -> bool:
        """Whether enough was read to note it: the whole state is written each time. Who goes on from an earlier one
        names some messages twice, which changes nothing."""
        return self._noted is None or self._since >= max(NOTED, self._size // WRITTEN)

    def reached(self) -> State:
        """What to go on from, as it was noted last."""
        if self._noted is None or self.is_due:
            self._noted, self._since = self.state(), 0
            self._size = self._length + EACH_KNOWN * len(self.mailboxes)
        return self._noted


def _numbers(text: str) -> str:
    """Raises ValueError: these are none."""
    if not set(text) <= set("0123456789:,"):
        raise ValueError
    return text


@dataclass
class Listing:
    """One run. `complete` is known at its end."""

    plan: Plan
    memory: Memory
    session: Callable[[Login], Session]
    limit: TimeLimit
    complete: bool = True
    closed: set[str] = field(default_factory=set)
    beyond: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)  # groups
    unowned: int = 0  # accounts' own mailboxes whose lists do not let the account in

    def records(self) -> Iterator[Record]:
        looked, told_of = self.look()
        yield from told_of
        mailboxes, seen = self.sorted(looked)
        scopes = [self.scope(mailbox, seen[id]) for id, mailbox in mailboxes.items()]
        yield from self.plan.people.records()
        yield from self.gates()
        for scope, problem in scopes:
            yield scope
            if problem:
                yield Problem(message=problem)
        yield from self.not_looked_at(mailboxes)
        if self.unknown:
            names = ", ".join(sorted(self.unknown))
            yield Problem(
                message=f"Access lists name groups that the setting 'groups' does not describe: {told(names)}."
            )
        if self.unowned:
            yield Problem(
                message=f"{self.unowned} mailboxes are not open to their owners by their access lists. {JUDGED}"
            )
        yield Checkpoint(state=self.memory.reached())
        yield from self.gone(mailboxes)
        for login in self.plan.logins:
            for mailbox in mailboxes.values():
                if mailbox.login == login and mailbox.gate not in self.closed:
                    yield from self.messages(mailbox)
            self.session(login).close()
        yield Checkpoint(
            state=self.memory.state(ended=True),
            complete=self.memory.goes_on and self.complete,
            readers_complete=bool(self.beyond),  # what was not looked at is then in force no longer
        )

    def look(self) -> tuple[list[Mailbox], list[Problem]]:
        """Every mailbox as each login sees it. A login that is refused closes what it brought, and no other."""
        found: list[Mailbox] = []
        told_of: list[str] = []
        refusals: list[ConnectorError] = []
        untold = lists = 0
        for login in self.plan.logins:
            looking = Looking(self.plan, login, self.session(login), self.limit, lists)
            try:
                mine = looking.mailboxes()
            except (SignInRefused, TooMuch) as refused:
                refusals += [] if isinstance(refused, TooMany) else [refused]
                told_of.append(str(refused))
                self.close_all(login)
                continue
            if not mine:
                told_of.append(looking.nothing())
                self.close_all(login)
            found += mine
            told_of += looking.problems
            untold += looking.untold
            self.closed |= looking.closed
            self.beyond |= looking.beyond
            lists = looking.lists
            looking.session.close()
        if refusals and len(refusals) == len(self.plan.logins):
            raise refusals[0]
        if untold:
            told_of.append(f"{untold} mailboxes of others are not read: the server does not tell who may read them.")
        self.complete = self.complete and not self.closed and not self.beyond
        return found, [Problem(message=message) for message in dict.fromkeys(told_of)]

    def close_all(self, login: Login) -> None:
        self.closed |= {gate_of(login.account, part) for part in PARTS}

    def gates(self) -> Iterator[ScopeRecord]:
        """A scope above all that a login brings, which lets nobody in by itself: closing it closes everything below."""
        for login in self.plan.logins:
            for part, name in NAMES_OF_PARTS.items():
                gate = gate_of(login.account, part)
                problem = "What it holds cannot be read; the run says why." if gate in self.closed else ""
                yield ScopeRecord(id=gate, name=name.format(login.account), access=Access(problem=problem))

    def not_looked_at(self, mailboxes: Mapping[str, Mailbox]) -> Iterator[ScopeRecord]:
        """Those that may stand after the mailboxes that are looked at: which they are cannot be told from their ids."""
        problem = "Its account sees more mailboxes than are read."
        for id, known in self.memory.mailboxes.items():
            if id not in mailboxes and known.gate in self.beyond - self.closed:
                yield ScopeRecord(id=id, name="Not read", parent=known.gate, access=Access(problem=problem))

    def sorted(self, looked: Iterable[Mailbox]) -> tuple[dict[str, Mailbox], dict[str, set[str]]]:
        """Each mailbox once, by its id, and which logins read it. What others see of an account that is read itself is
        that account's own mailbox."""
        looked = list(looked)
        mailboxes = {mailbox.id: mailbox for mailbox in looked if mailbox.part == "own"}
        own = {_place(mailbox.login.account, mailbox): mailbox.id for mailbox in mailboxes.values()}
        seen = {id: {mailbox.login.account} if self.shows(mailbox) else set() for id, mailbox in mailboxes.items()}
        for mailbox in looked:
            if mailbox.part == "own":
                continue
            id = self.id_of(mailbox, own)
            if id is None:
                continue
            known = mailboxes.setdefault(id, mailbox)
            if known.part != "own" and known.listed is None and mailbox.listed is not None:
                mailboxes[id] = mailbox
            seen.setdefault(id, set()).update([mailbox.login.account] if self.shows(mailbox) else [])
        return mailboxes, seen

    def shows(self, mailbox: Mailbox) -> bool:
        """Whether that a session may read the mailbox shows that its account may. What a master may says nothing of it,
        which is for the list to say; only where the server knows no lists, an account's own mailbox is its own."""
        return self.plan.judged or (mailbox.part == "own" and mailbox.rights is None)

    def id_of(self, mailbox: Mailbox, own: Mapping[Any, str]) -> str | None:
        """Of a mailbox among those of others; None where it is one that its owner leaves out or cannot be asked for, or
        where it cannot be told whether it is the owner's own."""
        if mailbox.part != "others":
            return mailbox.id
        name, people = shown(mailbox.path[0]), self.plan.people
        for owner in (name, f"{name}@{people.domain}"):
            if owner in people.accounts:
                return own.get(_place(owner, replace(mailbox, path=mailbox.path[1:])))
        may_be = any(account.partition("@")[0] == name for account in people.accounts)
        return None if may_be else mailbox.id

    def scope(self, mailbox: Mailbox, seen: Collection[str]) -> tuple[ScopeRecord, str]:
        """A mailbox with its readers, and what an administrator should know about them."""
        owner, name, problem = mailbox.login.account, f"{mailbox.title} of {mailbox.login.account}", ""
        if mailbox.part != "own":
            owner, name = shown(mailbox.path[0]) if mailbox.part == "others" else "", mailbox.title
        said = readers(mailbox.listed or (), seen, self.plan.people, owner=owner or None)
        access = said.access
        self.unknown |= said.unknown
        if mailbox.problem:
            problem = f"Nobody is admitted to {name}: {mailbox.problem}"
            access = Access(problem=problem)
        elif said.unclear:
            problem = f"{name} is read by those alone whose own sign-in shows that they may: {said.unclear}."
        elif mailbox.part == "own" and not any(entry.id == f"user:{owner}" for entry in access.grants):
            self.unowned += 1
        return ScopeRecord(id=mailbox.id, name=name, parent=mailbox.gate, access=access), problem

    def gone(self, mailboxes: Mapping[str, Mailbox]) -> Iterator[Record]:
        """What earlier runs read and this one did not meet, but for what is closed since it could not be looked at."""
        for id in [id for id in self.memory.mailboxes if id not in mailboxes]:
            known = self.memory.mailboxes[id]
            if known.gate in self.closed | self.beyond:
                continue
            numbers = sorted(uids(known.uids.encode()))
            for count, uid in enumerate(numbers, start=1):
                yield Deletion(kind="document", id=f"{id}/{known.validity}-{uid}")
                if count % 1000 == 0:
                    yield Checkpoint(state=self.memory.reached())
            yield Deletion(kind="scope", id=id)
            self.memory.forget(id)
            self.memory.read(len(numbers))
            yield Checkpoint(state=self.memory.reached())

    # --- messages ---------------------------------------------------------------------------------------------

    def messages(self, mailbox: Mailbox) -> Iterator[Record]:
        """The messages of a mailbox that came since they were listed last, and the end of those that went."""
        known = self.memory.mailboxes.setdefault(mailbox.id, Known(mailbox.gate, mailbox.validity))
        known.gate = mailbox.gate
        if mailbox.marks and known.marks == mailbox.marks and known.validity == mailbox.validity:
            return
        reading = Reading(self.session(mailbox.login), mailbox)
        try:
            if self.memory.is_full:
                raise TooMany("There are more messages than are read of one source.")
            there = reading.there()
        except (Declined, TooMuch) as declined:
            self.complete = False
            yield Problem(message=f"{mailbox.title} of {mailbox.login.account} cannot be opened. {declined}")
            return
        yield from self.compared(known, reading, there)

    def compared(self, known: Known, reading: "Reading", there: set[int]) -> Iterator[Record]:
        mailbox, before = reading.mailbox, uids(known.uids.encode())
        stays = before & there if known.validity == mailbox.validity else set()
        for uid in sorted(before - stays):
            yield Deletion(kind="document", id=f"{mailbox.id}/{known.validity}-{uid}")
        known.validity, known.marks = mailbox.validity, ()
        self.memory.keep(known, stays)
        new = sorted(there - stays)
        for start in range(0, len(new), PAGE):
            self.limit.hold()
            page = new[start : start + PAGE]
            yield from reading.named(page)
            stays.update(page)
            self.memory.read(len(page))
            if start + PAGE < len(new):
                if self.memory.is_due:
                    self.memory.keep(known, stays)
                yield Checkpoint(state=self.memory.reached())
        self.memory.keep(known, stays)
        known.marks = mailbox.marks
        if new:
            yield Checkpoint(state=self.memory.reached())


@dataclass
class Reading:
    """The messages of one mailbox, as one login may read them."""

    session: Session
    mailbox: Mailbox

    def there(self) -> set[int]:
        """Every message that is not marked as deleted. Raises ConnectorError where the server leaves some out."""
        for _ in range(TRIES):
            validity, exists = self.session.examine(self.mailbox.name)
            if validity != self.mailbox.validity:
                raise ConnectorError(f"{self.mailbox.title} was made anew while it was read; the next run goes on.")
            if exists > MOST_UIDS:
                raise TooMany(f"It holds more than {MOST_UIDS:,} messages.")
            listed = self.search(b"ALL")
            if len(listed) >= exists:
                return listed - self.search(b"DELETED")
        raise ConnectorError(f"{self.mailbox.title} holds {exists} messages, and {len(listed)} were named.")

    def search(self, what: bytes) -> set[int]:
        short = b"RETURN (ALL) " if self.session.has("ESEARCH") else b""
        answer = self.ask(b"SEARCH " + short + what)
        found: set[int] = set()
        for values in answer.all("ESEARCH"):
            for name, value in pairwise(values):
                if name == b"ALL" and isinstance(value, bytes):
                    found |= uids(value)
        for values in answer.all("SEARCH"):
            found |= uids(b",".join(value for value in values if isinstance(value, bytes)))
        return found

    def named(self, page: Sequence[int]) -> Iterator[DocumentRecord]:
        """Their documents. One that was removed since it was listed is left out; one that is kept back is an error."""
        fields: dict[int, dict[str, Value]] = {}
        answer = self.ask(b"FETCH " + ranges(page).encode() + b" (UID RFC822.SIZE INTERNALDATE " + HEADER + b")")
        for values in answer.all("FETCH"):
            given = pairs(values[1]) if len(values) == 2 else {}
            uid = whole(given.get("UID"))
            if uid is not None and "RFC822.SIZE" in given:
                fields[uid] = given
        missing = [uid for uid in page if uid not in fields]
        if missing and (kept := self.search(b"UID " + ranges(missing).encode()) & set(missing)):
            raise ConnectorError(f"{self.mailbox.title} holds {len(kept)} messages that the server did not describe.")
        for uid in page:
            if uid in fields:
                yield self.document(uid, fields[uid])

    def document(self, uid: int, fields: Mapping[str, Value]) -> DocumentRecord:
        size = whole(fields["RFC822.SIZE"])
        if size is None:
            raise Unclear(f"{self.mailbox.title} holds a message of no size.")
        too_large = size > MAX_MESSAGE
        header = Header(next((value for name, value in fields.items() if name.startswith("BODY[")), None))
        return DocumentRecord(
            id=self.mailbox.document(uid),
            title=header.text("Subject") or "(no subject)",
            scope=self.mailbox.id,
            mime="message/rfc822",
            content=None if too_large else partial(self.content, uid, size),
            version=f"{self.mailbox.validity}-{uid}-{size}",
            unreadable="too_large" if too_large else "",
            author=header.text("From"),
            created_at=header.moment(),
            modified_at=_internal_date(fields.get("INTERNALDATE")),
            metadata={"mailbox": self.mailbox.title},
        )

    def content(self, uid: int, size: int) -> bytes:
        """A message as it stands. One that the server cannot bring, while it goes on answering, is given up."""
        seconds = self.session.patience + size / SLOWEST
        try:
            answer = self.ask(b"FETCH %d (UID BODY.PEEK[])" % uid, seconds=seconds, most=MAX_MESSAGE + MEGABYTE)
            return self.body(answer, uid)
        except (Broken, Unclear, Declined) as error:
            self.session.examine(self.mailbox.name)  # raises if it is not about this message
            sentence = f"A message of {self.mailbox.title} cannot be read. {error}"
            raise ConnectorError(sentence, permanent=True) from None

    def body(self, answer: Answer, uid: int) -> bytes:
        for values in answer.all("FETCH"):
            given = pairs(values[1]) if len(values) == 2 else {}
            content = given.get("BODY[]")
            if whole(given.get("UID")) == uid and isinstance(content, bytes):
                return content
        raise ConnectorError(f"A message of {self.mailbox.title} is not there any more.", permanent=True)

    def ask(self, command: bytes, *, seconds: float | None = None, most: int = MOST_OF_A_PAGE) -> Answer:
        name, validity = self.mailbox.name, self.mailbox.validity
        return self.session.ask("UID", command, within=name, validity=validity, seconds=seconds, most=most)


class Header:
    """The header of a message; whatever is wrong with it, there is a text."""

    def __init__(self, content: Value) -> None:
        known = content[:MOST_OF_A_HEADER] if isinstance(content, bytes) else b""
        self._message = message_from_bytes(known, policy=policy.default)

    def text(self, name: str) -> str:
        try:
            value = next((value for each, value in self._message.raw_items() if each.lower() == name.lower()), "")
            text = policy.default.header_fetch_parse(name, value[:LONGEST_HEADER])
            return " ".join(str(text).split())[:LONGEST_TEXT]
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
            raw = dict(self._message.raw_items()).get(name, "")
            return told(raw)

    def moment(self) -> datetime | None:
        try:
            at = parsedate_to_datetime(self.text("Date"))
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, TypeError, OverflowError, LookupError):
            return None


def _internal_date(value: Value) -> datetime | None:
    try:
        return datetime.strptime(word(value).strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except (Unclear, ValueError, OverflowError):
        return None


# --- settings ---------------------------------------------------------------------------------------------------


def _server(values: Mapping[str, str]) -> Server:
    host, port = values.get("host", "").strip(), values.get("port", "").strip() or "993"
    if not _is_address(host) and not HOST.fullmatch(host):
        raise _wrong("The setting 'host' must name the mail server, such as imap.example.org.")
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65_536:
        raise _wrong("The setting 'port' must be a number from 1 to 65535.")
    if values.get("tls", "").strip().lower() == "false":
        if not _is_this_machine(host):
            raise _wrong("Without TLS only a mail server on this machine is asked: passwords would be read on the way.")
        return Server(host, int(port), None)
    certificate = values.get("certificate", "").strip()
    try:
        context = ssl.create_default_context(cadata=certificate or None)
    except (ssl.SSLError, ValueError):
        raise _wrong("The setting 'certificate' holds no certificate in PEM.") from None
    return Server(host, int(port), context)


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _is_this_machine(host: str) -> bool:
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _sign_ins(values: Mapping[str, str], accounts: Sequence[str]) -> list[Login]:
    master, password = values.get("master", "").strip(), values.get("password", "")
    separator = values.get("master_separator", "").strip() or "*"
    if master:
        if not password:
            raise _wrong("The setting 'password' is missing: that of the master.")
        return [Login(account, password, master, "" if separator == "none" else separator) for account in accounts]
    passwords = {login: word for login, word in _object(values, "passwords").items() if isinstance(word, str) and word}
    if len(accounts) == 1 and password:
        passwords.setdefault(accounts[0], password)
    without = [account for account in accounts if account not in passwords]
    if without:
        raise _wrong(f"There is no password for {without[0]}: give 'passwords', or a master.")
    return [Login(account, passwords[account]) for account in accounts]


def _object(values: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        given = json.loads(values.get(name, "").strip() or "{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise _wrong(f"The setting '{name}' must be a JSON object.")
    return given


def _logins(group: str, members: object) -> list[str]:
    if not isinstance(members, list) or not all(isinstance(member, str) and member.strip() for member in members):
        raise _wrong(f"The setting 'groups' must give a list of logins for {group!r}.")
    return [member.strip() for member in members]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]


def _account(part: str) -> tuple[str, str]:
    login, _, address = part.partition("=")
    if not login.strip() or any(letter.isspace() or not letter.isprintable() for letter in login.strip()):
        raise _wrong(f"The setting 'accounts' holds {part!r}, which is no login.")
    return login.strip(), address.strip()


def _wrong(sentence: str) -> ConnectorError:
    return ConnectorError(sentence, permanent=True)


def _quoted(text: str) -> str:
    return quote(text, safe="@")


def _refused(name: bytes) -> str:
    """Why a mailbox of this name is not read, or ""."""
    if len(name) > MAX_NAME:
        return f"its name is longer than {MAX_NAME} bytes, so it is not read"
    try:
        clean = name.decode().isprintable()
    except UnicodeDecodeError:
        clean = False
    return "" if clean else "its name is not plain text, so it is not read"


def _place(account: str, mailbox: Mailbox) -> tuple[str, tuple[bytes, ...], int]:
    """Where an account's own mailbox stands, and which of all that ever stood there."""
    path = mailbox.path if mailbox.path and mailbox.path != (b"",) else (b"INBOX",)
    return account, (path[0].upper() if path[0].upper() == b"INBOX" else path[0], *path[1:]), mailbox.validity


def gate_of(account: str, part: Part) -> str:
    """The scope above all that a login brings of its own mail, or of others'."""
    return f"account:{_quoted(account)}" + ("" if part == "own" else "/shared")
