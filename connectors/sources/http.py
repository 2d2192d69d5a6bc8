"""An in-house system that tells what it holds itself, by the source protocol: pages of records over HTTP."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import ClassVar, Literal

from connectors.records import (
    RESERVED_IDS,
    Checkpoint,
    Kind,
    PrincipalRecord,
    Problem,
    Record,
    Records,
    State,
)
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.client import MEGABYTE, Client, Refused, Token
from connectors.sources.time_limit import LONGEST_RUN, TimeLimit
from connectors.strict_json import Fields, InvalidJSON, Wrong, invalid, loads, loads_in_parts, refuse_wrong
from connectors.wire import REPLACEMENT, ReadersUnreadable, checked_id, record_of

PAGE_FIELDS = ("records", "cursor", "more", "complete")
MOST_OF_A_PAGE = 128 * MEGABYTE  # a file of 50 MB is 67 in base64
MOST_PARTS = 4_000_000  # strings, brackets and commas of a page: each costs many times its letters once it is read
PARTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{,]', re.S)
LONGEST_TOLD = 3_000  # characters of what is wrong with a record
TOLD_UNNAMED = 20  # records that do not say what they are about, one by one; the others are counted
SECONDS_OF_A_PAGE = 120.0
SECONDS_OF_A_CHECK = 10.0
LONGEST_CURSOR = 2_000  # characters; it stands in an address
FORGOTTEN = frozenset({400, 404, 409, 410, 422})  # said of a cursor that worked once
TOLD = 5  # sentences of a check about single records
ABOUT_OTHERS = ("access", "deletion")  # types whose records say in `kind` what they are about
KINDS: Sequence[Kind] = ("principal", "scope", "document")

Part = Literal["whole", "changes"]


class Http(Connector):
    """Asks `GET {base_url}/records`, and remembers the cursor it was given last."""

    settings: ClassVar = {
        "base_url": "The address below which the system answers at /records, such as https://intranet.example/gatehouse.",
        "token": "The token it is asked with (Authorization: Bearer …); empty where it asks for none.",
    }
    secrets: ClassVar = frozenset({"token"})
    place = frozenset({"base_url"})

    most_pages: ClassVar = 100_000  # in one run
    most_empty: ClassVar = 1_000  # pages without a record, one after the other
    tries: ClassVar = 4  # at a page that cannot be understood, the first included
    longest_run: ClassVar = LONGEST_RUN

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
        """Pages until the system says that there is no more, each with the checkpoint after it."""
        listing = Listing.going_on(since)
        client, limit = self.client(), TimeLimit(self.longest_run)
        try:
            page = self.page(client, listing.cursor)
        except Refused as refused:
            if listing.cursor is None or refused.status not in FORGOTTEN:
                raise
            yield Problem(
                message=f"The cursor of the last run is not known there any more ({refused.status}): all is read."
            )
            listing = Listing(anew=True)
            page = self.page(client, None)
        for _ in range(self.most_pages):
            yield from listing.read(page)
            if not page.more:
                yield from listing.ended(page)
                return
            if listing.empty >= self.most_empty:
                raise ConnectorError(
                    f"{listing.empty:,} pages one after the other held nothing, and more were announced."
                )
            yield listing.went_on(page)
            limit.hold()
            page = self.page(client, page.cursor)
        raise ConnectorError(f"After {self.most_pages:,} pages there were still more; the next run goes on.")

    def can_read(self, account: str, ids: Sequence[str]) -> frozenset[str]:
        """Those of these documents that the system says this account may read now. Raises ConnectorError."""
        reply = self.client(tries=1).post(
            "can_read", {"account": account, "documents": list(ids)}, seconds=SECONDS_OF_A_CHECK
        )
        try:
            readable = [
                checked_id(each, "readable") for each in Fields(loads(reply.content), ("readable",)).items("readable")
            ]
        except InvalidJSON as error:
            raise ConnectorError(f"What was answered to can_read cannot be understood: {_short(error)}") from None
        return frozenset(readable) & frozenset(ids)

    def check(self) -> list[str]:
        """Asks for the first page of everything, as a run would."""
        try:
            page = self.page(self.client(tries=1), None, tries=1)
        except ConnectorError as error:
            return [str(error)]
        listing = Listing()
        told = [record.message for record in listing.read(page) if isinstance(record, Problem)]
        if self.values.get("token") and self.values.get("base_url", "").strip().lower().startswith("http://"):
            told.append("The token is sent over http:, where everybody on the way can read it; use https:.")
        return told[:TOLD]

    def client(self, *, tries: int = 5) -> Client:
        base = self.values.get("base_url", "").strip()
        if not base:
            raise ConnectorError("The setting 'base_url' is missing: name the system's address.", permanent=True)
        token = Token(self.values.get("token", "").strip())
        return Client(base, auth=token, tries=tries, sleep=self.sleep)

    def page(self, client: Client, cursor: str | None, *, tries: int | None = None) -> "Page":
        """The page at this cursor. What does not arrive whole is asked for again by the client, what cannot be
        understood here, later and later. Raises ConnectorError."""
        params = {} if cursor is None else {"cursor": cursor}
        tries = self.tries if tries is None else tries
        for number in range(tries):
            reply = client.get("records", params, most=MOST_OF_A_PAGE, seconds=SECONDS_OF_A_PAGE)
            try:
                refuse_too_many(reply.content)
                return Page.of(loads_in_parts(reply.content))
            except InvalidJSON as error:
                failure = error
            if number < tries - 1:
                self.sleep(2.0**number)
        raise ConnectorError(f"A page of records cannot be understood, and nothing of it counts: {_short(failure)}")


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer. `cursor`: where the next one begins."""

    records: Sequence[object]
    cursor: str | None
    more: bool
    complete: bool

    @classmethod
    def of(cls, value: object) -> "Page":
        """Raises InvalidJSON. Its records are judged one by one, later."""
        if isinstance(value, dict):
            refuse_wrong({name: part for name, part in value.items() if name != "records"})
        elif isinstance(value, Wrong):
            raise value.error
        fields = Fields(value, PAGE_FIELDS)
        if fields.get("records") is None:
            raise InvalidJSON("field_missing", "The field 'records' is missing.")
        page = cls(
            records=fields.items("records"),
            cursor=fields.optional_text("cursor", most=LONGEST_CURSOR) or None,
            more=fields.flag("more", absent=False),
            complete=fields.flag("complete", absent=False),
        )
        if page.more and page.cursor is None:
            raise invalid("cursor", "must say where the next page begins, since there is 'more'")
        if page.more and page.complete:
            raise invalid("complete", "belongs on the last page; here there is 'more'")
        return page


