"""The gateway itself: its statement, `gatehouse_search`, as it is asked over a connection of its own.

Beside it, `search` of connectors.corpus is timed, which is what the doors call: it fetches the passages' texts as well.
"""

import time
from collections.abc import Mapping, Sequence
from math import ceil

from pgvector import HalfVector
from pgvector.psycopg import register_vector

from benchmarks import ground
from benchmarks.retrieval.corpus import DIMENSIONS, Floats
from benchmarks.retrieval.peers.system import WANTED, Answer, Folder, Steps, World, timed
from benchmarks.retrieval.serving import connect, prewarm
from benchmarks.retrieval.sharing import Groups

QUESTION = "SELECT passage FROM gatehouse_search(%s, %s, %s, '', %s, 1, '{}')"
PERMITTED = "SELECT permitted, readable FROM gatehouse_permitted(%s, '{}')"
GRAPH = """
SELECT passage_id FROM connectors_vectornode WHERE generation_id = {generation}
ORDER BY embedding::halfvec({size}) <#> %s LIMIT {wanted}
"""
KEPT = """
SELECT count(*) FROM (
    SELECT v.scope_id FROM ({graph}) near
    JOIN connectors_passagevector v ON v.passage_id = near.passage_id AND v.generation_id = {generation}
) found WHERE found.scope_id = ANY(%s)
"""
DEPTH = 50  # passages the statement looks for when ten are wanted
BEAM = (200, 1_000)  # the least and the most it takes from the graph
AGAIN = 200_000  # permitted passages from which it looks five times as far before it looks at each
_set_up: list[str] = []


