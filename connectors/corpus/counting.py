"""How many documents a source has in each state. Numbers for whoever runs the system: no titles, no ids (P12)."""

from dataclasses import dataclass

from django.db.models import Count

from connectors.corpus.wall import as_owner
from connectors.models import Document, Source, Unembedded


@dataclass(frozen=True)
class StateCount:
    state: str
    reason: str
    count: int


def documents_by_state(source: Source) -> list[StateCount]:
    counted = (
        Document.past_the_guard.filter(source=source)
        .exclude(state=Document.State.DELETED)
        .values_list("state", "reason")
        .annotate(count=Count("id"))
        .order_by("state", "reason")
    )
    with as_owner():
        return [StateCount(state, reason, count) for state, reason, count in counted]


def waiting_to_be_embedded() -> int:
    with as_owner():
        return Unembedded.objects.filter(reason="").count()
