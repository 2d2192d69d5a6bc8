"""The gateway itself: its statement, `gatehouse_search`, as it is asked over a connection of its own.

Beside it, `search` of connectors.corpus is timed, which is what the doors call: it fetches the passages' texts as well.
"""

import time
from collections.abc import Mapping, Sequence

from pgvector import HalfVector
from pgvector.psycopg import register_vector

from benchmarks import ground
from benchmarks.retrieval.corpus import DIMENSIONS, Floats
from benchmarks.retrieval.peers.system import WANTED, Answer, Folder, Steps, World, timed
from benchmarks.retrieval.serving import connect, ensure_database, prewarm
from benchmarks.retrieval.sharing import Groups
from gateway.embedded.postgres import DATABASE

QUESTION = "SELECT passage FROM gatehouse_search(%s, %s, %s, '', %s, 1, '{}')"
GRAPH = """
SELECT passage_id FROM connectors_vectornode WHERE generation_id = {generation}
ORDER BY embedding::halfvec({size}) <#> %s LIMIT {wanted}
"""
# What this connection has looked into so far: the covering index, the graph, and how many candidates that gave.
LOOKED = """
SELECT pg_stat_get_xact_numscans('vectors_by_scope'::regclass),
       coalesce(pg_stat_get_xact_numscans(to_regclass(%(graph)s)), 0),
       coalesce(pg_stat_get_xact_tuples_returned(to_regclass(%(graph)s)), 0)
"""
LEAST_BEAM, MOST_BEAM = 200, 1_000  # a second look takes the most
MADE = ("migrated by", "searched by")
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
        self._viewers: list[str] = []
        self._names: list[str] = []
        self._beams: dict[int, int] = {}
        self._beam = 0

    def load(self) -> Mapping[str, float]:
        corpus, pattern, steps = self.world.corpus, self.world.pattern, self.steps
        self._migrate()
        steps.once("copied", lambda: self.housing.copied(corpus))
        steps.once("passages", lambda: self.housing.passages_written(corpus))
        steps.once("vectors", lambda: self.housing.vectors_written(corpus))
        steps.once("graph", self.housing.graph_built)
        step = f"laid {pattern.name}"
        if step not in steps.seconds:
            for other in [name for name in steps.seconds if name.startswith("laid ")]:
                steps.drop(other)
            steps.once(step, lambda: self.housing.laid(corpus, pattern))
        self.connection = connect(self.world.server.url)
        register_vector(self.connection)
        for tables in ("public.connectors%", "public.vector%", "public.accounts%"):
            prewarm(self.connection, tables)
        self.generation = self.housing.generation()
        return {name: seconds for name, seconds in steps.seconds.items() if not name.startswith((*MADE, "words"))}

    def _migrate(self) -> None:
        """What makes the tables must be what made them; functions of the search are made anew where they changed."""
        from django.core.management import call_command
        from django.db import connections

        tables, functions = (f"{what} {mark}" for what, mark in zip(MADE, self.housing.made_by(), strict=True))
        known = {what: next((step for step in self.steps.seconds if step.startswith(what)), "") for what in MADE}
        if known[MADE[0]] not in ("", tables):
            print("The gateway's tables were made by other migrations: they are made anew.", flush=True)
            connections.close_all()
            ensure_database(self.world.server.url, DATABASE, anew=True)
            self.steps.forget()
            known = dict.fromkeys(MADE, "")
        self.steps.once(tables, lambda: call_command("migrate", interactive=False, verbosity=0))
        if known[MADE[1]] not in ("", functions):
            self.housing.functions_anew()
            self.steps.drop(known[MADE[1]])
        self.steps.once(functions, lambda: None)

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
        """The way it takes, told by what it looks into; and how long `search` takes for the same question."""
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

    def _looked(self, reader: int, vector: Floats) -> tuple[int, int, int]:
        """How often the statement looks into the covering index and into the graph, and the candidates of the graph."""
        with self.connection.transaction():
            before = self._counts()
            self.ask(reader, vector, "")
            after = self._counts()
        exactly, looks, candidates = (later - earlier for later, earlier in zip(after, before, strict=True))
        return exactly, looks, candidates

    def _counts(self) -> list[int]:
        row = self.connection.execute(LOOKED, {"graph": f"vector_graph_{self.generation.pk}"}).fetchone()
        assert row is not None
        return [int(str(count)) for count in row]

    def _beam_of(self, reader: int) -> int:
        """The candidates of its first look into the graph; where it does not look there, as many as it would take."""
        _, looks, candidates = self._looked(reader, self.world.corpus.queries[0])
        least = max(LEAST_BEAM, min(self.world.corpus.size // 3_000, 400))
        return max(candidates - MOST_BEAM * (looks - 1), least) if looks else least

    def _arm(self, reader: int, vector: Floats) -> str:
        exactly, looks, _ = self._looked(reader, vector)
        if not looks:
            return "exact"
        further = "approximate" if looks == 1 else "approximate, further"
        return f"{further}, then exact" if exactly else further

    def _turn_to(self, beam: int) -> None:
        if beam != self._beam:
            self.connection.execute("SELECT set_config('hnsw.ef_search', %s, false)", [str(beam)])
            self._beam = beam
