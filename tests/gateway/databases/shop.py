"""A small shop in a database: orders that belong to people and groups, offices for everybody, a payroll for nobody.

`SECRET` stands in every row, column and table that nobody of the tests may read through the views.
"""

from collections.abc import Mapping, Sequence

from connectors.sources.database.views import View, read_views

SECRET = "amaranth"  # never in what somebody is shown
HIDDEN_NUMBER = 777_000_777  # the same as a number

VIEWS = """
people:
  ann: {email: ann@example.org, external: false}
  bob: {email: bob@example.org, external: false}
groups:
  sales: {members: [ann]}
views:
  orders:
    relation: shop_orders
    title: Orders
    description: Every order a customer placed with the shop, with what it came to.
    rows: {column: belongs_to, names: ids}
    grants: [ann, bob]
    columns:
      number: {type: number, description: The number of the order}
      customer: Who placed it
      amount: {type: number, description: What it came to in euros}
      placed: {type: date, description: The day it was placed}
      status: {is: state, description: open or paid}
  offices:
    relation: shop_offices
    description: Where the shop has its offices, and how many seats each has.
    rows: all
    grants: [everyone]
    columns:
      city: The city
      seats: {type: number}
"""

TABLES = (
    "CREATE TABLE shop_orders (number INTEGER, customer VARCHAR(60), amount DECIMAL(12, 2), placed DATE, "
    "state VARCHAR(60), belongs_to VARCHAR(60), margin VARCHAR(60))",
    "CREATE TABLE shop_offices (city VARCHAR(60), seats INTEGER, rent VARCHAR(60))",
    "CREATE TABLE payroll (person VARCHAR(60), salary INTEGER)",
)
OWN: Sequence[tuple[object, ...]] = (  # what Ann sees, by herself or by her group
    (1, "Acme", "120.50", "2026-01-05", "open", "ann"),
    (2, "Birch", "80.00", "2026-02-10", "paid", "ann"),
    (3, "Acme", "40.25", "2026-03-15", "paid", "sales"),
)
OF_OTHERS: Sequence[tuple[object, ...]] = (
    (4, f"{SECRET} of bob", str(HIDDEN_NUMBER), "2026-11-01", SECRET, "bob"),
    (5, f"{SECRET} of nobody", str(HIDDEN_NUMBER), "2026-11-02", SECRET, None),
    (6, f"{SECRET} of a stranger", "0", "2026-11-03", SECRET, "carol"),
    (7, f"{SECRET} of Ann in capitals", str(HIDDEN_NUMBER), "2026-11-04", SECRET, "ANN"),
    (8, f"{SECRET} of ann with a blank", str(HIDDEN_NUMBER), "2026-11-05", SECRET, "ann "),
    (9, f"{SECRET} of ann with a dot", str(HIDDEN_NUMBER), "2026-11-06", SECRET, "änn"),
    (10, f"{SECRET} of nothing", str(HIDDEN_NUMBER), "2026-11-07", SECRET, ""),
    (0, f"{SECRET} number nought", "0", "2026-11-08", SECRET, "bob"),
)
OFFICES: Sequence[tuple[object, ...]] = (("Berlin", 40), ("Lisbon", 25))
FOR_ANN = frozenset({"ann", "sales"})


def views() -> Mapping[str, View]:
    return read_views(VIEWS).views


def statements(hidden: Sequence[tuple[object, ...]] = OF_OTHERS, own: Sequence[tuple[object, ...]] = OWN) -> list[str]:
    """The shop with other rows that Ann may not see, or with hers in another order."""
    rows = [f"INSERT INTO shop_orders VALUES ({', '.join(map(literal, (*row, SECRET)))})" for row in (*own, *hidden)]
    offices = [f"INSERT INTO shop_offices VALUES ({', '.join(map(literal, (*row, SECRET)))})" for row in OFFICES]
    return [*TABLES, *rows, *offices, f"INSERT INTO payroll VALUES ('{SECRET}', {HIDDEN_NUMBER})"]


def emptied() -> list[str]:
    return [f"DROP TABLE IF EXISTS {table}" for table in ("shop_orders", "shop_offices", "payroll")]


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else f"'{value}'"
