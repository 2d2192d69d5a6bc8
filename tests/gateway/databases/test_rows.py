"""When a database is thought of at all, and what is the same of two tables."""

from gateway.databases.rows import Table, may_be_views
from tests.gateway.passages import passage

VIEW = passage("Every order.", view="orders", definition="0")
OTHER = passage("Leave is 26 weeks.")


def test_a_database_is_thought_of_if_a_view_is_among_the_best_hits() -> None:
    assert may_be_views([OTHER, VIEW])
    assert not may_be_views([OTHER] * 5 + [VIEW])
    assert not may_be_views([passage("I am a view.", view="orders")])


def table(*rows: tuple[str | None, ...], columns: tuple[str, ...] = ("a",), more: bool = False) -> Table:
    return Table(sql="", columns=columns, rows=rows, more=more)


def test_tables_are_the_same_if_they_say_the_same_in_whatever_order() -> None:
    assert table(("1",), ("2",)).digest == table(("2",), ("1",)).digest
    different = [
        table(("1",), ("2",)),
        table(("1",), ("1",), ("2",)),
        table(("1",), ("3",)),
        table(("1",), (None,)),
        table(("1",), ("None",)),
        table(("1",), ("2",), columns=("b",)),
        table(("1",), ("2",), more=True),
        table(("1', '2",)),
        table(),
    ]
    assert len({each.digest for each in different}) == len(different)
