"""From passages to vectors, and from vectors into the approximate index.

Rows of `Unembedded` and `Unindexed` are the queues; whatever waits in them is found all the same, by its words and by
looking at every vector that waits. One process at a time, since either takes every core.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.statements import execute, rows
from connectors import calibrating, embedding, progress
from connectors.corpus import generations
from connectors.corpus.generations import graph_name
from connectors.models import IndexGeneration, Passage, PassageVector, Unembedded, Unindexed

log = logging.getLogger("gatehouse.embedding")

EMBED_LOCK = 0x6A7E_0001
EMBED_BATCH = 64
INDEX_BATCH = 200
GRAPH_FROM = 20_000  # vectors; fewer are searched exactly, whoever asks
LONGEST_IN_INDEX = 1_300  # numbers of half precision: what an entry of the covering index holds beside its keys
LONGEST = 4_000  # what the approximate index takes
REFUSED = "refused"  # the model made no usable vector of it
BUILD_MEMORY = (64, 2_048)  # MB, at least and at most
STORE = """
WITH made AS (
    SELECT u.id, l2_normalize(u.vector::halfvec) AS vector
    FROM unnest(%(ids)s::bigint[], %(vectors)s::text[]) u(id, vector)
), stored AS (
    INSERT INTO connectors_passagevector (passage_id, generation_id, document_id, scope_id, embedding, whole)
    SELECT p.id, %(generation)s, p.document_id, p.scope_id,
           CASE WHEN vector_dims(m.vector) > %(longest)s THEN l2_normalize(subvector(m.vector, 1, %(longest)s))
                ELSE m.vector END,
           CASE WHEN vector_dims(m.vector) > %(longest)s THEN m.vector END
    FROM made m JOIN connectors_passage p ON p.id = m.id
    ON CONFLICT (passage_id, generation_id) DO UPDATE SET embedding = excluded.embedding, whole = excluded.whole
    RETURNING passage_id, xmax = 0 AS is_new  -- an updated row carries the transaction that locked it
), waiting AS (
    INSERT INTO connectors_unindexed (generation_id, passage_id) SELECT %(generation)s, s.passage_id FROM stored s
    ON CONFLICT DO NOTHING
)
SELECT count(*) FILTER (WHERE is_new) FROM stored
"""
DONE = """
DELETE FROM connectors_unembedded u USING unnest(%s::bigint[], %s::timestamptz[]) AS done(id, queued_at)
WHERE u.passage_id = done.id AND u.queued_at = done.queued_at
"""
INDEX = """
WITH taken AS (
    DELETE FROM connectors_unindexed WHERE ctid = ANY(ARRAY(
        SELECT u.ctid FROM connectors_unindexed u WHERE u.generation_id = %(generation)s
        ORDER BY u.passage_id LIMIT %(most)s FOR UPDATE SKIP LOCKED))
    RETURNING passage_id
)
INSERT INTO connectors_vectornode (passage_id, generation_id, embedding)
SELECT v.passage_id, v.generation_id, v.embedding
FROM taken t JOIN connectors_passagevector v ON v.passage_id = t.passage_id AND v.generation_id = %(generation)s
ON CONFLICT (passage_id, generation_id) DO UPDATE SET embedding = excluded.embedding
"""

Waiting = tuple[int, datetime]  # a passage, and since when


def embed_waiting(deadline: float) -> bool:
    """Give passages their vectors, batch by batch. False: another process is at it."""
    with _alone() as alone:
        try:
            if alone and (IndexGeneration.objects.exists() or waiting().exists()):
                _embed_and_index(deadline)
        except embedding.EmbeddingFailed as failed:
            log.warning("Passages wait for their vectors and are found by their words alone: %s", failed)
        return alone


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process is at it."""
    alone: bool = rows("SELECT pg_try_advisory_lock(%s)", [EMBED_LOCK])[0][0]
    try:
        yield alone
    finally:
        if alone:
            rows("SELECT pg_advisory_unlock(%s)", [EMBED_LOCK])


def rebuild(generation: IndexGeneration) -> bool:
    """Make the approximate index anew, if there are enough vectors for one. False: another process is at it."""
    with _alone() as alone:
        if alone and generation.vectors >= GRAPH_FROM:
            build(generation)
        return alone


def retry() -> int:
    """Let passages the model refused wait for their vector again; how many they are."""
    return Unembedded.objects.exclude(reason="").update(reason="", queued_at=timezone.now())


def warm(generation: IndexGeneration) -> None:
    """Read the indexes over vectors into memory, so that the first to search do not wait for the disk."""
    for table in ("connectors_passagevector", "connectors_vectornode"):
        statement = f"SELECT count(*), min(vector_dims(embedding)) FROM {table} WHERE generation_id = %s"  # noqa: S608
        execute(statement, [generation.pk])


def _embed_and_index(deadline: float) -> None:
    generation = generations.wanted()
    generations.clear_retired()
    if generation.dimensions > LONGEST:
        raise embedding.EmbeddingFailed(f"Embeddings of more than {LONGEST:,} numbers cannot be searched.")
    while monotonic() < deadline and (batch := _next()):
        try:
            embed(batch, generation)
        except embedding.EmbeddingFailed:
            _behind_the_others(batch)
            raise
    index_waiting(generation, deadline)
    if generation.state == IndexGeneration.State.BUILDING and not waiting().exists():
        generations.take_its_place(generation)
        generations.clear_retired()


