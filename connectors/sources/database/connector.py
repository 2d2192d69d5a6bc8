"""Databases as a source: each approved view is a document that says what may be asked of it, and nothing of its rows.

What rows say is asked for when somebody asks (gateway/databases): a sync reads no row but the names of those whom the
rows of a view are for, where these are e-mail addresses.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from connectors.records import (
    RESERVED_IDS,
    Access,
    Checkpoint,
    DocumentRecord,
    PrincipalRecord,
    Problem,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.database.asking import AskingFailed, Limits, Place, first_line, place_of, reading, wrong
from connectors.sources.database.views import DEFINITION, VIEW, Approved, View, read_views
from connectors.sources.strict_yaml import InvalidYaml, is_clean

GATE = "."  # the scope above all: it lets nobody in by itself, and closing it closes everything
MOST_ADDRESSES = 100_000
LONGEST_ADDRESS = 320  # characters
SYNC_SECONDS = 60.0


class Database(Connector):
    """Postgres, MySQL, MariaDB or SQLite: views an administrator approved, asked by people within their rights."""

    settings: ClassVar = {
        "url": "The database, without a password: postgresql://gateway@db.example.org/shop, sqlite:////srv/shop.db.",
        "password": "The password of the role in 'url'. The role needs SELECT on the views, and nothing else.",
        "views": "The views that may be asked, with their columns and readers, as YAML or JSON.",
        "rows": "The most rows an answer has; 200 if empty.",
        "seconds": "The longest the database may work on an answer; 5 if empty.",
        "bytes": "The largest an answer may be; 200000 if empty.",
    }
    secrets: ClassVar = frozenset({"password"})
    place: ClassVar = frozenset({"url"})

    def records(self, since: State | None) -> Records:
        """All of it, each time: it is a handful of settings."""
        approved = self.approved_or_none()
        if approved is None:  # nobody is admitted until it can be understood (P4)
            yield ScopeRecord(id=GATE, access=Access(problem="The settings cannot be understood."))
            yield Checkpoint()
            self.approved()  # raises
            return
        yield from approved.people
        yield ScopeRecord(id=GATE, name="Views")
        with self.connected() as connection:
            self.refuse_might(connection)
            yield from self.accounts(approved)
            for view in approved.views.values():
                yield from self.view(view, connection)
        yield Checkpoint(complete=True)

    def check(self) -> list[str]:
        """Connects, asks what its role may do, and looks for each view and column."""
        try:
            self.limits()
            approved = self.approved()
            with self.connected() as connection:
                refused, told = self.database().system.role(connection)
                faults = [self.fault_of(view, connection) for view in approved.views.values()]
        except ConnectorError as error:
            return [str(error)]
        except SQLAlchemyError as error:
            return [f"The database did not say what its role may do: {_sentence(first_line(error))}"]
        sentences = [*refused, *told, *filter(None, faults)]
        if not self.vouches_for_emails and any(view.rows and view.rows.addresses for view in approved.views.values()):
            sentences.append("Rows name their readers by address: they count only if the source vouches for them.")
        nobody = [view.name for view in approved.views.values() if not view.access.grants]
        return sentences + [f"Nobody may ask {name} until it has grants." for name in nobody]

    # --- what is synced ---------------------------------------------------------------------------------------

    def accounts(self, approved: Approved) -> Iterator[Record]:
        """An account for each address a row names, so that links to people are made and ended as everywhere (P13)."""
        seen = set(approved.known)
        for view in approved.views.values():
            if view.rows is None or not view.rows.addresses:
                continue
            addresses = self.addresses(view, view.rows.column)
            if len(addresses) > MOST_ADDRESSES:
                yield Problem(message=f"{view.name}: more than {MOST_ADDRESSES:,} addresses; the others see no row.")
            for address in filter(_is_address, addresses):
                if address not in seen:
                    seen.add(address)
                    yield PrincipalRecord(id=address, kind="user", name=address, email=address)

    def addresses(self, view: View, column: str) -> list[str]:
        """What rows name, exactly as they do; none where the view is not right, which is told of the view itself."""
        place = self.database()
        text = place.system.exactly(place.system.column(column))
        try:
            sql = f"SELECT DISTINCT {text} FROM {place.system.relation(view)} AS asked LIMIT {MOST_ADDRESSES + 1}"  # noqa: S608
            with reading(place, SYNC_SECONDS) as raw:
                found = [value for (value,) in place.system.stream(raw, sql, {}) if value is not None]
        except AskingFailed as failed:
            if failed.fault == "failed":
                return []
            raise ConnectorError(f"{view.name}: the database did not tell its addresses in time.") from None
        except ConnectorError:
            return []
        return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in found]

    def view(self, view: View, connection: Connection) -> Iterator[Record]:
        yield ScopeRecord(id=view.name, name=view.title, parent=GATE, access=view.access)
        fault = self.fault_of(view, connection)
        if fault:
            yield Problem(message=fault, kind="document", id=view.name)
            return
        yield DocumentRecord(
            id=view.name,
            title=view.title,
            scope=view.name,
            text=view.text,
            metadata={VIEW: view.name, DEFINITION: view.definition},
        )

    def fault_of(self, view: View, connection: Connection) -> str:
        """What is wrong with a view in the database, "" when nothing is."""
        system = self.database().system
        wanted = [column.real for column in view.columns] + ([view.rows.column] if view.rows else [])
        try:
            relation = system.relation(view)
        except ConnectorError as error:
            return str(error)
        if self._fails(f"SELECT 1 FROM {relation} WHERE 1 = 0", connection):  # noqa: S608
            return f"{view.name}: there is no {'.'.join(view.relation)} that this role may read."
        for column in wanted:
            if self._fails(f"SELECT {system.column(column)} FROM {relation} AS asked WHERE 1 = 0", connection):  # noqa: S608
                return f"{view.name}: {'.'.join(view.relation)} has no column {column!r} that this role may read."
        return ""

    def _fails(self, sql: str, connection: Connection) -> bool:
        try:
            connection.exec_driver_sql(sql).close()
        except SQLAlchemyError:
            connection.rollback()
            return True
        return False

    def refuse_might(self, connection: Connection) -> None:
        """Raises ConnectorError for a role that is too mighty to be let near a model."""
        try:
            refused, _ = self.database().system.role(connection)
        except SQLAlchemyError as error:
            raise wrong(f"The database did not say what its role may do: {_sentence(first_line(error))}") from None
        if refused:
            raise wrong(refused[0])

    # --- settings -----------------------------------------------------------------------------------------------

    def approved(self) -> Approved:
        """Raises ConnectorError with what is wrong in 'views', or in 'url'."""
        place = self.database()
        try:
            found = read_views(self.values.get("views", ""))
        except InvalidYaml as error:
            raise wrong(f"The setting 'views': {error}.") from None
        database = str(place.url.database)
        views = {name: place.system.placed(view, database) for name, view in found.views.items()}
        return replace(found, views=views)

    def approved_or_none(self) -> Approved | None:
        try:
            return self.approved()
        except ConnectorError:
            return None

    def database(self) -> Place:
        return place_of(self.values.get("url", ""), self.values.get("password", ""))

    def limits(self) -> Limits:
        usual = Limits()
        return Limits(
            rows=self.number("rows", usual.rows, 5_000),
            seconds=float(self.number("seconds", int(usual.seconds), 30)),
            size=self.number("bytes", usual.size, 5_000_000),
        )

    def number(self, setting: str, absent: int, most: int) -> int:
        value = self.values.get(setting, "").strip()
        if not value:
            return absent
        if not value.isascii() or not value.isdigit() or not 1 <= int(value[:10]) <= most:
            raise wrong(f"{setting!r} must be a number from 1 to {most:,}.")
        return int(value)

    def connected(self) -> Connection:
        """Raises ConnectorError when the database cannot be reached."""
        place = self.database()
        try:
            return place.engine(SYNC_SECONDS).connect()
        except SQLAlchemyError as error:
            raise ConnectorError(f"The database cannot be reached: {_sentence(first_line(error))}") from None


def _is_address(value: object) -> bool:
    if not isinstance(value, str) or "@" not in value or value in RESERVED_IDS:
        return False
    return len(value) <= LONGEST_ADDRESS and is_clean(value)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
