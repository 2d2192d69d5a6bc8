"""Asks that are held at their pause points while something commits, and what they release after that.

A text is late if the check that released it started after the commit (P15). Every check is preceded by a pause
point, so a text is late if the last point before its check was left after the commit had ended.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.utils import timezone

from accounts import provisioning, tokens
from accounts.models import AccessToken
from accounts.reader import Reader
from connectors import adding
from connectors.applying import apply_page
from connectors.corpus import breaking_glass
from connectors.corpus.breaking_glass import break_glass
from connectors.models import BreakGlass, Document, SyncRun
from connectors.records import ScopeRecord
from gateway import conversations
from gateway.answering.asking import ask
from gateway.answering.events import Event, SentenceShown, Withdrawn
from gateway.answering.threads import in_thread
from gateway.pausing import Point
from tests.cast import World, access, until
from tests.doubles import ModelServer
from tests.security.revoking import Way

HOOK = "tests.security.racing.hold"
WORD = "qseventeen"  # in the id, the title and every sentence of the document that is lost
QUESTION = "What is the aubergine budget?"
TEXT = f"The aubergine budget is 17 {WORD} euros. The aubergine budget buys {WORD} ovens, cooks and plates."
OTHER_TEXT = "Nothing is said of it any more."
REST = "The aubergine budget is 18 euros in Lisbon."
PASSAGE = re.compile(r'<passage n="(\d+)">\n.*\n(.*)\n</passage>')


# --- the stage ------------------------------------------------------------------------------------------


@dataclass
class Stage:
    """Ann reads one document by group and folder, the other one by herself; `token` is the one she asks with."""

    world: World
    token: AccessToken
    secret: str
    glass: BreakGlass | None = None

    @classmethod
    def set(cls) -> "Stage":
        world = World.of("ann", "bob")
        world.group("team", "ann")
        world.folder("top", ["team"])
        world.folder("closed", ["bob"])
        world.document(WORD, "top", text=TEXT)
        world.document("rest", grants=["ann"], text=REST)
        return cls(world, *new_token(world))

    @property
    def reader(self) -> Reader:
        return Reader(self.world.people["ann"].pk, self.token.pk)


def new_token(world: World) -> tuple[AccessToken, str]:
    return tokens.issue(world.people["ann"], verbs=["ask", "read"], all_sources=True, expires_at=None)


def renew_token(stage: Stage) -> None:
    stage.token, stage.secret = new_token(stage.world)


def narrow_by_sync(stage: Stage) -> None:
    """A page of a run: the folder is another's, and something is said of others too."""
    source = stage.world.source
    source.refresh_from_db(fields=["fence"])  # pausing it ended the runs before
    run = SyncRun.objects.create(source=source, fence=source.fence)
    lists = (("closed", "bob"), ("top", "bob"))
    apply_page(run, [ScopeRecord(id=id, name=id, parent=None, access=access([grant])) for id, grant in lists], {})


def let_membership_end(stage: Stage) -> None:
    """The time of a membership passes (P17)."""
    stage.world.group("team", until(timezone.now() + timedelta(milliseconds=5), "ann"))
    time.sleep(0.01)


def close_but_for_glass(stage: Stage, *, on_document: bool) -> None:
    """Ann reads the document by break-glass alone (P12)."""
    world = stage.world
    world.folder("top", ["bob"])
    if stage.glass is not None:
        end_glass(stage)
    document = Document.past_the_guard.exclude(state=Document.State.DELETED).get(external_id=WORD).public_id
    stage.glass = break_glass(
        user=world.people["ann"],
        given_by=world.people["bob"],
        reason="an audit",
        until=timezone.now() + timedelta(hours=1),
        document=document if on_document else None,
        scope=None if on_document else (world.source.key, "top"),
    )


def end_glass(stage: Stage) -> None:
    assert stage.glass is not None
    breaking_glass.end(stage.glass)


@dataclass(frozen=True)
class Change:
    """`take` is what commits during an ask, `give` makes it undone. `keeps`: the other document stays readable."""

    take: Callable[[Stage], Any]
    give: Callable[[Stage], Any]
    keeps: bool = True


def of_world(way: Way, *, keeps: bool = True) -> Change:
    return Change(lambda stage: way.take(stage.world), lambda stage: way.give(stage.world), keeps)


CHANGES: dict[str, Change] = {
    "revoke": of_world(Way(lambda w: w.folder("top", ["team"]), lambda w: w.folder("top", ["bob"]))),
    "regroup": of_world(Way(lambda w: w.group("team", "ann"), lambda w: w.group("team", "bob"))),
    "end of a membership": Change(let_membership_end, lambda stage: stage.world.group("team", "ann")),
    "restrict": of_world(
        Way(lambda w: w.folder("top", ["team"]), lambda w: w.folder("top", ["team"], restrictions=[["bob"]]))
    ),
    "move": of_world(
        Way(lambda w: w.reshare("document", WORD, "top"), lambda w: w.reshare("document", WORD, "closed"))
    ),
    "delete": of_world(
        Way(lambda w: w.document(WORD, "top", text=TEXT), lambda w: w.delete("document", WORD)),
    ),
    "sync": Change(narrow_by_sync, lambda stage: stage.world.folder("top", ["team"])),
    "unlink": of_world(Way(lambda w: w.account("ann"), lambda w: w.account("ann", email=None)), keeps=False),
    "pause": of_world(
        Way(lambda w: adding.resume(w.source), lambda w: adding.pause(w.source)),
        keeps=False,
    ),
    "deactivate": of_world(
        Way(
            lambda w: provisioning.activate(w.people["ann"]),
            lambda w: provisioning.deactivate(w.people["ann"]),
        ),
        keeps=False,
    ),
    "token": Change(lambda stage: tokens.revoke(stage.token), renew_token, keeps=False),
    "glass on a document": Change(end_glass, partial(close_but_for_glass, on_document=True)),
    "glass on a folder": Change(end_glass, partial(close_but_for_glass, on_document=False)),
    "text": Change(
        lambda stage: stage.world.document(WORD, "top", text=OTHER_TEXT),
        lambda stage: stage.world.document(WORD, "top", text=TEXT),
    ),
}


