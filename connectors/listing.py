"""How far a source has been read, and what the listing under way has named: all in Postgres, so that a run that was
interrupted is gone on with, however often.

A whole listing is due when there is no state to go on from, and at least once a day, so that what no change told of,
such as a deletion the source keeps to itself, is found.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.models import Listed, Source, SyncRun
from connectors.records import (
    AccessRecord,
    DocumentRecord,
    Kind,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
    State,
)

WHOLE_EVERY = timedelta(hours=24)


def begin(source: Source, at: datetime) -> bool:
    """Note on the source, which is locked, what the run that begins now is to read: whether it is a whole listing."""
    whole = not source.checkpoint or _is_over(source.listed_at, at)
    goes_on = whole and bool(source.listing_state) and not _is_over(source.listing_began, at)
    if not goes_on:
        Listed.objects.filter(source_id=source.pk).delete()
        source.listing_state = None
        source.listing_began = at if whole else None
    return whole


def _is_over(since: datetime | None, now: datetime) -> bool:
    return since is None or since + WHOLE_EVERY <= now


def since(run: SyncRun) -> State | None:
    """What the connector is to go on from: None is the beginning."""
    state: State | None = run.source.listing_state if run.whole else run.source.checkpoint
    return state or None


def note(run: SyncRun, records: Iterable[Record], reached: State | None) -> None:
    """In the commit of a page: the ids it names, and the state after it, if it was the last before a checkpoint."""
    Listed.objects.bulk_create(
        [
            Listed(source_id=run.source_id, kind=kind, external_id=id)
            for kind, id in dict.fromkeys(filter(None, map(_named, records)))
        ],
        ignore_conflicts=True,
    )
    if reached is None:
        return
    source = run.source
    before = source.listing_state if run.whole else source.checkpoint
    if before == dict(reached):
        return
    if run.whole:
        source.listing_state = dict(reached)
    else:
        source.checkpoint = dict(reached)
    Source.objects.filter(pk=source.pk).update(listing_state=source.listing_state, checkpoint=source.checkpoint)


def _named(record: Record) -> tuple[Kind, str] | None:
    match record:
        case PrincipalRecord():
            return "principal", record.id
        case ScopeRecord():
            return "scope", record.id
        case DocumentRecord():
            return "document", record.id
        case AccessRecord():
            return record.kind, record.id
        case Problem(kind=kind) if kind is not None:
            return kind, record.id
        case _:
            return None


def named(source: Source, kind: Kind) -> set[str]:
    return set(Listed.objects.filter(source_id=source.pk, kind=kind).values_list("external_id", flat=True))


def ended(source: Source, run: SyncRun) -> None:
    """The run read to its end. `source` is locked, and saved by whoever asks. Permissions are as they were when it, or
    the listing it went on with, began (P7)."""
    source.permissions_verified_at = run.started_at
    if run.whole:
        source.permissions_verified_at = source.listed_at = source.listing_began or run.started_at
        source.checkpoint = source.listing_state
    source.listing_began, source.listing_state = None, None
    Listed.objects.filter(source_id=source.pk).delete()


def read_whole(source: Source) -> None:
    """The next run reads everything from its beginning."""
    Source.objects.filter(pk=source.pk).update(listed_at=None, listing_began=None, listing_state=None)
