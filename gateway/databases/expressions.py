"""How values are written: columns, constants, comparisons, functions. What has no writer here cannot be written."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from gateway.databases.trees import Refused, Scope, arguments, known_word, must_be, only, undated, whole_number

if TYPE_CHECKING:
    from gateway.databases.writing import Writer

NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
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

Inner = Callable[[Any], str]


def value_of(writer: "Writer", node: Any, scope: Scope, *, outputs: bool = False) -> str:
    """An expression. `outputs`: where names of the answer's columns may be used. Raises Refused."""

    def inner(child: Any) -> str:
        return value_of(writer, child, scope, outputs=outputs)

    kind = type(node)
    if kind is exp.Column:
        return writer.column(node, scope, outputs=outputs)
    if kind in INFIX:
        only(node, *OF_INFIX)
        return f"{inner(node.this)} {INFIX[kind]} {inner(node.args['expression'])}"
    if kind in CALLS:
        name, parts = CALLS[kind]
        only(node, *parts, *IGNORED.get(kind, ()))
        return f"{name}({', '.join(map(inner, arguments(node, parts)))})"
    if kind in AGGREGATES:
        only(node, "this")
        return f"{AGGREGATES[kind]}({_aggregated(node.this, inner)})"
    if kind in PARTS_OF_DATES:
        only(node, "this")
        return _part_of_date(writer, PARTS_OF_DATES[kind], inner(undated(node.this)))
    if kind in WRITERS:
        return WRITERS[kind](writer, node, inner, scope)
    raise Refused(f"a {kind.__name__}")


def _aggregated(node: Any, inner: Inner) -> str:
    if isinstance(node, exp.Distinct):
        only(node, "expressions")
        [one] = node.expressions if len(node.expressions) == 1 else [None]
        return f"DISTINCT {inner(one)}"
    return inner(node)


def _part_of_date(writer: "Writer", unit: str, value: str) -> str:
    if writer.system.dialect == "sqlite":
        raise Refused("a part of a date")
    return f"EXTRACT({unit} FROM {value})"


