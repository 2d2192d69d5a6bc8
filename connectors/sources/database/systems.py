"""What differs between Postgres, MySQL (with MariaDB) and SQLite: how they are opened, held to reading, and asked.

Rows of a view are filtered in a common table expression before anything of the question sees them, and each system is
kept from moving the question's own conditions to before that filter, where an error or a second of work could tell of
rows the reader may not see: Postgres and SQLite by MATERIALIZED, MySQL and MariaDB by LIMIT, past which they move none.
"""

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import psycopg
import pymysql  # type: ignore[import-untyped]
from pymysql.cursors import SSCursor  # type: ignore[import-untyped]
from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.pool import QueuePool

from connectors.sources.base import ConnectorError
from connectors.sources.database.views import View

Parameters = Mapping[str, str]
Row = Sequence[Any]
NOBODY = "1 = 0"
CONNECTING = 5  # seconds
POOL = 4  # connections a process keeps to one database
SPARE = 3.0  # seconds longer than the database itself is given, before its silence is taken for its end


class System(ABC):
    """One kind of database."""

    backend: ClassVar[str]  # as addresses name it
    dialect: ClassVar[str]  # as sqlglot calls its SQL
    product: ClassVar[str]
    quote: ClassVar[str] = '"'
    parameters_in_address: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def engine(self, url: URL, seconds: float) -> Engine:
        """A pool of its own to the database at this address."""

    @abstractmethod
    def begin(self, raw: Any, seconds: float) -> None:
        """Open a transaction that can only read, and in which a statement ends after so many seconds."""

    @abstractmethod
    def stream(self, raw: Any, sql: str, parameters: Parameters) -> Generator[Row, None, None]:
        """The rows as they come."""

    @abstractmethod
    def is_slow(self, error: BaseException) -> bool:
        """Whether it was ended because it took too long."""

    @abstractmethod
    def role(self, connection: Connection) -> tuple[list[str], list[str]]:
        """Why this role must not be used at all, and what else it may do besides reading; a sentence each."""

    @abstractmethod
    def named(self, column: str, parameters: Sequence[str]) -> str:
        """The condition that a column's text is exactly one of these parameters."""

    @abstractmethod
    def exactly(self, column: str) -> str:
        """The text of a column, in which what differs by a letter's case or accent is another one."""

    def end(self, raw: Any) -> None:
        """Whatever was begun is given up."""
        raw.rollback()

    def placeholder(self, name: str) -> str:
        return f"%({name})s"

    def quoted(self, name: str) -> str:
        """As it stands in a statement that is sent with parameters, in which % is doubled."""
        return self.quote + name.replace(self.quote, self.quote * 2).replace("%", "%%") + self.quote

    def column(self, name: str) -> str:
        """Of the relation at hand: alone, SQLite takes a name in quotes that it does not know for a text."""
        return f"asked.{self.quoted(name)}"

    def relation(self, view: View) -> str:
        """With its schema: a bare name would mean the expression of another view that is called so."""
        return ".".join(map(self.quoted, view.relation))

    def placed(self, view: View, database: str) -> View:
        """The view with the schema that is meant where none is given, if that goes by the database."""
        return view

    def expression(self, view: View, readers: Sequence[str] | None) -> str:
        """`"orders" AS (…)`: the approved columns of a view under the names questions use, and of its rows those that
        name one of `readers`, which are names of parameters; None for a view every row of which may be read."""
        columns = ", ".join(f"{self.column(each.real)} AS {self.quoted(each.name)}" for each in view.columns)
        select = f"SELECT {columns} FROM {self.relation(view)} AS asked"  # noqa: S608  (names are quoted)
        if (readers is None) is not (view.rows is None):
            raise ValueError("A rule for rows wants readers, and nothing else does.")
        if readers is None or view.rows is None:
            return f"{self.quoted(view.name)} AS {self.open(select)}"
        condition = self.named(self.column(view.rows.column), readers) if readers else NOBODY
        return f"{self.quoted(view.name)} AS {self.fenced(f'{select} WHERE {condition}')}"

    def open(self, select: str) -> str:
        return f"NOT MATERIALIZED ({select})"

    def fenced(self, select: str) -> str:
        return f"MATERIALIZED ({select})"


