"""SQL that a model wrote is read into a tree, and what is sent to a database is written anew from that tree.

Nothing of the model's text goes further: what has no writer here cannot be written. Tables are the approved views,
each a common table expression that holds its approved columns and the rows these readers may see, or expressions before
the statement itself; every column is one of theirs. Names are small plain words in quotes, texts are parameters,
numbers are digits, so that neither a comment nor a quotation can begin anywhere in it (decision 0021).
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp

from connectors.sources.database.systems import System
from connectors.sources.database.views import View

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it would tell what it could not read

LONGEST = 4_000  # characters
MOST_NODES = 600
MOST_TABLES = 6  # named in one statement: each further one multiplies the work
NAME = re.compile(r"[a-z_][a-z0-9_]{0,59}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
# All that a statement is made of. Neither ' nor ; nor \ nor # nor @ nor $, and no two of - or /*.
CLEAN = re.compile(r"[A-Za-z0-9_ \n\"`().,*=<>|+/%:-]*", re.ASCII)
OPENS_A_COMMENT = re.compile(r"--|/\*|\*/")


class Refused(Exception):
    """The statement is none that may be sent. The reason is for the log, not for the reader."""


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
        statement = _written(_tree(sql, system), system, views, names, most_rows)
        if _written(_tree(statement.shown, system), system, views, names, most_rows) != statement:
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


def _tree(sql: str, system: System) -> exp.Expr:
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
class _Scope:
    """What names mean at one place: columns by the table they are of, columns of the answer, and what is around."""

    around: "_Scope | None" = None
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


UNITS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE")
SPANS = ("YEAR", "MONTH", "WEEK", "DAY", "HOUR")
INFIX: Mapping[type[exp.Expr], str] = {
    exp.And: "AND",
    exp.Or: "OR",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.DPipe: "||",
}
OF_INFIX = frozenset({"this", "expression", "typed", "safe"})
# Functions of plain arguments: their name, and which parts of the node are arguments, in order.
CALLS: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Lower: ("LOWER", ("this",)),
    exp.Upper: ("UPPER", ("this",)),
    exp.Abs: ("ABS", ("this",)),
    exp.Round: ("ROUND", ("this", "decimals")),
    exp.Floor: ("FLOOR", ("this",)),
    exp.Ceil: ("CEILING", ("this",)),
    exp.Trim: ("TRIM", ("this",)),
    exp.Substring: ("SUBSTR", ("this", "start", "length")),
    exp.Nullif: ("NULLIF", ("this", "expression")),
    exp.Coalesce: ("COALESCE", ("this", "expressions")),
    exp.Concat: ("CONCAT", ("expressions",)),
    exp.RowNumber: ("ROW_NUMBER", ()),
    exp.Rank: ("RANK", ()),
    exp.DenseRank: ("DENSE_RANK", ()),
}
IGNORED: Mapping[type[exp.Expr], frozenset[str]] = {
    exp.Concat: frozenset({"safe", "coalesce"}),
    exp.Round: frozenset({"casts_non_integer_decimals"}),
    exp.Coalesce: frozenset({"is_nvl", "is_null"}),
}
AGGREGATES: Mapping[type[exp.Expr], str] = {exp.Sum: "SUM", exp.Avg: "AVG", exp.Min: "MIN", exp.Max: "MAX"}
PARTS_OF_DATES: Mapping[type[exp.Expr], str] = {
    exp.Year: "YEAR",
    exp.Quarter: "QUARTER",
    exp.Month: "MONTH",
    exp.Day: "DAY",
    exp.DayOfMonth: "DAY",
}
TYPES: Mapping[str, Mapping[str, str]] = {
    "postgres": {"INT": "BIGINT", "REAL": "DOUBLE PRECISION", "TEXT": "TEXT", "DATE": "DATE", "TIME": "TIMESTAMP"},
    "mysql": {"INT": "SIGNED", "REAL": "DOUBLE", "TEXT": "CHAR", "DATE": "DATE", "TIME": "DATETIME"},
    "sqlite": {"INT": "INTEGER", "REAL": "REAL", "TEXT": "TEXT"},
}
FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "TINYINT"), "INT"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "REAL"),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "NCHAR", "NVARCHAR"), "TEXT"),
    "DATE": "DATE",
    **dict.fromkeys(("TIMESTAMP", "DATETIME"), "TIME"),
    "DECIMAL": "DECIMAL",
}
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


class _Writer:
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

    def name(self, name: str) -> str:
        raise NotImplementedError

    def text(self, value: str) -> str:
        raise NotImplementedError

    def interval(self, number: int, unit: str) -> str:
        """As Postgres has it."""
        raise NotImplementedError

    def limited(self, limit: int | None) -> int | None:
        """How many rows the whole statement may have."""
        raise NotImplementedError

    def settled(self, count: int) -> Sequence[str]:
        """By what rows are put in order beside what the statement says."""
        raise NotImplementedError

    # --- statements -----------------------------------------------------------------------------------------------

    def whole(self, tree: exp.Expr) -> str:
        """The statement: expressions before it stand in front of all of it, and see those before themselves."""
        lines = []
        with_ = tree.args.get("with_")
        if with_ is not None:
            _only(with_, "expressions")
            lines = [self.expression_before(each) for each in with_.expressions]
        text, self.columns = self.query(tree, None, root=True)
        if not self.asked:
            raise Refused("it asks no view")
        before = ",\n".join(lines)
        return f"WITH {before}\n{text}" if lines else text

    def expression_before(self, node: exp.Expr) -> str:
        _be(node, exp.CTE)
        _only(node, "this", "alias")
        name = self.alias(node.args["alias"])
        if name in self.views or name in self.before:
            raise Refused("an expression by the name of something else")
        text, columns = self.query(node.this, None)
        self.before[name] = columns
        return f"{self.name(name)} AS (\n{text}\n)"

    def query(self, node: exp.Expr, around: _Scope | None, *, root: bool = False) -> tuple[str, tuple[str, ...]]:
        """A statement's text, and the names of its columns."""
        if not root and node.args.get("with_") is not None:
            raise Refused("WITH inside of a statement")
        if isinstance(node, exp.Select):
            return self.select(node, around, root)
        if type(node) in SET_OPERATIONS:
            return self.set_operation(node, around, root)
        raise Refused(f"no statement: {type(node).__name__}")

    def set_operation(self, node: exp.Expr, around: _Scope | None, root: bool) -> tuple[str, tuple[str, ...]]:
        _only(node, "this", "expression", "distinct", "with_", *ENDING)
        for side in (node.this, node.args["expression"]):
            if any(side.args.get(part) is not None for part in ENDING):
                raise Refused("an order or a limit within a union")
        _be(node.args["expression"], exp.Select)  # brackets are written by none of the three alike
        left, columns = self.query(node.this, around)
        right, others = self.query(node.args["expression"], around)
        if len(columns) != len(others):
            raise Refused("halves of different breadth")
        word = SET_OPERATIONS[type(node)] + ("" if node.args.get("distinct") else " ALL")
        scope = _Scope(around=None, outputs=frozenset(columns))
        return f"{left}\n{word}\n{right}{self.ending(node, scope, columns, root)}", columns

    def select(self, node: exp.Expr, around: _Scope | None, root: bool) -> tuple[str, tuple[str, ...]]:
        _only(node, *BEGINNING, *ENDING)
        scope = _Scope(around=around)
        source = node.args.get("from_")
        if source is None:
            raise Refused("a SELECT from nothing")
        _only(source, "this")
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
            _only(where, "this")
            lines.append(f"WHERE {self.value(where.this, scope)}")
        if (group := node.args.get("group")) is not None:
            _only(group, "expressions")
            lines.append(f"GROUP BY {self.listed(group.expressions, scope, outputs=True)}")
        if (having := node.args.get("having")) is not None:
            _only(having, "this")
            lines.append(f"HAVING {self.value(having.this, scope, outputs=True)}")
        text = ", ".join(text for text, _ in projections)
        head = f"SELECT {self.distinct(node)}{text}"
        return "\n".join([head, *lines]) + self.ending(node, scope, columns, root), columns

    def distinct(self, node: exp.Expr) -> str:
        distinct = node.args.get("distinct")
        if distinct is None:
            return ""
        _only(distinct)
        return "DISTINCT "

    def ending(self, node: exp.Expr, scope: _Scope, columns: Sequence[str], root: bool) -> str:
        """ORDER BY, LIMIT and OFFSET. What is cut off is in a settled order: it must not tell how rows are kept."""
        order = node.args.get("order")
        ordered: list[str] = []
        if order is not None:
            _only(order, "expressions")
            ordered = [self.ordered(each, scope) for each in order.expressions]
        limit = _count(node.args.get("limit"), exp.Limit)
        offset = _count(node.args.get("offset"), exp.Offset)
        if root:
            limit = self.limited(limit)
        if root or limit is not None:
            ordered += self.settled(len(columns))
        text = f"\nORDER BY {', '.join(ordered)}" if ordered else ""
        text += f"\nLIMIT {limit}" if limit is not None else ""
        if offset is not None and limit is None:
            raise Refused("an offset without a limit")
        return text + (f" OFFSET {offset}" if offset is not None else "")

    def ordered(self, node: exp.Expr, scope: _Scope) -> str:
        _be(node, exp.Ordered)
        _only(node, "this", "desc", "nulls_first")
        descending = bool(node.args.get("desc"))
        nulls_first = bool(node.args.get("nulls_first"))
        usual = descending if self.system.dialect == "postgres" else not descending
        nulls = "" if nulls_first is usual else f" NULLS {'FIRST' if nulls_first else 'LAST'}"
        if nulls and self.system.dialect == "mysql":
            raise Refused("NULLS FIRST")
        return self.value(node.this, scope, outputs=True) + (" DESC" if descending else "") + nulls

    # --- tables -----------------------------------------------------------------------------------------------------

    def table(self, node: exp.Expr, scope: _Scope) -> str:
        """A view, an expression before the statement, or a statement in brackets. Each name once."""
        if isinstance(node, exp.Subquery):
            _only(node, "this", "alias")
            name = self.alias(node.args.get("alias"))
            inner, columns = self.query(node.this, scope.around)
            text = f"(\n{inner}\n)"
        else:
            _be(node, exp.Table)
            _only(node, "this", "alias")
            asked = _plain(node.this)
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

    def join(self, node: exp.Expr, table: str, scope: _Scope) -> str:
        _be(node, exp.Join)
        _only(node, "this", "on", "side", "kind")
        side, kind = (str(node.args.get(part) or "").upper() for part in ("side", "kind"))
        on = node.args.get("on")
        word = JOINS.get((side, kind))
        if word is None:
            raise Refused("a join of another kind")
        if on is None:
            if side:
                raise Refused("an outer join of everything")
            return f"CROSS JOIN {table}"
        return f"{'JOIN' if word == 'CROSS JOIN' else word} {table} ON {self.value(on, scope)}"

    def alias(self, node: exp.Expr | None) -> str:
        if isinstance(node, exp.TableAlias):
            _only(node, "this")
            return _plain(node.this)
        raise Refused("no name")

    # --- columns ----------------------------------------------------------------------------------------------------

    def projection(self, node: exp.Expr, scope: _Scope) -> tuple[str, Sequence[str]]:
        """The text of one column of the answer, or of several, and their names."""
        if isinstance(node, exp.Star):
            _only(node)
            return "*", [name for columns in scope.tables.values() for name in columns]
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            _only(node, "this", "table")
            _only(node.this)
            table = _plain(node.args.get("table"))
            if table not in scope.tables:
                raise Refused("a star of no table")
            return f"{self.name(table)}.*", scope.tables[table]
        if isinstance(node, exp.Alias):
            _only(node, "this", "alias")
            name = _plain(node.args["alias"])
            return f"{self.value(node.this, scope)} AS {self.name(name)}", [name]
        text = self.value(node, scope)
        name = _plain(node.this) if isinstance(node, exp.Column) else _label(node)
        return (text if isinstance(node, exp.Column) else f"{text} AS {self.name(name)}"), [name]

    def column(self, node: exp.Expr, scope: _Scope, *, outputs: bool) -> str:
        _only(node, "this", "table")
        name = _plain(node.this)
        if node.args.get("table") is None:
            if not scope.holds(name, outputs=outputs):
                raise Refused("a column of no table here, or of two")
            return self.name(name)
        table = _plain(node.args["table"])
        if name not in (scope.columns_of(table) or ()):
            raise Refused("a column that is not approved")
        return f"{self.name(table)}.{self.name(name)}"

    # --- values -----------------------------------------------------------------------------------------------------

    def listed(self, nodes: Iterable[exp.Expr], scope: _Scope, *, outputs: bool = False) -> str:
        return ", ".join(self.value(node, scope, outputs=outputs) for node in nodes)

    def value(self, node: Any, scope: _Scope, *, outputs: bool = False) -> str:
        """An expression. `outputs`: where names of the answer's columns may be used."""

        def inner(child: Any) -> str:
            return self.value(child, scope, outputs=outputs)

        kind = type(node)
        if kind is exp.Column:
            return self.column(node, scope, outputs=outputs)
        if kind in INFIX:
            _only(node, *OF_INFIX)
            return f"{inner(node.this)} {INFIX[kind]} {inner(node.args['expression'])}"
        if kind in CALLS:
            name, parts = CALLS[kind]
            _only(node, *parts, *IGNORED.get(kind, ()))
            return f"{name}({', '.join(map(inner, _arguments(node, parts)))})"
        if kind in AGGREGATES:
            _only(node, "this")
            return f"{AGGREGATES[kind]}({self.aggregated(node.this, inner)})"
        if kind in PARTS_OF_DATES:
            _only(node, "this")
            return self.part_of_date(PARTS_OF_DATES[kind], inner(_undated(node.this)))
        if kind in WRITERS:
            return WRITERS[kind](self, node, inner, scope)
        raise Refused(f"a {kind.__name__}")

    def aggregated(self, node: Any, inner: Callable[[Any], str]) -> str:
        if isinstance(node, exp.Distinct):
            _only(node, "expressions")
            [only] = node.expressions if len(node.expressions) == 1 else [None]
            return f"DISTINCT {inner(only)}"
        return inner(node)

    def part_of_date(self, unit: str, value: str) -> str:
        if self.system.dialect == "sqlite":
            raise Refused("a part of a date")
        return f"EXTRACT({unit} FROM {value})"


