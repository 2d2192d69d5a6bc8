"""How many documents a source has in each state. Numbers for whoever runs the system: no titles, no ids (P12)."""

from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from connectors.corpus.wall import as_owner
from connectors.models import Content, Document, Listed, Passage, Scope, ScopeSize, Source, Unembedded, Unfetched


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


@dataclass(frozen=True, kw_only=True)
class Work:
    """What of a source is done and what waits."""

    named: int  # documents the source has named so far, without what is attached to them
    listed: int  # of these, by the run under way
    unfetched: int  # documents whose newest content could not be had
    to_parse: int
    tried_before: int  # of these
    passages: int
    to_embed: int
    without_vector: int  # passages the model made none of


def work_on(source: Source) -> Work:
    of_source = Passage.past_the_guard.filter(document__source=source)
    unembedded = Unembedded.objects.values("passage_id")
    scopes = Scope.past_the_guard.filter(source=source).values("id")
    with as_owner():
        files = Content.past_the_guard.filter(source_id=source.pk).aggregate(
            all=Count("pk"), again=Count("pk", filter=Q(attempts__gt=0))
        )
        return Work(
            named=Document.past_the_guard.filter(source=source, container=None)
            .exclude(state=Document.State.DELETED)
            .count(),
            listed=Listed.objects.filter(source_id=source.pk, kind="document").count(),
            unfetched=Unfetched.objects.filter(source_id=source.pk).count(),
            to_parse=files["all"],
            tried_before=files["again"],
            passages=ScopeSize.objects.filter(scope_id__in=scopes).aggregate(all=Sum("passages"))["all"] or 0,
            to_embed=of_source.filter(id__in=unembedded.filter(reason="")).count(),
            without_vector=of_source.filter(id__in=unembedded.exclude(reason="")).count(),
        )


def waiting_to_be_parsed() -> int:
    with as_owner():
        return Content.past_the_guard.count()


def waiting_to_be_embedded() -> int:
    with as_owner():
        return Unembedded.objects.filter(reason="").count()