class Postgres(System):
    backend = "postgresql"
    dialect = "postgres"
    product = "PostgreSQL"
    parameters_in_address = frozenset({"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"})
    reads_files: ClassVar = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")

    def engine(self, url: URL, seconds: float) -> Engine:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={
                "connect_timeout": CONNECTING,
                "application_name": "gatehouse",
                "cursor_factory": psycopg.ClientCursor,  # values keep the meaning literals have, in GROUP BY too
                "prepare_threshold": None,
                "tcp_user_timeout": int(1000 * (seconds + SPARE)),
            },
            **_pool(seconds),
        )

    def begin(self, raw: Any, seconds: float) -> None:
        milliseconds = int(1000 * seconds)
        for statement in (
            "SET TRANSACTION READ ONLY",
            "SET LOCAL search_path = pg_catalog, pg_temp",
            f"SET LOCAL statement_timeout = {milliseconds}",
            f"SET LOCAL lock_timeout = {milliseconds}",
            f"SET LOCAL idle_in_transaction_session_timeout = {2 * milliseconds}",
        ):
            raw.execute(statement)

    def stream(self, raw: Any, sql: str, parameters: Parameters) -> Generator[Row, None, None]:
        with raw.cursor() as cursor:
            yield from cursor.stream(sql, parameters)

    def is_slow(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable)

    def named(self, column: str, parameters: Sequence[str]) -> str:
        listed = ", ".join(map(self.placeholder, parameters))
        return f"{self.exactly(column)} IN ({listed})"

    def exactly(self, column: str) -> str:
        return f'CAST({column} AS TEXT) COLLATE "C"'

    def relation(self, view: View) -> str:
        schema, name = view.relation if len(view.relation) > 1 else ("public", view.relation[0])
        return f"{self.quoted(schema)}.{self.quoted(name)}"

    def role(self, connection: Connection) -> tuple[list[str], list[str]]:
        role, superuser, bypasses = connection.exec_driver_sql(
            "SELECT current_user, bool_or(r.rolsuper), bool_or(r.rolbypassrls) FROM pg_roles r "
            "WHERE pg_has_role(current_user, r.oid, 'MEMBER') GROUP BY 1"
        ).one()
        files = connection.exec_driver_sql(
            "SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_roles WHERE rolname = ANY(%s) "
            "AND pg_has_role(current_user, oid, 'MEMBER')",
            (list(self.reads_files),),
        ).scalar_one()
        refused = [f"{role} is a superuser, or may become one: {WANTED}"] if superuser else []
        refused += [f"{role} is a member of {files}: {WANTED}"] if files else []
        told = []
        [[reads_only]] = connection.exec_driver_sql("SHOW default_transaction_read_only")
        if reads_only != "on":
            told.append(
                f'{role} may write by default; run: ALTER ROLE "{role}" SET default_transaction_read_only = on.'
            )
        writable = connection.exec_driver_sql(WRITABLE).scalars().all()
        if writable:
            told.append(f"{role} may write to {_some(writable)}. {WANTED}")
        if bypasses and not superuser:
            told.append(f"{role} passes over the row security of the database. {WANTED}")
        return refused, told


WANTED = "Make a role for the gateway that may do nothing but SELECT from the views it is to ask."
WRITABLE = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT starts_with(n.nspname, 'pg_temp') AND NOT starts_with(n.nspname, 'pg_toast')
  AND has_schema_privilege(n.oid, 'USAGE')
  AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
