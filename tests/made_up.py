"""Vectors that no model made, for tests of what is done with vectors."""

from accounts.statements import execute, rows
from connectors.models import IndexGeneration

VECTORS = """
INSERT INTO connectors_passagevector (passage_id, generation_id, document_id, scope_id, embedding)
SELECT p.id, %s, p.document_id, p.scope_id, ({vector})::halfvec
FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id WHERE {chosen} ORDER BY p.id
ON CONFLICT (passage_id, generation_id) DO UPDATE SET embedding = excluded.embedding
"""
QUEUED = """
INSERT INTO connectors_unindexed (generation_id, passage_id)
SELECT v.generation_id, v.passage_id FROM connectors_passagevector v
WHERE v.passage_id NOT IN (SELECT n.passage_id FROM connectors_vectornode n WHERE n.generation_id = v.generation_id)
ON CONFLICT DO NOTHING
"""


def give_vectors(vector: str = "'[1,0]'", chosen: str = "true", *, dimensions: int = 2) -> IndexGeneration:
    """Let passages have a vector (an expression over a passage `p` and its document `d`) in the active generation.

    `chosen` says which passages, likewise. Nothing waits for a model afterwards.
    """
    generation = IndexGeneration.objects.filter(state="active").first()
    if generation is None:
        generation = IndexGeneration.objects.create(state="active", model="made up", dimensions=dimensions)
    execute(VECTORS.format(vector=vector, chosen=chosen), [generation.pk])
    execute("DELETE FROM connectors_unembedded")
    execute(QUEUED)
    count = rows("SELECT count(*) FROM connectors_passagevector WHERE generation_id = %s", [generation.pk])[0][0]
    IndexGeneration.objects.filter(pk=generation.pk).update(vectors=count)
    return generation
