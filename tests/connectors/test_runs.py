"""What a run commits, and when it commits no more."""

from collections.abc import Iterator

import pytest

from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.reading import list_documents
from connectors.kit.scripted import Line, Script, Scripted, scripted
from connectors.models import Document, Source
from connectors.records import Access, Checkpoint, DocumentRecord, Entry, PrincipalRecord, ScopeRecord, State
from connectors.sources import registry
from connectors.sources.base import ConnectorError
from tests.cast import person

pytestmark = pytest.mark.django_db

ANN = PrincipalRecord(id="ann", kind="user", email="ann@example.org", external=False)
ROOT = ScopeRecord(id="root", access=Access(grants=(Entry(id="ann"),)))


def note(name: str) -> DocumentRecord:
    return DocumentRecord(id=name, title=name, scope="root", text=f"The note of {name}.")


def added(monkeypatch: pytest.MonkeyPatch, script: Script) -> tuple[Source, type[Scripted]]:
    kind = scripted(script)
    monkeypatch.setitem(registry.KINDS, "scripted", kind)
    return adding.add_source("company", kind="scripted", vouches_for_emails=True), kind


def stored() -> set[str]:
    return set(Document.past_the_guard.values_list("external_id", flat=True))


def test_a_run_that_knows_other_settings_commits_no_more_and_everything_is_read_by_the_new_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def script(since: State | None) -> Iterator[Line]:
        yield from (ANN, ROOT, note("a"), Checkpoint(state={"page": 1}))
        if len(kind.asked) == 1:
            adding.change_settings(source, {})
        yield from (note("b"), Checkpoint(state={"page": 2}, complete=True))

    source, kind = added(monkeypatch, script)
    before = sync.run_now(source)

    assert stored() == {"a"}
    assert sync.due().filter(pk=source.pk).exists(), "nobody waits for the run that knows the old settings"
    assert sync.run_now(source).state == "succeeded"
    assert kind.asked == [None, None]
    assert stored() == {"a", "b"}
    before.refresh_from_db()
    assert before.state == "failed"


def test_however_large_a_page_is_no_text_of_it_stands_under_rights_that_the_rest_of_it_takes_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann, shown = person("ann"), []

    def away() -> bytes:
        shown.extend(list_documents(Reader(ann.pk)))
        raise ConnectorError("The system is away.", of_source=True)

    def script(since: State | None) -> Iterator[Line]:
        yield from (ANN, ROOT, Checkpoint(state={"page": 1}))
        yield DocumentRecord(id="a", title="a", scope="root", content=b"A file of more than ten bytes.")
        yield DocumentRecord(id="b", title="b", scope="root", content=away, version="1")
        yield from (ScopeRecord(id="root"), Checkpoint(state={"page": 2}, complete=True))

    monkeypatch.setattr(sync, "PAGE_BYTES", 10)
    source, _ = added(monkeypatch, script)
    Source.objects.update(max_permission_age=None)

    assert sync.run_now(source).state == "failed"
    ingest.drain(source)
    shown.extend(list_documents(Reader(ann.pk)))
    assert stored() == {"a"} and shown == []
