"""SQL of the worst model there can be, against real servers, under the role and by the way that answers go."""

import pytest

from connectors.sources.database.asking import AskingFailed, Limits, Rows, ask
from gateway.databases.writing import Refused, Statement, written
from tests.gateway.databases import shop
from tests.gateway.databases.hostile import REFUSED, SENT
from tests.gateway.databases.servers import Server

# With so many names a planner would rather look at the question's own conditions first, were it let.
MANY = shop.FOR_ANN | {f"group {number}" for number in range(60)}
LIMITS = Limits(rows=50, seconds=5.0, size=100_000)


def statement_of(server: Server, sql: str, names: frozenset[str] = shop.FOR_ANN) -> Statement:
    return written(sql, server.place.system, shop.views(), names, LIMITS.rows)


def asked(server: Server, sql: str, names: frozenset[str] = shop.FOR_ANN) -> Rows:
    statement = statement_of(server, sql, names)
    return ask(server.place, statement.sql, statement.parameters, LIMITS)


def outcome(server: Server, sql: str, names: frozenset[str] = shop.FOR_ANN) -> Rows | str:
    """What comes of it, in whatever way it fails."""
    try:
        return asked(server, sql, names)
    except AskingFailed as failed:
        return failed.fault


def shows_nothing_hidden(found: object) -> bool:
    return shop.SECRET not in repr(found) and str(shop.HIDDEN_NUMBER) not in repr(found)


@pytest.mark.parametrize("name", REFUSED)
def test_what_leaves_the_views_is_refused_before_a_database_hears_of_it(server: Server, name: str) -> None:
    with pytest.raises(Refused):
        statement_of(server, REFUSED[name].replace('"', server.place.system.quote))


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent_shows_this_readers_rows_alone(server: Server, name: str) -> None:
    assert shows_nothing_hidden(outcome(server, SENT[name]))


def test_the_list_is_long_enough() -> None:
    assert len(REFUSED) >= 60


@pytest.mark.parametrize("name", SENT)
def test_rows_that_are_hidden_change_nothing_of_what_comes_back(server: Server, name: str) -> None:
    """Twin worlds: one with the rows of others, one without, one with three times as many."""
    worlds = [shop.OF_OTHERS, (), [*shop.OF_OTHERS, *shop.OF_OTHERS, *shop.OF_OTHERS]]
    seen = []
    for hidden in worlds:
        server.run([*shop.emptied(), *shop.statements(hidden)])
        seen.append(outcome(server, SENT[name], MANY))
    server.run([*shop.emptied(), *shop.statements()])
    assert seen[0] == seen[1] == seen[2]


def test_a_pattern_that_breaks_on_hidden_rows_alone_tells_nothing_of_them(running: dict[str, Server]) -> None:
    """To Postgres it is cheaper than the rule for rows: without a fence it is tried first, on rows of others too."""
    server = running["postgres"]
    server.run([*shop.emptied(), *shop.statements()])
    assert outcome(server, f"SELECT number FROM orders WHERE customer LIKE '{shop.SECRET}%\\'", MANY) == Rows(
        rows=(), more=False
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT customer FROM orders",
        "SELECT customer, status FROM orders ORDER BY customer",
        "SELECT status FROM orders UNION ALL SELECT customer FROM orders",
        "SELECT number FROM orders LIMIT 2",
        "SELECT number FROM (SELECT number, customer FROM orders ORDER BY customer LIMIT 2) AS t",
    ],
)
def test_how_rows_are_stored_does_not_show(server: Server, sql: str) -> None:
    seen = []
    for own in (shop.OWN, shop.OWN[::-1]):
        server.run([*shop.emptied(), *shop.statements(own=own)])
        seen.append(asked(server, sql))
    server.run([*shop.emptied(), *shop.statements()])
    assert seen[0] == seen[1]


def test_everything_is_this_readers_everything(server: Server) -> None:
    found = asked(server, "SELECT number, customer FROM orders")
    assert found.rows == (("1", "Acme"), ("2", "Birch"), ("3", "Acme"))
    assert not found.more


def test_who_holds_no_name_sees_no_row(server: Server) -> None:
    assert asked(server, "SELECT * FROM orders", frozenset()).rows == ()
    assert asked(server, "SELECT COUNT(*) AS n FROM orders", frozenset()).rows == (("0",),)


