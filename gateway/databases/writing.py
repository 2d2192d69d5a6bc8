"""SQL that a model wrote is read into a tree, and what is sent to a database is written anew from that tree.

Nothing of the model's text goes further: what has no writer here cannot be written. Tables are the approved views,
each a common table expression that holds its approved columns and the rows these readers may see, or expressions before
the statement itself; every column is one of theirs. Names are small plain words in quotes, texts are parameters,
numbers are digits, so that neither a comment nor a quotation can begin anywhere in it (decision 0023).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from connectors.sources.database.systems import System
from connectors.sources.database.views import View
from gateway.databases.expressions import value_of
from gateway.databases.trees import Refused, Scope, count_in, label_of, must_be, only, plain_name, tree_of

__all__ = ["Refused", "Statement", "written"]

MOST_TABLES = 6  # named in one statement: each further one multiplies the work
# All that a statement is made of. Neither ' nor ; nor \ nor # nor @ nor $, and no two of - or /*.
CLEAN = re.compile(r"[A-Za-z0-9_ \n\"`().,*=<>|+/%:-]*", re.ASCII)
OPENS_A_COMMENT = re.compile(r"--|/\*|\*/")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What may be sent, and the same for people to read. `views`: those it asks; `columns`: of its answer."""

    sql: str
    parameters: Mapping[str, str]
    shown: str
    views: tuple[str, ...]
    columns: tuple[str, ...]


def written(sql: str, system: System, views: Mapping[str, View], names: Collection[str], most_rows: int) -> Statement:
    """The statement that asks what this SQL asks, of these views and of the rows that `names` may see. Raises Refused.

    What is shown of it can be read again, and says the same.
    """
    try:
        statement = _written(tree_of(sql, system), system, views, names, most_rows)
        if _written(tree_of(statement.shown, system), system, views, names, most_rows) != statement:
            raise Refused("something that reads differently")
        return statement
    except RecursionError:
        raise Refused("too deep") from None


def _written(
    tree: exp.Expr, system: System, views: Mapping[str, View], names: Collection[str], most_rows: int
) -> Statement:
    shown = _Shown(system, views, most_rows)
    text = shown.whole(tree)
    sent = _Sent(system, views, most_rows)
    body = sent.whole(tree)
    if CLEAN.fullmatch(body) is None or OPENS_A_COMMENT.search(body):
        raise Refused("a character that nothing here writes")
    asked = tuple(dict.fromkeys(sent.asked))
    filters = [system.expression(views[name], _readers(views[name], names, sent)) for name in asked]
    separator = ",\n" if body.startswith("WITH ") else "\n"
    return Statement(
        sql="WITH " + ",\n".join(filters) + separator + body.removeprefix("WITH "),
        parameters=sent.parameters,
        shown=text,
        views=asked,
        columns=sent.columns,
    )


def _readers(view: View, names: Collection[str], sent: "_Sent") -> list[str] | None:
    if view.rows is None:
        return None
    return [sent.parameter(name) for name in sorted(names)]


JOINS = {
    ("", ""): "JOIN",
    ("", "INNER"): "JOIN",
    ("", "CROSS"): "CROSS JOIN",
    ("LEFT", ""): "LEFT JOIN",
    ("LEFT", "OUTER"): "LEFT JOIN",
    ("RIGHT", ""): "RIGHT JOIN",
    ("RIGHT", "OUTER"): "RIGHT JOIN",
    ("FULL", ""): "FULL JOIN",
    ("FULL", "OUTER"): "FULL JOIN",
}
SET_OPERATIONS: Mapping[type[exp.Expr], str] = {
    exp.Union: "UNION",
    exp.Except: "EXCEPT",
    exp.Intersect: "INTERSECT",
}
BEGINNING = ("expressions", "distinct", "with_", "from_", "joins", "where", "group", "having")
ENDING = ("order", "limit", "offset")


