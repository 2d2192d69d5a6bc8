"""Contents that cannot be had stop nothing, and rights wait for no content."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.reader import Reader
from connectors import adding, ingest, listing, sync
from connectors.applying import Ahead, apply_page
from connectors.corpus.reading import document_text, list_documents
from connectors.fetching import parted
from connectors.kit.scripted import Line, scripted
from connectors.models import Content, Document, Source, SyncRun, Unfetched
from connectors.records import (
    Access,
    AccessRecord,
    Checkpoint,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    ScopeRecord,
    State,
)
from connectors.sources import registry
from connectors.sources.base import ConnectorError, SlowDown
from connectors.sources.client import Refused
from tests.cast import person
from tests.leakproof.product import PlainParser

pytestmark = pytest.mark.django_db

NAMES = ("ann", "bob", "eve")
PEOPLE = [PrincipalRecord(id=name, kind="user", email=f"{name}@example.org", external=False) for name in NAMES]


def scope(id: str, *readers: str) -> ScopeRecord:
    return ScopeRecord(id=id, access=Access(grants=tuple(Entry(id=reader) for reader in readers)))


@dataclass
class System:
    """What a run is told, and how the source fares when it is asked for a content."""

    readers: list[Line] = field(default_factory=list)
    documents: dict[str, DocumentRecord] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    since: list[State | None] = field(default_factory=list)
    meanwhile: Callable[[str], None] = lambda id: None
    tells_changes: bool = True

    def holds(self, id: str, scope: str, words: str, **fields: Any) -> None:
        self.words[id] = words
        record = DocumentRecord(id=id, title=id, scope=scope, content=lambda: self.content(id), version=words)
        self.documents[id] = replace(record, **fields)

    def content(self, id: str) -> bytes:
        self.asked.append(id)
        self.meanwhile(id)
        if id in self.failing:
            raise self.failing[id]
        return self.words[id].encode()

    def script(self, since: State | None) -> Iterator[Line]:
        self.since.append(since)
        yield from PEOPLE
        yield from self.readers
        if since is None or not self.tells_changes:
            yield from self.documents.values()
            yield Checkpoint(state={"at": len(self.since)} if self.tells_changes else {}, complete=True)
        else:
            yield Checkpoint(state={"at": len(self.since)})


@pytest.fixture
def system() -> System:
    system = System(readers=[scope("narrow", "ann"), scope("wide", *NAMES)])
    system.holds("plan", "narrow", "The first plan.")
    return system


@pytest.fixture
def source(system: System, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setitem(registry.KINDS, "scripted", scripted(system.script))
    for name in NAMES:
        person(name)
    return adding.add_source("company", kind="scripted", vouches_for_emails=True)


def ran(source: Source) -> SyncRun:
    run = sync.run_now(source)
    while (job := ingest.take()) is not None:
        ingest.work_on(job, PlainParser())
    source.refresh_from_db()
    return run


def seen(name: str) -> dict[str, str]:
    """What this person reads, by document."""
    reader = Reader(User.objects.get(email=f"{name}@example.org").pk)
    texts = {found.external_id: document_text(reader, found.id) for found in list_documents(reader, limit=1000)}
    return {id: text.text for id, text in texts.items() if text is not None}


AWAY = ConnectorError("The disk of the store is slow.")


# --- what cannot be had -------------------------------------------------------------------------------


def test_a_content_that_cannot_be_had_stops_nothing_else(source: Source, system: System) -> None:
    system.holds("bad", "wide", "What nobody can fetch.")
    system.holds("good", "wide", "What is good.")
    system.failing["bad"] = AWAY
    run = ran(source)

    assert run.state == "succeeded"
    assert run.problems == [
        "The content of bad could not be had; what is here of it stays. The disk of the store is slow."
    ]
    assert seen("bob") == {"good": "What is good."}
    assert seen("ann").keys() == {"plan", "good"}
    assert Document.past_the_guard.get(external_id="bad").state == "pending"
    assert source.permissions_verified_at is not None and source.failures == 0


def test_it_is_asked_for_again_though_the_source_tells_of_no_change(source: Source, system: System) -> None:
    system.failing["plan"] = AWAY
    ran(source)
    assert seen("ann") == {}
    del system.failing["plan"]
    ran(source)

    assert system.since == [None, None], "everything is listed, or it would not be named"
    assert seen("ann") == {"plan": "The first plan."}
    assert not Unfetched.objects.exists()
    ran(source)
    assert system.since[-1] == {"at": 2}
    assert system.asked == ["plan", "plan"]


def test_it_is_asked_for_less_and_less_often(source: Source, system: System) -> None:
    system.failing["plan"] = AWAY
    ran(source)
    ran(source)
    assert system.asked == ["plan", "plan"], "in the next run, whenever that is"
    again = Unfetched.objects.get().again_at - timezone.now()
    assert timedelta(seconds=2 * source.interval - 60) < again <= timedelta(seconds=2 * source.interval)
    ran(source)
    assert system.asked == ["plan", "plan"]
    assert system.since == [None, None, {"at": 2}]
    listing.read_whole(source)
    ran(source)
    assert system.asked == ["plan"] * 3, "a person asked for everything"


def test_where_everything_is_listed_each_time_it_is_left_alone_until_it_is_due(source: Source, system: System) -> None:
    system.tells_changes = False
    system.failing["plan"] = AWAY
    ran(source)
    ran(source)
    run = ran(source)

    assert system.asked == ["plan", "plan"]
    assert run.problems == ["The contents of 1 documents, which could not be had before, are asked for later."]
    assert Document.past_the_guard.get(external_id="plan").state == "pending", "it is named, and not gone"


def test_old_text_is_not_under_wider_new_rights_while_new_text_cannot_be_had(source: Source, system: System) -> None:
    ran(source)
    system.holds("plan", "wide", "The second plan.")
    system.failing["plan"] = AWAY
    listing.read_whole(source)
    ran(source)
    assert seen("ann") == {"plan": "The first plan."}
    assert seen("bob") == {}

    system.readers.append(AccessRecord(kind="document", id="plan", place="wide"))
    ran(source)
    assert seen("bob") == {}, "nor when the rights are sent again"
    del system.failing["plan"]
    listing.read_whole(source)
    ran(source)
    assert seen("bob") == seen("ann") == {"plan": "The second plan."}


def test_lost_rights_are_in_force_although_new_text_cannot_be_had(source: Source, system: System) -> None:
    system.holds("plan", "wide", "The first plan.")
    ran(source)
    assert seen("bob") == {"plan": "The first plan."}
    system.holds("plan", "narrow", "The second plan.")
    system.failing["plan"] = AWAY
    listing.read_whole(source)
    ran(source)

    assert seen("bob") == {}
    assert seen("ann") == {"plan": "The first plan."}


def test_a_document_that_is_again_what_is_stored_waits_for_nothing(source: Source, system: System) -> None:
    ran(source)
    system.holds("plan", "wide", "The second plan.")
    system.failing["plan"] = AWAY
    listing.read_whole(source)
    ran(source)
    system.holds("plan", "wide", "The first plan.")
    ran(source)

    assert seen("bob") == {"plan": "The first plan."}
    assert not Unfetched.objects.exists()


def test_what_waits_for_the_parser_does_not_become_live_under_rights_of_what_came_after_it(
    source: Source, system: System
) -> None:
    ran(source)
    system.holds("plan", "narrow", "The second plan, for Ann alone.")
    listing.read_whole(source)
    sync.run_now(source)
    assert Content.past_the_guard.exists()
    system.holds("plan", "wide", "The third plan, for all.")
    system.failing["plan"] = AWAY
    listing.read_whole(source)
    ran(source)

    assert seen("bob") == {}
    assert seen("ann") == {"plan": "The first plan."}
    del system.failing["plan"]
    ran(source)
    assert seen("bob") == {"plan": "The third plan, for all."}


def test_what_is_deleted_or_unreadable_is_not_asked_for_again(source: Source, system: System) -> None:
    system.holds("bad", "wide", "What nobody can fetch.")
    system.failing = {"bad": AWAY, "plan": AWAY}
    ran(source)
    system.failing = {"bad": ConnectorError("There is no such file.", permanent=True)}
    del system.documents["plan"]
    ran(source)

    assert not Unfetched.objects.exists()
    assert Document.past_the_guard.get(external_id="bad").state == "quarantined"
    assert Document.past_the_guard.get(external_id="plan").state == "deleted"


# --- too many of them ---------------------------------------------------------------------------------


def many(system: System, count: int) -> None:
    for number in range(count):
        system.holds(f"note-{number:03}", "wide", f"Note {number}.")


def test_a_source_that_brings_next_to_nothing_is_away(source: Source, system: System) -> None:
    many(system, 40)
    system.failing = dict.fromkeys([*system.documents], AWAY)
    run = ran(source)

    assert run.state == "failed" and source.failures == 1
    assert run.problems[-1] == (
        "The contents of 6 documents could not be had, so the run ends here. The last: The disk of the store is slow."
    )
    assert len(system.asked) == 6
    assert seen("ann") == {}
    system.failing = {}
    assert ran(source).state == "succeeded"
    assert len(seen("ann")) == 41


def test_more_than_twenty_in_a_run_end_it_and_what_was_had_is_kept(source: Source, system: System) -> None:
    many(system, 100)
    system.failing = {f"note-{number:03}": AWAY for number in range(20, 62, 2)}
    run = ran(source)

    assert run.state == "failed"
    assert run.problems[-1].startswith("The contents of 21 documents could not be had")
    assert Document.past_the_guard.filter(state="live").count() > 40
    run = ran(source)
    assert run.state == "succeeded", "the next run goes on past those it missed"
    assert len(seen("bob")) == 79


def test_of_those_missed_before_a_run_asks_for_a_few_that_fail(source: Source, system: System) -> None:
    many(system, 60)
    system.failing = {f"note-{number:03}": AWAY for number in range(10, 50, 2)}
    assert ran(source).state == "succeeded"
    system.asked.clear()
    run = ran(source)

    assert run.state == "succeeded"
    assert len(system.asked) == 5
    assert run.problems[-1] == "The contents of 15 documents, which could not be had before, are asked for later."
    system.failing.clear()
    ran(source)
    assert len(seen("bob")) == 55, "those that are due; five are asked for later"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(SlowDown("api.example.com", 60), id="slow down"),
        pytest.param(Refused(401, "https://api.example.com/x"), id="signed out"),
        pytest.param(Refused(429, "https://api.example.com/x"), id="asked too often"),
    ],
)
def test_what_is_about_the_source_ends_the_run_and_costs_no_document_its_text(
    source: Source, system: System, failure: ConnectorError
) -> None:
    ran(source)
    system.holds("plan", "narrow", "The second plan.")
    system.failing["plan"] = failure
    listing.read_whole(source)
    run = ran(source)

    assert run.state == "failed"
    assert run.problems == [str(failure)]
    assert seen("ann") == {"plan": "The first plan."}


# --- rights first -------------------------------------------------------------------------------------


def test_all_that_a_page_says_of_readers_is_in_force_before_a_content_is_asked_for(
    source: Source, system: System
) -> None:
    system.holds("plan", "wide", "The first plan.")
    system.holds("memo", "wide", "The first memo.")
    system.holds("gone", "wide", "What goes.")
    ran(source)
    assert seen("bob").keys() == {"plan", "memo", "gone"}
    during: list[set[str]] = []
    system.meanwhile = lambda id: during.append(set(seen("bob")))
    system.holds("note", "wide", "What is new.")
    system.holds("plan", "narrow", "The second plan.")
    system.documents["memo"] = replace(system.documents["memo"], scope="narrow")
    system.documents["gone"] = Deletion(kind="document", id="gone")  # type: ignore[assignment]
    listing.read_whole(source)
    ran(source)

    assert during == [set(), set()]
    assert seen("bob") == {"note": "What is new."}
    assert seen("ann").keys() == {"note", "plan", "memo"}


def test_what_follows_on_a_documents_record_is_applied_after_its_content(source: Source, system: System) -> None:
    ran(source)
    system.holds("plan", "narrow", "The second plan.", revision=7)
    system.documents["later"] = AccessRecord(kind="document", id="plan", place="wide", revision=8)  # type: ignore[assignment]
    during: list[dict[str, str]] = []
    system.meanwhile = lambda id: during.append(seen("bob"))
    listing.read_whole(source)
    ran(source)

    assert during == [{}]
    assert seen("bob") == {"plan": "The second plan."}
    system.holds("plan", "narrow", "The third plan.", revision=6)
    del system.documents["later"]
    listing.read_whole(source)
    ran(source)
    assert seen("bob") == {"plan": "The second plan."}, "what is older changes nothing, ahead of contents or with them"


def test_what_was_fetched_is_committed_every_few_seconds(
    source: Source, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "SECONDS_OF_FETCHING", 0.0)
    many(system, 5)
    stored: list[int] = []
    system.meanwhile = lambda id: stored.append(Document.past_the_guard.count())
    ran(source)

    assert stored == [0, 1, 2, 3, 4, 5]


# --- where a page is cut ------------------------------------------------------------------------------


@dataclass
class World:
    """Who is in which group, which folder lets in whom, and where each document stands; drawn by chance."""

    members: dict[str, tuple[str, ...]]
    grants: dict[str, tuple[str, ...]]
    deny: dict[str, tuple[str, ...]]
    parents: dict[str, str | None]
    places: dict[str, str]
    texts: dict[str, int]

    @classmethod
    def drawn(cls, chance: random.Random) -> "World":
        groups, folders = ("g", "h"), ("r", "s", "t")

        def some(names: Sequence[str], most: int) -> tuple[str, ...]:
            return tuple(chance.sample(names, chance.randint(0, most)))

        return cls(
            members={group: some(NAMES, 3) for group in groups},
            grants={folder: some((*NAMES, *groups), 2) for folder in folders},
            deny={folder: some(groups, 1) if chance.random() < 0.3 else () for folder in folders},
            parents={"r": None, "s": chance.choice([None, "r"]), "t": chance.choice([None, "r", "s"])},
            places={f"d{number}": chance.choice(folders) for number in range(4)},
            texts={f"d{number}": chance.randint(1, 2) for number in range(4)},
        )

    def records(self, chance: random.Random) -> list[Line]:
        lines: list[Line] = [
            *(
                PrincipalRecord(id=group, kind="group", members=tuple(Entry(id=name) for name in names))
                for group, names in self.members.items()
            ),
            *(
                ScopeRecord(
                    id=folder,
                    parent=self.parents[folder],
                    access=Access(grants=tuple(Entry(id=name) for name in self.grants[folder]), deny=self.deny[folder]),
                )
                for folder in self.grants
            ),
            *(self.document(id, chance) for id in self.places),
        ]
        chance.shuffle(lines)
        return lines

    def document(self, id: str, chance: random.Random) -> Line:
        if chance.random() < 0.1:
            return Deletion(kind="document", id=id)
        words = f"{id} says {self.texts[id]}."
        record = DocumentRecord(id=id, title=id, scope=self.places[id], version=words)
        if chance.random() < 0.5:
            return replace(record, text=words)
        return replace(record, content=words.encode if chance.random() < 0.5 else words.encode())


def everything() -> set[tuple[str, str]]:
    return {(name, id) for name in NAMES for id in seen(name)}


@pytest.mark.parametrize("commit", [1, 3, 1000])
@pytest.mark.parametrize("seed", range(6))
def test_no_commit_of_a_page_shows_anybody_what_neither_the_old_rights_nor_the_new_ones_do(
    monkeypatch: pytest.MonkeyPatch, seed: int, commit: int
) -> None:
    chance = random.Random(seed)
    for name in NAMES:
        person(name)
    worlds = [World.drawn(chance) for _ in range(3)]
    told = [[*PEOPLE, *world.records(chance), Checkpoint(complete=True)] for world in worlds]
    whole = [told_alone(lines, monkeypatch) for lines in told]

    runs = iter(told)
    monkeypatch.setitem(registry.KINDS, "scripted", scripted(lambda since: next(runs)))
    source = adding.add_source("company", kind="scripted", vouches_for_emails=True)
    Source.objects.filter(pk=source.pk).update(max_permission_age=None)
    before: set[tuple[str, str]] = set()
    monkeypatch.setattr(sync, "PAGE", commit)
    for after in whole:
        with commits_of(monkeypatch) as between:
            assert sync.run_now(source).state == "succeeded"
        while (job := ingest.take()) is not None:
            ingest.work_on(job, PlainParser())
            between.append(everything())
        for step in between:
            assert step <= before | after, f"{step - before - after} in {len(between)} commits"
        assert everything() == after
        before = after


@contextmanager
def commits_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[set[tuple[str, str]]]]:
    """Who reads what after each commit of a page, or of a part of one."""
    between: list[set[tuple[str, str]]] = []

    def watching(*given: Any, **more: Any) -> Any:
        page = apply_page(*given, **more)
        between.append(everything())
        return page

    with monkeypatch.context() as watched:
        watched.setattr("connectors.sync.apply_page", watching)
        yield between


def told_alone(lines: list[Line], monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Who reads what by these records, told to a gateway that knows nothing else."""
    with monkeypatch.context() as patched:
        patched.setitem(registry.KINDS, "scripted", scripted(lambda since: lines))
        source = adding.add_source("alone", kind="scripted", vouches_for_emails=True)
        Source.objects.filter(pk=source.pk).update(max_permission_age=None)
        assert sync.run_now(source).state == "succeeded"
        while (job := ingest.take()) is not None:
            ingest.work_on(job, PlainParser())
        found = everything()
        adding.delete_source(source)
    return found


