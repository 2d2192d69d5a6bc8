"""What a listing left out is hidden until a person says which it is, whatever else happens meanwhile (P6)."""

from base64 import b64encode

import pytest
from django.db import transaction

from accounts import principals
from connectors import ingest, sync
from connectors.corpus import documents
from connectors.corpus.placing import Places
from connectors.models import Document
from connectors.wire import record_of
from tests.cast import World
from tests.leakproof.product import PlainParser

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World.of("ann", "bob")
    world.folder("narrow", ["ann"])
    world.folder("wide", ["ann", "bob"])
    world.document("plan", "narrow")
    return world


def hold(world: World, document: str = "plan") -> None:
    """As the brake does."""
    with transaction.atomic():
        principals.lock(world.source.pk)
        documents.hold(documents.living(world.source.pk).filter(external_id=document), Places(world.source.pk))


def send_a_file(world: World, scope: str) -> None:
    content = b64encode(b"What the plan says now.").decode()
    record = {"type": "document", "id": "plan", "title": "Plan", "scope": scope, "content_base64": content}
    world.push(record_of(record))


def parse() -> None:
    while (job := ingest.take()) is not None:
        ingest.work_on(job, PlainParser())


def test_released_while_new_text_waits_the_old_text_is_not_under_wider_rights(world: World) -> None:
    hold(world)
    send_a_file(world, "wide")
    sync.release_held(world.source)
    assert "bob" not in world.readers("plan")
    parse()
    assert world.readers("plan") == {"ann", "bob"}


def test_held_while_new_text_waits_and_released_the_old_text_is_not_under_wider_rights(world: World) -> None:
    send_a_file(world, "wide")
    assert world.readers("plan") == {"ann"}
    hold(world)
    sync.release_held(world.source)
    assert "bob" not in world.readers("plan")
    parse()
    assert world.readers("plan") == {"ann", "bob"}


def test_what_is_held_stays_hidden_when_its_waiting_text_is_parsed(world: World) -> None:
    send_a_file(world, "wide")
    hold(world)
    parse()
    assert world.readers("plan") == set()
    sync.release_held(world.source)
    assert world.readers("plan") == {"ann", "bob"}


def test_what_waits_for_its_first_text_is_held_like_the_rest(world: World) -> None:
    content = b64encode(b"What is new.").decode()
    world.push(record_of({"type": "document", "id": "new", "scope": "wide", "title": "N", "content_base64": content}))
    hold(world, "new")
    parse()
    assert world.readers("new") == set()
    sync.release_held(world.source)
    assert world.readers("new") == {"ann", "bob"}


def test_what_is_released_while_its_first_text_waits_is_shown_with_it(world: World) -> None:
    content = b64encode(b"What is new.").decode()
    world.push(record_of({"type": "document", "id": "new", "scope": "wide", "title": "N", "content_base64": content}))
    hold(world, "new")
    sync.release_held(world.source)
    assert world.readers("new") == set()
    parse()
    assert world.readers("new") == {"ann", "bob"}


def test_what_the_source_names_again_is_shown_once_its_text_is_parsed(world: World) -> None:
    hold(world)
    send_a_file(world, "narrow")
    parse()
    assert world.readers("plan") == {"ann"}
    assert Document.past_the_guard.get(external_id="plan").state == Document.State.LIVE
