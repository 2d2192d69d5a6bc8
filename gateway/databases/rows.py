"""What a question to a database came to: the statement, its rows, and what they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from connectors.corpus.evidence import Pair
from connectors.corpus.hits import Hit
from connectors.sources.database.views import DEFINITION, VIEW


@dataclass(frozen=True, kw_only=True)
class Table:
    """As people see it. `sql` is over the approved views by their names; a cell that holds nothing is None."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    more: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of what the rows say, in whatever order, in hex."""
        rows = sorted(repr(row) for row in self.rows)
        return sha256(repr((self.columns, rows, self.more)).encode("utf-8", "backslashreplace")).hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {
            "sql": self.sql,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "more": self.more,
        }


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Under which names in the directory of a source the rows were asked for: those all who see them held then."""

    source: int
    names: frozenset[str]


NEAR = 5  # hits among which a view must be
Needed = Pair | Holding  # what text that is shown rests on


@dataclass(frozen=True, kw_only=True)
class AskedRows:
    """Rows a sentence was made from. `context`: the passages that whoever wrote the statement was shown (P16).

    `holding`: None where every row of what was asked may be read by whoever may ask.
    """

    source: int
    table: Table
    holding: Holding | None
    context: frozenset[Pair]

    @property
    def needs(self) -> frozenset[Needed]:
        return self.context | ({self.holding} if self.holding is not None else frozenset())


def may_be_views(hits: Sequence[Hit]) -> bool:
    """Whether it is worth while to look for a database behind these: without asking any. Further down, a view is more
    likely in the way than meant, and asking a model costs time."""
    return any(VIEW in hit.metadata and DEFINITION in hit.metadata for hit in hits[:NEAR])