def test_a_page_too_long_to_be_held_is_cut_among_documents_alone(
    source: Source, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(source)

    def script(since: State | None) -> Iterator[Line]:
        yield from [*PEOPLE, *system.readers, Checkpoint(state={"at": 1})]
        yield from (DocumentRecord(id=f"n{n}", title="n", scope="wide", text=f"Note {n}.") for n in range(30))
        yield from more
        yield Checkpoint(state={"at": 2}, complete=True)

    monkeypatch.setitem(registry.KINDS, "scripted", scripted(script))
    monkeypatch.setattr(sync, "LONGEST_PAGE", 10 * sync.RECORD_BYTES)
    more: list[Line] = []
    listing.read_whole(source)
    assert ran(source).state == "succeeded"
    assert len(seen("bob")) == 30
    more = [scope("narrow", "bob")]
    listing.read_whole(source)
    assert ran(source).problems == [sync.READERS_LATE]
    more = []
    system.readers += [scope(f"s{n}", "bob") for n in range(30)]
    listing.read_whole(source)
    assert ran(source).problems == [sync.PAGE_TOO_LONG]


# --- runs that are over -------------------------------------------------------------------------------


def test_a_run_whose_source_is_deleted_just_ends(
    source: Source, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    many(system, 3)
    system.meanwhile = lambda id: adding.delete_source(source) if id == "note-001" else None
    run = sync.run_now(source)

    assert run.state == "failed"
    assert not Source.objects.exists() and not Document.past_the_guard.exists() and not SyncRun.objects.exists()
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    with pytest.raises(ConnectorError, match="was deleted"):
        sync.run_now(source)


def test_a_paused_sources_run_commits_no_more_and_says_so(source: Source, system: System) -> None:
    system.meanwhile = lambda id: adding.pause(source)
    run = ran(source)

    assert run.state == "failed" and run.ended_at is not None
    assert run.problems == [sync.CUT_SHORT]
    assert not Document.past_the_guard.exists()
    adding.resume(source)
    system.meanwhile = lambda id: None
    assert ran(source).state == "succeeded"
    assert seen("ann").keys() == {"plan"}


@pytest.mark.django_db(transaction=True)
def test_pausing_waits_for_no_content_and_no_more_of_them_are_asked_for(
    source: Source, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "HEARTBEAT", 0.05)
    many(system, 300)
    asking, paused = threading.Event(), threading.Event()

    def meanwhile(id: str) -> None:
        asking.set()
        assert paused.wait(30)
        time.sleep(0.02)

    system.meanwhile = meanwhile
    run = sync.begin(source)
    assert run is not None
    reading = threading.Thread(target=conduct_and_close, args=[run])
    reading.start()
    assert asking.wait(30)
    adding.pause(source)  # while a content is being waited for
    paused.set()
    reading.join(30)
    assert not reading.is_alive()
    assert len(system.asked) < 100
    assert SyncRun.objects.get().problems == [sync.CUT_SHORT]


def conduct_and_close(run: SyncRun) -> None:
    from django.db import connection

    sync.conduct(run)
    connection.close()


def test_of_several_records_of_a_document_in_one_page_each_narrows_what_is_here() -> None:
    """The first may be an older copy, which the stored revision passes over."""
    old = DocumentRecord(id="plan", title="Plan", scope="closed", text="Of last year.", revision=3)
    new = replace(old, scope="open", text="Of this year.", revision=9)
    first, then = parted([old, new], {"plan": ("", b"another")})
    assert first == [Ahead(old), Ahead(new)]
    assert then == [[old, new]]
    first, then = parted([old, new], {})
    assert first == []
