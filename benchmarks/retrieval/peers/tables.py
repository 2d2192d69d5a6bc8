"""The tables of the peers inside Postgres, in a schema of their own: the vectors once, with HNSW, and rights beside.

Rights lie flat on each passage, one column of groups for each pattern, so that the graph of vectors is built once:
any change of a row would put it into the graph anew. Row security reads them from tables instead.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from benchmarks.retrieval import copying
from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS, Floats
from benchmarks.retrieval.patterns import pattern_of
from benchmarks.retrieval.peers.system import Answer, Steps, World, timed
from benchmarks.retrieval.serving import connect, prewarm
from benchmarks.retrieval.sharing import WAYS

# The graph's settings are those of ours. Inner product on unit vectors, as pgvector's README advises.
GRAPH = "m = 16, ef_construction = 128"
HNSW = f"USING hnsw (embedding halfvec_ip_ops) WITH ({GRAPH})"
MADE = f"CREATE UNLOGGED TABLE peers.made (id integer, document_id integer, embedding halfvec({DIMENSIONS}))"
PASSAGES = f"""
CREATE TABLE peers.passage (id integer PRIMARY KEY, document_id integer NOT NULL,
    embedding halfvec({DIMENSIONS}) NOT NULL, {", ".join(f"{name} integer[]" for name in WAYS)})
"""
FILLED = f"""
INSERT INTO peers.passage SELECT m.id, m.document_id, m.embedding, {", ".join(f"s.{name}" for name in WAYS)}
FROM peers.made m JOIN peers.shared s ON s.document_id = m.document_id ORDER BY m.id
"""
SHARED = f"CREATE TABLE peers.shared (document_id integer, {', '.join(f'{name} integer[]' for name in WAYS)})"


class Tables:
    """A connection to the peers' tables, which are made on first use."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.steps = Steps(world.server.data_dir / "peers.json")
        self.connection = connect(world.server.peers_url)
        register_vector(self.connection)

    def load(self) -> dict[str, float]:
        """The vectors with HNSW, and the groups of every pattern."""
        self.steps.once("copied", self._copied)
        self.steps.once("filled", self._filled)
        self.steps.once("HNSW", lambda: self.run(f"CREATE INDEX passage_graph ON peers.passage {HNSW}"))
        self.steps.once("vacuumed", lambda: self.run("VACUUM ANALYZE peers.passage"))
        prewarm(self.connection, "peers.passage%")
        return {step: self.steps.seconds[step] for step in ("copied", "filled", "HNSW", "vacuumed")}

    def forget(self) -> None:
        """After changes to the rows: the next who wants the tables makes them anew."""
        self.steps.forget()

    def unfiltered(self, vector: Floats) -> Answer:
        return self.asked("SELECT id FROM peers.passage ORDER BY embedding <#> %s LIMIT 10", [HalfVector(vector)])

    def set(self, settings: Mapping[str, str]) -> None:
        """For the rest of the connection."""
        for name, value in settings.items():
            self.run("SELECT set_config(%s, %s, false)", [name, value])

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self.connection.execute(sql, parameters or None, prepare=False)

    def bytes(self, *relations: str) -> int:
        """Of these tables with their indexes, or of single indexes."""
        sizes = "SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0) FROM unnest(%s::text[]) AS name"
        return self.number(sizes, [list(relations)])

    def number(self, sql: str, parameters: Sequence[object] = ()) -> int:
        row = self.connection.execute(sql, parameters or None).fetchone()
        assert row is not None
        return int(str(row[0]))

    def groups_elsewhere(self) -> int:
        """Bytes of the groups of the other patterns, which a table for one pattern would not have."""
        others = " + ".join(f"coalesce(pg_column_size({name}), 0)" for name in WAYS if name != self.world.pattern.name)
        return self.number(f"SELECT sum({others}) FROM peers.shared") * A_DOCUMENT

    def asked(self, sql: str, parameters: Sequence[object] | Mapping[str, object]) -> Answer:
        return timed(lambda: [int(str(row[0])) for row in self.connection.execute(sql, parameters).fetchall()])

    def plan(self, sql: str, parameters: Sequence[object]) -> list[str]:
        """The lines of its plan that name a step."""
        lines = [str(row[0]) for row in self.connection.execute(f"EXPLAIN (COSTS off) {sql}", parameters).fetchall()]
        return [line.strip() for line in lines if "->" in line or line == lines[0]]

    def close(self) -> None:
        self.connection.close()

    def _copied(self) -> None:
        corpus = self.world.corpus
        self.run("DROP SCHEMA IF EXISTS peers CASCADE")
        self.run("CREATE SCHEMA peers")
        self.run(SHARED)
        self.run(MADE)
        numbers = np.arange(corpus.size, dtype=np.int32)
        columns = [("id", "int4", numbers), ("document_id", "int4", numbers // A_DOCUMENT)]
        copying.copy_in(self.connection, "peers.made", columns, corpus.vectors)
        patterns = [pattern_of(corpus, name) for name in WAYS]
        with self.connection.cursor() as cursor, cursor.copy("COPY peers.shared FROM STDIN") as copy:
            for document in range(corpus.documents):
                groups = [list(pattern.groups_of[pattern.scope_of[document]]) for pattern in patterns]
                copy.write_row([document, *groups])

    def _filled(self) -> None:
        self.run(PASSAGES)
        self.run(FILLED)
        self.run("DROP TABLE peers.made")
        self.run("CREATE INDEX passage_document ON peers.passage (document_id)")
        self.run("ANALYZE peers.passage")
