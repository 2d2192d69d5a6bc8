"""pgvector's own ways to search with a condition: groups flat on each passage, and `groups && those of the reader`.

Where, Relaxed and Strict walk the graph and drop what may not be read: as pgvector does by default, or going on until
ten are found (iterative scan, 0.8 and later). The planner is kept from other ways there, since these are what is
measured. Planner is the whole of pgvector's documented advice: an index over the groups beside the graph, iterative
scan, and Postgres chooses.
"""

from collections.abc import Mapping, Sequence

from pgvector import HalfVector

from benchmarks.retrieval.corpus import Floats
from benchmarks.retrieval.peers.system import WANTED, Answer, Folder, World
from benchmarks.retrieval.peers.tables import Tables
from benchmarks.retrieval.sharing import Groups

GRAPH_ONLY = {"enable_seqscan": "off", "enable_bitmapscan": "off"}
FREE = {"enable_seqscan": "on", "enable_bitmapscan": "on", "plan_cache_mode": "force_custom_plan"}


def ef(value: int) -> dict[str, str]:
    return {"hnsw.ef_search": str(value)}


def scan(order: str, value: int, tuples: int = 20_000, memory: int = 1) -> dict[str, str]:
    """An iterative scan; pgvector stops after so many tuples, or when `memory` times work_mem is full."""
    limits = {"hnsw.max_scan_tuples": str(tuples), "hnsw.scan_mem_multiplier": str(memory)}
    return ef(value) | {"hnsw.iterative_scan": order} | limits


class Flat:
    """Groups flat on each passage."""

    settings: Mapping[str, str] = GRAPH_ONLY
    ways: Mapping[str, Mapping[str, str]] = {}

    def __init__(self, world: World) -> None:
        self.tables = Tables(world)
        self.column = world.pattern.name  # one of ours
        self.question = (
            f"SELECT id FROM peers.passage WHERE {self.column} && %s::integer[] "
            f"ORDER BY embedding <#> %s LIMIT {WANTED}"
        )
        self.efforts: Sequence[str] = list(self.ways)
        self._readers: list[list[int]] = []
        self._effort = ""

    def load(self) -> Mapping[str, float]:
        seconds = self.tables.load()
        self.tables.set(self.settings)
        return seconds

    def meet(self, readers: Sequence[Groups]) -> None:
        self._readers = [list(groups) for groups in readers]

    def ask(self, reader: int, vector: Floats, effort: str) -> Answer:
        self._turn_to(effort)
        return self.tables.asked(self.question, [self._readers[reader], HalfVector(vector)])

    def unfiltered(self, reader: int, vector: Floats, effort: str) -> Answer:
        self._turn_to(effort)
        return self.tables.unfiltered(vector)

    def facts(self, reader: int, vector: Floats, effort: str) -> Mapping[str, object]:
        self._turn_to(effort)
        return {"plan": self.tables.plan(self.question, [self._readers[reader], HalfVector(vector)])}

    def bytes(self) -> int:
        return self.tables.bytes("peers.passage") - self._indexes_elsewhere() - self.tables.groups_elsewhere()

    def share(self, folder: Folder) -> None:
        self._write(f"{self.column} || %s", folder.group, [int(document) for document in folder.documents])

    def regrant(self, document: int, groups: Groups) -> None:
        self._write("%s", list(groups), [document])

    def close(self) -> None:
        self.tables.close()

    def _write(self, value: str, parameter: object, documents: list[int]) -> None:
        change = f"UPDATE peers.passage SET {self.column} = {value}::integer[] WHERE document_id = ANY(%s)"
        self.tables.forget()
        self.tables.run(change.replace("|| %s::integer[]", "|| %s::integer"), [parameter, documents])

    def _turn_to(self, effort: str) -> None:
        if effort != self._effort:
            self.tables.set(self.ways[effort])
            self._effort = effort

    def _indexes_elsewhere(self) -> int:
        """Indexes over groups, which Planner alone needs, and the one over documents, which row security does."""
        return self.tables.number(
            "SELECT coalesce(sum(pg_relation_size(indexrelid)), 0) FROM pg_index "
            "WHERE indrelid = 'peers.passage'::regclass AND indexrelid::regclass::text <> ALL(%s)",
            [["peers.passage_graph", "peers.passage_pkey", *self._own_indexes()]],
        )

    def _own_indexes(self) -> list[str]:
        return []


class Where(Flat):
    """What pgvector does when nothing is turned but the length of the beam."""

    ways = {f"ef {value}": ef(value) | {"hnsw.iterative_scan": "off"} for value in (40, 100, 200, 400, 1000)}


class Relaxed(Flat):
    ways = {
        "ef 40": scan("relaxed_order", 40),
        "ef 100": scan("relaxed_order", 100),
        "ef 200": scan("relaxed_order", 200),
        "ef 200, 100,000 tuples": scan("relaxed_order", 200, 100_000, 8),
    }


class Strict(Flat):
    ways = {
        "ef 40": scan("strict_order", 40),
        "ef 100": scan("strict_order", 100),
        "ef 200": scan("strict_order", 200),
        "ef 200, 100,000 tuples": scan("strict_order", 200, 100_000, 8),
    }


class Planner(Flat):
    settings = FREE
    ways = Relaxed.ways

    def load(self) -> Mapping[str, float]:
        seconds = super().load()
        self.tables.steps.once(f"GIN {self.column}", self._index_groups)
        return dict(seconds) | {"GIN": self.tables.steps.seconds[f"GIN {self.column}"]}

    def _index_groups(self) -> None:
        self.tables.run(f"DROP INDEX IF EXISTS peers.passage_{self.column}")
        self.tables.run(f"CREATE INDEX passage_{self.column} ON peers.passage USING gin ({self.column})")
        self.tables.run("ANALYZE peers.passage")

    def _own_indexes(self) -> list[str]:
        return [f"peers.passage_{self.column}"]
