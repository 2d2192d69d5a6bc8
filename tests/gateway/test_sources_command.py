"""`manage.py sources`: what the console shows of sources, as text."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from connectors import adding
from connectors.corpus import documents
from connectors.corpus.placing import Places
from connectors.models import Document, Source, SyncRun
from tests.cast import World

pytestmark = pytest.mark.django_db


def told(*words: str) -> str:
    out = StringIO()
    call_command("sources", *words, stdout=out)
    return out.getvalue()


def test_every_source_is_told_in_short() -> None:
    assert "No source yet" in told()
    world = World.of("ann")
    world.document("zeppelin", grants=["ann"])
    SyncRun.objects.create(source=adding.add_source("files", kind="folder", settings={"path": "/x"}), fence=1)
    lines = told().splitlines()
    assert lines[0] == "docs (push): Waits for what is pushed to it"
    assert lines[1] == "  1 found, 0 waiting, 0 not readable"
    assert "files (folder): Hidden from everyone: its first sync goes on" in lines
    assert "  Listed 0 documents; no pace can be told yet" in lines
    assert lines[-1] == "In all sources wait 0 to be parsed, 1 to be embedded."
    assert "zeppelin" not in told()


def test_one_source_is_told_in_full() -> None:
    world = World.of("ann")
    for name in ("zeppelin", "contract", "offer"):
        world.document(name, grants=["ann"])
    Document.past_the_guard.filter(external_id="contract").update(state="quarantined", reason="encrypted")
    with_places = documents.living(world.source.pk).filter(external_id="offer")
    documents.hold(with_places, Places(world.source.pk))
    problems = [f"Problem {number}." for number in range(5)]
    SyncRun.objects.create(source=world.source, fence=1, state="succeeded", counts={"live": 3}, problems=problems)
    text = told("docs")
    for line in (
        "Docs: docs, push",
        "Its records are pushed: there is nothing to read.",
        "Found        3",
        "Changed      3 by the last run",
        "Held         1: the source no longer lists them; the console asks whether they are gone",
        "Not readable 1",
        "         1  The file is protected by a password; store an unprotected copy. (encrypted)",
        "succeeded, everything: 3 live",
        "  Problem 4.",
        "  (the last of 5 problems)",
    ):
        assert line in text
    assert "Problem 1." not in text
    assert "zeppelin" not in text.lower()


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no source 'nothing'"):
        told("nothing")


def test_it_is_told_again_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    World.of("ann")
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("gateway.management.commands.sources.time.sleep", wait)
    assert told("--watch").count("docs (push)") == 3
    assert waited == [2, 2, 2]
    assert Source.objects.count() == 1
