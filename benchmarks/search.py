"""`python -m benchmarks.search`: both ways a permitted search takes, on passages made up for it.

One reader may read a third of the passages, few enough for the exact arm; another all of them, so that the
approximate index proposes. Their peer is numpy's exact search over the same vectors, permissions already applied,
in this process. Vectors lie in clusters of low rank, as those of texts do; words are drawn by the law of Zipf and
Mandelbrot, without those that every text has: the commonest is in about one passage of eight.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks import ground

ground.prepare("command", pooled=True)

from django.db import connection  # noqa: E402  (the benchmark's own settings are read by now)
from pgvector import HalfVector  # noqa: E402
from pgvector.psycopg import register_vector  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.reader import Reader  # noqa: E402
from accounts.statements import execute, rows  # noqa: E402
from benchmarks.reporting import Report, percentile  # noqa: E402
from connectors.adding import add_source  # noqa: E402
from connectors.applying import apply_record  # noqa: E402
from connectors.corpus.search import Mode, ensure_vector_index, search  # noqa: E402
from connectors.models import Source  # noqa: E402
from connectors.records import Access, Entry, PrincipalRecord, ScopeRecord  # noqa: E402

Vectors = NDArray[np.float32]

PASSAGES = 60_000
FEW = 20_000  # of them, what the first reader may read
A_SCOPE = 1_000
A_DOCUMENT = 10
DIMENSIONS = 384
CLUSTERS = 300
RANK = 32  # of the difference to the centre of a cluster
VOCABULARY = 8_000
COMMON = 100  # ranks left out before the first word
WORDS = 60  # a passage
QUERY_WORDS = 6
QUERIES = 100
FOUND = 10
CUMULATED = np.cumsum(1 / np.arange(COMMON, COMMON + VOCABULARY))
CUMULATED /= CUMULATED[-1]

DOCUMENTS = """
INSERT INTO connectors_document (source_id, external_id, public_id, scope_id, state, reason, title, titled, url, mime,
    author, language, metadata, file_metadata, version, text_revision)
SELECT s.source_id, 'd' || n, gen_random_uuid(), s.id, 'live', '', 'Document ' || n, true, '', '', '', '', '{}', '{}',
    '', 1
FROM generate_series(0, %s) n JOIN connectors_scope s ON s.external_id = 's' || n * %s / %s
"""
SPREAD = """
INSERT INTO connectors_passage (public_id, document_id, scope_id, ordinal, text, start, "end", heading, digest, words,
    lexemes, embedding, embedding_model)
SELECT gen_random_uuid(), d.id, d.scope_id, m.n %% %s, m.text, 0, length(m.text), '', sha256(m.text::bytea), %s,
    to_tsvector('simple', m.text), m.embedding, 'made up'
