"""The source protocol as an in-house system speaks it over real HTTP: every rule of reading it, and who then reads."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.reading import document_text, list_documents
from connectors.kit.system import Answer, Asked, Clock, System
from connectors.models import Source, SyncRun
from connectors.records import (
    Access,
    AccessRecord,
    Checkpoint,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
    State,
)
from connectors.sources import http
from connectors.sources.base import ConnectorError
from connectors.sources.http import Http
from connectors.strict_json import InvalidJSON, loads_in_parts
from tests.cast import person

Json = dict[str, Any]

ANN: Json = {"type": "principal", "id": "ann", "kind": "user", "email": "ann@example.org", "external": False}
BOB: Json = {"type": "principal", "id": "bob", "kind": "user", "email": "bob@example.org", "external": False}
STAFF: Json = {"type": "principal", "id": "staff", "kind": "group", "members": ["ann", "bob"]}
HR: Json = {"type": "scope", "id": "hr", "name": "HR", "grants": ["staff"]}


def document(id: str, text: str = "Words.", **fields: Any) -> Json:
    return {"type": "document", "id": id, "title": id.title(), "scope": "hr", "text": text, **fields}


def one_page(*records: Any, cursor: str | None = "1", complete: bool = True) -> Json:
    return {"records": list(records), "cursor": cursor, "more": False, "complete": complete}


class InHouse:
    """A system with a log of what was said: its cursor is a place in it. Without one, all that lives is listed."""

    def __init__(self, *records: Json, size: int = 2) -> None:
        self.log: list[Json] = list(records)
        self.size = size
        self.readable: Mapping[str, list[str]] = {}

    def say(self, *records: Json) -> None:
        self.log += records

    def living(self) -> list[Json]:
        living: dict[tuple[str, str], Json] = {}
        for record in self.log:
            kind = record["kind"] if record["type"] in ("deletion", "access") else record["type"]
            if record["type"] == "deletion":
                living.pop((kind, record["id"]), None)
            elif record["type"] == "access":
                living[kind, record["id"]] |= {
                    name: value for name, value in record.items() if name not in ("type", "kind")
                }
            else:
                living[kind, record["id"]] = dict(record)
        return list(living.values())

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("/can_read"):
            question = asked.json()
            return Answer({"readable": [*self.readable.get(question["account"], []), "never asked"]})
        cursor = asked.query.get("cursor", "")
        if cursor.isdigit():
            return Answer(self.page(self.log, int(cursor), changes=True))
        begun, _, place = cursor.removeprefix("all-").partition("-")
        return Answer(self.page(self.living(), int(place or 0), end=int(begun or len(self.log))))

    def page(self, records: list[Json], start: int, *, changes: bool = False, end: int = 0) -> Json:
        past = start + self.size
        more = past < len(records)
        going_on = str(past) if changes else f"all-{end}-{past}"
        done = str(len(records)) if changes else str(end)
        return {
            "records": records[start:past],
            "cursor": going_on if more else done,
            "more": more,
            "complete": not more and not changes,
        }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def system() -> Iterator[System]:
    with System(InHouse(ANN, BOB, STAFF, HR, document("rules"))).running() as running:
        yield running


def connector(system: System, clock: Clock, kind: type[Http] = Http, **settings: str) -> Http:
    return kind({"base_url": f"{system.url}/source", **settings}, sleep=clock.sleep)


def answering(*pages: Any) -> Callable[[Asked], Answer]:
    """The pages one after the other, the last for ever; bytes as they are."""
    left = list(pages)
    return lambda asked: Answer(left.pop(0) if len(left) > 1 else left[0])


def read(connector: Http, since: State | None = None) -> tuple[list[Record], str]:
    """What it yields, and how it failed if it did."""
    records: list[Record] = []
    try:
        for record in connector.records(since):
            records.append(record)
    except ConnectorError as error:
        return records, str(error)
    return records, ""


def problems(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Problem)]


def last(records: list[Record]) -> Checkpoint:
    assert isinstance(records[-1], Checkpoint)
    return records[-1]


# --- reading --------------------------------------------------------------------------------------------------------


def test_every_type_of_record_is_read_as_the_push_door_reads_it(system: System, clock: Clock) -> None:
    system.answer = answering(
        one_page(
            STAFF,
            HR | {"parent": "company", "restrictions": [["ann"]], "deny": ["bob"]},
            document("a", revision=3),
            {"type": "access", "kind": "document", "id": "b", "scope": "hr", "inherits": False, "grants": ["*"]},
            {"type": "deletion", "kind": "document", "id": "c"},
        )
    )

    records, failure = read(connector(system, clock))

    assert (records, failure) == (
        [
            PrincipalRecord(id="staff", kind="group", members=(Entry(id="ann"), Entry(id="bob"))),
            ScopeRecord(
                id="hr",
                name="HR",
                parent="company",
                access=Access(grants=(Entry(id="staff"),), restrictions=(("ann",),), deny=("bob",)),
            ),
            DocumentRecord(id="a", title="A", scope="hr", text="Words.", mime="text/plain", revision=3),
            AccessRecord(kind="document", id="b", place="hr", access=Access(inherits=False, grants=(Entry(id="*"),))),
            Deletion(kind="document", id="c"),
            Checkpoint(state={"cursor": "1"}, complete=True),
        ],
        "",
    )


def test_pages_are_asked_for_with_the_token_until_there_are_no_more(system: System, clock: Clock) -> None:
    records, _ = read(connector(system, clock, token="secret"))

    assert [asked.target for asked in system.asked] == [
        "/source/records",
        "/source/records?cursor=all-5-2",
        "/source/records?cursor=all-5-4",
    ]
    assert {asked.headers["authorization"] for asked in system.asked} == {"Bearer secret"}
    assert [record for record in records if isinstance(record, Checkpoint)] == [
        Checkpoint(state={"cursor": "all-5-2", "part": "whole"}),
        Checkpoint(state={"cursor": "all-5-4", "part": "whole"}),
        Checkpoint(state={"cursor": "5"}, complete=True),
    ]


def test_the_next_run_asks_for_what_changed(system: System, clock: Clock) -> None:
    assert isinstance(system.answer, InHouse)
    system.answer.say(document("new"))

    records, _ = read(connector(system, clock), {"cursor": "5"})

    assert [record.id for record in records if isinstance(record, DocumentRecord)] == ["new"]
    assert last(records) == Checkpoint(state={"cursor": "6"})


def test_a_system_that_gives_no_cursor_is_read_whole_each_time(system: System, clock: Clock) -> None:
    system.answer = answering({"records": [ANN], "complete": True})

    records, _ = read(connector(system, clock))

    assert last(records) == Checkpoint(state={}, complete=True)
    read(connector(system, clock), last(records).state)
    assert [asked.query for asked in system.asked] == [{}, {}]


def test_the_last_cursor_that_was_given_is_kept(system: System, clock: Clock) -> None:
    system.answer = answering({"records": [], "cursor": None})

    assert last(read(connector(system, clock), {"cursor": "7"})[0]).state == {"cursor": "7"}


@pytest.mark.parametrize(
    ("state", "complete"),
    [
        (None, True),
        ({"cursor": "x", "part": "whole"}, True),
        ({"cursor": "x"}, True),
        ({"cursor": "x", "part": "changes"}, False),
    ],
    ids=["from-the-beginning", "gone-on-with", "from-a-cursor", "the-rest-of-some-changes"],
)
def test_a_listing_is_complete_if_this_run_or_the_one_it_goes_on_with_saw_its_beginning(
    system: System, clock: Clock, state: State | None, complete: bool
) -> None:
    system.answer = answering(one_page(ANN))

    assert last(read(connector(system, clock), state)[0]).complete is complete


def test_an_odd_state_is_a_beginning(system: System, clock: Clock) -> None:
    for state in ({"cursor": 7}, {"cursor": ""}, {"other": "kind"}):
        read(connector(system, clock), state)

    assert [asked.query for asked in system.asked if "cursor" not in asked.query] == [{}, {}, {}]


# --- pages that are wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (b"<html>", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"records": [' + b"[" * 100_000, "nested more than 50 deep"),
        (b'{"records": [], "records": [], "more": false}', "occurs twice"),
        (b'{"records": [], "cursor": NaN}', "NaN"),
        ([], "An object was expected"),
        ({}, "'records' is missing"),
        ({"records": {}}, "'records' must be a list"),
        ({"records": [], "has_more": True}, "no field 'has_more'"),
        ({"records": [], "more": "yes"}, "'more' must be true or false"),
        ({"records": [], "complete": 1}, "'complete' must be true or false"),
        ({"records": [], "cursor": 5}, "'cursor' must be a string"),
        ({"records": [], "cursor": "x" * 2001}, "at most 2,000 characters"),
        ({"records": [], "more": True}, "must say where the next page begins"),
        ({"records": [], "more": True, "cursor": ""}, "must say where the next page begins"),
        ({"records": [], "more": True, "cursor": "2", "complete": True}, "belongs on the last page"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_page_that_cannot_be_understood_changes_nothing_and_is_asked_for_again(
    system: System, clock: Clock, page: Any, says: str
) -> None:
    system.answer = answering(page)

    records, failure = read(connector(system, clock))

    assert records == []
    assert says in failure
    assert (len(system.asked), clock.waited) == (4, [1.0, 2.0, 4.0])


def test_a_page_that_was_half_is_read_when_it_is_whole(system: System, clock: Clock) -> None:
    system.faults = [Answer(b'{"records": [{"type": "prin'), Answer(one_page(ANN), breaks=True), Answer(status=503)]
    system.answer = answering(one_page(ANN))

    records, failure = read(connector(system, clock))

    assert failure == ""
    assert last(records).complete
    assert clock.waited == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("status", "says"), [(401, "sign-in"), (403, "these rights"), (404, "not there"), (500, "fault")]
)
def test_what_the_system_refuses_fails_the_run(system: System, clock: Clock, status: int, says: str) -> None:
    system.faults = [Answer(status=status)] * 9

    records, failure = read(connector(system, clock))

    assert (records, says in failure) == ([], True)


def test_a_page_that_fails_in_the_middle_ends_the_run_after_those_before_it(system: System, clock: Clock) -> None:
    inner = system.answer
    system.answer = lambda asked: Answer(status=500) if asked.query.get("cursor") == "all-5-4" else inner(asked)

    records, failure = read(connector(system, clock))

    assert "fault of its own" in failure
    assert last(records).state == {"cursor": "all-5-4", "part": "whole"}
    assert not any(isinstance(record, Checkpoint) and record.complete for record in records)


# --- cursors that go wrong ------------------------------------------------------------------------------------------


def test_cursors_in_a_circle_end_the_run(system: System, clock: Clock) -> None:
    leads = {None: "a", "a": "b", "b": "a"}
    system.answer = lambda asked: Answer({"records": [ANN], "cursor": leads[asked.query.get("cursor")], "more": True})

    records, failure = read(connector(system, clock))

    assert "circle" in failure
    assert len(system.asked) == 3
    assert last(records[:-1]).state == {"cursor": "b", "part": "whole"}


def test_a_cursor_that_leads_to_itself_ends_the_run(system: System, clock: Clock) -> None:
    system.answer = answering({"records": [], "cursor": "same", "more": True})

    assert "circle" in read(connector(system, clock))[1]
    assert len(system.asked) == 2


def endless(asked: Asked) -> Answer:
    number = int(asked.query.get("cursor", "0")) + 1
    return Answer({"records": [ANN] if asked.path.startswith("/source") else [], "cursor": str(number), "more": True})


def test_pages_that_never_end_are_read_so_far_and_told(system: System, clock: Clock) -> None:
    class Impatient(Http):
        most_pages = 7

    system.answer = endless

    records, failure = read(connector(system, clock, Impatient))

    assert "After 7 pages there were still more" in failure
    assert last(records).state == {"cursor": "7", "part": "whole"}


def test_empty_pages_that_never_end_are_told(system: System, clock: Clock) -> None:
    class Impatient(Http):
        most_empty = 5

    system.answer = endless

    assert (
        "5 pages one after the other held nothing" in read(connector(system, clock, Impatient, base_url=system.url))[1]
    )


def test_a_cursor_the_system_has_forgotten_begins_a_whole_listing(system: System, clock: Clock) -> None:
    inner = system.answer
    system.answer = lambda asked: Answer(status=410) if asked.query.get("cursor") == "old" else inner(asked)

    records, failure = read(connector(system, clock), {"cursor": "old", "part": "changes"})

    assert failure == ""
    assert "not known there any more (410)" in problems(records)[0]
    assert last(records) == Checkpoint(state={"cursor": "5"}, complete=True)


def test_a_whole_listing_begun_for_a_forgotten_cursor_is_begun_anew_where_it_ends_early(
    system: System, clock: Clock
) -> None:
    """What a run of changes named is not kept: gone on with, the rest would pass for all that lives."""
    inner = system.answer

    def forgetful(asked: Asked) -> Answer:
        cursor = asked.query.get("cursor", "")
        return Answer(status=410) if cursor == "old" else Answer(status=403) if cursor == "all-5-4" else inner(asked)

    system.answer = forgetful
    records, failure = read(connector(system, clock), {"cursor": "old"})

    assert "may not be read" in failure
    assert {str(record.state) for record in records if isinstance(record, Checkpoint)} == {"{}"}


def test_a_run_has_an_end_however_slowly_it_is_answered(system: System, clock: Clock) -> None:
    class Impatient(Http):
        longest_run = 0.0

    records, failure = read(connector(system, clock, Impatient))

    assert "took longer than" in failure
    assert last(records).state == {"cursor": "all-5-2", "part": "whole"}


def test_a_cursor_that_shrinks_lets_the_next_run_read_everything(system: System, clock: Clock) -> None:
    """The system was restored from a copy: what it said after that copy is gone there, and stands here."""
    system.answer = answering(one_page(cursor="300", complete=False))

    records, _ = read(connector(system, clock), {"cursor": "500"})

    assert problems(records) == ["The cursor went back from 500 to 300: the next run reads everything."]
    assert last(records).state == {}


@pytest.mark.parametrize(
    "content",
    [
        b'{"records": [' + b"[]," * 5_000_000,
        b'{"records": [' + b'"ab",' * 5_000_000,
        b'{"records": [' + b'{"":0},' * 2_000_000,
        b'{"records": ["' + b'\\"' * 10_000_000,
    ],
    ids=["lists", "strings", "objects", "a string without end"],
)
def test_a_page_of_many_small_things_is_refused_before_they_are_made(content: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidJSON, match=r"not JSON|more than 4,000,000"):
        read_anyhow(content)
    assert time.monotonic() - began < 10


def read_anyhow(content: bytes) -> None:
    http.refuse_too_many(content)
    loads_in_parts(content)


def test_a_large_text_is_one_thing_whatever_stands_in_it() -> None:
    http.refuse_too_many(json.dumps({"records": [document("d", text='a, [b], {c}, "d" ' * 1_000_000)]}).encode())


def test_a_name_without_end_is_told_in_few_words(system: System, clock: Clock) -> None:
    system.answer = answering({"records": [], "x" * 1_000_000: 1})
    assert len(read(connector(system, clock))[1]) < 4_000

    system.answer = answering(one_page({"type": "document", "id": "d", "title": "t", "x" * 1_000_000: 1}))
    assert all(len(told) < 4_000 for told in problems(read(connector(system, clock))[0]))


def test_records_that_name_nothing_are_told_so_far_and_counted(system: System, clock: Clock) -> None:
    system.answer = answering(one_page(*range(500)))
    records, failure = read(connector(system, clock))

    assert len(problems(records)) == http.TOLD_UNNAMED
    assert "500 of the records did not say what they are about" in failure


# --- records that are wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (document("x", deny=[{"id": "ann", "until": "2030-01-01T00:00:00Z"}]), [("document", "x")]),
        (document("x", txet="misspelt"), [("document", "x")]),
        (document("x", text="a\0b"), [("document", "x")]),
        (document("x", url="javascript:alert(1)"), [("document", "x")]),
        (document("x", metadata={"deep": json.loads("[" * 60 + "]" * 60)}), [("document", "x")]),
        (HR | {"grants": "staff"}, [("scope", "hr")]),
        (HR | {"parent": 7}, [("scope", "hr")]),
        (STAFF | {"members": [None]}, [("principal", "staff")]),
        (STAFF | {"kind": "team"}, [("principal", "staff")]),
        ({"type": "access", "kind": "scope", "id": "hr", "deny": 1}, [("scope", "hr")]),
        ({"type": "deletion", "kind": "document", "id": "x", "revision": "1"}, [("document", "x")]),
        ({"type": "deletion", "kind": "page", "id": "x"}, [("principal", "x"), ("scope", "x"), ("document", "x")]),
        ({"type": "page", "id": "x"}, [("principal", "x"), ("scope", "x"), ("document", "x")]),
    ],
    ids=lambda value: str(value.get("type")) if isinstance(value, dict) else "",
)
def test_a_record_that_cannot_be_understood_names_what_is_hidden_and_the_rest_is_read(
    system: System, clock: Clock, record: Json, named: list[tuple[str, str]]
) -> None:
    system.answer = answering(one_page(ANN, record, BOB))

    records, failure = read(connector(system, clock))

    told = [each for each in records if isinstance(each, Problem)]
    assert [(each.kind, each.id) for each in told] == named
    assert all(each.message.startswith("page 1, record 2") for each in told)
    assert [each.id for each in records if isinstance(each, PrincipalRecord)] == ["ann", "bob"]
    assert (last(records).complete, failure) == (True, "")


def test_a_key_that_occurs_twice_spoils_its_own_record(system: System, clock: Clock) -> None:
    twice = b'{"type": "scope", "id": "hr", "name": "HR", "grants": ["staff"], "grants": ["everyone"]}'
    system.answer = answering(b'{"records": [' + twice + b", " + json.dumps(ANN).encode() + b'], "complete": true}')

    records, failure = read(connector(system, clock))

    assert [(each.kind, each.id) for each in records if isinstance(each, Problem)] == [("scope", "hr")]
    assert [each.id for each in records if isinstance(each, PrincipalRecord)] == ["ann"]
    assert failure == ""


def test_an_id_that_nothing_can_have_hides_nothing(system: System, clock: Clock) -> None:
    system.answer = answering(one_page(document("x" * 5_000), ANN))

    records, failure = read(connector(system, clock))

    assert [(each.kind, each.id) for each in records if isinstance(each, Problem)] == [(None, "")]
    assert failure == ""


def test_a_reserved_id_is_left_to_the_engine_to_refuse(system: System, clock: Clock) -> None:
    system.answer = answering(one_page(STAFF | {"id": "everyone", "members": 5}))

    assert read(connector(system, clock))[0][0] == PrincipalRecord(id="everyone", kind="group")


@pytest.mark.parametrize(
    "record",
    ["ann", None, {}, {"type": "document"}, {"type": "document", "id": 7}, {"type": "document", "id": "\ufffd"}],
    ids=["text", "nothing", "empty", "no-id", "number", "lost-bytes"],
)
def test_a_record_that_says_not_what_it_is_about_fails_the_run_and_is_read_again(
    system: System, clock: Clock, record: Any
) -> None:
    system.answer = answering({"records": [ANN, record], "cursor": "2", "more": True}, one_page(BOB, cursor="3"))

    records, failure = read(connector(system, clock), {"cursor": "1"})

    assert [each.id for each in records if isinstance(each, PrincipalRecord)] == ["ann", "bob"]
    assert "1 of the records did not say what they are about" in failure
    assert [each for each in records if isinstance(each, Checkpoint)] == [Checkpoint(state={"cursor": "1"})] * 2


# --- set-up ---------------------------------------------------------------------------------------------------------


def test_a_check_says_what_is_missing(system: System, clock: Clock) -> None:
    assert connector(system, clock).check() == []
    assert "'base_url' is missing" in Http({}).check()[0]
    assert "must begin with https://" in Http({"base_url": "ftp://x"}).check()[0]
    assert "over http:" in connector(system, clock, token="secret").check()[0]
    assert "characters that no token has" in connector(system, clock, token="sécret").check()[0]
    system.faults = [Answer(status=401)]
    assert "sign-in" in connector(system, clock).check()[0]
    system.faults = [Answer({"rows": []})]
    assert "'rows'" in connector(system, clock).check()[0]
    system.faults = [Answer(one_page(HR | {"grants": 1}))]
    assert "page 1, record 1, scope 'hr'" in connector(system, clock).check()[0]


def test_a_live_check_believes_only_what_it_asked(system: System, clock: Clock) -> None:
    assert isinstance(system.answer, InHouse)
    system.answer.readable = {"ann": ["rules", "other"]}
    asked = connector(system, clock)

    assert asked.can_read("ann", ["rules", "secret"]) == {"rules"}
    assert asked.can_read("bob", ["rules"]) == set()
    assert system.asked[0].json() == {"account": "ann", "documents": ["rules", "secret"]}


@pytest.mark.parametrize(
    "answer", [Answer(b"no"), Answer({"readable": "all"}), Answer({"readable": [1]}), Answer([]), Answer(status=500)]
)
def test_a_live_check_that_is_not_answered_is_no_yes(system: System, clock: Clock, answer: Answer) -> None:
    system.faults = [answer]

    with pytest.raises(ConnectorError):
        connector(system, clock).can_read("ann", ["rules"])
    assert len(system.asked) == 1


# --- through the product --------------------------------------------------------------------------------------------


@pytest.fixture
def source(db: None, system: System) -> Source:
    settings = {"base_url": system.url, "token": "secret"}
    return adding.add_source("intranet", kind="http", settings=settings, vouches_for_emails=True)


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    return run


def reads(name: str) -> set[str]:
    from accounts.models import User

    user = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    return {document.external_id for document in list_documents(Reader(user.pk))}


def person_id(name: str) -> int:
    from accounts.models import User

    return User.objects.get(email=f"{name}@example.org").pk


def said(system: System, *records: Json) -> None:
    assert isinstance(system.answer, InHouse)
    system.answer.say(*records)


@pytest.mark.django_db
def test_the_owner_sees_their_own_document_and_a_stranger_does_not(system: System, source: Source) -> None:
    said(system, document("diary", "Dear diary.", inherits=False, grants=["ann"]))

    run = synced(source)

    assert (run.state, run.problems) == ("succeeded", [])
    assert reads("ann") == {"diary", "rules"}
    assert reads("bob") == {"rules"}
    assert reads("charlie") == set()


@pytest.mark.django_db
def test_a_right_that_is_lost_is_gone_with_the_next_run(system: System, source: Source) -> None:
    synced(source)
    said(system, {"type": "access", "kind": "document", "id": "rules", "scope": "hr", "restrictions": [["ann"]]})
    run = synced(source)

    assert run.counts == {"live": 1}
    assert system.asked[-1].query == {"cursor": "5"}
    assert (reads("ann"), reads("bob")) == ({"rules"}, set())


@pytest.mark.django_db
def test_changed_text_and_explicit_deletions_arrive(system: System, source: Source) -> None:
    said(system, document("old"))
    synced(source)
    said(system, document("rules", "Nothing is forbidden."), {"type": "deletion", "kind": "document", "id": "old"})
    synced(source)

    ann = Reader(person("ann").pk)
    (only,) = list_documents(ann)
    text = document_text(ann, only.id)
    assert text is not None
    assert text.text == "Nothing is forbidden."


@pytest.mark.django_db
def test_what_a_complete_listing_does_not_name_is_gone(system: System, source: Source) -> None:
    said(system, document("old"))
    synced(source)
    assert reads("ann") == {"rules", "old"}

    system.answer = answering(one_page(ANN, BOB, HR, STAFF | {"members": ["ann"]}, document("rules")))
    run = synced(source)
    assert run.counts["deleted"] == 1
    assert (reads("ann"), reads("bob")) == ({"rules"}, set())


@pytest.mark.django_db
def test_pages_with_revisions_come_in_any_order_and_more_than_once(system: System, source: Source) -> None:
    new = document("rules", "The new rules.", grants=["ann"], scope="gone", revision=7)
    old = document("rules", "The old rules.", revision=6)
    page = {"records": [ANN, BOB, new], "cursor": "2", "more": True}
    system.answer = answering(page, one_page(old, STAFF, HR, cursor="3", complete=False))
    synced(source)
    assert reads("bob") == set()

    system.answer = answering(one_page(HR, old, ANN, new, STAFF, BOB, {"type": "scope", "id": "gone", "name": "x"}))
    synced(source)
    assert (reads("ann"), reads("bob")) == ({"rules"}, set())
    (only,) = list_documents(Reader(person_id("ann")))
    text = document_text(Reader(person_id("ann")), only.id)
    assert text is not None
    assert text.text == "The new rules."


@pytest.mark.django_db
def test_a_file_in_base64_is_parsed(system: System, source: Source) -> None:
    import base64

    page = base64.b64encode(b"<html><body><p>The walrus settled.</p></body></html>").decode()
    said(system, {"type": "document", "id": "case.html", "title": "Case", "scope": "hr", "content_base64": page})
    synced(source)

    assert reads("ann") == {"rules", "case.html"}


@pytest.mark.django_db
def test_what_cannot_be_understood_is_hidden_until_it_can(system: System, source: Source) -> None:
    synced(source)
    assert reads("ann") == {"rules"}

    said(system, STAFF | {"members": "ann"}, document("more", grants=["ann"]))
    run = synced(source)
    assert run.state == "succeeded"
    assert "'staff' is named by nobody's list" in run.problems[0]
    assert (reads("ann"), reads("bob")) == ({"more"}, set())

    said(system, STAFF)
    synced(source)
    assert reads("ann") == {"rules", "more"}

    said(system, HR | {"deny": "bob"})
    assert "'hr' may be read by nobody" in synced(source).problems[0]
    assert reads("ann") == set()
    said(system, HR, document("rules", colour="red"))
    assert "no field 'colour'" in synced(source).problems[0]
    assert reads("ann") == {"more"}


@pytest.mark.django_db
def test_what_a_complete_listing_names_without_being_understood_is_not_gone(system: System, source: Source) -> None:
    synced(source)
    system.answer = answering(one_page(ANN, BOB, STAFF | {"members": 5}, HR | {"name": 5}, document("rules", x=1)))
    Source.objects.update(checkpoint=None, listed_at=None)
    run = synced(source)
    assert (run.counts["refused"], run.counts.get("deleted", 0)) == (3, 0)
    assert reads("ann") == set()

    system.answer = InHouse(ANN, BOB, STAFF, HR, document("rules"))
    Source.objects.update(checkpoint=None, listed_at=None)
    synced(source)
    assert reads("ann") == {"rules"}


@pytest.mark.django_db
def test_a_run_that_failed_has_verified_nothing(system: System, source: Source) -> None:
    synced(source)
    source.refresh_from_db()
    verified = source.permissions_verified_at
    said(system, {"type": "principal"}, ANN)

    run = synced(source)

    source.refresh_from_db()
    assert run.state == "failed"
    assert "did not say what they are about" in run.problems[-1]
    assert source.permissions_verified_at == verified
    assert source.checkpoint == {"cursor": "5"}


@pytest.mark.django_db
def test_a_source_that_is_notified_is_due_at_once(system: System, source: Source) -> None:
    synced(source)
    assert not sync.due().exists()
    sync.wake(source)
    assert list(sync.due()) == [source]
