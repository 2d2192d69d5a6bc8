"""What an administrator does to sources: add, change, pause, resume, read anew, delete."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from accounts import principals
from accounts.models import Directory
from accounts.statements import database_now, execute
from connectors import listing, sealing
from connectors.corpus import rereading
from connectors.corpus.wall import as_owner
from connectors.models import Source
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.registry import PUSH, connector_for

PULLED_PERMISSION_AGE = timedelta(hours=24)


@as_owner()
def add_source(
    key: str,
    *,
    kind: str,
    name: str = "",
    settings: Mapping[str, str] | None = None,
    vouches_for_emails: bool = False,
) -> Source:
    """A new source, due at once if it is one that is read. Raises `ConnectorError` with what is wrong."""
    plain, secrets = _parted(kind, settings or {})
    if Directory.objects.filter(key=key).exists():
        raise ConnectorError(f"There is a source {key!r} already.", permanent=True)
    directory = principals.create_directory(key, name or key, vouches_for_emails=vouches_for_emails)
    source = Source.objects.create(
        directory=directory,
        kind=kind,
        settings=plain,
        next_sync_at=None if kind == PUSH else database_now(),
        max_permission_age=None if kind == PUSH else PULLED_PERMISSION_AGE,
    )
    sealing.write(source, secrets)
    return source


@as_owner()
def change_settings(source: Source, settings: Mapping[str, str]) -> None:
    """These settings and secrets instead of what they were; an empty one is forgotten. Raises `ConnectorError`.

    Everything is read anew with them, since another sign-in may see other things; a run under way, which knows only
    what they were, commits no more.
    """
    plain, secrets = _parted(source.kind, settings)
    source.settings = (
        Source.objects.select_for_update().get(pk=source.pk).settings
    )  # somebody else may have changed some
    _stays_in_place(source, plain)
    source.settings = {name: value for name, value in (source.settings | plain).items() if value}
    source.save(update_fields=["settings"])
    sealing.write(source, secrets)
    _read_from_the_beginning(source)


def _read_from_the_beginning(source: Source) -> None:
    """At once; a run under way commits no more, for it would end a listing that began before."""
    listing.read_whole(source)
    Source.objects.filter(pk=source.pk).update(fence=F("fence") + 1, lease_until=None)
    Source.objects.filter(pk=source.pk, next_sync_at__isnull=False).update(next_sync_at=Now())


def _stays_in_place(source: Source, settings: Mapping[str, str]) -> None:
    """What was read from one system is not taken for what another one calls the same (P3)."""
    connector = connector_for(source.kind)
    place = connector.place if connector else frozenset()
    moved = sorted(name for name in place & settings.keys() if settings[name] != source.settings.get(name, ""))
    if moved and source.runs.exists():
        raise ConnectorError(
            f"{moved[0]!r} says which system this source is, and it has been read already. Add another source.",
            permanent=True,
        )


def _parted(kind: str, settings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings, and those of them that are secrets."""
    connector = connector_for(kind)
    unknown = sorted(set(settings) - set(connector.settings if connector else ()))
    if unknown:
        raise ConnectorError(f"A source of kind {kind} has no setting {unknown[0]!r}.", permanent=True)
    secret = connector.secrets if connector else frozenset()
    plain = {name: value for name, value in settings.items() if name not in secret}
    return plain, {name: value for name, value in settings.items() if name in secret}


def connector_of(source: Source) -> Connector:
    """What reads this source, with its settings and secrets. Raises `ConnectorError`."""
    kind = connector_for(source.kind)
    if kind is None:
        raise ConnectorError("This source pushes its records; there is nothing to read.", permanent=True)
    connector = kind(source.settings | sealing.read(source), vouches_for_emails=source.directory.vouches_for_emails)
    connector.last = source.checkpoint or {}
    return connector


def problems_of(kind: str, values: Mapping[str, str], *, vouches_for_emails: bool = False) -> list[str]:
    """What is missing before a source with these settings and secrets can be read, one sentence each."""
    try:
        connector = connector_for(kind)
        return connector(values, vouches_for_emails=vouches_for_emails).check() if connector else []
    except ConnectorError as error:
        return [str(error)]


def settings_with(source: Source, changes: Mapping[str, str]) -> dict[str, str]:
    """Its settings and secrets, opened, as they would be with these changes."""
    try:
        kept = source.settings | sealing.read(source)
    except sealing.Unsealable:  # those that are set anew may be all there are
        kept = source.settings
    return {name: value for name, value in (kept | changes).items() if value}


@as_owner()
def read_anew(source: Source, *, contents: bool = False) -> None:
    """List everything from its beginning, at once; with `contents`, fetch and parse all of it again too."""
    principals.lock(source.pk)
    if contents:
        rereading.forget_all(source)
    _read_from_the_beginning(source)


@as_owner()
def try_again(source: Source, *, reason: str | None = None, document: UUID | None = None) -> int:
    """Fetch and parse again what could not be read: all of it, what has one reason, or one document; how many.

    Its bytes are not kept, so the source is listed from its beginning for it. One that pushes has to push it again,
    which is then read even if it is the same.
    """
    principals.lock(source.pk)
    forgotten = rereading.forget_quarantined(source, reason=reason, document=document)
    if forgotten:
        _read_from_the_beginning(source)
    return forgotten


def pause(source: Source) -> None:
    """Hide everything of this source from this commit on, and read it no more (P7): a run under way ends too."""
    Source.objects.filter(pk=source.pk).update(enabled=False, fence=F("fence") + 1, lease_until=None)


def resume(source: Source) -> None:
    """Show it again, and read it at once."""
    due = None if source.kind == PUSH else Now()
    Source.objects.filter(pk=source.pk).update(enabled=True, next_sync_at=due)


@as_owner()
def delete_source(source: Source) -> None:
    """End a source with all it brought: documents, principals, links, and every token's right to it (P3)."""
    principals.lock(source.pk)
    execute("DELETE FROM connectors_source WHERE directory_id = %s", [source.pk])
    Directory.objects.filter(pk=source.pk).delete()