FROM made_up m JOIN connectors_document d ON d.external_id = 'd' || m.n / %s
ORDER BY m.n
"""
PLACES = """
SELECT p.public_id, substr(d.external_id, 2)::int * %s + p.ordinal
FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id
"""


@dataclass(frozen=True)
class Corpus:
    """The passages by number; the first `FEW` are those the first reader may read."""

    vectors: Vectors
    numbers: dict[UUID, int]


@dataclass(frozen=True)
class Query:
    vector: Vectors
    words: str


def main() -> None:
    with ground.installation():
        report = Report("search")
        random = np.random.default_rng(7)
        few, everything = readers(add_source("made-up", kind="push", vouches_for_emails=True))
        made, queries = around(random, PASSAGES), made_up_queries(random)
        corpus = Corpus(made, loaded(report, made, random))
        compare(report, "exact arm", few, queries, corpus.vectors[:FEW], corpus)
        compare(report, "approximate arm", everything, queries, corpus.vectors, corpus)
        report.finish()


def readers(source: Source) -> tuple[Reader, Reader]:
    """One who may read the first scopes, one who may read them all, each through a group."""
    people = {"few": "ann@example.com", "all": "bob@example.com"}
    found = []
    for group, email in people.items():
        user = User.objects.create_user(email)
        apply_record(source, PrincipalRecord(id=email, kind="user", email=email, external=False))
        apply_record(source, PrincipalRecord(id=group, kind="group", members=(Entry(id=email),)))
        found.append(Reader(user.pk))
    for number in range(PASSAGES // A_SCOPE):
        groups = ("few", "all") if number * A_SCOPE < FEW else ("all",)
        apply_record(source, ScopeRecord(id=f"s{number}", access=Access(grants=tuple(Entry(id=g) for g in groups))))
    return found[0], found[1]


def around(random: np.random.Generator, count: int) -> Vectors:
    """Unit vectors (float32[count, 384]) about the centres of the clusters, which are the same in every call."""
    shape = np.random.default_rng(1)
    centres = shape.standard_normal((CLUSTERS, DIMENSIONS))
    spread = shape.standard_normal((RANK, DIMENSIONS)) / np.sqrt(RANK)
    made = centres[random.integers(CLUSTERS, size=count)] + random.standard_normal((count, RANK)) @ spread
    unit: Vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    return unit


def made_up_queries(random: np.random.Generator) -> list[Query]:
    return [Query(vector, words(random, QUERY_WORDS)) for vector in around(random, QUERIES)]


def words(random: np.random.Generator, count: int) -> str:
    drawn = np.searchsorted(CUMULATED, random.random(count))
    return " ".join(f"w{rank}" for rank in drawn)


def loaded(report: Report, made: Vectors, random: np.random.Generator) -> dict[UUID, int]:
    """Write the passages past the connectors, and build the approximate index as the embedding queue does."""
    execute("CREATE TEMPORARY TABLE made_up (n integer, text text, embedding halfvec)")
    register_vector(connection.connection)
    with connection.cursor() as cursor, cursor.copy("COPY made_up FROM STDIN WITH (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "text", "halfvec"])
        for number, vector in enumerate(made):
            copy.write_row((number, words(random, WORDS), HalfVector(vector)))
    execute(DOCUMENTS, [PASSAGES // A_DOCUMENT - 1, A_DOCUMENT, A_SCOPE])
    execute(SPREAD, [A_DOCUMENT, WORDS, A_DOCUMENT])
    execute("INSERT INTO connectors_passagevector (passage_id, embedding) SELECT id, embedding FROM connectors_passage")
    began = time.perf_counter()
    ensure_vector_index(DIMENSIONS)
    report.add(f"index of {PASSAGES:,} vectors built", time.perf_counter() - began, "s")
    execute("VACUUM ANALYZE")
    return dict(rows(PLACES, [A_DOCUMENT]))


def compare(report: Report, arm: str, reader: Reader, queries: list[Query], mine: Vectors, corpus: Corpus) -> None:
    """The same queries by numpy, by meaning alone and by meaning and words."""
    best, peer = timed(lambda query: nearest(query, mine), queries)
    hits, by_meaning = timed(lambda query: found(reader, query, "vector", corpus), queries)
    _, hybrid = timed(lambda query: found(reader, query, "hybrid", corpus), queries)
    recalls = [len(set(one) & set(other)) / FOUND for one, other in zip(hits, best, strict=True)]
    name = f"{len(mine):,} permitted, {arm}"
    report.add_times(f"{name}, by meaning", by_meaning)
    report.add_times(f"{name}, hybrid", hybrid)
    report.add(f"{name}, by meaning, recall@{FOUND}, mean", sum(recalls) / len(recalls), "")
    report.add(f"{name}, by meaning, fewest rows", min(map(len, hits)), "")
    report.add(f"{name}, numpy exact, p50", percentile(peer, 50) * 1000, "ms")
    report.add(f"{name}, p50 by meaning to numpy", percentile(by_meaning, 50) / percentile(peer, 50), "times")


def timed(call: Callable[[Query], list[int]], queries: Sequence[Query]) -> tuple[list[list[int]], list[float]]:
    """What each call returns, and the seconds it took; a few go before to warm up."""
    for query in queries[:5]:
        call(query)
    results: list[list[int]] = []
    seconds: list[float] = []
    for query in queries:
        began = time.perf_counter()
        results.append(call(query))
        seconds.append(time.perf_counter() - began)
    return results, seconds


def nearest(query: Query, mine: Vectors) -> list[int]:
    """The numbers of the nearest passages by cosine, exactly."""
    likeness = mine @ query.vector
    return [int(number) for number in np.argpartition(likeness, -FOUND)[-FOUND:]]


def found(reader: Reader, query: Query, mode: Mode, corpus: Corpus) -> list[int]:
    hits = search(reader, query=query.words, vector=query.vector.tolist(), limit=FOUND, mode=mode)
    return [corpus.numbers[hit.passage_id] for hit in hits]


if __name__ == "__main__":
    main()
