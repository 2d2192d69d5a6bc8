"""The forms that need no model, and everything near them that is left alone."""

import pytest

from connectors.sources.database.systems import SYSTEMS
from gateway.databases.grammar import query_of
from gateway.databases.writing import written
from tests.gateway.databases import shop

SQLITE = SYSTEMS["sqlite"]


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("How many orders are there?", "SELECT COUNT(*) AS count\nFROM orders"),
        ("how many orders do we have", "SELECT COUNT(*) AS count\nFROM orders"),
        ("What is the number of orders?", "SELECT COUNT(*) AS count\nFROM orders"),
        (
            "How many orders with status open?",
            "SELECT COUNT(*) AS count\nFROM orders\nWHERE LOWER(status) = LOWER('open')",
        ),
        (
            'How many orders where the customer is "Acme"?',
            "SELECT COUNT(*) AS count\nFROM orders\nWHERE LOWER(customer) = LOWER('Acme')",
        ),
        (
            "How many orders per status?",
            "SELECT status, COUNT(*) AS count\nFROM orders\nGROUP BY status\nORDER BY status",
        ),
        (
            "What is the total amount of the orders with customer Acme and status paid?",
            "SELECT SUM(amount) AS total_amount\nFROM orders\n"
            "WHERE LOWER(customer) = LOWER('Acme') AND LOWER(status) = LOWER('paid')",
        ),
        ("What is the average amount of orders?", "SELECT AVG(amount) AS average_amount\nFROM orders"),
        ("the highest amount of orders", "SELECT MAX(amount) AS highest_amount\nFROM orders"),
        (
            "Which order has the largest amount?",
            "SELECT *\nFROM orders\nWHERE amount IS NOT NULL\nORDER BY amount DESC\nLIMIT 1",
        ),
        (
            "What is the latest order?",
            "SELECT *\nFROM orders\nWHERE placed IS NOT NULL\nORDER BY placed DESC\nLIMIT 1",
        ),
        (
            "Show the most recent order with status paid",
            "SELECT *\nFROM orders\nWHERE LOWER(status) = LOWER('paid') AND placed IS NOT NULL\n"
            "ORDER BY placed DESC\nLIMIT 1",
        ),
        ("List all the offices", "SELECT *\nFROM offices"),
        ("Which orders with number 2?", "SELECT *\nFROM orders\nWHERE number = 2"),
        (
            "how many orders where placed is 2026-02-10",
            "SELECT COUNT(*) AS count\nFROM orders\nWHERE placed = '2026-02-10'",
        ),
        ("What is the total of seats of the offices?", "SELECT SUM(seats) AS total_seats\nFROM offices"),
    ],
)
def test_these_are_understood(question: str, sql: str) -> None:
    query = query_of(question, shop.views(), SQLITE)
    assert query is not None
    assert written(query, SQLITE, shop.views(), frozenset(), 10).shown == sql


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "How many?",
        "How many people are there?",
        "How many orders did Acme place?",
        "How many orders and offices are there?",
        "How many orders with status?",
        "How many orders with colour red?",
        "How many orders with status open or paid?",
        "How many orders with status not open?",
        "How many orders last month?",
        "How many orders with amount above 100?",
        "How many orders with placed 2026-02-30?",
        "How many orders with customer New York Pizza?",
        "Total customer of orders",
        "Which orders are there?",
        "Which offices?",
        "What is the latest office?",
        "Why are there so many orders?",
        "How do I place an order?",
        "Delete all orders",
        "How many orders; DROP TABLE orders",
        'How many orders with customer "a\\"?',
        "List the orders of Ann",
    ],
)
def test_what_is_not_quite_one_of_them_is_no_query(question: str) -> None:
    assert query_of(question, shop.views(), SQLITE) is None
