"""Generations of vectors: which model's vectors questions are compared with, and which are in the making.

A change of model makes a new generation beside the active one, from stored text. Questions go on being embedded by the
model of the active one; when the new one is whole, one commit puts it in its place (decision 0017).
"""

from urllib.parse import urlsplit

from django.db import transaction

from accounts.statements import execute, rows
from connectors import embedding
from connectors.embedding import LOCAL_NAME, ModelChoice, is_unnamed
from connectors.models import IndexGeneration

State = IndexGeneration.State
EVERY_PASSAGE_WAITS = """
INSERT INTO connectors_unembedded (passage_id, queued_at, reason)
SELECT id, clock_timestamp(), '' FROM connectors_passage
ON CONFLICT (passage_id) DO UPDATE SET queued_at = excluded.queued_at, reason = ''
"""
CLEAR = """
DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE generation_id = %s LIMIT 5000)) RETURNING 1
"""


def active() -> IndexGeneration | None:
    """The one questions are compared with; None before the first vector."""
    return IndexGeneration.objects.filter(state=State.ACTIVE).first()


def choice_of(generation: IndexGeneration) -> ModelChoice:
    """The model a generation was made by. The key of the settings goes only to the server the settings name."""
    chosen = embedding.chosen()
    if _is_of(generation, chosen):
        return chosen
    same_server = _server(generation.base_url) == _server(chosen.base_url)
    return ModelChoice(
        base_url=generation.base_url,
        api_key=chosen.api_key if same_server else "",
        model="" if generation.model == LOCAL_NAME or is_unnamed(generation.model) else generation.model,
        dimensions=generation.dimensions if generation.base_url else 0,
        class_path=generation.class_path,
    )


def wanted() -> IndexGeneration:
    """The generation of the model the settings name, made if there is none: the first one is active at once.

    Raises EmbeddingFailed.
    """
    chosen = embedding.chosen()
    in_use = IndexGeneration.objects.exclude(state=State.RETIRED).order_by("-pk")
    known = next((generation for generation in in_use if _is_of(generation, chosen)), None)
    if known is not None:
        in_use.filter(state=State.BUILDING).exclude(pk=known.pk).update(state=State.RETIRED)
        return known
    dimensions = embedding.dimensions()
    with transaction.atomic():
        IndexGeneration.objects.filter(state=State.BUILDING).update(state=State.RETIRED)
        first = active() is None
        made = IndexGeneration.objects.create(
            state=State.ACTIVE if first else State.BUILDING,
            model=embedding.model_name(),
            base_url=_without_password(chosen.base_url),
            class_path=chosen.class_path,
            dimensions=dimensions,
        )
        execute(EVERY_PASSAGE_WAITS)
    return made


@transaction.atomic
def take_its_place(generation: IndexGeneration) -> None:
    """From this commit on, questions are compared with the vectors of this generation."""
    IndexGeneration.objects.filter(state=State.ACTIVE).update(state=State.RETIRED)
    generation.state = State.ACTIVE
    generation.save(update_fields=["state"])


def clear_retired() -> None:
    """Delete what no question is compared with any more. Not inside a transaction."""
    for generation in IndexGeneration.objects.filter(state=State.RETIRED):
        execute(f"DROP INDEX CONCURRENTLY IF EXISTS {graph_name(generation)}")
        for table in ("connectors_unindexed", "connectors_vectornode", "connectors_passagevector"):
            while rows(CLEAR.format(table=table), [generation.pk]):
                pass
        generation.delete()


def graph_name(generation: IndexGeneration) -> str:
    """Of the approximate index over the vectors of a generation."""
    return f"vector_graph_{int(generation.pk)}"


def _is_of(generation: IndexGeneration, chosen: ModelChoice) -> bool:
    same_model = (generation.model, generation.base_url, generation.class_path) == (
        embedding.model_name(chosen),
        _without_password(chosen.base_url),
        chosen.class_path,
    )
    return same_model and chosen.dimensions in (0, generation.dimensions)


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(_without_password(url))
    return parts.scheme, parts.netloc


def _without_password(url: str) -> str:
    """As it may be stored."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
