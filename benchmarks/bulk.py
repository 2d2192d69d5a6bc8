"""A corpus in the gateway's tables by COPY, past its connectors: what the gateway would have written, only quicker.

Documents with their texts, passages with their lexemes and counts, vectors, and all the search looks into but the
approximate index, for which the vectors wait.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from django.db import connection
from pgvector.psycopg import register_vector

from accounts import principals
from accounts.statements import execute, rows
from benchmarks.given import BETWEEN
from benchmarks.retrieval import copying
from benchmarks.retrieval.corpus import DIMENSIONS, Halves
from connectors.applying import apply_record
from connectors.corpus.documents import digest_of
from connectors.corpus.wall import as_owner
from connectors.models import IndexGeneration, Source
from connectors.records import DocumentRecord, ScopeRecord

ARRIVED = """
CREATE TEMPORARY TABLE arrived (first integer, id text, title text, folder text, mime text, digest bytea, text text)
"""
MADE = f"CREATE TEMPORARY TABLE made (n integer, embedding halfvec({DIMENSIONS}))"
DOCUMENTS = """
INSERT INTO connectors_document (source_id, external_id, public_id, scope_id, state, reason, title, titled, url, mime,
    author, language, metadata, file_metadata, version, content_digest, text_revision)
SELECT s.source_id, a.id, gen_random_uuid(), s.id, 'live', '', a.title, true, '', a.mime, '', '', '{}', '{}', '',
    a.digest, 1
FROM arrived a JOIN connectors_scope s ON s.external_id = a.folder AND s.source_id = %s ORDER BY a.first
"""
TEXTS = """
INSERT INTO connectors_documenttext (document_id, text, headings, pages)
SELECT d.id, a.text, '[]', '[]' FROM arrived a JOIN connectors_document d ON d.source_id = %s AND d.external_id = a.id
"""
PASSAGES = """
INSERT INTO connectors_passage (public_id, document_id, scope_id, ordinal, text, start, "end", heading, digest, words,
    lexemes, configuration)
SELECT gen_random_uuid(), d.id, d.scope_id, c.ordinal, c.text, c.upto - length(c.text), c.upto, '',
    sha256(convert_to(c.text, 'UTF8')), (SELECT sum(cardinality(l.positions)) FROM unnest(v.lexemes) l), v.lexemes, 1
FROM arrived a JOIN connectors_document d ON d.source_id = %(source)s AND d.external_id = a.id
CROSS JOIN LATERAL (
    SELECT ordinality - 1 AS ordinal, text, sum(length(text) + length(%(between)s)) OVER (ORDER BY ordinality)
        - length(%(between)s) AS upto
    FROM string_to_table(a.text, %(between)s) WITH ORDINALITY AS t(text, ordinality)
) c
CROSS JOIN LATERAL (SELECT gatehouse_words('simple', concat_ws(' ', d.title, c.text)) AS lexemes OFFSET 0) v
"""
VECTORS = """
INSERT INTO connectors_passagevector (passage_id, generation_id, document_id, scope_id, embedding)
SELECT p.id, %s, p.document_id, p.scope_id, m.embedding
FROM arrived a JOIN connectors_document d ON d.source_id = %s AND d.external_id = a.id
JOIN connectors_passage p ON p.document_id = d.id JOIN made m ON m.n = a.first + p.ordinal ORDER BY p.scope_id, p.id
RETURNING passage_id
"""
WAITING = "INSERT INTO connectors_unindexed (generation_id, passage_id) SELECT %s, unnest(%s::bigint[])"
EMBEDDED = "DELETE FROM connectors_unembedded WHERE passage_id = ANY(%s)"
INDEXES_OF_WORDS = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'connectors_passage' AND indexdef LIKE '%%gin%%'
"""
WRITTEN = ("connectors_document", "connectors_passage", "connectors_passagevector")


def load(source: Source, generation: IndexGeneration, records: Iterable[object], vectors: Halves) -> None:
    """New scopes, and new documents whose paragraphs are passages, one of `vectors` for each; not in a transaction."""
    documents = []
    for record in records:
        if isinstance(record, ScopeRecord):
            apply_record(source, record)
        elif isinstance(record, DocumentRecord):
            documents.append(record)
    _copied(documents, vectors)
    with as_owner():
        principals.lock(source.pk)
        execute(DOCUMENTS, [source.pk])
        execute("ANALYZE connectors_document")
        execute(TEXTS, [source.pk])
        with connection.cursor() as cursor:
            cursor.execute(PASSAGES, {"source": source.pk, "between": BETWEEN})
        execute("ANALYZE connectors_passage")
        written = [id for (id,) in rows(VECTORS, [generation.pk, source.pk])]
        execute(WAITING, [generation.pk, written])
        execute(EMBEDDED, [written])
        generation.vectors += len(written)
        generation.save(update_fields=["vectors"])
    execute("DROP TABLE arrived, made")


def _copied(documents: Iterable[DocumentRecord], vectors: Halves) -> None:
    """`first` is the number of a document's first passage among all of these."""
    execute(ARRIVED)
    execute(MADE)
    with connection.cursor() as cursor, cursor.copy("COPY arrived FROM STDIN") as copy:
        first = 0
        for record in documents:
            text = record.text or ""
            copy.write_row([first, record.id, record.title, record.scope, record.mime, digest_of(record), text])
            first += text.count(BETWEEN) + 1
    register_vector(connection.connection)
    copying.copy_in(connection.connection, "made", [("n", "int4", np.arange(len(vectors)))], vectors)
    execute("ANALYZE arrived, made")


@contextmanager
def without_indexes_of_words() -> Iterator[None]:
    """For a first load, while nobody reads: making them at the end is quicker than passage by passage."""
    found = rows(INDEXES_OF_WORDS)
    for name, _ in found:
        execute(f"DROP INDEX {name}")
    yield
    for _, definition in found:
        execute(definition)


def settle() -> None:
    """As the autovacuum would have it after a while: what is searched exactly is read from the index alone."""
    for table in WRITTEN:
        execute(f"VACUUM (ANALYZE) {table}")
