"""The checks that release text: to a model, and to a person (P15)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils import timezone

from accounts.models import AccessToken, User
from accounts.reader import NO_TOKEN, Viewers
from connectors.corpus.evidence import Pair, holds_evidence
from connectors.corpus.hits import Hit
from gateway.answering import recording
from gateway.answering.recording import Asked
from gateway.databases.holding import that_still_hold
from gateway.databases.rows import Holding, Needed


class EvidenceLost(Exception):
    """A passage that was to go to an answerer may no longer be read."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a reader may do at the moment of asking: anything at all, and which evidence they may read."""

    active: bool
    readable: frozenset[Needed]


def standing(reader: Viewers, evidence: Collection[Needed]) -> Standing:
    """Names under which rows were asked for are evidence too: they hold while they are the same."""
    active = is_active(reader)
    held = that_still_hold(reader, {each for each in evidence if isinstance(each, Holding)})
    passages = {each for each in evidence if not isinstance(each, Holding)}
    return Standing(active=active, readable=held | readable_evidence(reader, passages))


def readable_evidence(reader: Viewers, evidence: Collection[Pair]) -> frozenset[Pair]:
    """Passages that still stand, with these words, in a document the reader may read now.

    What the source took out of a text while it was answered from is not shown for the first time (P16).
    """
    return frozenset(pair for pair, state in holds_evidence(reader, evidence).items() if state == "held")


def pair_of(hit: Hit) -> Pair:
    return hit.document_id, hit.digest


def pairs_of(hits: Iterable[Hit]) -> frozenset[Pair]:
    """The evidence of these hits, with that of the newer versions they are marked by."""
    return frozenset(pair for hit in hits for pair in (pair_of(hit), hit.newer) if pair is not None)


def as_it_stands(hits: Iterable[Hit], readable: Collection[Needed]) -> list[Hit]:
    """The hits that can be read, marked as older only by versions that can be read as well."""
    return [marked_by(hit, readable) for hit in hits if pair_of(hit) in readable]


def marked_by(hit: Hit, readable: Collection[Needed]) -> Hit:
    """The hit, said to be an older version only while the reader may read the newer one (P14, P15)."""
    return hit if hit.newer is None or hit.newer in readable else replace(hit, newer=None)


def is_active(reader: Viewers) -> bool:
    """The person may sign in, and the token they came with is in force (P1, P11)."""
    asker = reader.asker
    user = User.objects.filter(pk=asker.user_id).first()
    if user is None or not user.may_sign_in:
        return False
    if asker.token_id == NO_TOKEN:
        return True
    token = AccessToken.objects.filter(pk=asker.token_id, user=user).first()
    return token is not None and token.is_valid_at(timezone.now())


def cleared(asked: Asked, hits: Sequence[Hit], model: str, kept: Sequence[Hit] = ()) -> list[Hit]:
    """The passages that may go to the answerer now; `kept` are those that were found and may not go to it.

    The last statement is a check that found readable exactly what was audited before it: nothing goes
    unaudited, and nothing goes on a check older than the audit.
    """
    audited: list[Hit] | None = None
    permitted = _readable(asked.reader, hits)
    while permitted != audited:
        recording.note_context(asked, permitted, model, kept)
        audited = permitted
        permitted = _readable(asked.reader, audited)
    return permitted


def cleared_whole(asked: Asked, hits: Sequence[Hit], model: str) -> list[Hit]:
    """The same for passages that go together or not at all. Raises `EvidenceLost`."""
    permitted = cleared(asked, hits, model)
    if len(permitted) < len(hits):
        raise EvidenceLost
    return permitted


def _readable(reader: Viewers, hits: Sequence[Hit]) -> list[Hit]:
    return as_it_stands(hits, readable_evidence(reader, pairs_of(hits)))
