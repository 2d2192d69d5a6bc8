"""The audit: an append-only chain in which each row's hash covers the row and the hash before it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from gateway.models import AuditEvent

GENESIS = "0" * 64
LOCK = 0x6175646974  # "audit" in ASCII: the advisory lock that puts writers in a row
BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class Broken:
    """The first row that is not what was written, and why one can tell."""

    row: int
    reason: str


@transaction.atomic
def record(kind: str, *, user_id: int | None, details: Mapping[str, Any]) -> AuditEvent:
    """Append one event to the chain, in the transaction of the caller if there is one.

    `details` are whole numbers, strings, lists and objects of these; ids and digests, never text of a document.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    last = AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first()
    event = AuditEvent(
        at=timezone.now(), kind=kind, user_id=user_id, details=dict(details), previous=last or GENESIS, hash=""
    )
    event.hash = hash_of(event)
    event.save(force_insert=True)
    return event


def hash_of(event: AuditEvent) -> str:
    """SHA-256 over the previous hash and the row as canonical JSON, in hex."""
    content = {
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": event.kind,
        "user": event.user_id,
        "details": event.details,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256((event.previous + canonical).encode()).hexdigest()


def first_broken() -> Broken | None:
    """Walk the chain from its start; None when every row is as it was written."""
    previous = GENESIS
    for event in _in_order():
        if event.previous != previous:
            return Broken(row=event.pk, reason="it does not follow the row before it: a row is missing or was put in")
        if event.hash != hash_of(event):
            return Broken(row=event.pk, reason="its content was changed")
        previous = event.hash
    return None


def count() -> int:
    return AuditEvent.objects.count()


def _in_order() -> Iterator[AuditEvent]:
    yield from AuditEvent.objects.order_by("id").iterator(BATCH)
