"""The plans of all statements that a call runs, those inside functions too, as Postgres' auto_explain tells them.

Only a superuser may let a role load auto_explain and set it. The tests' own cluster lets nobody in as one, so for one
statement its door is opened: its socket is in a directory that nobody else may enter.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql
from psycopg.errors import Diagnostic

from accounts.statements import execute
from gateway.embedded.places import Places, places_of
from gateway.embedded.postgres import ROLE

LIBRARY = "session_preload_libraries"
TOLD = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",  # to whoever asks, and not to the log of the server
}
SUPERUSER = "postgres"
LONGEST = 10.0  # seconds until the server has read its rules anew


@dataclass(frozen=True)
class Look:
    """How a statement looks into a table or an index, and the rows that gave, filtered ones not among them.

    `fetched` says how often a scan of an index alone needed the table all the same.
    """

    way: str
    table: str = ""
    index: str = ""
    fetched: int = 0
    rows: float = 0
    statement: str = ""


def let_plans_be_told() -> None:
    """From now on the role of the tests may load auto_explain and set it. Once for a cluster, again does no harm."""
    places = places_of(Path(settings.DATA_DIR).resolve())
    names = sql.SQL(", ").join(sql.Identifier(*name.split(".")) for name in (LIBRARY, *TOLD))
    with _let_in(places) as superuser:
        superuser.execute(sql.SQL("GRANT SET ON PARAMETER {} TO {}").format(names, sql.Identifier(ROLE)))


@contextmanager
def _let_in(places: Places) -> Iterator[psycopg.Connection[Any]]:
    rules = places.cluster / "pg_hba.conf"
    with (places.cluster / "PG_VERSION").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # workers of one run share the cluster
        kept = rules.read_text()
        try:
            rules.write_text(f"{kept}local all {SUPERUSER} trust\n")
            with _superuser(places) as superuser:
                yield superuser
        finally:
            rules.write_text(kept)
            _read_rules(places)


def _superuser(places: Places) -> psycopg.Connection[Any]:
    deadline = time.monotonic() + LONGEST
    while True:
        _read_rules(places)
        try:
            return psycopg.connect(host=str(places.sockets), user=SUPERUSER, dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _read_rules(places: Places) -> None:
    os.kill(int((places.cluster / "postmaster.pid").read_text().splitlines()[0]), signal.SIGHUP)


@contextmanager
def looks() -> Iterator[list[Look]]:
    """What statements of this connection look into from here on. It is a new connection, gone at the end."""
    options = connection.settings_dict["OPTIONS"]
    own = options.get("options")
    connection.close()
    options["options"] = f"{own or ''} -c {LIBRARY}=auto_explain".strip()
    found: list[Look] = []

    def take(said: Diagnostic) -> None:
        text = said.message_primary or ""
        if "plan:\n" in text:
            told = json.loads(text.partition("plan:\n")[2])
            found.extend(_looks(told["Plan"], told["Query Text"]))

    try:
        for name, value in TOLD.items():
            execute(f"SET {name} = '{value}'")
        connection.connection.add_notice_handler(take)
        yield found
    finally:
        connection.close()
        del options["options"]
        if own is not None:
            options["options"] = own


def _looks(node: dict[str, Any], statement: str) -> Iterator[Look]:
    if "Relation Name" in node or "Index Name" in node:
        yield Look(
            way=node["Node Type"],
            table=node.get("Relation Name", ""),
            index=node.get("Index Name", ""),
            fetched=node.get("Heap Fetches", 0),
            rows=node["Actual Rows"] * node["Actual Loops"],
            statement=statement,
        )
    for below in node.get("Plans", []):
        yield from _looks(below, statement)