Inner = Callable[[Any], str]


def _literal(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    if node.is_string:
        return writer.text(str(node.this))
    if NUMBER.fullmatch(str(node.this)) is None:
        raise Refused("a number of another form")
    return str(node.this)


def _paren(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this")
    return f"({inner(node.this)})"


def _not(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    """NOT before what it denies, or within it where that reads better."""
    _only(node, "this")
    denied = node.this
    if type(denied) in DENIED_WITHIN and not denied.args.get("negate"):
        return DENIED_WITHIN[type(denied)](writer, denied, inner, scope, "NOT ")
    return f"NOT {inner(denied)}"


def _neg(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this")
    return f"-{inner(node.this)}" if isinstance(node.this, exp.Literal) else f"(- {inner(node.this)})"


def _is(writer: _Writer, node: Any, inner: Inner, scope: _Scope, denied: str = "") -> str:
    _only(node, "this", "expression", "negate")
    if not isinstance(node.args["expression"], exp.Null | exp.Boolean):
        raise Refused("IS of a value")
    return f"{inner(node.this)} IS {_denied(node, denied)}{inner(node.args['expression'])}"


def _null(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    return "NULL"


def _boolean(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    return "TRUE" if node.this else "FALSE"


def _between(writer: _Writer, node: Any, inner: Inner, scope: _Scope, denied: str = "") -> str:
    _only(node, "this", "low", "high", "negate")
    low, high = inner(node.args["low"]), inner(node.args["high"])
    return f"{inner(node.this)} {_denied(node, denied)}BETWEEN {low} AND {high}"


def _like(writer: _Writer, node: Any, inner: Inner, scope: _Scope, denied: str = "") -> str:
    _only(node, "this", "expression", "negate")
    word = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
    if word == "ILIKE" and writer.system.dialect != "postgres":
        raise Refused("ILIKE")
    return f"{inner(node.this)} {_denied(node, denied)}{word} {inner(node.args['expression'])}"


def _in(writer: _Writer, node: Any, inner: Inner, scope: _Scope, denied: str = "") -> str:
    _only(node, "this", "expressions", "query", "negate")
    query = node.args.get("query")
    if query is not None:
        among = _bracketed(writer, query, scope)
    elif node.expressions:
        among = f"({', '.join(map(inner, node.expressions))})"
    else:
        raise Refused("IN nothing")
    return f"{inner(node.this)} {_denied(node, denied)}IN {among}"


def _denied(node: Any, already: str) -> str:
    return already or ("NOT " if node.args.get("negate") else "")


DENIED_WITHIN: Mapping[type[exp.Expr], Callable[[_Writer, Any, Inner, _Scope, str], str]] = {
    exp.Is: _is,
    exp.Between: _between,
    exp.Like: _like,
    exp.ILike: _like,
    exp.In: _in,
}


def _exists(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this")
    return f"EXISTS {_bracketed(writer, node.this, scope)}"


def _subquery(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    return _bracketed(writer, node, scope)


def _bracketed(writer: _Writer, node: exp.Expr, scope: _Scope) -> str:
    """A statement within one, which sees the tables around it."""
    if isinstance(node, exp.Subquery):
        _only(node, "this")
        node = node.this
    text, _ = writer.query(node, scope)
    return f"(\n{text}\n)"


def _case(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "ifs", "default")
    subject = f" {inner(node.this)}" if node.args.get("this") is not None else ""
    cases = []
    for each in node.args["ifs"]:
        _be(each, exp.If)
        _only(each, "this", "true")
        cases.append(f" WHEN {inner(each.this)} THEN {inner(each.args['true'])}")
    default = node.args.get("default")
    return f"CASE{subject}{''.join(cases)}{f' ELSE {inner(default)}' if default is not None else ''} END"


def _cast(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "to")
    return f"CAST({inner(node.this)} AS {_type(writer.system.dialect, node.args['to'])})"


def _type(dialect: str, node: exp.Expr) -> str:
    _be(node, exp.DataType)
    _only(node, "this", "expressions", "nested")
    family = FAMILIES.get(node.this.name if hasattr(node.this, "name") else str(node.this), "")
    if family == "DECIMAL":
        sizes = []
        for each in node.expressions:
            _be(each, exp.DataTypeParam)
            _only(each, "this")
            sizes.append(str(_whole(each.this, 60)))
        return f"DECIMAL({', '.join(sizes)})" if sizes else "DECIMAL"
    if family not in TYPES[dialect]:
        raise Refused("a type")
    return TYPES[dialect][family]


def _count_of(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "big_int")
    if isinstance(node.this, exp.Star):
        _only(node.this)
        return "COUNT(*)"
    return f"COUNT({writer.aggregated(node.this, inner)})"


def _length(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "binary")
    name = "CHAR_LENGTH" if writer.system.dialect == "mysql" and not node.args.get("binary") else "LENGTH"
    return f"{name}({inner(node.this)})"


def _extract(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "expression")
    return writer.part_of_date(_word(node.this, UNITS), inner(node.args["expression"]))


def _truncated(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "unit", "input_type_preserved")
    if writer.system.dialect != "postgres":
        raise Refused("DATE_TRUNC")
    return f"DATE_TRUNC({writer.text(_word(node.args['unit'], UNITS).lower())}, {inner(node.this)})"


def _interval(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "unit")
    number, unit = _whole(node.this, 9_999), _word(node.args.get("unit"), SPANS)
    if writer.system.dialect == "postgres":
        return writer.interval(number, unit)
    if writer.system.dialect == "mysql":
        return f"INTERVAL {number} {unit}"
    raise Refused("an interval")


def _shifted(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    """DATE_ADD and DATE_SUB of MySQL."""
    _only(node, "this", "expression", "unit")
    if writer.system.dialect != "mysql":
        raise Refused("DATE_ADD")
    number, unit = _whole(node.args["expression"], 9_999), _word(node.args.get("unit"), SPANS)
    return f"{inner(node.this)} {'+' if isinstance(node, exp.DateAdd) else '-'} INTERVAL {number} {unit}"


def _today(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node)
    return "CURRENT_DATE"


def _now(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node)
    return "CURRENT_TIMESTAMP"


def _day(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    """DATE(…) of MySQL."""
    _only(node, "this")
    if writer.system.dialect != "mysql":
        raise Refused("DATE")
    return f"DATE({inner(node.this)})"


def _window(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "partition_by", "order", "over")
    if type(node.this) not in {exp.RowNumber, exp.Rank, exp.DenseRank, exp.Count, *AGGREGATES}:
        raise Refused("a window over something else")
    parts = []
    if node.args.get("partition_by"):
        parts.append(f"PARTITION BY {', '.join(map(inner, node.args['partition_by']))}")
    order = node.args.get("order")
    if order is not None:
        _only(order, "expressions")
        parts.append(f"ORDER BY {', '.join(writer.ordered(each, scope) for each in order.expressions)}")
    return f"{inner(node.this)} OVER ({' '.join(parts)})"


def _filtered(writer: _Writer, node: Any, inner: Inner, scope: _Scope) -> str:
    _only(node, "this", "expression")
    if writer.system.dialect == "mysql" or type(node.this) not in {exp.Count, *AGGREGATES}:
        raise Refused("FILTER")
    _be(node.args["expression"], exp.Where)
    _only(node.args["expression"], "this")
    return f"{inner(node.this)} FILTER (WHERE {inner(node.args['expression'].this)})"


WRITERS: Mapping[type[exp.Expr], Callable[[_Writer, Any, Inner, _Scope], str]] = {
    exp.Literal: _literal,
    exp.Paren: _paren,
    exp.Not: _not,
    exp.Neg: _neg,
    exp.Is: _is,
    exp.Null: _null,
    exp.Boolean: _boolean,
    exp.Between: _between,
    exp.Like: _like,
    exp.ILike: _like,
    exp.In: _in,
    exp.Exists: _exists,
    exp.Subquery: _subquery,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Count: _count_of,
    exp.Length: _length,
    exp.Extract: _extract,
    exp.TimestampTrunc: _truncated,
    exp.DateTrunc: _truncated,
    exp.Interval: _interval,
    exp.DateAdd: _shifted,
    exp.DateSub: _shifted,
    exp.TsOrDsToDate: _day,
    exp.CurrentDate: _today,
    exp.CurrentTimestamp: _now,
    exp.Window: _window,
    exp.Filter: _filtered,
}


class _Sent(_Writer):
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


class _Shown(_Writer):
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


# --- what all of them hold to ------------------------------------------------------------------------------------


def _only(node: exp.Expr, *parts: str) -> None:
    """Refused, if the node has a part that is not named: what is not looked at must not be there."""
    for name, part in node.args.items():
        if name not in parts and part not in (None, False, [], ""):
            raise Refused(f"{type(node).__name__} with {name}")


def _be(node: object, kind: type[exp.Expr]) -> None:
    if type(node) is not kind:
        raise Refused(f"{type(node).__name__} for {kind.__name__}")


def _plain(node: object) -> str:
    """A name in small letters. Any other is refused: it may mean something else to a database than to a reader."""
    if not isinstance(node, exp.Identifier):
        raise Refused("no name")
    _only(node, "this", "quoted")
    name = str(node.this).translate(SMALL)
    if NAME.fullmatch(name) is None:
        raise Refused("a name of other letters")
    return name


SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _label(node: exp.Expr) -> str:
    """What a column of the answer is called that has no name of its own."""
    return LABELS.get(type(node), "value")


LABELS: Mapping[type[exp.Expr], str] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Avg: "average",
    exp.Min: "smallest",
    exp.Max: "largest",
}


def _arguments(node: exp.Expr, parts: Sequence[str]) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    for part in parts:
        value = node.args.get(part)
        found += value if isinstance(value, list) else [value] if value is not None else []
    return found


def _undated(node: exp.Expr) -> exp.Expr:
    """MySQL's parser wraps what YEAR and its like are asked of."""
    if isinstance(node, exp.TsOrDsToDate):
        _only(node, "this")
        inner: exp.Expr = node.this
        return inner
    return node


def _word(node: object, known: Sequence[str]) -> str:
    """A unit of time, in the singular."""
    if not isinstance(node, exp.Var | exp.Literal):
        raise Refused("no word")
    word = str(node.this).upper().removesuffix("S")
    if word not in known:
        raise Refused("a word that means nothing here")
    return word


def _whole(node: object, most: int) -> int:
    if not isinstance(node, exp.Literal) or not str(node.this).isascii() or not str(node.this).isdigit():
        raise Refused("no whole number")
    number = int(str(node.this)[:20])
    if number > most:
        raise Refused("too large a number")
    return number


def _count(node: exp.Expr | None, kind: type[exp.Expr]) -> int | None:
    """What LIMIT or OFFSET says."""
    if node is None:
        return None
    _be(node, kind)
    _only(node, "expression")
    return _whole(node.args["expression"], 10**9)
