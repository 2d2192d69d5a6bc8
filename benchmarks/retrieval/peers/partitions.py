"""A table of its own for each role, holding all it may read, with a graph of its own: full isolation by copies.

A reader with several roles asks each of their tables. Built are those of the readers that are met; the room of all
follows from how often each passage would stand somewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pgvector import HalfVector

from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS, Floats
from benchmarks.retrieval.peers.pgvector import FREE, ef
from benchmarks.retrieval.peers.system import WANTED, Answer, Folder, LeftOut, World
from benchmarks.retrieval.peers.tables import HNSW, Tables
from benchmarks.retrieval.sharing import WAYS as WAYS_TO_SHARE
from benchmarks.retrieval.sharing import Groups

WAYS: Mapping[str, Mapping[str, str]] = {f"ef {value}": ef(value) for value in (40, 100, 200)}
MOST = 250_000  # rows in the tables of one cell's readers: building more takes many minutes
KEPT = 1_000_000  # rows in all tables, before those of other readers are dropped
PARTITION = "SELECT id, embedding <#> %(vector)s AS distance FROM peers.{table} ORDER BY embedding <#> %(vector)s"


class RolePartitions:
    efforts: Sequence[str] = list(WAYS)

    def __init__(self, world: World) -> None:
        self.world = world
        self.pattern = world.pattern
        self.tables = Tables(world)
        self._readers: list[Groups] = []
        self._effort = ""

    def load(self) -> Mapping[str, float]:
        """Seconds of all roles' tables: as long a row as those that are there took."""
        self.tables.load()
        self.tables.set(FREE)
        for other in WAYS_TO_SHARE:
            if other != self.pattern.name:
                self._drop(other, lambda group: True)
        seconds, rows = self.tables.steps.seconds, self._rows_built()
        built = sum(seconds[self._table(group)] for group in self.pattern.groups if self._table(group) in seconds)
        return {"tables of all roles": built / max(rows, 1) * self._rows_wanted()}

    def meet(self, readers: Sequence[Groups]) -> None:
        """Makes the tables that are not there yet."""
        self._readers = [tuple(readers[n]) for n in range(len(readers))]
        wanted = sorted({group for groups in readers for group in groups})
        rows = sum(self._rows(group) for group in wanted)
        if rows > MOST:
            raise LeftOut(f"the tables of these readers' roles would hold {rows:,} rows.")
        if rows + self._rows_built() > KEPT:
            self._drop_all_but(wanted)
        for group in wanted:
            self.tables.steps.once(self._table(group), partial(self._build, group))

    def ask(self, reader: int, vector: Floats, effort: str) -> Answer:
        self._turn_to(effort)
        return self.tables.asked(self._question(reader), {"vector": HalfVector(vector)})

    def unfiltered(self, reader: int, vector: Floats, effort: str) -> Answer:
        self._turn_to(effort)
        return self.tables.unfiltered(vector)

    def facts(self, reader: int, vector: Floats, effort: str) -> Mapping[str, object]:
        return {"tables": len(self._readers[reader])}

    def bytes(self) -> int:
        """Of all roles' tables: as much a row as in those that are there."""
        built = [group for group in self.pattern.groups if self._table(group) in self.tables.steps.seconds]
        size = self.tables.bytes(*(f"peers.{self._table(group)}" for group in built))
        return round(size / max(self._rows_built(), 1) * self._rows_wanted())

    def share(self, folder: Folder) -> None:
        """The group is new: a table of its own, from the documents of the folder."""
        self._make(folder.group, "document_id = ANY(%s)", [int(document) for document in folder.documents])

    def regrant(self, document: int, groups: Groups) -> None:
        """Out of the tables of the groups it leaves, into those of the ones it comes to."""
        with self.tables.connection.transaction():
            for group in {group for own in self._readers for group in own}:
                table = self._table(group)
                self.tables.run(f"DELETE FROM peers.{table} WHERE document_id = %s", [document])
                if group in groups:
                    source = "SELECT id, document_id, embedding FROM peers.passage WHERE document_id = %s"
                    self.tables.run(f"INSERT INTO peers.{table} {source}", [document])

    def close(self) -> None:
        self.tables.close()

    def _drop_all_but(self, groups: Sequence[int]) -> None:
        self._drop(self.pattern.name, lambda group: group not in groups)

    def _drop(self, pattern: str, is_to_go: Callable[[int], bool]) -> None:
        """Of the tables of a pattern."""
        for step in list(self.tables.steps.seconds):
            name, _, group = step.rpartition("_")
            if name == pattern and is_to_go(int(group)):
                self.tables.run(f"DROP TABLE peers.{step}")
                self.tables.steps.drop(step)

    def _rows(self, group: int) -> int:
        return int(self.pattern.documents((group,)).sum()) * A_DOCUMENT

    def _rows_built(self) -> int:
        built = self.tables.steps.seconds
        return sum(self._rows(group) for group in self.pattern.groups if self._table(group) in built)

    def _rows_wanted(self) -> int:
        return sum(self._rows(group) for group in self.pattern.groups)

    def _table(self, group: int) -> str:
        return f"{self.pattern.name}_{group}"

    def _build(self, group: int) -> None:
        self._make(group, f"{self.pattern.name} @> %s::integer[]", [group])

    def _make(self, group: int, condition: str, parameter: list[int]) -> None:
        table = self._table(group)
        self.tables.run(f"DROP TABLE IF EXISTS peers.{table}")
        columns = f"id integer, document_id integer, embedding halfvec({DIMENSIONS})"
        self.tables.run(f"CREATE TABLE peers.{table} ({columns})")
        source = f"SELECT id, document_id, embedding FROM peers.passage WHERE {condition}"
        self.tables.run(f"INSERT INTO peers.{table} {source}", [parameter])
        self.tables.run(f"CREATE INDEX ON peers.{table} {HNSW}")
        self.tables.run(f"CREATE INDEX ON peers.{table} (document_id)")
        self.tables.run(f"VACUUM ANALYZE peers.{table}")

    def _question(self, reader: int) -> str:
        parts = [f"({PARTITION.format(table=self._table(group))} LIMIT {WANTED})" for group in self._readers[reader]]
        return f"SELECT id FROM ({' UNION ALL '.join(parts)}) found GROUP BY id ORDER BY min(distance) LIMIT {WANTED}"

    def _turn_to(self, effort: str) -> None:
        if effort != self._effort:
            self.tables.set(WAYS[effort])
            self._effort = effort
