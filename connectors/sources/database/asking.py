"""A database is opened and asked: from a pool apart, in a transaction that can only read, under limits."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolEmpty

from connectors.sources.base import ConnectorError
from connectors.sources.database.systems import SYSTEMS, Parameters, System

Fault = Literal["away", "slow", "failed"]
LONGEST_CELL = 2_000  # characters
BINARY = "(binary)"
ENGINES = 32  # pools a process keeps


class AskingFailed(Exception):
    """The database did not answer: it is `away`, it was too `slow`, or the statement `failed`.

    What the database itself said is not in it: it may hold values of rows that nobody here may read.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one answer. `size`: bytes of all its cells as text."""

    rows: int = 200
    seconds: float = 5.0
    size: int = 200_000


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which database, and as whom. Does not show its password."""

    system: System
    url: URL

    def engine(self, seconds: float) -> Engine:
        """The pool to it that this process keeps."""
        key = (self.url.render_as_string(hide_password=False), seconds)
        with _LOCK:
            engine = _ENGINES.pop(key, None) or self.system.engine(self.url, seconds)
            _ENGINES[key] = engine  # the last used stands last
            while len(_ENGINES) > ENGINES:
                _ENGINES.pop(next(iter(_ENGINES))).dispose()
            return engine


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What the database answered, as text; a cell that holds nothing is None. `more`: there was more than is here."""

    rows: tuple[tuple[str | None, ...], ...]
    more: bool


_ENGINES: dict[tuple[str, float], Engine] = {}
_LOCK = threading.Lock()


def place_of(address: str, password: str) -> Place:
    """Raises ConnectorError with what is wrong in the address."""
    try:
        url = make_url(address.strip())
        system = SYSTEMS[url.get_backend_name()]
    except (ArgumentError, KeyError, ValueError):
        raise wrong(
            "The setting 'url' is no address such as postgresql://gateway@db.example.org/shop, mysql://… or "
            "sqlite:////srv/shop.db."
        ) from None
    if url.password is not None:
        raise wrong("The setting 'url' holds a password, which is shown wherever settings are; give it as 'password'.")
    unknown = sorted(set(url.query) - system.parameters_in_address)
    if unknown:
        known = ", ".join(sorted(system.parameters_in_address)) or "none"
        raise wrong(f"The address has a parameter {unknown[0]!r}; known to {system.product}: {known}.")
    if not url.database:
        raise wrong("The setting 'url' names no database.")
    if system.backend == "sqlite" and not url.database.startswith("/"):
        raise wrong("The path in 'url' must begin with '/': sqlite:////srv/shop.db, with four of them.")
    return Place(system=system, url=url.set(password=password) if password else url)


def wrong(message: str) -> ConnectorError:
    return ConnectorError(message, permanent=True)


@contextmanager
def reading(place: Place, seconds: float) -> Iterator[Any]:
    """The driver's own connection, within a transaction that can only read. Raises AskingFailed."""
    try:
        pooled = place.engine(seconds).raw_connection()
    except PoolEmpty:
        raise AskingFailed("slow") from None
    except Exception:
        raise AskingFailed("away") from None
    raw = pooled.driver_connection
    whole = False
    try:
        place.system.begin(raw, seconds)
        yield raw
        place.system.end(raw)
        whole = True
    except AskingFailed:
        raise
    except Exception as error:
        raise AskingFailed("slow" if place.system.is_slow(error) else "failed") from None
    finally:
        if not whole:  # whatever state it is in, nobody else gets it
            with suppress(Exception):
                pooled.invalidate()
        with suppress(Exception):
            pooled.close()


def ask(place: Place, sql: str, parameters: Parameters, limits: Limits) -> Rows:
    """The rows of a statement that `gateway.databases.writing` wrote. Raises AskingFailed."""
    rows: list[tuple[str | None, ...]] = []
    size = 0
    with reading(place, limits.seconds) as raw, closing(place.system.stream(raw, sql, parameters)) as stream:
        for row in stream:
            cells = tuple(map(as_text, row))
            size += sum(len(cell.encode("utf-8", "replace")) for cell in cells if cell is not None)
            if len(rows) == limits.rows or size > limits.size:
                return Rows(rows=tuple(rows), more=True)
            rows.append(cells)
    return Rows(rows=tuple(rows), more=False)


def as_text(value: Any) -> str | None:
    """A cell as it is shown; numbers in plain decimals, without zeros that say nothing."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Decimal():
            return _plain(value)
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return BINARY
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            text = str(value)
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


def _plain(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else str(value)


def first_line(error: SQLAlchemyError) -> str:
    """What the driver said, for an administrator."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    return said[0][:200] if said else type(error).__name__
