"""Databases as a source: what a sync yields, and what `check` says; SQLite here, the servers where they are asked."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from accounts.models import IdentityLink, Principal
from connectors import adding
from connectors.kit.contract import ConnectorContract
from connectors.models import Source
from connectors.records import Checkpoint, DocumentRecord, PrincipalRecord, Problem, Record, ScopeRecord
from connectors.sources.base import ConnectorError
from connectors.sources.database import asking
from connectors.sources.database.asking import as_text, place_of
from connectors.sources.database.connector import GATE, Database
from connectors.sources.database.views import read_views
from connectors.sources.strict_yaml import InvalidYaml

VIEWS = """
people:
  ann: {email: ann@example.org}
  bob: {email: bob@example.org}
views:
  orders:
    description: Every order.
    rows: {column: owner, names: ids}
    grants: [READERS]
    columns:
      number: {type: number}
      customer: Who placed it
"""
BY_ADDRESS = """
views:
  orders:
    rows: {column: owner, names: addresses}
    grants: [everyone]
    columns: {number: {type: number}}
"""


def shop(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (number INTEGER, customer TEXT, owner TEXT)")
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?)",
            [(1, "Acme", "ann@example.org"), (2, "Birch", "Bob@Example.org"), (3, "Cole", None), (4, "Doe", "nobody")],
        )
        connection.commit()


class TestDatabase(ConnectorContract):
    connector = Database

    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.file = tmp_path / "shop.db"

    def system(self) -> Iterator[Mapping[str, str]]:
        shop(self.file)
        yield {"url": f"sqlite:///{self.file}", "views": VIEWS.replace("READERS", "ann")}

    def take_away(self) -> None:
        adding.change_settings(Source.objects.get(), {"views": VIEWS.replace("READERS", "")})

    def break_off(self) -> None:
        for engine in asking._ENGINES.values():
            engine.dispose()
        self.file.unlink()


def database(path: Path, views: str = VIEWS.replace("READERS", "ann"), **settings: str) -> Database:
    if not path.exists():
        shop(path)
    return Database({"url": f"sqlite:///{path}", "views": views, **settings}, vouches_for_emails=True)


def records(found: Database) -> list[Record]:
    return list(found.records(None))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


# --- what is synced -----------------------------------------------------------------------------------------------


def test_a_view_is_a_document_of_its_description_and_says_nothing_of_its_rows(file: Path) -> None:
    found = records(database(file))
    [document] = [record for record in found if isinstance(record, DocumentRecord)]
    assert (document.id, document.scope, document.title) == ("orders", "orders", "Orders")
    assert document.text is not None
    assert "Every order." in document.text and "customer: Who placed it" in document.text
    assert "Acme" not in repr(found) and "nobody" not in repr(found)
    assert document.metadata["view"] == "orders"


def test_whatever_is_said_of_a_view_changes_its_definition() -> None:
    first = read_views(VIEWS.replace("READERS", "ann")).views["orders"]
    changed = [
        VIEWS.replace("READERS", "bob"),
        VIEWS.replace("READERS", "ann").replace("column: owner", "column: customer"),
        VIEWS.replace("READERS", "ann").replace("rows: {column: owner, names: ids}", "rows: all"),
        VIEWS.replace("READERS", "ann").replace("customer: Who", "customer: {is: owner}\n      who: Who"),
    ]
    assert len({first.definition, *(read_views(text).views["orders"].definition for text in changed)}) == 5
    assert first.definition == read_views(VIEWS.replace("READERS", "ann")).views["orders"].definition


def test_addresses_in_rows_become_accounts_exactly_as_they_are_written(file: Path) -> None:
    found = records(database(file, BY_ADDRESS))
    accounts = {record.id: record.email for record in found if isinstance(record, PrincipalRecord)}
    assert accounts == {"ann@example.org": "ann@example.org", "Bob@Example.org": "Bob@Example.org"}


@pytest.mark.django_db
def test_an_account_of_an_address_is_linked_and_let_go_as_any_other(file: Path) -> None:
    from accounts.models import User
    from connectors import sync

    User.objects.create_user("ann@example.org")
    shop(file)
    source = adding.add_source(
        "shop",
        kind="database",
        settings={"url": f"sqlite:///{file}", "views": BY_ADDRESS},
        vouches_for_emails=True,
    )
    sync.run_now(source)
    assert IdentityLink.objects.filter(ended_at=None, user__email="ann@example.org").count() == 1
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM orders WHERE number = 1")
        connection.commit()
    sync.run_now(source)
    assert not IdentityLink.objects.filter(ended_at=None).exists()
    assert Principal.objects.filter(external_id="Bob@Example.org", deleted_at=None).exists()


def test_a_setting_that_cannot_be_understood_admits_nobody_to_any_view(file: Path) -> None:
    running = database(file, "views: [").records(None)
    told = [next(running), next(running)]
    with pytest.raises(ConnectorError, match="The setting 'views'"):
        next(running)
    [gate, page] = told
    assert isinstance(gate, ScopeRecord) and gate.id == GATE and gate.access.problem
    assert isinstance(page, Checkpoint) and not page.complete


def test_a_view_that_is_not_there_is_hidden_and_told(file: Path) -> None:
    views = VIEWS.replace("READERS", "ann").replace("customer: Who", "customer: {is: client}\n      who: Who")
    found = records(database(file, views))
    assert not [record for record in found if isinstance(record, DocumentRecord)]
    [problem] = [record for record in found if isinstance(record, Problem)]
    assert (problem.kind, problem.id) == ("document", "orders")
    assert problem.message == "orders: orders has no column 'client' that this role may read."


# --- check --------------------------------------------------------------------------------------------------------


def test_nothing_is_missing_where_everything_is_there(file: Path) -> None:
    assert database(file).check() == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": ""}, "is no address such as"),
        ({"url": "oracle://db.example.org/x"}, "is no address such as"),
        ({"url": "postgresql://gateway:secret@db.example.org/x"}, "holds a password"),
        ({"url": "postgresql://db.example.org/x?options=-c%20role=postgres"}, "has a parameter 'options'"),
        ({"url": "mysql://db.example.org/x?local_infile=1"}, "has a parameter 'local_infile'"),
        ({"url": "sqlite:///shop.db"}, "must begin with '/'"),
        ({"url": "sqlite://"}, "names no database"),
        ({"url": "sqlite:////nowhere/shop.db"}, "cannot be reached"),
        ({"rows": "many"}, "'rows' must be a number from 1 to 5,000"),
        ({"seconds": "31"}, "'seconds' must be a number from 1 to 30"),
        ({"views": VIEWS.replace("READERS", "")}, "Nobody may ask orders until it has grants"),
        ({"views": VIEWS.replace("READERS", "ann").replace("orders:", "payments:")}, "there is no payments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "with",
)
def test_what_is_wrong_is_told_in_a_sentence(file: Path, settings: dict[str, str], told: str) -> None:
    found = database(file)
    found.values |= settings
    [sentence] = found.check()
    assert told in sentence and sentence.endswith(".")
    assert "secret" not in sentence


@pytest.mark.parametrize(
    ("views", "told"),
    [
        ("", "the file is empty"),
        ("people: {}", "'views' is missing"),
        ("views: {orders: {columns: {a: x}, grants: [everyone]}}", "does not say who sees which rows"),
        ("views: {orders: {rows: some, columns: {a: x}}}", "'rows' is 'all' or names a column"),
        ("views: {orders: {rows: {column: owner}, columns: {a: x}}}", "what its 'names' are"),
        ("views: {orders: {rows: {column: owner, names: emails}, columns: {a: x}}}", "'names' is 'ids' or 'addresses'"),
        ("views: {orders: {rows: all}}", "approves no columns"),
        ("views: {orders: {rows: all, columns: {}}}", "approves no columns"),
        ("views: {Orders: {rows: all, columns: {a: x}}}", "is no name to write questions in"),
        ("views: {pg_user: {rows: all, columns: {'a b': x}}}", "is no name to write questions in"),
        ("views: {orders: {rows: all, columns: {a: {type: money}}}}", "'money' is no type"),
        ("views: {orders: {relation: a.b.c, rows: all, columns: {a: x}}}", "is no relation"),
        ("views: {orders: {rows: all, columns: {a: x}, row: x}}", "means nothing in"),
        ("people: {everyone: {}}\nviews: {}", "is reserved"),
        ("people: {a: {}}\ngroups: {a: {}}\nviews: {}", "is both a person and a group"),
    ],
)
def test_views_are_read_strictly(views: str, told: str) -> None:
    with pytest.raises(InvalidYaml, match=told):
        read_views(views)


def test_a_file_is_opened_for_reading_alone(file: Path) -> None:
    shop(file)
    place = place_of(f"sqlite:///{file}", "")
    for statement in ("DELETE FROM orders", "CREATE TABLE x (a)", "ATTACH '/tmp/other.db' AS other"):
        with pytest.raises(asking.AskingFailed):
            asking.ask(place, statement, {}, asking.Limits())


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, None), (True, "true"), (3, "3"), (2.5, "2.5"), (b"\0", "(binary)"), ("x" * 2_001, "x" * 2_000 + "…")],
    ids=["nothing", "yes", "whole", "part", "bytes", "long"],
)
def test_cells_are_texts(value: object, shown: str | None) -> None:
    assert as_text(value) == shown
