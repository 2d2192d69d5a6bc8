"""Row-level security by a policy that joins permissions with roles: the baseline of HoneyBee (arXiv 2505.01538).

One role of the database asks for everybody, and a setting names the reader; there it is a role for each.
"""

from collections.abc import Mapping, Sequence

from pgvector import HalfVector

from benchmarks.retrieval.corpus import Floats
from benchmarks.retrieval.peers.pgvector import FREE, ef, scan
from benchmarks.retrieval.peers.system import WANTED, Answer, Folder, World
from benchmarks.retrieval.peers.tables import Tables
from benchmarks.retrieval.sharing import WAYS as WAYS_TO_SHARE
from benchmarks.retrieval.sharing import Groups

OFF = {"hnsw.iterative_scan": "off"}
WAYS: Mapping[str, Mapping[str, str]] = {
    "ef 100": ef(100) | OFF,
    "ef 500": ef(500) | OFF,
    "ef 1000": ef(1000) | OFF,
    "ef 200, relaxed": scan("relaxed_order", 200),
}
QUESTION = f"SELECT id FROM peers.passage ORDER BY embedding <#> %s LIMIT {WANTED}"
RIGHTS = """
DROP TABLE IF EXISTS peers.permission CASCADE; DROP TABLE IF EXISTS peers.user_role CASCADE;
CREATE TABLE peers.permission (document_id integer, role_id integer, PRIMARY KEY (document_id, role_id));
CREATE TABLE peers.user_role (user_id integer, role_id integer, PRIMARY KEY (user_id, role_id))
"""
POLICY = """
CREATE INDEX permission_role ON peers.permission (role_id);
ALTER TABLE peers.passage ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS permitted ON peers.passage;
CREATE POLICY permitted ON peers.passage FOR SELECT TO peers_reader USING (EXISTS (
    SELECT FROM peers.permission p JOIN peers.user_role u ON u.role_id = p.role_id
    WHERE p.document_id = passage.document_id AND u.user_id = current_setting('peers.reader')::integer));
GRANT USAGE ON SCHEMA peers TO peers_reader;
GRANT SELECT ON peers.passage, peers.permission, peers.user_role TO peers_reader
"""


class RowSecurity:
    efforts: Sequence[str] = list(WAYS)

    def __init__(self, world: World) -> None:
        self.world = world
        self.tables = Tables(world)
        self.asking = Tables(world)
        self._step = f"permissions of {world.pattern.name}"
        self._reader = -1
        self._effort = ""

    def load(self) -> Mapping[str, float]:
        seconds = self.tables.load()
        for other in WAYS_TO_SHARE:
            if other != self.world.pattern.name:
                self.tables.steps.drop(f"permissions of {other}")  # there is one table of permissions
        self.tables.steps.once(self._step, self._permitted)
        self.asking.set(FREE)
        self.asking.run("SET ROLE peers_reader")
        return seconds | {"permissions": self.tables.steps.seconds[self._step]}

    def meet(self, readers: Sequence[Groups]) -> None:
        self.tables.run("TRUNCATE peers.user_role")
        with self.tables.connection.cursor() as cursor, cursor.copy("COPY peers.user_role FROM STDIN") as copy:
            for user, groups in enumerate(readers):
                for group in groups:
                    copy.write_row([user, group])
        self.tables.run("ANALYZE peers.user_role")

    def ask(self, reader: int, vector: Floats, effort: str) -> Answer:
        self._turn_to(reader, effort)
        return self.asking.asked(QUESTION, [HalfVector(vector)])

    def unfiltered(self, reader: int, vector: Floats, effort: str) -> Answer:
        self.tables.set(WAYS[effort])
        return self.tables.unfiltered(vector)

    def facts(self, reader: int, vector: Floats, effort: str) -> Mapping[str, object]:
        self._turn_to(reader, effort)
        return {"plan": self.asking.plan(QUESTION, [HalfVector(vector)])}

    def bytes(self) -> int:
        """The table without groups, and the permissions."""
        graph, key, document = "peers.passage_graph", "peers.passage_pkey", "peers.passage_document"
        rows = self.tables.number("SELECT sum(pg_column_size(embedding) + 36) FROM peers.passage")
        return rows + self.tables.bytes(graph, key, document, "peers.permission", "peers.user_role")

    def share(self, folder: Folder) -> None:
        documents = [int(document) for document in folder.documents]
        self.tables.steps.drop(self._step)
        self.tables.run("INSERT INTO peers.permission SELECT unnest(%s::integer[]), %s", [documents, folder.group])

    def regrant(self, document: int, groups: Groups) -> None:
        with self.tables.connection.transaction():
            self.tables.run("DELETE FROM peers.permission WHERE document_id = %s", [document])
            self.tables.run("INSERT INTO peers.permission SELECT %s, unnest(%s::integer[])", [document, list(groups)])

    def close(self) -> None:
        self.tables.close()
        self.asking.close()

    def _permitted(self) -> None:
        pattern = self.world.pattern
        self.tables.run(RIGHTS)
        with self.tables.connection.cursor() as cursor, cursor.copy("COPY peers.permission FROM STDIN") as copy:
            for document, scope in enumerate(pattern.scope_of.tolist()):
                for group in pattern.groups_of[scope]:
                    copy.write_row([document, group])
        if not self.tables.number("SELECT count(*) FROM pg_roles WHERE rolname = 'peers_reader'"):
            self.tables.run("CREATE ROLE peers_reader")
            self.tables.run("GRANT peers_reader TO CURRENT_USER")
        self.tables.run(POLICY)
        self.tables.run("VACUUM ANALYZE peers.permission")

    def _turn_to(self, reader: int, effort: str) -> None:
        if reader != self._reader:
            self.asking.set({"peers.reader": str(reader)})
            self._reader = reader
        if effort != self._effort:
            self.asking.set(WAYS[effort])
            self._effort = effort
