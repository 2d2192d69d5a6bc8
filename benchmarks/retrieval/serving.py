"""The Postgres of a size: the embedded one, with memory for the whole corpus; a database for us, one for the peers."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.retrieval.corpus import Corpus
from gateway.embedded.locks import Lock
from gateway.embedded.places import places_of
from gateway.embedded.postgres import DATABASE, ROLE, SETTINGS, Postgres
from gateway.embedded.processes import end
from gateway.embedded.sharing import database_url

PEERS = "peers"
MEGABYTE = 1_000_000
A_PASSAGE = 6_000  # bytes of shared memory: two vectors, two indexes over them, and some
LEAST_MEMORY = 256 * MEGABYTE
FOR_INDEXES = 2_000 * MEGABYTE  # the graph of a million vectors is built in memory
LONGEST_START = 120.0  # seconds


@dataclass(frozen=True)
class Server:
    """A running Postgres. `url` is the gateway's database, `peers_url` that of the others."""

    url: str
    peers_url: str
    data_dir: Path
    settings: dict[str, str]


class Roomy(Postgres):
    """As durable as in production; only its memory is another."""

    def __init__(self, data_dir: Path, memory: int) -> None:
        super().__init__(places_of(data_dir))
        self.settings = SETTINGS | {
            "shared_buffers": f"{memory // MEGABYTE}MB",
            "maintenance_work_mem": f"{min(FOR_INDEXES, max(memory, LEAST_MEMORY)) // MEGABYTE}MB",
            "max_parallel_maintenance_workers": "1",
            "effective_cache_size": "12GB",
            "max_wal_size": "8GB",
            "unix_socket_directories": str(self.places.sockets),
        }

    def start(self, log: int) -> subprocess.Popen[bytes]:
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        return self._popen(["postgres", "-D", str(self.cluster), *options], stdin=subprocess.DEVNULL, output=log)

    def prepare(self) -> None:
        made_before = self.cluster.exists()
        super().prepare()
        if not made_before:  # only a superuser may, and nobody can sign in as one
            statement = "CREATE EXTENSION pg_prewarm\n"
            for database in ("template1", DATABASE):
                self._run(["postgres", "--single", "-D", str(self.cluster), database], self.cluster, statement)


@contextmanager
def server(corpus: Corpus) -> Iterator[Server]:
    """Up inside, for this process alone: a second one waits for its turn."""
    data_dir = corpus.place / "installation"
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    turn = Lock(data_dir / "in-use")
    with turn.held():
        postgres = Roomy(data_dir, max(LEAST_MEMORY, corpus.size * A_PASSAGE))
        postgres.prepare()
        log = os.open(data_dir / "postgres.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            process = postgres.start(log)
        finally:
            os.close(log)
        try:
            _wait_until_ready(postgres, process, data_dir)
            url = database_url(data_dir)
            ensure_database(url, PEERS)
            yield Server(url, _of_database(url, PEERS), data_dir, postgres.settings)
        finally:
            end(process, ((postgres.stop_steps[0][0], 60.0), *postgres.stop_steps[1:]))


def _wait_until_ready(postgres: Postgres, process: subprocess.Popen[bytes], data_dir: Path) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not postgres.is_ready(process):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"Postgres did not start. Its log is {data_dir / 'postgres.log'}.")
        time.sleep(0.05)


def _of_database(url: str, name: str) -> str:
    return url.replace(f"/{DATABASE}?", f"/{name}?")


def ensure_database(url: str, name: str, *, anew: bool = False) -> None:
    """`anew`: with nothing in it."""
    with psycopg.connect(_of_database(url, "postgres"), autocommit=True) as connection:
        if anew:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(f"CREATE DATABASE {name}")


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """As the owner of all tables; each statement is its own transaction, and prepared at once."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    assert connection.info.user == ROLE
    return connection


def prewarm(connection: psycopg.Connection[tuple[object, ...]], pattern: str) -> None:
    """Everything whose name is like this (`schema.table`) is in Postgres's memory."""
    connection.execute(
        "SELECT sum(pg_prewarm(c.oid::regclass)) FROM pg_class c "
        "WHERE c.relkind IN ('r', 'i', 't') AND c.relnamespace::regnamespace::text || '.' || c.relname LIKE %s",
        [pattern],
    )