def _literal(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    if node.is_string:
        return writer.text(str(node.this))
    if NUMBER.fullmatch(str(node.this)) is None:
        raise Refused("a number of another form")
    return str(node.this)


def _paren(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this")
    return f"({inner(node.this)})"


def _not(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    """NOT before what it denies, or within it where that reads better."""
    only(node, "this")
    denied = node.this
    if type(denied) in DENIED_WITHIN and not denied.args.get("negate"):
        return DENIED_WITHIN[type(denied)](writer, denied, inner, scope, "NOT ")
    return f"NOT {inner(denied)}"


def _neg(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this")
    return f"-{inner(node.this)}" if isinstance(node.this, exp.Literal) else f"(- {inner(node.this)})"


def _is(writer: "Writer", node: Any, inner: Inner, scope: Scope, denied: str = "") -> str:
    only(node, "this", "expression", "negate")
    if not isinstance(node.args["expression"], exp.Null | exp.Boolean):
        raise Refused("IS of a value")
    return f"{inner(node.this)} IS {_denied(node, denied)}{inner(node.args['expression'])}"


def _null(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    return "NULL"


def _boolean(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    return "TRUE" if node.this else "FALSE"


def _between(writer: "Writer", node: Any, inner: Inner, scope: Scope, denied: str = "") -> str:
    only(node, "this", "low", "high", "negate")
    low, high = inner(node.args["low"]), inner(node.args["high"])
    return f"{inner(node.this)} {_denied(node, denied)}BETWEEN {low} AND {high}"


def _like(writer: "Writer", node: Any, inner: Inner, scope: Scope, denied: str = "") -> str:
    only(node, "this", "expression", "negate")
    word = "ILIKE" if isinstance(node, exp.ILike) else "LIKE"
    if word == "ILIKE" and writer.system.dialect != "postgres":
        raise Refused("ILIKE")
    return f"{inner(node.this)} {_denied(node, denied)}{word} {inner(node.args['expression'])}"


def _in(writer: "Writer", node: Any, inner: Inner, scope: Scope, denied: str = "") -> str:
    only(node, "this", "expressions", "query", "negate")
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


DENIED_WITHIN: Mapping[type[exp.Expr], Callable[["Writer", Any, Inner, Scope, str], str]] = {
    exp.Is: _is,
    exp.Between: _between,
    exp.Like: _like,
    exp.ILike: _like,
    exp.In: _in,
}


def _exists(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this")
    return f"EXISTS {_bracketed(writer, node.this, scope)}"


def _subquery(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    return _bracketed(writer, node, scope)


def _bracketed(writer: "Writer", node: exp.Expr, scope: Scope) -> str:
    """A statement within one, which sees the tables around it."""
    if isinstance(node, exp.Subquery):
        only(node, "this")
        node = node.this
    text, _ = writer.query(node, scope)
    return f"(\n{text}\n)"


def _case(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "ifs", "default")
    subject = f" {inner(node.this)}" if node.args.get("this") is not None else ""
    cases = []
    for each in node.args["ifs"]:
        must_be(each, exp.If)
        only(each, "this", "true")
        cases.append(f" WHEN {inner(each.this)} THEN {inner(each.args['true'])}")
    default = node.args.get("default")
    return f"CASE{subject}{''.join(cases)}{f' ELSE {inner(default)}' if default is not None else ''} END"


def _cast(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "to")
    return f"CAST({inner(node.this)} AS {_type(writer.system.dialect, node.args['to'])})"


def _type(dialect: str, node: exp.Expr) -> str:
    must_be(node, exp.DataType)
    only(node, "this", "expressions", "nested")
    family = FAMILIES.get(node.this.name if hasattr(node.this, "name") else str(node.this), "")
    if family == "DECIMAL":
        sizes = []
        for each in node.expressions:
            must_be(each, exp.DataTypeParam)
            only(each, "this")
            sizes.append(str(whole_number(each.this, 60)))
        return f"DECIMAL({', '.join(sizes)})" if sizes else "DECIMAL"
    if family not in TYPES[dialect]:
        raise Refused("a type")
    return TYPES[dialect][family]


def _counted(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "big_int")
    if isinstance(node.this, exp.Star):
        only(node.this)
        return "COUNT(*)"
    return f"COUNT({_aggregated(node.this, inner)})"


def _length(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "binary")
    name = "CHAR_LENGTH" if writer.system.dialect == "mysql" and not node.args.get("binary") else "LENGTH"
    return f"{name}({inner(node.this)})"


def _extract(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "expression")
    return _part_of_date(writer, known_word(node.this, UNITS), inner(node.args["expression"]))


def _truncated(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "unit", "input_type_preserved")
    if writer.system.dialect != "postgres":
        raise Refused("DATE_TRUNC")
    return f"DATE_TRUNC({writer.text(known_word(node.args['unit'], UNITS).lower())}, {inner(node.this)})"


def _interval(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "unit")
    number, unit = whole_number(node.this, 9_999), known_word(node.args.get("unit"), SPANS)
    if writer.system.dialect == "postgres":
        return writer.interval(number, unit)
    if writer.system.dialect == "mysql":
        return f"INTERVAL {number} {unit}"
    raise Refused("an interval")


def _shifted(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    """DATE_ADD and DATE_SUB of MySQL."""
    only(node, "this", "expression", "unit")
    if writer.system.dialect != "mysql":
        raise Refused("DATE_ADD")
    number, unit = whole_number(node.args["expression"], 9_999), known_word(node.args.get("unit"), SPANS)
    return f"{inner(node.this)} {'+' if isinstance(node, exp.DateAdd) else '-'} INTERVAL {number} {unit}"


def _today(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node)
    return "CURRENT_DATE"


def _now(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node)
    return "CURRENT_TIMESTAMP"


def _day(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    """DATE(…) of MySQL."""
    only(node, "this")
    if writer.system.dialect != "mysql":
        raise Refused("DATE")
    return f"DATE({inner(node.this)})"


def _window(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "partition_by", "order", "over")
    if type(node.this) not in {exp.RowNumber, exp.Rank, exp.DenseRank, exp.Count, *AGGREGATES}:
        raise Refused("a window over something else")
    parts = []
    if node.args.get("partition_by"):
        parts.append(f"PARTITION BY {', '.join(map(inner, node.args['partition_by']))}")
    order = node.args.get("order")
    if order is not None:
        only(order, "expressions")
        parts.append(f"ORDER BY {', '.join(writer.ordered(each, scope) for each in order.expressions)}")
    return f"{inner(node.this)} OVER ({' '.join(parts)})"


def _filtered(writer: "Writer", node: Any, inner: Inner, scope: Scope) -> str:
    only(node, "this", "expression")
    if writer.system.dialect == "mysql" or type(node.this) not in {exp.Count, *AGGREGATES}:
        raise Refused("FILTER")
    must_be(node.args["expression"], exp.Where)
    only(node.args["expression"], "this")
    return f"{inner(node.this)} FILTER (WHERE {inner(node.args['expression'].this)})"


WRITERS: Mapping[type[exp.Expr], Callable[["Writer", Any, Inner, Scope], str]] = {
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
    exp.Count: _counted,
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