class Writer(ABC):
    """Writes one tree. Each method takes a node and gives its text, or raises Refused."""

    def __init__(self, system: System, views: Mapping[str, View], most_rows: int) -> None:
        self.system = system
        self.views = views
        self.most_rows = most_rows
        self.asked: list[str] = []
        self.tables = 0
        self.before: dict[str, tuple[str, ...]] = {}  # expressions before the statement, and their columns
        self.columns: tuple[str, ...] = ()

    # --- what differs between what is sent and what is shown ---------------------------------------------------

    @abstractmethod
    def name(self, name: str) -> str: ...

    @abstractmethod
    def text(self, value: str) -> str: ...

    @abstractmethod
    def interval(self, number: int, unit: str) -> str:
        """As Postgres has it."""

    @abstractmethod
    def limited(self, limit: int | None) -> int | None:
        """How many rows the whole statement may have."""

    @abstractmethod
    def settled(self, count: int) -> Sequence[str]:
        """By what rows are put in order beside what the statement says."""

    # --- statements -----------------------------------------------------------------------------------------------

    def whole(self, tree: exp.Expr) -> str:
        """The statement: expressions before it stand in front of all of it, and see those before themselves."""
        lines = []
        with_ = tree.args.get("with_")
        if with_ is not None:
            only(with_, "expressions")
            lines = [self.expression_before(each) for each in with_.expressions]
        text, self.columns = self.query(tree, None, root=True)
        if not self.asked:
            raise Refused("it asks no view")
        before = ",\n".join(lines)
        return f"WITH {before}\n{text}" if lines else text

    def expression_before(self, node: exp.Expr) -> str:
        must_be(node, exp.CTE)
        only(node, "this", "alias")
        name = self.alias(node.args["alias"])
        if name in self.views or name in self.before:
            raise Refused("an expression by the name of something else")
        text, columns = self.query(node.this, None)
        self.before[name] = columns
        return f"{self.name(name)} AS (\n{text}\n)"

    def query(self, node: exp.Expr, around: Scope | None, *, root: bool = False) -> tuple[str, tuple[str, ...]]:
        """A statement's text, and the names of its columns."""
        if not root and node.args.get("with_") is not None:
            raise Refused("WITH inside of a statement")
        if isinstance(node, exp.Select):
            return self.select(node, around, root)
        if type(node) in SET_OPERATIONS:
            return self.set_operation(node, around, root)
        raise Refused(f"no statement: {type(node).__name__}")

    def set_operation(self, node: exp.Expr, around: Scope | None, root: bool) -> tuple[str, tuple[str, ...]]:
        only(node, "this", "expression", "distinct", "with_", *ENDING)
        for side in (node.this, node.args["expression"]):
            if any(side.args.get(part) is not None for part in ENDING):
                raise Refused("an order or a limit within a union")
        must_be(node.args["expression"], exp.Select)  # brackets are written by none of the three alike
        left, columns = self.query(node.this, around)
        right, others = self.query(node.args["expression"], around)
        if len(columns) != len(others):
            raise Refused("halves of different breadth")
        word = SET_OPERATIONS[type(node)] + ("" if node.args.get("distinct") else " ALL")
        scope = Scope(around=None, outputs=frozenset(columns))
        return f"{left}\n{word}\n{right}{self.ending(node, scope, columns, root)}", columns

    def select(self, node: exp.Expr, around: Scope | None, root: bool) -> tuple[str, tuple[str, ...]]:
        only(node, *BEGINNING, *ENDING)
        scope = Scope(around=around)
        source = node.args.get("from_")
        if source is None:
            raise Refused("a SELECT from nothing")
        only(source, "this")
        lines = [f"FROM {self.table(source.this, scope)}"]
        joins = node.args.get("joins") or []
        tables = [self.table(join.this, scope) for join in joins]
        lines += [self.join(join, table, scope) for join, table in zip(joins, tables, strict=True)]
        projections = [self.projection(each, scope) for each in node.expressions]
        columns = tuple(name for _, names in projections for name in names)
        if not columns:
            raise Refused("a SELECT of nothing")
        scope.outputs = frozenset(columns)
        if (where := node.args.get("where")) is not None:
            only(where, "this")
            lines.append(f"WHERE {value_of(self, where.this, scope)}")
        if (group := node.args.get("group")) is not None:
            only(group, "expressions")
            lines.append(f"GROUP BY {self.listed(group.expressions, scope, outputs=True)}")
        if (having := node.args.get("having")) is not None:
            only(having, "this")
            lines.append(f"HAVING {value_of(self, having.this, scope, outputs=True)}")
        text = ", ".join(text for text, _ in projections)
        head = f"SELECT {self.distinct(node)}{text}"
        return "\n".join([head, *lines]) + self.ending(node, scope, columns, root), columns

    def distinct(self, node: exp.Expr) -> str:
        distinct = node.args.get("distinct")
        if distinct is None:
            return ""
        only(distinct)
        return "DISTINCT "

    def ending(self, node: exp.Expr, scope: Scope, columns: Sequence[str], root: bool) -> str:
        """ORDER BY, LIMIT and OFFSET. What is cut off is in a settled order: it must not tell how rows are kept."""
        order = node.args.get("order")
        ordered: list[str] = []
        if order is not None:
            only(order, "expressions")
            ordered = [self.ordered(each, scope) for each in order.expressions]
        limit = count_in(node.args.get("limit"), exp.Limit)
        offset = count_in(node.args.get("offset"), exp.Offset)
        if root:
            limit = self.limited(limit)
        if root or limit is not None:
            ordered += self.settled(len(columns))
        text = f"\nORDER BY {', '.join(ordered)}" if ordered else ""
        text += f"\nLIMIT {limit}" if limit is not None else ""
        if offset is not None and limit is None:
            raise Refused("an offset without a limit")
        return text + (f" OFFSET {offset}" if offset is not None else "")

    def ordered(self, node: exp.Expr, scope: Scope) -> str:
        must_be(node, exp.Ordered)
        only(node, "this", "desc", "nulls_first")
        descending = bool(node.args.get("desc"))
        nulls_first = bool(node.args.get("nulls_first"))
        usual = descending if self.system.dialect == "postgres" else not descending
        nulls = "" if nulls_first is usual else f" NULLS {'FIRST' if nulls_first else 'LAST'}"
        if nulls and self.system.dialect == "mysql":
            raise Refused("NULLS FIRST")
        return value_of(self, node.this, scope, outputs=True) + (" DESC" if descending else "") + nulls

    # --- tables -----------------------------------------------------------------------------------------------------

    def table(self, node: exp.Expr, scope: Scope) -> str:
        """A view, an expression before the statement, or a statement in brackets. Each name once."""
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias")
            name = self.alias(node.args.get("alias"))
            inner, columns = self.query(node.this, scope.around)
            text = f"(\n{inner}\n)"
        else:
            must_be(node, exp.Table)
            only(node, "this", "alias")
            asked = plain_name(node.this)
            alias = node.args.get("alias")
            name = asked if alias is None else self.alias(alias)
            columns = self.columns_of(asked)
            text = self.name(asked)
        if name in scope.tables:
            raise Refused("two tables of one name")
        scope.tables[name] = columns
        return text if text == self.name(name) else f"{text} AS {self.name(name)}"

    def columns_of(self, table: str) -> tuple[str, ...]:
        self.tables += 1
        if self.tables > MOST_TABLES:
            raise Refused("too many tables")
        if table in self.views:
            self.asked.append(table)
            return tuple(column.name for column in self.views[table].columns)
        if table in self.before:
            return self.before[table]
        raise Refused("a table that is no approved view")

    def join(self, node: exp.Expr, table: str, scope: Scope) -> str:
        must_be(node, exp.Join)
        only(node, "this", "on", "side", "kind")
        side, kind = (str(node.args.get(part) or "").upper() for part in ("side", "kind"))
        on = node.args.get("on")
        word = JOINS.get((side, kind))
        if word is None:
            raise Refused("a join of another kind")
        if on is None:
            if side:
                raise Refused("an outer join of everything")
            return f"CROSS JOIN {table}"
        return f"{'JOIN' if word == 'CROSS JOIN' else word} {table} ON {value_of(self, on, scope)}"

    def alias(self, node: exp.Expr | None) -> str:
        if isinstance(node, exp.TableAlias):
            only(node, "this")
            return plain_name(node.this)
        raise Refused("no name")

    # --- columns ----------------------------------------------------------------------------------------------------

    def projection(self, node: exp.Expr, scope: Scope) -> tuple[str, Sequence[str]]:
        """The text of one column of the answer, or of several, and their names."""
        if isinstance(node, exp.Star):
            only(node)
            return "*", [name for columns in scope.tables.values() for name in columns]
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            only(node, "this", "table")
            only(node.this)
            table = plain_name(node.args.get("table"))
            if table not in scope.tables:
                raise Refused("a star of no table")
            return f"{self.name(table)}.*", scope.tables[table]
        if isinstance(node, exp.Alias):
            only(node, "this", "alias")
            name = plain_name(node.args["alias"])
            return f"{value_of(self, node.this, scope)} AS {self.name(name)}", [name]
        text = value_of(self, node, scope)
        name = plain_name(node.this) if isinstance(node, exp.Column) else label_of(node)
        return (text if isinstance(node, exp.Column) else f"{text} AS {self.name(name)}"), [name]

    def column(self, node: exp.Expr, scope: Scope, *, outputs: bool) -> str:
        only(node, "this", "table")
        name = plain_name(node.this)
        if node.args.get("table") is None:
            if not scope.holds(name, outputs=outputs):
                raise Refused("a column of no table here, or of two")
            return self.name(name)
        table = plain_name(node.args["table"])
        if name not in (scope.columns_of(table) or ()):
            raise Refused("a column that is not approved")
        return f"{self.name(table)}.{self.name(name)}"

    # --- values -----------------------------------------------------------------------------------------------------

    def listed(self, nodes: Iterable[exp.Expr], scope: Scope, *, outputs: bool = False) -> str:
        return ", ".join(value_of(self, node, scope, outputs=outputs) for node in nodes)


