"""Questions that need no model to become SQL: a few forms of English, and only where every word is understood.

    how many ORDERS …                         the number of ORDERS … per COLUMN
    the total | average | highest COLUMN of ORDERS …
    the latest ORDER …                        which ORDER has the highest COLUMN …
    list | show the ORDERS …

where … is any number of `with | where | and COLUMN (is) VALUE`. A view is called by its name or title, a column by its
name. A value is in quotation marks, a number, a date such as 2026-12-31, or one word. What is left over, or means two
things, makes it no query.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from connectors.sources.database.systems import System
from connectors.sources.database.views import Column, View
from gateway.answering.words import folded, stem

NAME = "forms"
TOKEN = re.compile(
    r"[\"“„«‘]([^\"“”„«»‘’]{1,200})[\"”“»’]|(\d{4}-\d\d-\d\d|\d+(?:\.\d+)?)(?![\w.])|([^\W_]+)|([=?.!,])"
)
FILLING = frozenset(
    "please the a an all of our there is are were was do does did we you have me in now currently".split()
)
HIGHEST = frozenset({"highest", "largest", "biggest", "greatest", "maximum"})
LOWEST = frozenset({"lowest", "smallest", "least", "minimum"})
LATEST = frozenset({"latest", "newest", "last"})
EARLIEST = frozenset({"earliest", "oldest", "first"})
JOINING = frozenset({"with", "where", "whose", "and", "for", "having"})
KNOWN = (
    FILLING | HIGHEST | LOWEST | LATEST | EARLIEST | JOINING | {"per", "by", "each", "how", "many", "not", "or", "no"}
)


@dataclass(frozen=True)
class Token:
    """A word, or a value that shows by its form that it is one."""

    text: str
    quoted: bool = False
    number: bool = False

    @property
    def word(self) -> str:
        return "" if self.quoted or self.number else folded(self.text)


class _NotUnderstood(Exception):
    """This is none of the forms."""


def query_of(question: str, views: Mapping[str, View], system: System) -> str | None:
    """The one SELECT that answers the question, if there is no doubt; else None."""
    tokens = _tokens(question)
    if tokens is None:
        return None
    found = {sql for view in views.values() for form in FORMS if (sql := _tried(form, tokens, view, system))}
    return found.pop() if len(found) == 1 else None


def _tried(form: "Form", tokens: Sequence[Token], view: View, system: System) -> str | None:
    words = _Words(tokens, view, system)
    try:
        sql = form(words)
    except _NotUnderstood:
        return None
    words.fill()
    return sql if words.at == len(tokens) else None


def _tokens(question: str) -> list[Token] | None:
    """None where there is something that is neither a word nor a value."""
    rest, tokens = question.strip().rstrip("?.! "), []
    at = 0
    for match in TOKEN.finditer(rest):
        if rest[at : match.start()].strip():
            return None
        at = match.end()
        quoted, number, word, sign = match.groups()
        if quoted is not None:
            tokens.append(Token(quoted, quoted=True))
        elif number is not None:
            tokens.append(Token(number, number=True))
        elif word is not None or sign == "=":
            tokens.append(Token(word or "is"))
        elif sign != ",":
            return None
    return tokens if not rest[at:].strip() else None


class _Words:
    """Reads on from `at`; a step that does not fit raises _NotUnderstood."""

    def __init__(self, tokens: Sequence[Token], view: View, system: System) -> None:
        self.tokens = tokens
        self.view = view
        self.system = system
        self.at = 0

    def fill(self) -> None:
        while self.at < len(self.tokens) and self.tokens[self.at].word in FILLING:
            self.at += 1

    def one_of(self, *words: str) -> str:
        """The next word, which must be one of these."""
        self.fill_unless(words)
        if self.at == len(self.tokens) or self.tokens[self.at].word not in words:
            raise _NotUnderstood
        self.at += 1
        return self.tokens[self.at - 1].word

    def fill_unless(self, words: Sequence[str]) -> None:
        while self.at < len(self.tokens) and (word := self.tokens[self.at].word) in FILLING and word not in words:
            self.at += 1

    def may_be(self, *words: str) -> bool:
        before = self.at
        try:
            self.one_of(*words)
        except _NotUnderstood:
            self.at = before
            return False
        return True

    def called(self, names: Sequence[str]) -> bool:
        """One of these names, each of one or more words, in singular or plural; the longest that fits."""
        self.fill()
        fitting = [length for name in names if (length := self._fits(name))]
        self.at += max(fitting, default=0)
        return bool(fitting)

    def _fits(self, name: str) -> int:
        parts = [stem(folded(part)) for part in re.findall(r"[^\W_]+", name)]
        here = [stem(token.word) for token in self.tokens[self.at : self.at + len(parts)]]
        return len(parts) if parts and here == parts else 0

    def the_view(self) -> None:
        if not self.called([self.view.name, self.view.title]):
            raise _NotUnderstood

    def column(self, *kinds: str) -> Column:
        self.fill()
        fitting = [(length, each) for each in self.view.columns if (length := self._fits(each.name))]
        longest = max((length for length, _ in fitting), default=0)
        found = [each for length, each in fitting if length == longest]
        if len(found) != 1 or (kinds and found[0].kind not in kinds):
            raise _NotUnderstood
        self.at += longest
        return found[0]

    def conditions(self) -> str:
        """` WHERE …`, or nothing."""
        conditions = []
        while self.may_be(*JOINING):
            column = self.column()
            self.may_be("is", "equals", "of")
            conditions.append(self.condition(column))
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def condition(self, column: Column) -> str:
        if self.at == len(self.tokens):
            raise _NotUnderstood
        token = self.tokens[self.at]
        self.at += 1
        name = self.name(column)
        if column.kind == "number" and token.number and "-" not in token.text:
            return f"{name} = {token.text}"
        if column.kind == "date" and _is_date(token.text):
            return f"{name} = {_quoted(token.text)}"
        if column.kind == "text" and (token.quoted or token.number or self._is_value(token)):
            return f"LOWER({name}) = LOWER({_quoted(token.text)})"
        raise _NotUnderstood

    def _is_value(self, token: Token) -> bool:
        following = self.tokens[self.at].word if self.at < len(self.tokens) else ""
        return bool(token.word) and token.word not in KNOWN and (not following or following in JOINING | {"per", "by"})

    def name(self, column: Column) -> str:
        return self.system.quoted(column.name)

    @property
    def source(self) -> str:
        return self.system.quoted(self.view.name)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _quoted(text: str) -> str:
    if "\\" in text:  # which some take for the beginning of something
        raise _NotUnderstood
    return "'" + text.replace("'", "''") + "'"


# --- the forms -----------------------------------------------------------------------------------------------------

Form = Callable[[_Words], str]


def _grouped(words: _Words, value: str) -> str:
    """… per COLUMN …, or without."""
    before = words.conditions()
    if not words.may_be("per", "by"):
        return f"SELECT {value} FROM {words.source}{before}"  # noqa: S608  (read and written anew)
    words.may_be("each")
    group = words.name(words.column())
    where = before or words.conditions()
    return f"SELECT {group}, {value} FROM {words.source}{where} GROUP BY {group} ORDER BY {group}"  # noqa: S608


def how_many(words: _Words) -> str:
    words.may_be("what")
    if words.may_be("how"):
        words.one_of("many")
    else:
        words.one_of("number", "count")
    words.the_view()
    words.may_be("exist")
    return _grouped(words, "COUNT(*) AS count")


def a_total(words: _Words) -> str:
    words.may_be("what")
    word = words.one_of("total", "sum", "average", "mean", *HIGHEST, *LOWEST)
    if word in ("total", "sum", "average", "mean"):
        column = words.column("number")
        function, label = ("SUM", "total") if word in ("total", "sum") else ("AVG", "average")
    else:
        column = words.column("number", "date")
        function, label = ("MAX", "highest") if word in HIGHEST else ("MIN", "lowest")
    words.the_view()
    alias = words.system.quoted(f"{label}_{column.name}"[:60])
    return _grouped(words, f"{function}({words.name(column)}) AS {alias}")


def the_latest(words: _Words) -> str:
    words.may_be("what", "which", "show")
    if words.may_be("most"):
        words.one_of("recent")
        latest = True
    else:
        latest = words.one_of(*LATEST, *EARLIEST) in LATEST
    words.the_view()
    dates = [column for column in words.view.columns if column.kind == "date"]
    if len(dates) != 1:
        raise _NotUnderstood
    return _first(words, dates[0], descending=latest)


def the_highest(words: _Words) -> str:
    words.one_of("which")
    words.the_view()
    words.one_of("has", "have", "with")
    descending = words.one_of(*HIGHEST, *LOWEST) in HIGHEST
    return _first(words, words.column("number", "date"), descending=descending)


def _first(words: _Words, column: Column, *, descending: bool) -> str:
    """Rows that have no value there are neither first nor last."""
    name = words.name(column)
    given = words.conditions()
    where = f"{given} AND {name} IS NOT NULL" if given else f" WHERE {name} IS NOT NULL"
    order = " DESC" if descending else ""
    return f"SELECT * FROM {words.source}{where} ORDER BY {name}{order} LIMIT 1"  # noqa: S608


def a_list(words: _Words) -> str:
    words.one_of("list", "show", "which")
    words.the_view()
    asked = words.conditions()
    if not asked and words.tokens[0].word == "which":
        raise _NotUnderstood
    return f"SELECT * FROM {words.source}{asked}"  # noqa: S608


FORMS: Sequence[Form] = (how_many, a_total, the_latest, the_highest, a_list)
