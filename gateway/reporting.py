"""Documents that readers say are out of date: told to whom their source names as author, and to staff (P9, P12)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.identity import linked_accounts
from accounts.reader import Viewers
from connectors.corpus.reading import DocumentView, documents_by, get_document, get_documents
from connectors.models import Source
from gateway import audit
from gateway.models import Feedback, Report

LONGEST_TEXT = 1_000  # characters
MOST = 500  # open reports are looked through, the newest


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A report on a document that this reader may read."""

    id: UUID
    document: DocumentView
    text: str
    writer: str
    reported_at: datetime


def report(reader: Viewers, document_id: UUID, text: str = "") -> bool:
    """Say that a document is out of date, in place of what was said before. False for one that is unknown or
    unreadable (P14).
    """
    document = get_document(reader, document_id)
    source = Source.objects.filter(directory__key=document.source).first() if document else None
    if source is None:
        return False
    Report.objects.update_or_create(
        document=document_id,
        writer_id=reader.asker.user_id,
        done_at=None,
        defaults={"text": text.strip()[:LONGEST_TEXT], "source": source.pk},
    )
    audit.record(
        "document.reported",
        user_id=reader.asker.user_id,
        details={"document": str(document_id), "token": reader.asker.token_id},
    )
    return True


def own_report(reader: Viewers, document_id: UUID) -> Report | None:
    """What this reader said of the document, while nobody has seen to it. Ask only after the document was shown."""
    return _open().filter(document=document_id, writer=reader.asker.user_id).first()


def on_ones_own(reader: Viewers) -> list[Reported]:
    """Reports on documents whose source names an account of the reader's as author or owner."""
    accounts: dict[str, set[str]] = {}
    for account in linked_accounts(reader.asker.user_id):
        if account.directory is not None:
            accounts.setdefault(account.directory.key, set()).update({account.external_id, account.address} - {""})
    reports = list(_open()[:MOST])
    return _told(reports, documents_by(reader, _documents(reports), accounts))


def for_staff(reader: Viewers) -> list[Reported]:
    """Reports on documents that this person of the staff may read; running the system is not reading (P12)."""
    reports = list(_open()[:MOST])
    return _told(reports, get_documents(reader, _documents(reports)))


def open_by_source() -> list[tuple[str, int]]:
    """How many wait, by the name of the source, whoever may read them: for those who run the system."""
    counted = dict(Report.objects.filter(done_at=None).values_list("source").annotate(Count("pk")))
    sources = Source.objects.filter(pk__in=counted).select_related("directory")
    return sorted((source.name, counted[source.pk]) for source in sources)


def objections() -> list[tuple[str, int]]:
    """How many answers were objected to for each reason."""
    given = Feedback.objects.exclude(reason="").values_list("reason").annotate(Count("pk"))
    return sorted((Feedback.Reason(reason).label, count) for reason, count in given)


def mark_done(reader: Viewers, report_id: UUID, among: Collection[Reported]) -> bool:
    """Somebody has seen to it. False for one that is not among those the reader was told of just now (P14)."""
    if report_id not in {each.id for each in among}:
        return False
    _open().filter(pk=report_id).update(done_at=timezone.now(), done_by=reader.asker.user_id)
    return True


def _open() -> QuerySet[Report]:
    return Report.objects.filter(done_at=None).select_related("writer").order_by("-reported_at")


def _documents(reports: Sequence[Report]) -> set[UUID]:
    return {each.document for each in reports}


def _told(reports: Sequence[Report], documents: Sequence[DocumentView]) -> list[Reported]:
    readable = {each.id: each for each in documents}
    return [
        Reported(
            id=each.pk,
            document=readable[each.document],
            text=each.text,
            writer=str(each.writer),
            reported_at=each.reported_at,
        )
        for each in reports
        if each.document in readable
    ]