class _Sent(Writer):
    """As it goes to the database."""

    def __init__(self, system: System, views: Mapping[str, View], most_rows: int) -> None:
        super().__init__(system, views, most_rows)
        self.parameters: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def name(self, name: str) -> str:
        return self.system.quoted(name)

    def text(self, value: str) -> str:
        return self.system.placeholder(self.parameter(value))

    def parameter(self, value: str) -> str:
        """The name of the parameter with this value; one for each value."""
        if value not in self._known:
            self._known[value] = f"p{len(self._known)}"
            self.parameters[self._known[value]] = value
        return self._known[value]

    def interval(self, number: int, unit: str) -> str:
        return f"MAKE_INTERVAL({unit.lower()}s := {number})"

    def limited(self, limit: int | None) -> int | None:
        return min(self.most_rows + 1, limit if limit is not None else self.most_rows + 1)

    def settled(self, count: int) -> Sequence[str]:
        return [str(number) for number in range(1, count + 1)]


class _Shown(Writer):
    """As people read it, and as it is kept: the same SQL, in which texts stand as texts."""

    def name(self, name: str) -> str:
        return name if _reads_as_a_name(name, self.system.dialect) else self.system.quoted(name)

    def text(self, value: str) -> str:
        if self.system.dialect == "mysql":
            value = value.replace("\\", "\\\\")
        return "'" + value.replace("'", "''") + "'"

    def interval(self, number: int, unit: str) -> str:
        return f"INTERVAL '{number} {unit}'"

    def limited(self, limit: int | None) -> int | None:
        return limit

    def settled(self, count: int) -> Sequence[str]:
        return []


@cache
def _reads_as_a_name(name: str, dialect: str) -> bool:
    """Whether it is one without quotes, wherever a name may stand."""
    try:
        tree = sqlglot.parse_one(f"SELECT {name}, {name}.{name} AS {name} FROM {name} AS {name}", dialect=dialect)  # noqa: S608
    except Exception:
        return False
    return [each.name for each in tree.find_all(exp.Identifier)] == [name] * 6
