"""What language models cost: tokens and calls by person and day, and the budgets of each.

A call reserves what its prompt takes before it is made, in one statement that refuses what would pass a budget, and is
settled after it: several processes together spend more by no more than the answers that are under way.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Sum

from accounts.statements import execute, rows
from gateway.answering.counting import tokens_of
from gateway.answering.providers import OverBudget
from gateway.models import Spending

log = logging.getLogger("gatehouse.models")

ORGANISATION = Spending.ORGANISATION
NO_LIMIT = 2**62
MOST_TOLD = 10_000_000  # tokens of one call that a provider's own figures are believed to

# Person before organisation, in every statement: two of them never wait for each other.
RESERVE = """
INSERT INTO gateway_spending AS spent (day, person, tokens, calls)
SELECT (now() AT TIME ZONE 'UTC')::date, one.person, %s, 1
FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS one (person, most, place)
WHERE %s <= one.most
ORDER BY one.place
ON CONFLICT (day, person) DO UPDATE SET tokens = spent.tokens + EXCLUDED.tokens, calls = spent.calls + 1
WHERE spent.tokens + EXCLUDED.tokens <= CASE spent.person WHEN 0 THEN %s ELSE %s END
RETURNING spent.day"""
SETTLE = """
INSERT INTO gateway_spending AS spent (day, person, tokens, calls)
SELECT %s, one.person, 0, 0 FROM unnest(%s::bigint[]) WITH ORDINALITY AS one (person, place) ORDER BY one.place
ON CONFLICT (day, person) DO UPDATE SET tokens = greatest(spent.tokens + %s, 0)"""


@dataclass
class Bill:
    """One call: for whom, what was reserved for it, and what became of it."""

    persons: list[int]
    day: date
    reserved: int
    said: str = ""
    told_tokens: int = 0

    def told(self, figures: Mapping[str, Any]) -> None:
        """The provider's own figures, where it gives any; the last ones count."""
        parts = [figures.get("prompt_tokens"), figures.get("completion_tokens")]
        total = sum(part for part in parts if type(part) is int and part > 0)
        if 0 < total <= MOST_TOLD:
            self.told_tokens = total

    @property
    def tokens(self) -> int:
        """What it cost: nothing if it said nothing, for then nobody knows."""
        return self.told_tokens or (self.reserved + tokens_of(self.said) if self.said else 0)


def reserve(user_id: int | None, tokens: int) -> Bill:
    """Count a prompt of so many tokens. Raises `OverBudget`, and then counts nothing."""
    of_each = settings.LLM_DAILY_TOKENS_PER_PERSON or NO_LIMIT
    of_all = settings.LLM_DAILY_TOKENS or NO_LIMIT
    persons, limits = [ORGANISATION], [of_all]
    if user_id is not None:
        persons, limits = [user_id, *persons], [of_each, *limits]
    with _soon_written():
        counted = rows(RESERVE, [tokens, persons, limits, tokens, of_all, of_each])
        if len(counted) < len(persons):
            raise OverBudget("The budget of the day is spent.")
    return Bill(persons, counted[0][0], tokens)


def settle(bill: Bill) -> None:
    """Count what the call really cost instead of what was reserved."""
    difference = bill.tokens - bill.reserved
    if not difference:
        return
    try:
        with _soon_written():
            execute(SETTLE, [bill.day, bill.persons, difference])
    except DatabaseError:
        log.warning("What a call of a language model cost could not be counted.", exc_info=True)


@contextmanager
def _soon_written() -> Iterator[None]:
    """One transaction that nobody waits for the disk for: a crash forgets what was spent in its last half second."""
    with transaction.atomic():
        execute("SET LOCAL synchronous_commit = off")
        yield


# --- for the console and evaluations --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Tokens and calls of one person, or of the organisation, on one day (UTC)."""

    day: date
    person: int
    tokens: int
    calls: int


def by_day(days: int = 30) -> list[Spent]:
    """What the organisation spent on each of its last days with calls, the latest first."""
    return _spent(Spending.objects.filter(person=ORGANISATION).order_by("-day")[:days])


def by_person(day: date, most: int = 50) -> list[Spent]:
    """Who spent most on a day, most first."""
    return _spent(Spending.objects.filter(day=day).exclude(person=ORGANISATION).order_by("-tokens", "person")[:most])


def in_all() -> tuple[int, int]:
    """Calls and tokens of the organisation since it began."""
    told = Spending.objects.filter(person=ORGANISATION).aggregate(calls=Sum("calls"), tokens=Sum("tokens"))
    return told["calls"] or 0, told["tokens"] or 0


def _spent(found: Any) -> list[Spent]:
    return [Spent(day=each.day, person=each.person, tokens=each.tokens, calls=each.calls) for each in found]
