"""The audit as staff read it: who did what when, over how many passages. Never what was asked or answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from gateway.models import AuditEvent

KINDS = {
    "answer.context": "asked a question",
    "answer.rows": "asked a database",
    "answer.no_rows": "would have asked a database, which was not sent the SQL or did not answer",
    "conversation.shared": "shared a conversation",
    "conversation.taken_back": "took a shared conversation back",
    "document.reported": "reported a document as out of date",
    "answer.objected": "said that an answer should not be visible to them",
    "source.paused": "paused a source",
    "source.held_kept": "kept documents a source no longer listed",
    "source.held_deleted": "deleted documents a source no longer listed",
    "source.resumed": "resumed a source",
    "source.sync_requested": "asked for a sync",
    "source.read_anew": "let a source be read from its beginning",
    "source.retried": "let documents be read again",
    "source.added": "added a source",
    "source.settings_changed": "changed settings of a source",
    "source.deleted": "deleted a source",
    "user.deactivated": "deactivated a person",
    "user.activated": "activated a person",
    "leaktest.run": "looked for leaks",
    "access.explained": "asked why somebody may read a document",
    "access.documents_listed": "asked what somebody may read",
    "access.readers_listed": "asked who may read a document",
    "break_glass.given": "let a person read something by break-glass",
    "break_glass.ended": "ended a break-glass",
    "break_glass.used": "read documents by break-glass",
    "what_if.asked": "asked what a change would do",
}


@dataclass(frozen=True, kw_only=True)
class AuditLine:
    id: int
    at: datetime
    person: str
    deed: str
    subject: str
    passages: int | None


def lines_of(events: Sequence[AuditEvent]) -> list[AuditLine]:
    people = User.objects.in_bulk({event.user_id for event in events if event.user_id is not None})
    return [line_of(event, people) for event in events]


def line_of(event: AuditEvent, people: Mapping[int, User]) -> AuditLine:
    passages: Any = event.details.get("passages")
    return AuditLine(
        id=event.pk,
        at=event.at,
        person=person_in(event.user_id, people),
        deed=KINDS.get(event.kind, event.kind),
        subject=subject_of(event),
        passages=len(passages) if isinstance(passages, list) else None,
    )


def person_in(user_id: int | None, people: Mapping[int, User]) -> str:
    if user_id is None:
        return "Gatehouse"
    return people[user_id].email if user_id in people else f"a person who was deleted ({user_id})"


def subject_of(event: AuditEvent) -> str:
    """Whose account or which source it is about, or else which documents, by their ids."""
    told = (event.details.get(name) for name in ("person", "source", "document", "documents"))
    found: Any = next(filter(None, told), "")
    return ", ".join(found) if isinstance(found, list) else str(found)
