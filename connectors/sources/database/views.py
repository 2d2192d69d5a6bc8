"""The views of a database that an administrator approved: what the setting `views` says of people, groups and views.

What is not named there does not exist for the gateway. Names that questions are written in are plain words chosen here;
how relations and columns are really called is said beside them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Literal

from yaml.nodes import Node, ScalarNode

from connectors.records import RESERVED_IDS, Access, PrincipalRecord
from connectors.sources.access_files import PEOPLE_KEYS, given, group, person, rules
from connectors.sources.strict_yaml import InvalidYaml, compose, line_of, mapping, string

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
KEYS = PEOPLE_KEYS | {"views"}
LIST_KEYS = frozenset({"grants", "restrictions", "deny"})
VIEW_KEYS = LIST_KEYS | {"relation", "title", "description", "rows", "columns"}
ROWS_KEYS = frozenset({"column", "names"})
COLUMN_KEYS = frozenset({"is", "type", "description"})
VIEW, DEFINITION = "view", "definition"  # in the metadata of a view's document: its name, and what it was approved as
EVERY_ROW = "all"
MOST_VIEWS = 200
MOST_COLUMNS = 200
MOST_PARTS = 2  # of the name of a relation: its schema and itself

Kind = Literal["text", "number", "date", "yes or no"]
KINDS: Mapping[str, Kind] = {"text": "text", "number": "number", "date": "date", "boolean": "yes or no"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """`name` in questions, `real` in the database."""

    name: str
    real: str
    kind: Kind = "text"
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class RowRule:
    """The real column that says who may see a row; its values are ids of people and groups of this source.

    `addresses`: they are e-mail addresses, each an account of its own.
    """

    column: str
    addresses: bool = False


@dataclass(frozen=True, kw_only=True)
class View:
    """A view that may be asked. Without `rows` each of its readers sees every row."""

    name: str
    relation: tuple[str, ...]  # with its schema, if one is given
    title: str
    description: str
    columns: tuple[Column, ...]
    rows: RowRule | None
    access: Access

    @property
    def definition(self) -> str:
        """Changes with anything said of the view: what was indexed under another one is no right to ask this one."""
        return sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()

    @property
    def text(self) -> str:
        """What people find it by."""
        lines = [self.title, "", self.description or self.title, "", "Columns:"]
        lines += [f"- {column.name}: {column.description or column.kind}" for column in self.columns]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class Approved:
    """All that the setting says."""

    people: tuple[PrincipalRecord, ...] = ()
    views: Mapping[str, View] = field(default_factory=dict)

    @property
    def known(self) -> frozenset[str]:
        """Ids of the people and groups that are introduced by hand."""
        return frozenset(record.id for record in self.people)


def read_views(content: str) -> Approved:
    """What the setting says. Raises InvalidYaml with the line of what is wrong."""
    node = compose(content.encode())
    parts = mapping(node, "the setting", KEYS)
    if "views" not in parts:
        raise InvalidYaml("'views' is missing: name the views that may be asked", line_of(node))
    views = [view(name, below) for name, below in mapping(parts["views"], "'views'").items()]
    if len(views) > MOST_VIEWS:
        raise InvalidYaml(f"there are more than {MOST_VIEWS} views", line_of(parts["views"]))
    return Approved(people=tuple(_principals(parts)), views={each.name: each for each in views})


def _principals(parts: Mapping[str, Node]) -> Sequence[PrincipalRecord]:
    people = mapping(parts["people"], "'people'") if "people" in parts else {}
    groups = mapping(parts["groups"], "'groups'") if "groups" in parts else {}
    for name, node in [*people.items(), *groups.items()]:
        if name in RESERVED_IDS:
            raise InvalidYaml(f"'{name}' is reserved and cannot be introduced", line_of(node))
    for name in people.keys() & groups.keys():
        raise InvalidYaml(f"'{name}' is both a person and a group", line_of(groups[name]))
    return [*(person(*pair) for pair in people.items()), *(group(*pair) for pair in groups.items())]


def view(name: str, node: Node) -> View:
    parts = mapping(node, f"'{name}'", VIEW_KEYS)
    _refuse_unfit(name, node)
    if "rows" not in parts:
        raise InvalidYaml(
            f"'{name}' does not say who sees which rows: 'rows: {EVERY_ROW}' lets its readers see every row, "
            "'rows: {column: …, names: ids}' those whose column names them",
            line_of(node),
        )
    if "columns" not in parts:
        raise InvalidYaml(f"'{name}' approves no columns", line_of(node))
    columns = tuple(column(*pair) for pair in mapping(parts["columns"], f"'columns' of '{name}'").items())
    if not 0 < len(columns) <= MOST_COLUMNS:
        raise InvalidYaml(f"'{name}' approves no columns, or more than {MOST_COLUMNS}", line_of(parts["columns"]))
    lists = {key: parts[key] for key in LIST_KEYS & parts.keys()}
    access = rules(node, lists, may_detach=False).access
    return View(
        name=name,
        relation=_relation(given(parts, "relation", string, name), node),
        title=given(parts, "title", string, name.replace("_", " ").capitalize()),
        description=given(parts, "description", string, ""),
        columns=columns,
        rows=row_rule(parts["rows"]),
        access=access,
    )


def column(name: str, node: Node) -> Column:
    """A description alone, or with what the column is and holds."""
    _refuse_unfit(name, node)
    if isinstance(node, ScalarNode):
        return Column(name=name, real=name, description=string(node, f"'{name}'"))
    parts = mapping(node, f"'{name}'", COLUMN_KEYS)
    kind = given(parts, "type", string, "text")
    if kind not in KINDS:
        raise InvalidYaml(f"'{kind}' is no type; known: {', '.join(KINDS)}", line_of(node))
    return Column(
        name=name,
        real=given(parts, "is", string, name),
        kind=KINDS[kind],
        description=given(parts, "description", string, ""),
    )


def row_rule(node: Node) -> RowRule | None:
    """None where it is said that every row may be seen; nothing else says so (P18)."""
    if isinstance(node, ScalarNode):
        if string(node, "'rows'") != EVERY_ROW:
            raise InvalidYaml(f"'rows' is '{EVERY_ROW}' or names a column", line_of(node))
        return None
    parts = mapping(node, "'rows'", ROWS_KEYS)
    if "column" not in parts or "names" not in parts:
        raise InvalidYaml("'rows' names a 'column' and what its 'names' are: ids or addresses", line_of(node))
    names = string(parts["names"], "'names'")
    if names not in ("ids", "addresses"):
        raise InvalidYaml("'names' is 'ids' or 'addresses'", line_of(parts["names"]))
    return RowRule(column=string(parts["column"], "'column'"), addresses=names == "addresses")


def _relation(text: str, node: Node) -> tuple[str, ...]:
    parts = tuple(text.split("."))
    if len(parts) > MOST_PARTS or not all(parts):
        raise InvalidYaml(f"{text!r} is no relation such as reporting.orders", line_of(node))
    return parts


def _refuse_unfit(name: str, node: Node) -> None:
    if NAME.fullmatch(name) is None:
        raise InvalidYaml(
            f"'{name}' is no name to write questions in: small letters, digits and _, a letter first. What it is "
            "called in the database is said by 'relation' or 'is'",
            line_of(node),
        )
