"""Break-glass lets one person read one thing, for a time, and never more (P12)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import provisioning, tokens
from accounts.models import User
from accounts.reader import Audience, Reader
from connectors import adding
from connectors.corpus import breaking_glass
from connectors.corpus.breaking_glass import NoGlass, Use, break_glass
from connectors.corpus.evidence import holds_evidence
from connectors.corpus.reading import DocumentView, document_text, get_document, list_documents, readable_documents
from connectors.corpus.search import search
from connectors.models import BreakGlass, Document, Source
from connectors.records import Access, DocumentRecord, ScopeRecord
from gateway.models import AuditEvent
from tests.cast import World, person

pytestmark = pytest.mark.django_db


def archive() -> World:
    """A closed space with a page below it, a detached one, and a document with lists of its own."""
    world = World.of("ann", "bob")
    world.people["admin"] = person("admin", is_staff=True)
    world.folder("space", ["bob"])
    world.folder("page", parent="space", restrictions=[["bob"]])
    world.folder("apart", ["bob"], parent="space", inherits=False)
    for scope in ("space", "page", "apart"):
        world.document(f"in {scope}", scope)
    world.document("own lists", "space", deny=["ann"])
    world.document("own and detached", "space", ["bob"], inherits=False)
    return world


def id_of(world: World, document: str) -> UUID:
    return Document.past_the_guard.get(source=world.source, external_id=document).public_id


def opened(world: World, document: str = "", *, scope: str = "", until: datetime | None = None) -> BreakGlass:
    return break_glass(
        user=world.people["ann"],
        given_by=world.people["admin"],
        reason="An incident.",
        until=until or timezone.now() + timedelta(hours=1),
        document=id_of(world, document) if document else None,
        scope=(world.source.key, scope) if scope else None,
    )


def test_it_opens_one_document_to_one_person_beside_every_clause() -> None:
    world = archive()
    opened(world, "own lists")
    assert world.readers("own lists") == {"ann", "bob"}
    assert world.reads("ann") == {"own lists"}


def test_it_opens_a_scope_and_what_inherits_but_not_what_is_detached_below() -> None:
    world = archive()
    opened(world, scope="space")
    assert world.reads("ann") == {"in space", "in page", "own lists"}
    assert world.reads("admin") == set()


def test_it_ends_by_itself_and_when_it_is_ended() -> None:
    world = archive()
    glass = opened(world, "in space")
    assert world.reads("ann") == {"in space"}
    breaking_glass.end(glass)
    assert world.reads("ann") == set()
    again = opened(world, scope="page")
    assert world.reads("ann") == {"in page"}
    BreakGlass.objects.filter(pk=again.pk).update(until=timezone.now() - timedelta(milliseconds=1))
    assert world.reads("ann") == set()


def test_every_way_to_read_knows_it() -> None:
    world = archive()
    id, ann = id_of(world, "in page"), world.reader("ann")
    opened(world, "in page")
    assert get_document(ann, id) is not None
    assert document_text(ann, id) is not None
    assert readable_documents(ann, [id]) == {id}
    (hit,) = search(ann, query="what in page says", vector=None)
    assert hit.document_id == id
    assert holds_evidence(ann, [(id, hit.digest)]) == {(id, hit.digest): "held"}
    assert search(world.reader("admin"), query="what in page says", vector=None) == []


def test_it_gives_way_to_what_hides_a_document_from_everyone() -> None:
    world = archive()
    opened(world, "in page")
    opened(world, scope="space")
    everything = {"in space", "in page", "own lists"}
    assert world.reads("ann") == everything

    provisioning.deactivate(world.people["ann"])
    assert world.reads("ann") == set()
    provisioning.activate(world.people["ann"])

    adding.pause(world.source)
    assert world.reads("ann") == set()
    adding.resume(world.source)

    aged = Source.objects.filter(pk=world.source.pk)
    aged.update(max_permission_age=timedelta(hours=1), permissions_verified_at=timezone.now() - timedelta(hours=2))
    assert world.reads("ann") == set()
    aged.update(max_permission_age=None)
    assert world.reads("ann") == everything

    world.delete("document", "in page")
    assert world.reads("ann") == everything - {"in page"}


def test_a_list_that_is_not_known_is_not_opened() -> None:
    world = archive()
    opened(world, "in page")
    opened(world, scope="space")
    unknown = Access(problem="The list could not be read.")
    world.push(ScopeRecord(id="page", name="page", parent="space", access=unknown))
    assert world.reads("ann") == {"in space", "own lists"}
    world.push(DocumentRecord(id="own lists", title="Own", scope="space", text="What.", access=unknown))
    assert world.reads("ann") == {"in space"}
    world.delete("scope", "space")
    assert world.reads("ann") == set()


def test_a_list_that_is_known_to_be_empty_is_opened() -> None:
    world = archive()
    world.document("nobody's")
    assert world.readers("nobody's") == set()
    opened(world, "nobody's")
    assert world.reads("ann") == {"nobody's"}


def test_it_narrows_with_the_token() -> None:
    world = archive()
    other = World.of(key="other")
    opened(world, "in page")
    ann = world.people["ann"]
    for source, expected in ((world.source, {"in page"}), (other.source, set())):
        token, _ = tokens.issue(ann, verbs=["read"], directories=[source.directory], all_sources=False, expires_at=None)
        assert {d.external_id for d in list_documents(Reader(ann.pk, token.pk))} == expected


def test_an_audience_needs_it_for_each_who_may_not_read_otherwise() -> None:
    world = archive()
    opened(world, "in page")
    ann, bob, admin = (world.reader(name) for name in ("ann", "bob", "admin"))

    def shared(*readers: Reader, unidentified: bool = False) -> set[str]:
        audience = Audience(readers[0], frozenset(readers), unidentified=unidentified)
        return {document.external_id for document in list_documents(audience)}

    assert shared(ann, bob) == {"in page"}
    assert shared(ann, admin) == shared(ann, bob, unidentified=True) == set()


def test_what_waits_under_old_and_new_rights_needs_both_to_be_open() -> None:
    world = archive()
    world.folder("elsewhere", ["bob"])
    opened(world, scope="space")
    world.push(
        DocumentRecord(id="in space", title="In Space", scope="elsewhere", content=b"New text.", mime="text/plain")
    )
    assert "in space" not in world.reads("ann")
    assert "in space" in world.reads("bob")
    opened(world, scope="elsewhere")
    assert "in space" in world.reads("ann")


def test_reading_what_waits_under_two_scopes_is_a_use_of_either() -> None:
    world = archive()
    world.folder("elsewhere", ["ann"])
    glass = opened(world, scope="space")
    world.push(
        DocumentRecord(id="in space", title="In Space", scope="elsewhere", content=b"New text.", mime="text/plain")
    )
    id = id_of(world, "in space")
    with noted() as uses:
        assert document_text(world.reader("ann"), id) is not None
    assert uses == [Use(glass_id=glass.pk, document_id=id)]


def test_what_ends_while_its_use_is_told_of_shows_nothing() -> None:
    """The audit may have to wait: what was read before it is late by then (P15)."""
    world = archive()
    id, ann = id_of(world, "in page"), world.reader("ann")
    for read in (
        lambda: get_document(ann, id),
        lambda: document_text(ann, id),
        lambda: list_documents(ann),
        lambda: search(ann, query="what in page says", vector=None),
    ):
        glass = opened(world, "in page")
        with noted(then=lambda glass=glass: breaking_glass.end(glass)) as uses:  # type: ignore[misc]
            assert not read()
        assert uses[-1] == Use(glass_id=glass.pk, document_id=id)


def test_what_ended_while_it_was_being_read_is_told_of_all_the_same() -> None:
    world = archive()
    id, ann = id_of(world, "in page"), world.reader("ann")
    glass = opened(world, "in page")

    def read() -> DocumentView | None:
        found = get_document(ann, id)
        breaking_glass.end(glass)
        return found

    with noted() as uses:
        breaking_glass.shown(ann, read, lambda found: [id])
    assert uses == [Use(glass_id=glass.pk, document_id=id)] * 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"given_by": "ann"}, "for themselves"),
        ({"reason": "  "}, "Say why"),
        ({"until": timezone.now() - timedelta(days=1)}, "in the future"),
        ({"document": None}, "a document or a scope"),
        ({"document": UUID(int=0)}, "no such document"),
        ({"document": None, "scope": ("docs", "unheard of")}, "no such scope"),
    ],
    ids=["by oneself", "no reason", "over already", "for nothing", "unknown document", "unknown scope"],
)
def test_it_is_not_given(wrong: dict[str, Any], said: str) -> None:
    world = archive()
    asked: dict[str, Any] = {
        "user": world.people["ann"],
        "given_by": world.people["admin"],
        "reason": "An incident.",
        "until": timezone.now() + timedelta(hours=1),
        "document": id_of(world, "in page"),
    } | wrong
    if isinstance(asked["given_by"], str):
        asked["given_by"] = world.people[asked["given_by"]]
    with pytest.raises(NoGlass, match=said):
        break_glass(**asked)
    assert not BreakGlass.objects.exists()


def test_the_database_refuses_what_no_code_should_ask_for() -> None:
    world = archive()
    ann, admin = world.people["ann"], world.people["admin"]
    right = {"user": ann, "given_by": admin, "reason": "x", "until": timezone.now(), "scope_id": 1}
    for wrong in ({"given_by": ann}, {"reason": ""}, {"document_id": 1}, {"scope_id": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            BreakGlass.objects.create(**right | wrong)


@contextmanager
def noted(then: Callable[[], None] = lambda: None) -> Iterator[list[Use]]:
    uses: list[Use] = []

    def receive(**told: Any) -> None:
        uses.extend(told["uses"])
        then()

    breaking_glass.used.connect(receive)
    try:
        yield uses
    finally:
        breaking_glass.used.disconnect(receive)


def test_every_use_is_told_and_audited_and_no_check_is_a_use() -> None:
    world = archive()
    id, ann = id_of(world, "in page"), world.reader("ann")
    glass = opened(world, scope="space")
    with noted() as uses:
        readable_documents(ann, [id])
        get_document(world.reader("bob"), id)
        assert uses == []
        get_document(ann, id)
        document_text(ann, id)
        search(ann, query="what in page says", vector=None, limit=1)
    assert uses == [Use(glass_id=glass.pk, document_id=id)] * 3
    events = AuditEvent.objects.filter(kind="break_glass.used", user_id=ann.user_id)
    assert [event.details for event in events] == [
        {"break_glass": glass.pk, "documents": [str(id)], "viewers": ann.text}
    ] * 3


def test_it_goes_with_its_document_and_its_person() -> None:
    world = archive()
    opened(world, "in page")
    adding.delete_source(world.source)
    assert not BreakGlass.objects.exists()
    assert User.objects.filter(pk=world.people["ann"].pk).exists()
