"""How far a source has been read, and what the listing under way has named: all in Postgres, so that a run that was
interrupted is gone on with, however often.

A whole listing is due when there is no state to go on from, when a content that could not be had is to be asked for
again, and at least once a day, so that what no change told of, such as a deletion the source keeps to itself, is found.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from accounts.statements import execute
from connectors.corpus import documents
from connectors.models import Listed, Source, SyncRun, Unfetched
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
# Asked for in the next run; when that misses it too, later and later.
MISSED = """
UPDATE connectors_unfetched u
SET tries = u.tries + 1,
    again_at = clock_timestamp()
        + CASE WHEN u.tries = 0 THEN interval '0' ELSE least(%s * 2 ^ least(u.tries, 20), %s) * interval '1 second' END
WHERE u.document_id = ANY(%s)
"""


def begin(source: Source, at: datetime) -> bool:
    """Note on the source, which is locked, what the run that begins now is to read: whether it is a whole listing."""
    whole = not source.checkpoint or _is_over(source.listed_at, at) or _has_missed(source)
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
    Unfetched.objects.filter(source_id=source.pk).update(again_at=Now())
    Source.objects.filter(pk=source.pk).update(listed_at=None, listing_began=None, listing_state=None)


# --- contents that could not be had -------------------------------------------------------------------


def missed_earlier(source_id: int) -> dict[str, bool]:
    """The documents whose content earlier runs missed, and whether each is to be asked for again by now."""
    is_due = ExpressionWrapper(Q(again_at__lte=Now()), BooleanField())
    rows = Unfetched.objects.filter(source_id=source_id).annotate(is_due=is_due)
    due: dict[int, bool] = dict(rows.values_list("document_id", "is_due"))
    named = documents.living(source_id).filter(pk__in=due).values_list("external_id", "pk")
    return {name: due[id] for name, id in named}


def missed(run: SyncRun, names: Collection[str]) -> None:
    """A run ended well but for the contents of these: they are asked for again, in the next run or later."""
    if names:
        found = documents.living(run.source_id).filter(external_id__in=names).values_list("pk", flat=True)
        execute(MISSED, [run.source.interval, WHOLE_EVERY.total_seconds(), list(found)])


def _has_missed(source: Source) -> bool:
    """Whether contents are to be asked for again, for which everything has to be listed."""
    return Unfetched.objects.filter(source_id=source.pk, again_at__lte=Now()).exists()