class Listing:
    """The pages of one run, and what is to be remembered after each.

    `cursor`: where it began; None is the beginning of everything. `part`: what it is a part of, if an earlier run did
    not come to its end. `anew`: a run that was to go on from elsewhere; where it ends early, the next one begins anew,
    since what it has named is not kept as that of a whole listing is.
    """

    def __init__(
        self, cursor: str | None = None, part: Part | None = None, since: State | None = None, *, anew: bool = False
    ) -> None:
        self.cursor = cursor
        self.anew = anew
        self.part = part
        self.since: State = since or {}
        self.last = cursor
        self.asked = {_digest(cursor)}
        self.pages = 0
        self.empty = 0
        self.unnamed = 0

    @classmethod
    def going_on(cls, since: State | None) -> "Listing":
        """From the state of a checkpoint of this connector; from the beginning if it holds no cursor."""
        state = since or {}
        cursor, part = state.get("cursor"), state.get("part")
        if not isinstance(cursor, str) or not cursor:
            return cls()
        return cls(cursor, part if part == "whole" or part == "changes" else None, state)

    def read(self, page: Page) -> Iterator[Record]:
        """The records of a page; one that cannot be understood hides what it names (P4)."""
        self.pages += 1
        self.empty = 0 if page.records else self.empty + 1
        for position, value in enumerate(page.records, start=1):
            try:
                refuse_wrong(value)
                yield record_of(value)
            except InvalidJSON as error:
                yield from self._not_understood(value, f"page {self.pages}, record {position}", error)

    def _not_understood(self, value: object, where: str, error: InvalidJSON) -> Iterator[Record]:
        id = error.id if isinstance(error, ReadersUnreadable) else id_of(value)
        said = _short(error)
        if id is None:
            self.unnamed += 1
            if self.unnamed <= TOLD_UNNAMED:
                yield Problem(message=f"{where} does not say what it is about: {said}")
        elif not can_be_known(id) or error.code == "reserved_id":
            yield Problem(message=f"{where}: {said}")
        else:
            yield from hiding(kinds_of(value, error), id, f"{where}, {{kind}} {id!r}: {said}", error)

    def went_on(self, page: Page) -> Checkpoint:
        """After a page that is not the last. Raises ConnectorError where its cursor leads in a circle."""
        if _digest(page.cursor) in self.asked:
            raise ConnectorError("The cursors lead in a circle: a page names one as the next that was read already.")
        self.asked.add(_digest(page.cursor))
        self.last = page.cursor
        if self.anew:
            return Checkpoint(state={})
        part: Part = self.part or ("whole" if self.cursor is None else "changes")
        return self._reached({"cursor": page.cursor, "part": part})

    def ended(self, page: Page) -> Iterator[Record]:
        """After the last page. Raises ConnectorError where a record did not say what it is about: what that was has
        not been applied, and the next run begins where this one did."""
        self.last = page.cursor or self.last
        if self.unnamed:
            yield self._reached({})
            raise ConnectorError(
                f"{self.unnamed} of the records did not say what they are about, so what changed is not known. The "
                "others were applied; until every record has a type and an id, each run reads the same again."
            )
        if self.cursor is not None and self.last is not None and went_back(self.cursor, self.last):
            yield Problem(
                message=f"The cursor went back from {self.cursor} to {self.last}: the next run reads everything."
            )
            self.last = None
        state: State = {"cursor": self.last} if self.last is not None else {}
        yield Checkpoint(state=state, complete=page.complete and self.part != "changes")

    def _reached(self, state: State) -> Checkpoint:
        return Checkpoint(state=self.since if self.unnamed else state)