ORDER BY 1 LIMIT 4
"""


class MySQL(System):
    """MySQL 8 and MariaDB."""

    backend = "mysql"
    dialect = "mysql"
    product = "MySQL"
    quote = "`"
    parameters_in_address = frozenset({"unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_check_hostname"})
    most_rows: ClassVar = 2**64 - 1
    harmless: ClassVar = frozenset({"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES"})
    too_slow: ClassVar = frozenset({1969, 3024, 1317, 1205, 2013})  # ended by time, interrupted, locked, no answer

    def engine(self, url: URL, seconds: float) -> Engine:
        return create_engine(
            url.set(drivername="mysql+pymysql"),
            connect_args={
                "connect_timeout": CONNECTING,
                "read_timeout": seconds + SPARE,
                "write_timeout": seconds + SPARE,
                "charset": "utf8mb4",
                "local_infile": False,
                "autocommit": False,
            },
            **_pool(seconds),
        )

    def begin(self, raw: Any, seconds: float) -> None:
        of_mariadb = "mariadb" in str(raw.get_server_info()).lower()
        limit = f"max_statement_time = {seconds:.3f}" if of_mariadb else f"max_execution_time = {int(1000 * seconds)}"
        with raw.cursor() as cursor:
            for statement in (
                "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY'",
                f"SET SESSION {limit}",
                f"SET SESSION lock_wait_timeout = {max(1, int(seconds))}",
                "SET SESSION TRANSACTION READ ONLY",
                "START TRANSACTION READ ONLY",
            ):
                cursor.execute(statement)

    def stream(self, raw: Any, sql: str, parameters: Parameters) -> Generator[Row, None, None]:
        with closing(raw.cursor(SSCursor)) as cursor:
            cursor.execute(sql, parameters)
            yield from cursor.fetchall_unbuffered()

    def is_slow(self, error: BaseException) -> bool:
        return isinstance(error, pymysql.Error) and bool(error.args) and error.args[0] in self.too_slow

    def named(self, column: str, parameters: Sequence[str]) -> str:
        listed = ", ".join(f"CAST({self.placeholder(name)} AS BINARY)" for name in parameters)
        return f"{self.exactly(column)} IN ({listed})"

    def exactly(self, column: str) -> str:
        """Byte by byte: its collations take "ann", "ANN", "änn" and "ann " for one."""
        return f"CAST(CONVERT({column} USING utf8mb4) AS BINARY)"

    def placed(self, view: View, database: str) -> View:
        return view if len(view.relation) > 1 else replace(view, relation=(database, *view.relation))

    def open(self, select: str) -> str:
        return f"({select})"

    def fenced(self, select: str) -> str:
        return f"({select} LIMIT {self.most_rows})"

    def role(self, connection: Connection) -> tuple[list[str], list[str]]:
        grants = [str(grant) for grant in connection.exec_driver_sql("SHOW GRANTS FOR CURRENT_USER()").scalars()]
        role = connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one()
        refused, told = [], []
        for grant in grants:
            privileges, on, rest = grant.removeprefix("GRANT ").partition(" ON ")
            if not on:  # a role that is granted
                told.append(
                    f"{role} has the role {privileges.partition(' TO ')[0]}, which may let it do more. {WANTED}"
                )
                continue
            more = {_bare(each) for each in _outside_brackets(privileges)} - self.harmless
            place = rest.partition(" TO ")[0]
            if more and place == "*.*":
                refused.append(f"{role} may {_some(sorted(more))} everywhere: {WANTED}")
            elif more:
                told.append(f"{role} may {_some(sorted(more))} on {place}. {WANTED}")
        return refused, told


class SQLite(System):
    backend = "sqlite"
    dialect = "sqlite"
    product = "SQLite"
    steps: ClassVar = 1_000  # of its machine between two looks at the clock
    reading: ClassVar = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})
    catalogue: ClassVar = ("sqlite_", "pragma_", "dbstat")
    refused_functions: ClassVar = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})

    def engine(self, url: URL, seconds: float) -> Engine:
        path = Path(str(url.database or ""))
        address = f"file:{quote(str(path))}?mode=ro"

        def opened() -> sqlite3.Connection:
            raw = sqlite3.connect(
                address, uri=True, timeout=seconds, isolation_level=None, check_same_thread=False, cached_statements=0
            )
            for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
                raw.execute(f"PRAGMA {pragma}")
            raw.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            return raw

        return create_engine("sqlite+pysqlite://", creator=opened, **_pool(seconds))

    def begin(self, raw: Any, seconds: float) -> None:
        until = time.monotonic() + seconds
        raw.set_progress_handler(lambda: int(time.monotonic() > until), self.steps)
        raw.execute("BEGIN")
        raw.set_authorizer(self.judged)

    def end(self, raw: Any) -> None:
        raw.set_authorizer(None)
        raw.set_progress_handler(None, 0)
        raw.rollback()

    def judged(self, action: int, one: str | None, two: str | None, *place: str | None) -> int:
        """The second wall: reading tables and calling functions, and neither the catalogue nor what leads outside."""
        if action == sqlite3.SQLITE_READ:
            return sqlite3.SQLITE_DENY if str(one).lower().startswith(self.catalogue) else sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if str(two).lower() in self.refused_functions else sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK if action in self.reading else sqlite3.SQLITE_DENY

    def stream(self, raw: Any, sql: str, parameters: Parameters) -> Generator[Row, None, None]:
        with closing(raw.cursor()) as cursor:
            yield from cursor.execute(sql, parameters)

    def is_slow(self, error: BaseException) -> bool:
        code = getattr(error, "sqlite_errorcode", 0)
        return code in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

    def placeholder(self, name: str) -> str:
        return f":{name}"

    def quoted(self, name: str) -> str:
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def named(self, column: str, parameters: Sequence[str]) -> str:
        listed = ", ".join(map(self.placeholder, parameters))
        return f"{self.exactly(column)} IN ({listed})"

    def exactly(self, column: str) -> str:
        return f"CAST({column} AS TEXT) COLLATE BINARY"

    def relation(self, view: View) -> str:
        if len(view.relation) > 1 and view.relation[0] != "main":
            raise ConnectorError(f"{view.name}: SQLite knows no schema but main.", permanent=True)
        return f'"main".{self.quoted(view.relation[-1])}'

    def role(self, connection: Connection) -> tuple[list[str], list[str]]:
        """It has no roles: the file is opened for reading alone."""
        return [], []


SYSTEMS: Mapping[str, System] = {"postgresql": Postgres(), "mysql": MySQL(), "mariadb": MySQL(), "sqlite": SQLite()}


def _pool(seconds: float) -> dict[str, Any]:
    """Connections are few, tested before use, and waited for no longer than an answer is."""
    return {
        "poolclass": QueuePool,
        "pool_size": POOL,
        "max_overflow": 0,
        "pool_timeout": seconds,
        "pool_pre_ping": True,
        "pool_recycle": 600,
        "hide_parameters": True,
    }


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" and more" if len(names) > 3 else "")


def _bare(privilege: str) -> str:
    """`SELECT (a, b)` is SELECT."""
    return privilege.partition("(")[0].strip().upper()


def _outside_brackets(privileges: str) -> list[str]:
    parts, depth, part = [], 0, ""
    for character in privileges:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append(part)
            part = ""
        else:
            part += character
    return [*parts, part]