# --- the race -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Release:
    """Something that left the gateway, and when the point before the check that released it was left."""

    text: str
    checked: float
    event: Event | None = None

    @property
    def tells(self) -> bool:
        return WORD in self.text.lower()


@dataclass
class Race:
    """One ask under way. `commit` is done while it is held at the point with this number."""

    commit: Callable[[], Any] | None = None
    number: int | None = None
    pauses: random.Random | None = None  # waits a little at every point
    question: str = QUESTION
    committed_at: float = float("inf")
    passed: list[Point] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    prompts: list[Release] = field(default_factory=list)
    _left: dict[Point, float] = field(default_factory=dict)

    async def reached(self, point: Point) -> None:
        here = len(self.passed)
        self.passed.append(point)
        if self.pauses is not None:
            await asyncio.sleep(self.pauses.uniform(0, LONGEST_PAUSE))
        if here == self.number and self.commit is not None:
            await in_thread(self.commit)
            self.committed_at = time.monotonic()
        self._left[point] = time.monotonic()

    def released(self, text: str, event: Event | None = None) -> None:
        self.releases.append(Release(text, self._left.get("flush", 0.0), event))

    def prompted(self, prompt: str) -> None:
        self.prompts.append(Release(prompt, self._left.get("before_prompt", 0.0)))

    @property
    def told(self) -> bool:
        return any(each.tells for each in self.releases)

    def says(self, text: str) -> bool:
        return any(text in each.text for each in self.releases)

    def faults(self) -> list[str]:
        """What was released by a check that started after the commit, and what was shown before and stayed."""
        released = (*self.prompts, *self.releases)
        late = [f"late: {each.text}" for each in released if each.tells and each.checked > self.committed_at]
        checked_afterwards = self._left.get("flush", 0.0) > self.committed_at
        return late + self._not_withdrawn() if checked_afterwards else late

    def _not_withdrawn(self) -> list[str]:
        taken_back = self.says("event: withdrawn") or any(isinstance(e.event, Withdrawn) for e in self.releases)
        withdrawn = {e.event.ordinal for e in self.releases if isinstance(e.event, Withdrawn)}
        shown = {e.event.sentence.ordinal for e in self.releases if e.tells and isinstance(e.event, SentenceShown)}
        left = [f"Sentence {ordinal} was not withdrawn." for ordinal in shown - withdrawn]
        return left if taken_back or not self.told else ["What was shown was not withdrawn.", *left]


LONGEST_PAUSE = 0.01  # seconds
RACE: ContextVar[Race | None] = ContextVar("race", default=None)


async def hold(point: Point) -> None:
    """What GATEHOUSE_PAUSE_POINTS names in these tests."""
    race = RACE.get()
    if race is not None:
        await race.reached(point)


Run = Callable[[Stage, Race], Coroutine[Any, Any, None]]


async def by_events(stage: Stage, race: Race) -> None:
    """The ask as every door gets it."""
    RACE.set(race)
    async for event in ask(stage.reader, race.question, door="test"):
        race.released(json.dumps(event.as_json()), event)


async def over_http(stage: Stage, race: Race) -> None:
    """The ask over the streaming door: what the server is told to put on the wire, piece by piece."""
    RACE.set(race)
    body = json.dumps({"question": race.question, "stream": True}).encode()
    coming = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        message = next(coming, None)
        if message is None:
            await asyncio.Event().wait()
        return message or {}

    async def send(message: Mapping[str, Any]) -> None:
        race.released(message.get("body", b"").decode())

    headers = {
        "host": "testserver",
        "authorization": f"Bearer {stage.secret}",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    await ASGIHandler()(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/api/v1/ask",
            "raw_path": b"/api/v1/ask",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        },
        receive,
        send,
    )


class RecordingModel(ModelServer):
    """A model that says every sentence of every passage it is shown, and tells its race of each prompt."""

    def __init__(self) -> None:
        super().__init__(self._quote)
        self.races: list[Race] = []

    def _quote(self, prompt: str) -> Iterator[str]:
        for race in self.races:
            if prompt.endswith(f"\nQuestion: {race.question}"):
                race.prompted(prompt)
        for number, text in PASSAGE.findall(prompt):
            for sentence in re.findall(r"[^.]+\.", text):
                yield f"{sentence.strip()} [{number}]\n"


# --- the judgement ----------------------------------------------------------------------------------------


def faults(stage: Stage, change: Change, race: Race) -> list[str]:
    """What a race released or kept that it must not have. The change has been committed."""
    found = [*race.faults(), *(f"kept: {text}" for text in kept(stage, race))]
    if change.keeps and not race.says(REST):
        found.append("What stays readable was not said.")
    return found


def kept(stage: Stage, race: Race) -> list[str]:
    """What of the document her stored questions show her now; of a text that changed, only what she was shown (P16)."""
    found = []
    for line in conversations.list_questions(stage.reader, limit=1):
        answer = conversations.get_question(stage.reader, line.id)
        assert answer is not None
        for sentence in answer.sentences:
            is_marked = sentence.state == "changed" and not sentence.citations
            if WORD in sentence.text.lower() and not (is_marked and race.told):
                found.append(sentence.text)
        found += [text for text in (json.dumps(each.as_json()) for each in answer.citations) if WORD in text.lower()]
    return found
