"""What `check` finds out about a role, and which roles are refused, on the real servers."""

import json
from pathlib import Path

import pytest

from connectors.records import PrincipalRecord
from connectors.sources.base import ConnectorError
from connectors.sources.database.asking import AskingFailed, Limits, ask, place_of
from connectors.sources.database.connector import Database
from connectors.sources.database.views import read_views
from gateway.databases.writing import written
from gateway.embedded.own_secrets import secrets_of
from tests.gateway.databases import shop
from tests.gateway.databases.servers import Server


def source(server: Server, url: str = "", password: str = "") -> Database:
    values = {"url": url or server.url, "password": password or server.password, "views": shop.VIEWS}
    return Database(values, vouches_for_emails=True)


def test_a_role_that_only_reads_is_all_that_is_wanted(server: Server) -> None:
    assert source(server).check() == []
    assert [type(record).__name__ for record in source(server).records(None)][-1] == "Checkpoint"


def test_a_superuser_is_refused(running: dict[str, Server]) -> None:
    for kind, mighty in (("postgres", "postgres"), ("mariadb", "root")):
        server = running[kind]
        server.run([*shop.emptied(), *shop.statements()])
        # no password: whoever may enter the directory of its socket is let in
        found = Database({"url": server.url.replace("shop_reader", mighty), "views": shop.VIEWS})
        [sentence, *_] = found.check()
        assert "superuser" in sentence or "everywhere" in sentence
        with pytest.raises(ConnectorError, match="Make a role for the gateway"):
            list(found.records(None))


def test_a_role_that_may_write_is_told(running: dict[str, Server]) -> None:
    server = running["mariadb"]
    server.run([*shop.emptied(), *shop.statements(), "GRANT INSERT ON payroll TO 'shop_reader'@'localhost'"])
    [sentence] = source(server).check()
    assert "may INSERT on" in sentence and sentence.endswith(".")
    server.run(["REVOKE INSERT ON payroll FROM 'shop_reader'@'localhost'"])
    server = running["postgres"]
    server.run([*shop.emptied(), *shop.statements(), "GRANT INSERT ON payroll TO shop_reader"])
    [sentence] = source(server).check()
    assert sentence.startswith("shop_reader may write to public.payroll.")
    server.run(["REVOKE INSERT ON payroll FROM shop_reader"])


def test_a_role_that_writes_by_default_is_told_how_not_to(running: dict[str, Server], data_dir: Path) -> None:
    server = running["postgres"]
    owner = server.url.replace("shop_reader", "gatehouse")
    found = source(server, owner, secrets_of(data_dir).postgres_password)
    told = found.check()
    assert any("SET default_transaction_read_only = on." in sentence for sentence in told), told


def test_a_password_that_is_wrong_is_told_without_it(running: dict[str, Server]) -> None:
    [sentence] = source(running["mariadb"], password="not the word").check()
    assert sentence.startswith("The database cannot be reached: ") and "not the word" not in sentence


def test_a_role_that_may_write_cannot_while_it_is_asked(running: dict[str, Server], data_dir: Path) -> None:
    for kind, owner, password in (
        ("postgres", "gatehouse", secrets_of(data_dir).postgres_password),
        ("mariadb", "root", ""),
    ):
        server = running[kind]
        server.run([*shop.emptied(), *shop.statements()])
        place = place_of(server.url.replace("shop_reader", owner), password)
        schema = "public." if kind == "postgres" else ""
        for statement in (
            f"DELETE FROM {schema}payroll",
            f"INSERT INTO {schema}payroll VALUES ('x', 1)",
            f"CREATE TABLE {schema}stolen (a INT)",
        ):
            with pytest.raises(AskingFailed):
                ask(place, statement, {}, Limits())
        assert ask(place, f"SELECT COUNT(*) FROM {schema}payroll", {}, Limits()).rows == (("1",),)


