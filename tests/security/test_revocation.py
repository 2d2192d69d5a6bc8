"""A right that is taken away is gone with the next request, at every door (P15, P16)."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.test.client import MULTIPART_CONTENT
from django.utils import timezone
from pytest_django import Settings

from accounts import tokens
from accounts.models import AccessToken, Directory
from accounts.reader import Reader
from connectors.corpus.evidence import holds_evidence, passages_holding
from connectors.corpus.reading import (
    document_text,
    get_document,
    list_documents,
    readable_documents,
)
from connectors.corpus.search import search
from gateway.answering.asking import answer
from gateway.answering.events import Done
from gateway.answering.threads import give_back, in_thread
from gateway.retrieval import retrieve
from tests.cast import World
from tests.doubles import ModelServer
from tests.security.revoking import NAME, SWINGS, TEXT, ways
from tests.security.swinging import Change, Swinging, Try, judged

WORD = "qseventeen"
ASKED = "How high is the aubergine budget?"
WAYS = ways(WORD)


# --- at the doors -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """Ann at the doors, with a session and a token, an answer of hers already given."""

    session: Client
    token: Client
    document: UUID
    answered: Done

    def seen_by_token(self) -> set[str]:
        """The doors at which a program with her token gets to see the word."""
        api = "/api/v1/"
        return self._showing(
            {
                "search": self.token.post(f"{api}search", {"query": ASKED}, "application/json"),
                "search by words": self.token.post(
                    f"{api}search", {"query": ASKED, "mode": "text"}, "application/json"
                ),
                "ask": self.token.post(f"{api}ask", {"question": ASKED}, "application/json"),
                "a document": self.token.get(f"{api}documents/{self.document}"),
                "documents": self.token.get(f"{api}documents"),
                "a text": self.token.get(f"{api}documents/{self.document}/text"),
                "a conversation": self.token.get(f"{api}conversations/{self.answered.conversation_id}"),
            }
        )

    def seen_on_pages(self) -> set[str]:
        """The pages on which she sees it."""
        asked = self.session.post("/ask/", {"question": ASKED}, follow=True)
        return self._showing(
            {
                "the document's page": self.session.get(f"/documents/{self.document}/"),
                "her question's page": self.session.get(f"/questions/{self.answered.question_id}/"),
                "asking": asked,
                "the API": self.session.get(f"/api/v1/documents/{self.document}/text"),
            }
        )

    def _showing(self, responses: dict[str, Any]) -> set[str]:
        return {door for door, response in responses.items() if shows(response.content.decode(), self.document)}


def shows(body: str, document: UUID) -> bool:
    """The word of its text, or its title: the question has neither."""
    return WORD in body or f">{NAME.title()}<" in body or f'"{NAME.title()}"' in body or str(document) in body


BY_TOKEN = {"search", "search by words", "ask", "a document", "documents", "a text", "a conversation"}
ON_PAGES = {"the document's page", "her question's page", "asking", "the API"}


def visit(world: World, sources: Sequence[Directory] = ()) -> tuple[Visit, AccessToken]:
    ann = world.people["ann"]
    issued, secret = tokens.issue(
        ann, verbs=["read", "ask"], all_sources=not sources, directories=sources, expires_at=None
    )
    session = Client()
    session.force_login(ann)
    (found,) = [each.id for each in list_documents(world.reader("ann")) if each.external_id == NAME]
    answered = async_to_sync(answer)(Reader(ann.pk), ASKED, door="portal")
    return Visit(session, Client(headers={"Authorization": f"Bearer {secret}"}), found, answered), issued


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_the_next_request_no_longer_shows_what_was_lost(way: str) -> None:
    world = World.of("ann", "bob")
    world.document("menu", grants=["ann"], text="The canteen has aubergine on Friday.")
    WAYS[way].give(world)
    ann, _ = visit(world)
    assert (ann.seen_by_token(), ann.seen_on_pages()) == (BY_TOKEN, ON_PAGES)
    WAYS[way].take(world)
    assert (ann.seen_by_token(), ann.seen_on_pages()) == (set(), set())


LIMITS: dict[str, Callable[[AccessToken], Any]] = {
    "revoked": tokens.revoke,
    "its source is taken from it": lambda token: token.directories.clear(),
    "expired": lambda token: AccessToken.objects.filter(pk=token.pk).update(expires_at=timezone.now()),
    "without its verbs": lambda token: AccessToken.objects.filter(pk=token.pk).update(verbs=["ingest"]),
}


@pytest.mark.django_db
@pytest.mark.parametrize("limit", LIMITS)
def test_a_token_that_is_narrowed_shows_nothing_more_and_its_owner_keeps_their_right(limit: str) -> None:
    world = World.of("ann")
    WAYS["the document's own list"].give(world)
    ann, token = visit(world, [world.source.directory])
    assert ann.seen_by_token() == BY_TOKEN
    LIMITS[limit](token)
    assert (ann.seen_by_token(), ann.seen_on_pages()) == (set(), ON_PAGES)


@pytest.mark.django_db
def test_what_was_lost_and_given_again_is_shown_again() -> None:
    world = World.of("ann", "bob")
    way = WAYS["a folder's list"]
    way.give(world)
    ann, _ = visit(world)
    way.take(world)
    assert ann.seen_on_pages() == set()
    world.folder("top", ["ann"])
    assert (ann.seen_by_token(), ann.seen_on_pages()) == (BY_TOKEN, ON_PAGES)


# --- a thousand tries -----------------------------------------------------------------------------------

TRIES = 1_000
IN_TIME = 20.0  # seconds for all of them; a machine that is busy makes fewer


def test_no_answer_is_late_in_a_thousand_tries(swinging_world: World) -> None:
    """A statement that started after the commit of a loss finds nothing, whatever was lost and however it asks."""
    ways_to_read = reads_of(swinging_world)
    swinging = Swinging(swinging_world, SWINGS)
    tries: list[Try] = []
    by_chance = random.Random(7)
    until = time.monotonic() + IN_TIME
    with swinging.going_on():
        while swinging.tried_while_lost < TRIES and time.monotonic() < until:
            what = by_chance.choice(list(ways_to_read))
            swinging.tried_while_lost += swinging.is_lost
            began = time.monotonic()
            found = ways_to_read[what]()
            tries.append(Try(what, began, time.monotonic(), found))
    assert swinging.problems == []
    late, in_time = judged(tries, swinging.changes)
    print(f"{len(tries)} tries, {len(swinging.changes)} changes, {in_time} tries while it was lost: {len(late)} late")
    assert late == []
    assert in_time > TRIES / 10
    assert {each.what for each in tries if each.found} == set(ways_to_read)


def reads_of(world: World) -> dict[str, Callable[[], bool]]:
    """Each function that content is read through, asking for the document as Ann."""
    ann = world.reader("ann")
    (hit,) = search(ann, query=ASKED, vector=None, mode="text")
    pair = (hit.document_id, hit.digest)
    return {
        "search": lambda: search(ann, query=ASKED, vector=None, mode="text") != [],
        "get_document": lambda: get_document(ann, hit.document_id) is not None,
        "document_text": lambda: document_text(ann, hit.document_id) is not None,
        "list_documents": lambda: list_documents(ann) != [],
        "readable_documents": lambda: readable_documents(ann, {hit.document_id}) != set(),
        "holds_evidence": lambda: holds_evidence(ann, {pair}) != {},
        "passages_holding": lambda: passages_holding(ann, {pair}) != {},
        "retrieve": lambda: retrieve(ann, ASKED, mode="text") != [],
    }


@pytest.fixture
def swinging_world(transactional_db: None) -> World:
    """Ann reads the document by a chain of which every link can swing."""
    world = World.of("ann", "bob")
    world.group("team", "ann")
    world.group("staff", "team")
    world.folder("top", ["staff"])
    world.folder("below", parent="top")
    world.document(NAME, "below", text=TEXT.format(word=WORD))
    return world


def test_the_judgement_knows_a_late_answer() -> None:
    """The other side of the thousand tries: it would have been seen."""
    changes = [Change(False, 1.0, 1.1), Change(True, 2.0, 2.1), Change(False, 3.0, 3.1)]
    tries = [
        Try("before", 0.5, 0.6, True),
        Try("across the loss", 0.9, 1.2, True),
        Try("late", 1.2, 1.3, True),
        Try("in time", 1.2, 1.3, False),
        Try("across the giving back", 1.9, 2.05, True),
        Try("given back", 2.2, 2.3, True),
    ]
    late, in_time = judged(tries, changes)
    assert [each.what for each in late] == ["late"]
    assert in_time == 2


# --- a stream whose model is silent -----------------------------------------------------------------------

WITHIN = 1.0  # seconds; a quarter of one on a machine that is not busy
AT_ONCE: dict[str, Callable[[World, AccessToken], Any]] = {
    **{
        way: lambda world, token, way=way: WAYS[way].take(world)  # type: ignore[misc]
        for way in ("the document's own list", "a person who is deactivated", "a source that is paused")
    },
    "a document that is deleted": lambda world, token: world.delete("document", NAME),
    "a token": lambda world, token: tokens.revoke(token),
}


@pytest.fixture
def model(settings: Settings) -> Iterator[ModelServer]:
    with ModelServer(lambda prompt: []).running() as server:
        settings.LLM_BASE_URL, settings.LLM_MODEL = server.url, "silent"
        yield server


@dataclass(frozen=True)
class StreamDoor:
    """An address that streams answers, and how it is asked."""

    path: str
    content_type: str
    by_token: bool


STREAM_DOORS = {
    "API": StreamDoor("/api/v1/ask", "application/json", by_token=True),
    "page": StreamDoor("/ask/", MULTIPART_CONTENT, by_token=False),
}
STREAMS = [(door, lost) for door in STREAM_DOORS for lost in AT_ONCE if (door, lost) != ("page", "a token")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("door", "lost"), STREAMS)
async def test_a_stream_takes_back_what_was_lost_while_its_model_is_silent(
    door: str, lost: str, model: ModelServer
) -> None:
    world = await in_thread(World.of, "ann", "bob")
    await in_thread(WAYS["the document's own list"].give, world)
    silence = threading.Event()

    def says(prompt: str) -> Iterator[str]:
        yield f"The aubergine budget is {WORD} euros. [1] And"
        silence.wait(20)
        yield " more."

    model.says = says
    try:
        waited, body = await taken_back(STREAM_DOORS[door], world, AT_ONCE[lost], silence)
    finally:
        silence.set()
        await in_thread(give_back)
    print(f"{door}, {lost}: withdrawn {waited * 1000:.0f} ms after the commit")
    shown, _, after = body.partition("event: withdrawn")
    assert WORD in shown
    assert WORD not in after
    assert waited < WITHIN


async def taken_back(
    door: StreamDoor, world: World, take: Callable[[World, AccessToken], Any], silence: threading.Event
) -> tuple[float, str]:
    """Asks, takes the right away once a sentence is shown; the seconds it stood after that, and all that was sent."""
    client, token, headers = AsyncClient(), *await in_thread(ask_token, world)
    await client.aforce_login(world.people["ann"])
    response: Any = await client.post(
        door.path,
        {"question": ASKED},
        content_type=door.content_type,
        headers={"Accept": "text/event-stream", **(headers if door.by_token else {})},
    )
    body, lost_at, waited = "", 0.0, float("inf")
    async for part in response.streaming_content:
        body += part.decode()
        if part.startswith(b"event: sentence"):
            await in_thread(take, world, token)
            lost_at = time.monotonic()
        if part.startswith(b"event: withdrawn"):
            waited = time.monotonic() - lost_at
            silence.set()
    return waited, body


def ask_token(world: World) -> tuple[AccessToken, dict[str, str]]:
    token, secret = tokens.issue(world.people["ann"], verbs=["ask"], all_sources=True, expires_at=None)
    return token, {"Authorization": f"Bearer {secret}"}