@pytest.mark.parametrize("name", ["ANN", "ann ", "änn", "", " ", "%", "_nn", "ann' OR '1'='1", "\\", "NULL", "carol\0"])
def test_names_are_compared_exactly(server: Server, name: str) -> None:
    """A name that is like another one is another one: of Ann's rows there are none."""
    found = outcome(server, "SELECT number FROM orders", frozenset({name}))
    numbers = {row[0] for row in found.rows} if isinstance(found, Rows) else set()
    assert not numbers & {"1", "2", "3"}
    assert len(numbers) <= 1


def test_a_view_for_everybody_shows_its_approved_columns_alone(server: Server) -> None:
    found = asked(server, "SELECT * FROM offices", frozenset())
    assert found.rows == (("Berlin", "40"), ("Lisbon", "25"))


def test_what_is_read_again_says_the_same(server: Server) -> None:
    for sql in SENT.values():
        statement = statement_of(server, sql)
        assert statement_of(server, statement.shown) == statement


def test_texts_go_beside_the_statement_and_never_in_it(server: Server) -> None:
    statement = statement_of(server, "SELECT number FROM orders WHERE customer = 'O''Brien; --' OR status = 'open'")
    assert "Brien" not in statement.sql
    assert "'" not in statement.sql
    assert {"O'Brien; --", "open", "ann", "sales"} == set(statement.parameters.values())


def test_it_is_over_when_its_time_is(server: Server) -> None:
    server.run([f"INSERT INTO shop_offices VALUES ('town {n}', {n}, 'x')" for n in range(400)])
    try:
        tables = ", ".join(f"offices {letter}" for letter in "abcdef")
        condition = "a.seats + b.seats + c.seats + d.seats + e.seats < f.seats"
        statement = statement_of(server, f"SELECT COUNT(*) AS n FROM {tables} WHERE {condition}")
        with pytest.raises(AskingFailed) as failed:
            ask(server.place, statement.sql, statement.parameters, Limits(seconds=1.0))
        assert failed.value.fault == "slow"
    finally:
        server.run(["DELETE FROM shop_offices WHERE rent = 'x'"])


def test_no_more_rows_come_than_may_and_it_is_told(server: Server) -> None:
    statement = written("SELECT number FROM orders", server.place.system, shop.views(), shop.FOR_ANN, 2)
    found = ask(server.place, statement.sql, statement.parameters, Limits(rows=2))
    assert (len(found.rows), found.more) == (2, True)


def test_no_more_bytes_come_than_may(server: Server) -> None:
    statement = statement_of(server, "SELECT number, customer FROM orders")
    found = ask(server.place, statement.sql, statement.parameters, Limits(size=8))
    assert (len(found.rows), found.more) == (1, True)


def test_what_the_database_says_of_an_error_stays_there(server: Server) -> None:
    statement = Statement(sql=f"SELECT {shop.SECRET} FROM nowhere", parameters={}, shown="", views=(), columns=())
    with pytest.raises(AskingFailed) as failed:
        ask(server.place, statement.sql, statement.parameters, LIMITS)
    assert failed.value.fault == "failed"
    assert shows_nothing_hidden((failed.value, failed.value.__cause__, failed.value.args))
    assert failed.value.__suppress_context__


WRITES = (
    "INSERT INTO {}shop_offices VALUES ('x', 1, 'x')",
    "UPDATE {}shop_orders SET amount = 0",
    "DELETE FROM {}shop_orders",
    "CREATE TABLE {}stolen (a INTEGER)",
    "DROP TABLE {}payroll",
)


@pytest.mark.parametrize("sql", WRITES)
def test_what_got_through_all_the_same_could_not_write(server: Server, sql: str) -> None:
    """The second wall: a role and a transaction that only read, whatever is sent."""
    schema = "public." if server.place.system.dialect == "postgres" else ""
    with pytest.raises(AskingFailed):
        ask(server.place, sql.format(schema), {}, LIMITS)
    assert ask(server.place, f"SELECT COUNT(*) FROM {schema}shop_orders WHERE amount > 0", {}, LIMITS).rows != (("0",),)
    assert asked(server, "SELECT COUNT(*) AS n FROM orders").rows == (("3",),)


def test_a_connection_that_failed_is_not_used_again(server: Server) -> None:
    for _ in range(10):
        with pytest.raises(AskingFailed):
            ask(server.place, "SELECT nothing FROM nowhere", {}, LIMITS)
    assert asked(server, "SELECT COUNT(*) AS n FROM orders").rows == (("3",),)
