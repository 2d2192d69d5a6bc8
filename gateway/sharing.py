"""Conversations shown to named people: the questions, and of the answers what each of them may read now (P16)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet

from accounts.addresses import normalised
from accounts.models import User
from accounts.reader import Viewers
from gateway import audit
from gateway.conversations import ShownAnswer, answers_for_another
from gateway.models import Conversation, Question, Share

MOST_SHARES = 50  # of a conversation


class ShareRefused(Exception):
    """The conversation cannot be shared with this address; the message says why, and nothing of who has it."""

    code = "share_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, kw_only=True)
class SharedLine:
    """A conversation that somebody shares with the reader: the owner's own words and nothing of any document."""

    id: UUID
    text: str
    owner: str
    shared_at: datetime


@dataclass(frozen=True, kw_only=True)
class SharedConversation:
    line: SharedLine
    answers: tuple[ShownAnswer, ...]


@transaction.atomic
def share(reader: Viewers, conversation_id: UUID, address: str) -> bool:
    """Let the person with this address see one of the reader's own conversations. False when there is none.

    Whether it is anybody's address is not told (P14). Raises `ShareRefused`.
    """
    conversation = _own(reader, conversation_id).select_for_update().first()
    if conversation is None:
        return False
    written = _written(address)
    if not conversation.shares.filter(address=written).exists() and conversation.shares.count() >= MOST_SHARES:
        raise ShareRefused(f"A conversation can be shared with {MOST_SHARES} people. Take it back from somebody first.")
    named = User.objects.filter(email=written, is_active=True, email_verified_at__isnull=False).first()
    Share.objects.update_or_create(conversation=conversation, address=written, defaults={"reader": named})
    _record(reader, "conversation.shared", conversation_id, named.pk if named else 0)
    return True


@transaction.atomic
def take_back(reader: Viewers, conversation_id: UUID, address: str) -> bool:
    """From this commit on the person with this address does not see it. False when the reader has no such one."""
    conversation = _own(reader, conversation_id).first()
    if conversation is None:
        return False
    for taken in conversation.shares.filter(address=normalised(address)):
        _record(reader, "conversation.taken_back", conversation_id, taken.reader_id or 0)
        taken.delete()
    return True


def shared_with(reader: Viewers, conversation_id: UUID) -> list[str] | None:
    """The addresses one of the reader's own conversations is shared with, as written; None for no such conversation."""
    conversation = _own(reader, conversation_id).first()
    return None if conversation is None else [each.address for each in conversation.shares.all()]


def list_shared(reader: Viewers, *, limit: int = 50) -> list[SharedLine]:
    """What others share with the reader, the newest first."""
    return [_line(each) for each in _with(reader).order_by("-shared_at")[:limit]]


def get_shared(reader: Viewers, conversation_id: UUID) -> SharedConversation | None:
    """A conversation shared with the reader, with what they may read of its answers now; None for any other (P14)."""
    found = _with(reader).filter(conversation=conversation_id).first()
    if found is None:
        return None
    questions = Question.objects.filter(conversation=conversation_id).order_by("asked_at")
    return SharedConversation(line=_line(found), answers=tuple(answers_for_another(reader, questions)))


def _with(reader: Viewers) -> QuerySet[Share]:
    """Ended while either of the two may not sign in (P1)."""
    return Share.objects.filter(
        reader=reader.asker.user_id,
        reader__is_active=True,
        reader__email_verified_at__isnull=False,
        conversation__owner__is_active=True,
        conversation__owner__email_verified_at__isnull=False,
    ).select_related("conversation__owner")


def _line(share: Share) -> SharedLine:
    conversation = share.conversation
    first = conversation.questions.order_by("asked_at").values_list("text", flat=True).first()
    return SharedLine(
        id=conversation.pk,
        text=conversation.title or first or "",
        owner=str(conversation.owner),
        shared_at=share.shared_at,
    )


def _own(reader: Viewers, conversation_id: UUID) -> QuerySet[Conversation]:
    return Conversation.objects.filter(pk=conversation_id, owner=reader.asker.user_id)


def _written(address: str) -> str:
    """As it is kept and compared. Raises `ShareRefused` for what is the address of nobody whatsoever."""
    written = normalised(address)
    try:
        validate_email(written)
    except ValidationError:
        raise ShareRefused("Write the whole e-mail address of the person.") from None
    if len(written) > 254:
        raise ShareRefused("Write the whole e-mail address of the person.")
    return written


def _record(reader: Viewers, kind: str, conversation_id: UUID, named: int) -> None:
    details = {"conversation": str(conversation_id), "with": named, "token": reader.asker.token_id}
    audit.record(kind, user_id=reader.asker.user_id, details=details)
