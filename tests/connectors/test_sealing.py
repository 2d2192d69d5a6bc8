"""Secrets of sources: sealed at rest, bound to their row, opened for the connector alone, and sealed anew."""

import base64
import os
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from pytest_django import Settings

from accounts.reader import Reader
from connectors import adding, sealing
from connectors.corpus.wall import reading_as
from connectors.kit.scripted import Scripted, in_turn, scripted
from connectors.models import Source, SourceSecret
from connectors.records import Checkpoint
from connectors.sources import registry
from connectors.sources.base import ConnectorError

pytestmark = pytest.mark.django_db


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    made = scripted(in_turn([Checkpoint(state={"at": 1}, complete=True)]))
    made.settings = {"base_url": "Where it is.", "token": "Its key."}
    made.secrets = frozenset({"token"})
    monkeypatch.setitem(registry.KINDS, "safe", made)
    return made


@pytest.fixture
def source(kind: type[Scripted]) -> Source:
    return adding.add_source("safe", kind="safe", settings={"base_url": "https://x.example", "token": "s3cr3t-word"})


def stored() -> str:
    """Everything the two tables hold, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(s::text, ' ') || (SELECT string_agg(x::text, ' ') FROM connectors_sourcesecret x) "
            "FROM connectors_source s"
        )
        return str(cursor.fetchone()[0])


def test_a_secret_is_nowhere_in_the_clear_and_the_connector_has_it(source: Source) -> None:
    assert "s3cr3t" not in stored()
    assert b"s3cr3t".hex() not in stored()
    assert adding.connector_of(source).values == {"base_url": "https://x.example", "token": "s3cr3t-word"}
    assert sealing.names(source) == ["token"]


def test_equal_secrets_are_sealed_differently(source: Source) -> None:
    other = adding.add_source("other", kind="safe", settings={"token": "s3cr3t-word"})
    first, second = (bytes(row.sealed) for row in SourceSecret.objects.order_by("source_id"))

    assert first[17:] != second[17:]
    assert sealing.read(other) == sealing.read(source)


def test_a_secret_opens_in_its_own_row_only(source: Source) -> None:
    adding.add_source("other", kind="safe", settings={"token": "another"})
    sealed = SourceSecret.objects.get(source_id=source.pk).sealed
    SourceSecret.objects.exclude(source_id=source.pk).update(sealed=sealed)
    other = Source.objects.get(directory__key="other")

    with pytest.raises(ConnectorError, match="cannot be opened"):
        adding.connector_of(other)


@pytest.mark.parametrize("place", [0, 2, 8, 30])
def test_a_secret_somebody_changed_does_not_open(source: Source, place: int) -> None:
    sealed = bytearray(SourceSecret.objects.get().sealed)
    sealed[place % len(sealed)] ^= 1
    SourceSecret.objects.update(sealed=bytes(sealed))

    with pytest.raises(ConnectorError, match="GATEHOUSE_ENCRYPTION_KEYS"):
        sealing.read(source)


def test_keys_are_changed_without_a_moment_in_which_nothing_opens(source: Source, settings: Settings) -> None:
    old, new = settings.ENCRYPTION_KEYS[0], key()
    settings.ENCRYPTION_KEYS = [new, old]
    assert sealing.read(source) == {"token": "s3cr3t-word"}

    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert "Sealed anew: 1." in out.getvalue()
    settings.ENCRYPTION_KEYS = [new]
    assert sealing.read(source) == {"token": "s3cr3t-word"}
    call_command("rotate_keys", stdout=(again := StringIO()))
    assert "Sealed anew: 0." in again.getvalue()

    settings.ENCRYPTION_KEYS = [old]
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_keys")


def test_without_a_key_no_secret_is_kept(kind: type[Scripted], settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(ConnectorError, match="openssl rand"):
        adding.add_source("safe", kind="safe", settings={"token": "word"})
    assert not Source.objects.exists()


def test_the_role_that_reads_content_may_not_read_secrets(source: Source) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), reading_as(Reader(1)):
        SourceSecret.objects.exists()


def test_settings_are_changed_forgotten_and_everything_is_read_anew(source: Source, kind: type[Scripted]) -> None:
    from connectors import sync

    sync.run_now(source)
    source.refresh_from_db()
    sync.run_now(source)
    adding.change_settings(source, {"token": "new word", "base_url": ""})
    source.refresh_from_db()

    assert adding.connector_of(source).values == {"token": "new word"}
    sync.run_now(source)
    assert kind.asked == [None, {"at": 1}, None]
    adding.change_settings(source, {"token": ""})
    assert sealing.names(source) == []
    with pytest.raises(ConnectorError, match="no setting 'colour'"):
        adding.change_settings(source, {"colour": "red"})


def test_a_source_that_was_read_is_not_made_another_system(source: Source, kind: type[Scripted]) -> None:
    from connectors import sync

    kind.place = frozenset({"base_url"})
    adding.change_settings(source, {"base_url": "https://right.example"})
    sync.run_now(source)
    source.refresh_from_db()
    adding.change_settings(source, {"base_url": "https://right.example", "token": "another"})

    with pytest.raises(ConnectorError, match="Add another source"):
        adding.change_settings(source, {"base_url": "https://other.example"})
    assert Source.objects.get().settings == {"base_url": "https://right.example"}


def test_a_deleted_source_leaves_no_secret(source: Source) -> None:
    adding.delete_source(source)
    assert not SourceSecret.objects.exists()


def test_secrets_are_asked_for_where_nobody_sees_them(kind: type[Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("from a pipe\n"))
    call_command("add_source", "safe", kind="safe", secret=["token"], stdout=StringIO())
    source = Source.objects.get()
    assert sealing.read(source) == {"token": "from a pipe"}

    monkeypatch.setattr("sys.stdin", StringIO("another\n"))
    out = StringIO()
    call_command("set_source", "safe", "--secret", "token", "--set", "base_url=https://y.example", stdout=out)
    source.refresh_from_db()
    assert sealing.read(source) == {"token": "another"}
    assert source.settings == {"base_url": "https://y.example"}
    assert "another" not in out.getvalue()
    with pytest.raises(CommandError, match="Say what to change"):
        call_command("set_source", "safe")


def test_an_installed_package_brings_a_kind_of_source(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    here = [
        EntryPoint("scripted", "connectors.kit.scripted:Scripted", registry.PLUG_INS),
        EntryPoint("broken", "no.such.module:Thing", registry.PLUG_INS),
        EntryPoint("other", "pathlib:Path", registry.PLUG_INS),
    ]

    def found(*, group: str, name: str | None = None) -> list[Any]:
        return [plug_in for plug_in in here if group == plug_in.group and name in (None, plug_in.name)]

    monkeypatch.setattr(registry, "entry_points", found)
    assert registry.connector_for("scripted") is Scripted
    with pytest.raises(ConnectorError, match="cannot be loaded"):
        registry.connector_for("broken")
    with pytest.raises(ConnectorError, match="is no Connector"):
        registry.connector_for("other")
    with pytest.raises(ConnectorError, match=r"folder.*scripted"):
        registry.connector_for("floppy")
