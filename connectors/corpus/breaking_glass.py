"""Break-glass: one named person reads one document or one scope beside its condition, for a time (P12).

The database judges it in the statement that reads, as it judges everything else.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.dispatch import Signal
from django.utils import timezone

from accounts.models import User
from accounts.reader import Viewers
from accounts.statements import rows
from connectors.corpus.wall import as_owner
from connectors.models import BreakGlass, Document, Scope

Shown = TypeVar("Shown")
used = Signal()  # reader: Viewers, uses: list[Use]; sent before what was read goes any further


class NoGlass(Exception):
    """It cannot be given; the message says why."""


@dataclass(frozen=True, order=True, kw_only=True)
class Use:
    """A document that was read while break-glass covered it."""

    glass_id: int
    document_id: UUID


def break_glass(
    *,
    user: User,
    given_by: User,
    reason: str,
    until: datetime,
    document: UUID | None = None,
    scope: tuple[str, str] | None = None,
) -> BreakGlass:
    """Let `user` read one document, or one scope (its source's key, its id there) and what inherits from it.

    Raises `NoGlass`.
    """
    if user == given_by:
        raise NoGlass("Nobody opens a document for themselves. Ask another administrator.")
    if not reason.strip():
        raise NoGlass("Say why: the reason is kept and shown.")
    if until <= timezone.now():
        raise NoGlass("The end must be in the future.")
    if (document is None) == (scope is None):
        raise NoGlass("Name a document or a scope.")
    with as_owner():
        return BreakGlass.objects.create(
            user=user,
            given_by=given_by,
            reason=reason.strip(),
            until=until,
            document_id=_document(document) if document is not None else None,
            scope_id=_scope(*scope) if scope is not None else None,
        )


def _document(public_id: UUID) -> int:
    living = Document.past_the_guard.exclude(state=Document.State.DELETED)
    found = living.filter(public_id=public_id).values_list("pk", "container", "container__public_id").first()
    if found is None:
        raise NoGlass("There is no such document.")
    id, attached_to, container = found
    if attached_to is not None:  # both have the same readers (P9)
        raise NoGlass(f"This is attached to the document {container}. Open that one: what is attached is open with it.")
    return id


def _scope(source_key: str, external_id: str) -> int:
    named = Scope.past_the_guard.filter(source__directory__key=source_key, external_id=external_id)
    found = named.filter(introduced=True).values_list("pk", flat=True).first()
    if found is None:
        raise NoGlass("There is no such scope.")
    return found


def end(glass: BreakGlass) -> None:
    """From this commit on it opens nothing."""
    with as_owner():
        BreakGlass.objects.filter(pk=glass.pk, ended_at=None).update(ended_at=timezone.now())


def opens(glasses: Collection[BreakGlass]) -> dict[int, str]:
    """What each opens, as whoever runs the system may be told: ids, never titles (P12)."""
    with as_owner():
        documents = dict(
            Document.past_the_guard.filter(
                pk__in=[glass.document_id for glass in glasses if glass.document_id]
            ).values_list("pk", "public_id")
        )
        scopes = {
            scope.pk: f"scope {scope.external_id} of {scope.source.key}"
            for scope in Scope.past_the_guard.filter(
                pk__in=[glass.scope_id for glass in glasses if glass.scope_id]
            ).select_related("source__directory")
        }
    return {
        glass.pk: scopes[glass.scope_id] if glass.scope_id else f"document {documents[glass.document_id or 0]}"
        for glass in glasses
    }


def shown(reader: Viewers, read: Callable[[], Shown], documents: Callable[[Shown], Collection[UUID]]) -> Shown:
    """What `read` finds for this reader, told of first where break-glass lets them read some of these documents.

    Telling may have to wait, and what it read before would be late by then: it is read again, until all that is found
    has been told of (P15).
    """
    told: set[Use] = set()
    while True:
        found = read()
        uses = _uses(reader, documents(found))
        if uses <= told:
            return found
        used.send(sender=BreakGlass, reader=reader, uses=sorted(uses - told))
        told |= uses


def _uses(reader: Viewers, documents: Collection[UUID]) -> set[Use]:
    if not documents:
        return set()
    found = rows("SELECT glass, document FROM gatehouse_uses_of_glass(%s, %s)", [reader.text, list(documents)])
    return {Use(glass_id=glass, document_id=document) for glass, document in found}