def waiting() -> QuerySet[Unembedded]:
    """Passages that have no vector by the newest model yet, and may get one."""
    return Unembedded.objects.filter(reason="")


def _next() -> list[Waiting]:
    return list(waiting().order_by("queued_at", "passage_id").values_list("passage_id", "queued_at")[:EMBED_BATCH])


def _behind_the_others(batch: Sequence[Waiting]) -> None:
    """Where one text keeps a model busy for too long, the others are not to wait for it for ever."""
    execute(
        "UPDATE connectors_unembedded SET queued_at = clock_timestamp() WHERE passage_id = ANY(%s)",
        [[id for id, _ in batch]],
    )


def embed(batch: Sequence[Waiting], generation: IndexGeneration) -> None:
    """Vectors are made outside any transaction. One that cannot be made hides nothing: words still find it (P6)."""
    ids = [id for id, _ in batch]
    wanted = ("id", "text", "heading", "document__title", "document__source")
    passages = list(Passage.past_the_guard.filter(id__in=ids).select_related("document").only(*wanted))
    texts = {p.pk: embedded_text(p) for p in passages}
    vectors = dict(zip(texts, embedding.embed_each(list(texts.values())), strict=True))
    made = {id: vector for id, vector in vectors.items() if vector is not None}
    refused = [id for id, vector in vectors.items() if vector is None]
    with transaction.atomic():
        store(made, generation)
        for source_id, count in Counter(p.document.source_id for p in passages if p.pk in made).items():
            progress.note(source_id, progress.Kind.EMBEDDED, count)
        execute(DONE, [list(ids), [queued_at for _, queued_at in batch]])
        if refused:
            execute(
                "INSERT INTO connectors_unembedded (passage_id, queued_at, reason) "
                "SELECT id, clock_timestamp(), %s FROM connectors_passage WHERE id = ANY(%s) "
                "ON CONFLICT (passage_id) DO UPDATE SET reason = excluded.reason",
                [REFUSED, refused],
            )
    if refused:
        log.warning("The embedding model made no vector of %d passages; words alone find these.", len(refused))


def store(vectors: dict[int, list[float]], generation: IndexGeneration) -> None:
    """Write vectors (unit length) by passage; they wait for the approximate index from then on."""
    parameters: dict[str, Any] = {
        "ids": list(vectors),
        "vectors": [embedding.as_text(vector) for vector in vectors.values()],
        "generation": generation.pk,
        "longest": LONGEST_IN_INDEX,
    }
    with connection.cursor() as cursor:
        cursor.execute(STORE, parameters)
        new = cursor.fetchone()[0]
    IndexGeneration.objects.filter(pk=generation.pk).update(vectors=F("vectors") + new)


def embedded_text(passage: Passage) -> str:
    """What stands for a passage in the space of meanings: its document's title, its heading and its words."""
    return "\n".join(part for part in (passage.document.title, passage.heading, passage.text) if part)


def index_waiting(generation: IndexGeneration, deadline: float) -> None:
    """Bring vectors into the approximate index: one by one, or all anew where most of them wait."""
    generation.refresh_from_db()
    unindexed = Unindexed.objects.filter(generation_id=generation.pk).count()
    if not generation.graph and generation.vectors < GRAPH_FROM:
        return
    if not generation.graph or unindexed > max(GRAPH_FROM, generation.vectors // 3):
        build(generation)
        return
    while monotonic() < deadline and _index_some(generation, INDEX_BATCH):
        pass


def _index_some(generation: IndexGeneration, most: int) -> bool:
    """True: there may be more."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(INDEX, {"generation": generation.pk, "most": most})
            return bool(cursor.rowcount)
    except IntegrityError:  # a passage went at this moment
        return True


def build(generation: IndexGeneration) -> None:
    """Make the approximate index anew from all vectors there are. Not inside a transaction.

    While it is being made, everything is searched exactly.
    """
    generation.graph = False
    generation.vectors = PassageVector.past_the_guard.filter(generation=generation).count()
    generation.save(update_fields=["graph", "vectors"])
    execute(f"DROP INDEX CONCURRENTLY IF EXISTS {graph_name(generation)}")
    while _index_some(generation, GRAPH_FROM):
        pass
    size = min(generation.dimensions, LONGEST_IN_INDEX)
    memory = min(max(generation.vectors * (3 * size + 400) // 1_000_000, BUILD_MEMORY[0]), BUILD_MEMORY[1])
    statement = (
        f"CREATE INDEX CONCURRENTLY {graph_name(generation)} ON connectors_vectornode "
        f"USING hnsw ((embedding::halfvec({int(size)})) halfvec_ip_ops) WITH (m = 16, ef_construction = 128) "
        f"WHERE generation_id = {int(generation.pk)}"
    )
    execute("SELECT set_config('maintenance_work_mem', %s, false)", [f"{memory}MB"])
    try:
        execute(statement)
    except DatabaseError:  # several processes share that memory, of which some systems have little
        execute(f"DROP INDEX CONCURRENTLY IF EXISTS {graph_name(generation)}")
        execute("SET max_parallel_maintenance_workers = 0")
        execute(statement)
    finally:
        execute("RESET maintenance_work_mem")
        execute("RESET max_parallel_maintenance_workers")
    execute("VACUUM (ANALYZE) connectors_passagevector")
    execute("VACUUM (ANALYZE) connectors_vectornode")
    calibrating.calibrate(generation)
    IndexGeneration.objects.filter(pk=generation.pk).update(graph=True)
    generation.refresh_from_db()