def test_names_in_a_database_may_be_anything(server: Server) -> None:
    """Quotes, percents and placeholders in them stay parts of names."""
    system = server.place.system
    odd = f"an {system.quote}odd{system.quote} %s %(p0)s :p0 name"
    quoted = system.quote + odd.replace(system.quote, system.quote * 2) + system.quote
    server.run([*shop.emptied(), *shop.statements(), f"CREATE TABLE {quoted} ({quoted} VARCHAR(9), payer VARCHAR(9))"])
    server.run([f"INSERT INTO {quoted} VALUES ('seen', 'ann')", f"INSERT INTO {quoted} VALUES ('hidden', 'bob')"])
    try:
        said = json.dumps(odd)
        views = (
            f"views: {{odd: {{relation: {said}, rows: {{column: payer, names: ids}}, columns: {{a: {{is: {said}}}}}}}}}"
        )
        found = source(server)
        found.values["views"] = views
        assert found.check() == ["Nobody may ask odd until it has grants."]
        statement = written("SELECT a FROM odd WHERE a LIKE '%e%'", system, read_views(views).views, {"ann"}, 9)
        assert ask(server.place, statement.sql, statement.parameters, Limits()).rows == (("seen",),)
    finally:
        server.run([f"DROP TABLE {quoted}"])


def test_a_view_may_be_called_as_a_table_that_another_one_stands_for(server: Server) -> None:
    server.run([*shop.emptied(), *shop.statements()])
    found = source(server)
    found.values["views"] = """
groups: {sales: {members: []}}
views:
  shop_offices: {relation: shop_orders, rows: {column: belongs_to, names: ids}, columns: {number: {type: number}}}
  towns: {relation: shop_offices, rows: all, columns: {city: The city}}
"""
    views = found.approved().views
    for sql, rows in (
        ("SELECT number FROM shop_offices", (("3",),)),
        ("SELECT city FROM towns", (("Berlin",), ("Lisbon",))),
        ("SELECT t.city, o.number FROM shop_offices o, towns t", (("Berlin", "3"), ("Lisbon", "3"))),
        ("SELECT t.city, o.number FROM towns t, shop_offices o", (("Berlin", "3"), ("Lisbon", "3"))),
        (
            "WITH shop_orders AS (SELECT city FROM towns) SELECT city, number FROM shop_orders, shop_offices",
            (("Berlin", "3"), ("Lisbon", "3")),
        ),
    ):
        statement = written(sql, server.place.system, views, {"sales"}, 9)
        assert ask(server.place, statement.sql, statement.parameters, Limits()).rows == rows


def test_addresses_in_rows_are_accounts_letter_by_letter(server: Server) -> None:
    """Where two of them are one to the database's own comparison, too."""
    written = [
        "ann@example.org",
        "Ann@Example.org",
        "änn@example.org",
        "bob@example.org",
        "bob@example.org",
        "none",
        "",
    ]
    rows = [(10 + n, "A", "1", "2026-01-01", "open", address) for n, address in enumerate(written)]
    server.run([*shop.emptied(), *shop.statements(rows)])
    found = source(server)
    found.values["views"] = shop.VIEWS.replace("names: ids", "names: addresses")
    accounts = {record.id for record in found.records(None) if isinstance(record, PrincipalRecord)}
    assert accounts >= {"ann@example.org", "Ann@Example.org", "änn@example.org", "bob@example.org"}
    assert accounts - set(written) == {"ann", "bob", "sales"}
    server.run([*shop.emptied(), *shop.statements()])


def test_a_view_or_column_that_is_not_there_is_told(server: Server) -> None:
    found = source(server)
    found.values["views"] = shop.VIEWS.replace("relation: shop_offices", "relation: shop_towns")
    assert [each for each in found.check() if "shop_towns that this role may read" in each]
    found.values["views"] = shop.VIEWS.replace("column: belongs_to", "column: owner")
    assert [each for each in found.check() if "has no column 'owner'" in each]
