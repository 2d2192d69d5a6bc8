"""Real databases for the tests: the tests' own Postgres under a role that only reads, a MariaDB on a socket, a file."""

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pymysql  # type: ignore[import-untyped]
from psycopg.conninfo import make_conninfo

from connectors.sources.database.asking import Place, place_of
from gateway.embedded.own_secrets import secrets_of
from gateway.embedded.places import places_of

READER, PASSWORD = "shop_reader", "the reader's own"
INSTALL = "On Debian: apt-get install mariadb-server-core"
MARIADB = "/usr/sbin/mariadbd"
SYSTEM_TABLES = [
    Path("/usr/share/mysql") / name for name in ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A database that can be asked. `run` changes it, as its owner."""

    url: str
    password: str
    run: Callable[[Sequence[str]], None]

    @property
    def place(self) -> Place:
        return place_of(self.url, self.password)


@contextmanager
def postgres(data_dir: Path, name: str) -> Iterator[Server]:
    """A database of its own on the server of the tests. Whoever may enter the directory of its socket is let in."""
    places = places_of(data_dir)
    own = {"host": str(places.sockets), "user": "gatehouse", "password": secrets_of(data_dir).postgres_password}
    address = make_conninfo(**own)
    let_in(places.cluster, name)

    def run(statements: Sequence[str], database: str = name) -> None:
        with psycopg.connect(address, dbname=database, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    run([f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}"], "postgres")
    for statement in (
        f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'",
        f"ALTER ROLE {READER} SET default_transaction_read_only = on",
    ):
        try:
            run([statement], "postgres")
        except psycopg.errors.DuplicateObject:  # another worker was quicker
            continue
    run(
        [
            "REVOKE ALL ON SCHEMA public FROM public",
            f"GRANT USAGE ON SCHEMA public TO {READER}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {READER}",
        ]
    )
    try:
        yield Server(url=f"postgresql://{READER}@/{name}?host={places.sockets}", password=PASSWORD, run=run)
    finally:
        run([f"DROP DATABASE {name} WITH (FORCE)"], "postgres")


def let_in(cluster: Path, name: str) -> None:
    rules = cluster / "pg_hba.conf"
    line = f"local {name} all trust\n"
    if line not in rules.read_text():
        with rules.open("a") as file:
            file.write(line)
        server = int((cluster / "postmaster.pid").read_text().splitlines()[0])
        os.kill(server, signal.SIGHUP)  # read the rules again
        time.sleep(0.3)


@contextmanager
def mariadb(name: str) -> Iterator[Server]:
    """A server of its own, in a directory of its own, without a port."""
    root = Path(tempfile.mkdtemp(prefix="gatehouse-mariadb-"))  # short: the paths of sockets have a longest
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.getuid())
    socket, tables = root / "socket", root / "data" / "mysql"
    small = ["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0"]
    common = [MARIADB, "--no-defaults", f"--datadir={root / 'data'}", f"--user={account.pw_name}", *small]
    stack = ExitStack()
    try:
        root.chmod(0o755)
        tables.mkdir(parents=True)
        if os.geteuid() == 0:
            for place in (root, tables.parent, tables):
                os.chown(place, account.pw_uid, account.pw_gid)
        log = stack.enter_context((root / "log").open("wb"))
        # mariadb-install-db does the same, with a program of another package.
        first = b"USE mysql;\nSET @auth_root_socket = NULL;\n" + b"".join(each.read_bytes() for each in SYSTEM_TABLES)
        subprocess.run([*common, "--bootstrap"], input=first, stdout=log, stderr=log, check=True)
        served = [f"--socket={socket}", "--skip-networking", f"--pid-file={root / 'pid'}"]
        process = subprocess.Popen([*common, *served], stdout=log, stderr=log)
        try:
            wait_for(socket, process, root / "log")
            yield of_mariadb(socket, name)
        finally:
            process.terminate()
            process.wait(20)
    finally:
        stack.close()
        shutil.rmtree(root, ignore_errors=True)


def of_mariadb(socket: Path, name: str) -> Server:
    def run(statements: Sequence[str], database: str = name) -> None:
        own = {"unix_socket": str(socket), "user": "root", "database": database, "charset": "utf8mb4"}
        with closing(pymysql.connect(autocommit=True, **own)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    escaped = PASSWORD.replace("'", "''")
    run(
        [
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
            f"CREATE USER '{READER}'@'localhost' IDENTIFIED BY '{escaped}'",
            f"GRANT SELECT, SHOW VIEW ON {name}.* TO '{READER}'@'localhost'",
        ],
        "mysql",
    )
    return Server(url=f"mysql://{READER}@localhost/{name}?unix_socket={socket}", password=PASSWORD, run=run)


def wait_for(socket: Path, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if socket.exists():
            try:
                pymysql.connect(unix_socket=str(socket), user="root").close()
                return
            except pymysql.Error:
                pass
        time.sleep(0.1)
    raise AssertionError(f"MariaDB did not start: {log.read_text()[-2000:]}")


def sqlite(path: Path) -> Server:
    def run(statements: Sequence[str]) -> None:
        with closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    run([])
    return Server(url=f"sqlite:///{path}", password="", run=run)
