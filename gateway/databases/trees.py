"""The tree of a statement, and what every writer of its parts holds to: what is not looked at must not be there."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from connectors.sources.database.systems import System

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it would tell what it could not read

LONGEST = 4_000  # characters
MOST_NODES = 600
NAME = re.compile(r"[a-z_][a-z0-9_]{0,59}", re.ASCII)


class Refused(Exception):
    """The statement is none that may be sent. The reason is for the log, not for the reader."""


def tree_of(sql: str, system: System) -> exp.Expr:
    """The one statement that a text is, as the database would read it. Raises Refused."""
    if len(sql) > LONGEST or "\0" in sql:
        raise Refused("too long")
    try:
        trees = sqlglot.parse(sql, dialect=system.dialect, max_nodes=MOST_NODES)
    except Exception as error:  # whatever it stumbles over, nothing was read
        raise Refused(f"not read: {type(error).__name__}") from None
    found = [tree for tree in trees if tree is not None]
    if len(found) != 1:
        raise Refused("not one statement")
    return found[0]


@dataclass
class Scope:
    """What names mean at one place: columns by the table they are of, columns of the answer, and what is around."""

    around: "Scope | None" = None
    tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()

    def holds(self, name: str, *, outputs: bool) -> bool:
        """Whether a bare name means something here or around; ambiguous is nothing."""
        found = sum(columns.count(name) for columns in self.tables.values())
        if found:
            return found == 1 or (outputs and name in self.outputs)
        if outputs and name in self.outputs:
            return True
        return self.around is not None and self.around.holds(name, outputs=False)

    def columns_of(self, table: str) -> tuple[str, ...] | None:
        if table in self.tables:
            return self.tables[table]
        return self.around.columns_of(table) if self.around is not None else None


def only(node: exp.Expr, *parts: str) -> None:
    """Refused, if the node has a part that is not named: what is not looked at must not be there."""
    for name, part in node.args.items():
        if name not in parts and part not in (None, False, [], ""):
            raise Refused(f"{type(node).__name__} with {name}")


def must_be(node: object, kind: type[exp.Expr]) -> None:
    if type(node) is not kind:
        raise Refused(f"{type(node).__name__} for {kind.__name__}")


def plain_name(node: object) -> str:
    """A name in small letters. Any other is refused: it may mean something else to a database than to a reader."""
    if not isinstance(node, exp.Identifier):
        raise Refused("no name")
    only(node, "this", "quoted")
    name = str(node.this).translate(SMALL)
    if NAME.fullmatch(name) is None:
        raise Refused("a name of other letters")
    return name


SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def label_of(node: exp.Expr) -> str:
    """What a column of the answer is called that has no name of its own."""
    return LABELS.get(type(node), "value")


LABELS: Mapping[type[exp.Expr], str] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Avg: "average",
    exp.Min: "smallest",
    exp.Max: "largest",
}


def arguments(node: exp.Expr, parts: Sequence[str]) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for part in parts:
        value = node.args.get(part)
        found += value if isinstance(value, list) else [value] if value is not None else []
    return found


def undated(node: exp.Expr) -> exp.Expr:
    """MySQL's parser wraps what YEAR and its like are asked of."""
    if isinstance(node, exp.TsOrDsToDate):
        only(node, "this")
        inner: exp.Expr = node.this
        return inner
    return node


def known_word(node: object, known: Sequence[str]) -> str:
    """A unit of time, in the singular."""
    if not isinstance(node, exp.Var | exp.Literal):
        raise Refused("no word")
    word = str(node.this).upper().removesuffix("S")
    if word not in known:
        raise Refused("a word that means nothing here")
    return word


def whole_number(node: object, most: int) -> int:
    if not isinstance(node, exp.Literal) or not str(node.this).isascii() or not str(node.this).isdigit():
        raise Refused("no whole number")
    number = int(str(node.this)[:20])
    if number > most:
        raise Refused("too large a number")
    return number


def count_in(node: exp.Expr | None, kind: type[exp.Expr]) -> int | None:
    """What LIMIT or OFFSET says."""
    if node is None:
        return None
    must_be(node, kind)
    only(node, "expression")
    return whole_number(node.args["expression"], 10**9)