def _digest(cursor: str | None) -> bytes:
    """A hundred thousand cursors are remembered by few bytes each."""
    return b"" if cursor is None else blake2b(cursor.encode(), digest_size=16).digest()


def _short(error: InvalidJSON) -> str:
    """What is wrong; it may repeat a name of a hundred megabytes."""
    return error.message if len(error.message) <= LONGEST_TOLD else f"{error.message[:LONGEST_TOLD]}…"


def refuse_too_many(content: bytes) -> None:
    """Raises InvalidJSON if a page holds more values than are read of one, before any of them is made."""
    if next(islice(PARTS.finditer(content), MOST_PARTS, None), None) is not None:
        told = f"It holds more than {MOST_PARTS:,} strings, brackets and commas; make its pages smaller."
        raise InvalidJSON("too_large", told)


def hiding(kinds: Sequence[Kind], id: str, told: str, error: InvalidJSON) -> Iterator[Record]:
    """What a record that cannot be understood is about admits nobody until it can."""
    until = "" if isinstance(error, ReadersUnreadable) else " Until it is sent so that it can be, it admits nobody."
    for kind in kinds:
        if kind == "principal" and id in RESERVED_IDS:
            yield PrincipalRecord(id=id, kind="group")  # refused, and hides what names it (P3)
        else:
            yield Problem(message=told.replace("{kind}", kind, 1) + until, kind=kind, id=id)


def kinds_of(value: object, error: InvalidJSON) -> Sequence[Kind]:
    """What a record is about, if it says so in a way that can be understood; else all that it may be about."""
    if isinstance(error, ReadersUnreadable):
        return [error.kind]
    said = [only(value, "type"), only(value, "kind")]
    found = next((kind for kind in KINDS if said[0] == kind or (said[0] in ABOUT_OTHERS and said[1] == kind)), None)
    return KINDS if found is None else [found]


def id_of(value: object) -> str | None:
    """The id that a record gives, None where none can be told."""
    id = only(value, "id")
    return id if isinstance(id, str) and id and REPLACEMENT not in id else None


def only(value: object, name: str) -> object:
    """The one value of this field; None where there is none or more than one."""
    pairs = value.pairs if isinstance(value, Wrong) else value.items() if isinstance(value, dict) else ()
    found = [part for key, part in pairs if key == name]
    return found[0] if len(found) == 1 else None


def can_be_known(id: str) -> bool:
    """Whether something can be known by this id: all that is went through the same."""
    try:
        return bool(checked_id(id, "id"))
    except InvalidJSON:
        return False


def went_back(before: str, after: str) -> bool:
    """Whether both are numbers and the later is the smaller: the system may have been restored from a copy."""
    return all(each.isascii() and each.isdigit() for each in (before, after)) and int(after) < int(before)
