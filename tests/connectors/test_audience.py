"""What several people see holds only what each of them may read (P10)."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import provisioning
from accounts.reader import Audience, Reader
from accounts.statements import rows
from connectors.adding import pause
from connectors.corpus.guard import UnguardedRead
from connectors.corpus.reading import list_documents
from connectors.models import Document
from tests.cast import World, until

pytestmark = pytest.mark.django_db


def seen(world: World, *names: str, unidentified: bool = False, outside: bool = False) -> set[str]:
    asker, *others = map(world.reader, names)
    audience = Audience(asker, frozenset(others), unidentified=unidentified, outside=outside)
    return {document.external_id for document in list_documents(audience, limit=100)}


def office() -> World:
    world = World.of("ann", "bob")
    world.join("eve", external=True)
    world.document("anns", grants=["ann"])
    world.document("both", grants=["ann", "bob"])
    world.document("all", grants=["everyone"])
    world.document("all but some", grants=["everyone"], deny=["eve"])
    world.document("members", grants=["*"])
    return world


def test_an_audience_reads_what_each_of_it_reads() -> None:
    world = office()
    assert seen(world, "ann") == world.reads("ann") == {"anns", "both", "all", "all but some", "members"}
    assert seen(world, "ann", "bob") == {"both", "all", "all but some", "members"}


def test_with_somebody_unidentified_it_reads_what_everyone_alone_opens() -> None:
    world = office()
    world.document("restricted", grants=["everyone"], restrictions=[["everyone", "bob"]])
    world.document("restricted to bob", grants=["everyone"], restrictions=[["bob"]])
    world.document("for a time", grants=[until(timezone.now() + timedelta(hours=1), "everyone")])
    world.document("no longer", grants=[until(timezone.now() - timedelta(seconds=1), "everyone")])
    assert seen(world, "ann", "bob", unidentified=True) == {"all", "restricted", "for a time"}


def test_somebody_unidentified_narrows_what_one_person_reads() -> None:
    world = office()
    world.document("restricted to bob", grants=["everyone"], restrictions=[["bob"]])
    world.document("once for all", grants=[until(timezone.now() - timedelta(seconds=1), "everyone"), "bob"])
    assert seen(world, "bob") >= {"all", "restricted to bob", "once for all"}
    assert seen(world, "bob", unidentified=True) == {"all"}
    pause(world.source)
    assert rows("SELECT gatehouse_audience_scopes('?')") == [([],)]


def test_an_external_person_is_in_it_with_what_they_read_themselves() -> None:
    world = office()
    eve = world.people["eve"]
    eve.external = True
    eve.save()
    assert seen(world, "ann", "eve") == set()
    world.document("shared", grants=["ann", "eve"])
    assert seen(world, "ann", "eve") == {"shared"}


def test_with_somebody_from_outside_it_reads_nothing() -> None:
    assert seen(office(), "ann", outside=True) == set()


def test_a_paused_source_is_hidden_from_an_audience_too() -> None:
    world = office()
    pause(world.source)
    assert seen(world, "ann", "bob") == seen(world, "ann", unidentified=True) == set()


def test_one_who_is_not_active_takes_everything_from_it() -> None:
    world = office()
    provisioning.deactivate(world.people["bob"])
    assert seen(world, "ann", "bob") == set()


def test_an_audience_is_of_somebody() -> None:
    with pytest.raises(TypeError):
        Audience(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Audience(Reader(1), frozenset({None}))  # type: ignore[arg-type]


@pytest.mark.parametrize("viewers", ["", "!", "1:0,!"])
def test_a_text_that_names_nobody_reads_nothing(viewers: str) -> None:
    office()
    assert rows("SELECT gatehouse_audience_scopes(%s)", [viewers]) == [([],)]


@pytest.mark.parametrize("viewers", ["1", "1:0;", "1:0,", "1:0,None", "*", "1:0 OR true", " "])
def test_a_text_that_names_no_viewers_is_an_error(viewers: str) -> None:
    office()
    for function in ("audience_scopes", "glass_documents"):
        with pytest.raises(DatabaseError, match="not viewers"), transaction.atomic():
            rows(f"SELECT gatehouse_{function}(%s)", [viewers])


def test_queries_of_different_viewers_do_not_mix() -> None:
    world = office()
    ann = world.reader("ann")
    both = Audience(ann, frozenset({world.reader("bob")}))
    with pytest.raises(UnguardedRead):
        list(Document.objects.visible_to(ann) | Document.objects.visible_to(both))