class Gatehouse:
    efforts: Sequence[str] = ("its own",)

    def __init__(self, world: World) -> None:
        if not _set_up:
            ground.prepare("command", pooled=True, data_dir=world.server.data_dir, database_url=world.server.url)
            _set_up.append(world.server.url)
        from benchmarks.retrieval import housing

        self.world = world
        self.housing = housing
        self.steps = Steps(world.server.data_dir / "gatehouse.json")
        self.connection = connect(world.server)
        self._viewers: list[str] = []
        self._names: list[str] = []
        self._beams: dict[int, int] = {}
        self._beam = 0

    def load(self) -> Mapping[str, float]:
        from django.core.management import call_command

        corpus, pattern, steps = self.world.corpus, self.world.pattern, self.steps
        steps.once("migrated", lambda: call_command("migrate", interactive=False, verbosity=0))
        steps.once("copied", lambda: self.housing.copied(corpus))
        steps.once("passages", lambda: self.housing.passages_written(corpus))
        steps.once("vectors", lambda: self.housing.vectors_written(corpus))
        steps.once("graph", self.housing.graph_built)
        step = f"laid {pattern.name}"
        if step not in steps.seconds:
            for other in [name for name in steps.seconds if name.startswith("laid ")]:
                steps.drop(other)
            steps.once(step, lambda: self.housing.laid(corpus, pattern))
        register_vector(self.connection)
        for tables in ("public.connectors%", "public.vector%", "public.accounts%"):
            prewarm(self.connection, tables)
        self.generation = self.housing.generation()
        return {name: seconds for name, seconds in steps.seconds.items() if name != "migrated"}

    def meet(self, readers: Sequence[Groups]) -> None:
        """They are the readers of one stratum of the pattern, and known since the pattern was laid."""
        pattern = self.world.pattern
        stratum = next(name for name, found in pattern.readers.items() if list(found) == list(readers))
        self._readers = [self.housing.reader(pattern, stratum, number) for number in range(len(readers))]
        self._viewers = [reader.text for reader in self._readers]
        self._beams = {number: self._beam_of(number) for number in range(len(readers))}

    def ask(self, reader: int, vector: Floats, effort: str) -> Answer:
        parameters = [self._viewers[reader], self.generation.pk, HalfVector(vector), WANTED]
        return timed(lambda: [int(str(id)) - 1 for (id,) in self.connection.execute(QUESTION, parameters)])

    def unfiltered(self, reader: int, vector: Floats, effort: str) -> Answer:
        """The same graph at the beam this reader's questions get."""
        self._turn_to(self._beams[reader])
        graph, parameters = self._graph(WANTED), [HalfVector(vector)]
        return timed(lambda: [int(str(id)) - 1 for (id,) in self.connection.execute(graph, parameters)])

    def facts(self, reader: int, vector: Floats, effort: str) -> Mapping[str, object]:
        """The way it takes, told as the statement decides; and how long `search` takes for the same question."""
        from connectors.corpus.search import search

        began = time.perf_counter()
        search(self._readers[reader], query="", vector=vector.tolist(), limit=WANTED, mode="vector")
        searched = time.perf_counter() - began
        facts = {"search": searched, "exact_limit": self.generation.exact_limit, "measured": self.generation.measured}
        return facts | {"arm": self._arm(reader, vector), "ef": self._beams[reader]}

    def bytes(self) -> int:
        return self.housing.bytes_of((*self.housing.OF_VECTORS, *self.housing.OF_RIGHTS))

    def share(self, folder: Folder) -> None:
        """One record, as the push door applies it: the folder's list of readers with one more."""
        from connectors.applying import apply_record
        from connectors.records import AccessRecord

        housing, pattern = self.housing, self.world.pattern
        self.steps.drop(f"laid {pattern.name}")
        above = pattern.parents[folder.scope]
        record = AccessRecord(
            kind="scope",
            id=housing.scope_name(pattern, folder.scope),
            place=housing.scope_name(pattern, above) if above >= 0 else None,
            access=housing.granted(pattern, [*housing.own_groups(pattern, folder.scope), folder.group]),
        )
        apply_record(housing.source(), record)

    def regrant(self, document: int, groups: Groups) -> None:
        """Permissions of its own, or again those of where it stands."""
        from connectors.applying import apply_record
        from connectors.records import Access, AccessRecord

        housing, pattern = self.housing, self.world.pattern
        scope = int(pattern.scope_of[document])
        again = groups == pattern.groups_of[scope]
        access = Access() if again else housing.granted(pattern, groups, inherits=False)
        place = housing.scope_name(pattern, scope)
        apply_record(housing.source(), AccessRecord(kind="document", id=str(document), place=place, access=access))

    def close(self) -> None:
        from django.db import connections

        self.connection.close()
        connections.close_all()

    def viewers(self, reader: int) -> str:
        return self._viewers[reader]

    def _graph(self, wanted: int) -> str:
        return GRAPH.format(generation=int(self.generation.pk), size=DIMENSIONS, wanted=wanted)

    def _permitted(self, reader: int) -> tuple[int, list[int]]:
        row = self.connection.execute(PERMITTED, [self._viewers[reader]]).fetchone()
        assert row is not None
        return int(str(row[0])), list(row[1])  # type: ignore[call-overload]  # an array of scopes

    def _beam_of(self, reader: int) -> int:
        permitted, _ = self._permitted(reader)
        wanted = ceil(1.3 * DEPTH * self.generation.vectors / max(permitted, 1))
        return min(max(wanted, BEAM[0]), BEAM[1])

    def _arm(self, reader: int, vector: Floats) -> str:
        permitted, readable = self._permitted(reader)
        if not self.generation.graph or permitted <= self.generation.exact_limit:
            return "exact"
        for beam in (self._beams[reader], *([BEAM[1]] if permitted >= AGAIN else [])):
            self._turn_to(beam)
            kept = KEPT.format(graph=self._graph(beam), generation=int(self.generation.pk))
            found = self.connection.execute(kept, [HalfVector(vector), readable]).fetchone()
            if found is not None and int(str(found[0])) >= WANTED:
                return "approximate" if beam == self._beams[reader] else "approximate, further"
        return "approximate, then exact"

    def _turn_to(self, beam: int) -> None:
        if beam != self._beam:
            self.connection.execute("SELECT set_config('hnsw.ef_search', %s, false)", [str(beam)])
            self._beam = beam
