"""A model's rules and facts as records of a source. Nothing is decided here: who reads, the database says.

- Whoever stands in a computed relation is a group, with what its rule unites as members: people, and groups again.
- Where an object stands in another and shares its readers, it is a scope below a scope and inherits (P5).
- Both of two sets is a restriction, and a set without another is a deny set (P4). A union of intersections is turned
  inside out into clauses that must all hold: (a & b) | c is (a | c) & (b | c).
- Every user is `everyone`. A fact with a condition on the request is left out: nobody is admitted by it (P18).
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from connectors.applying import Appliable
from connectors.records import EVERYONE, Access, DocumentRecord, Entry, PrincipalRecord, ScopeRecord
from tests.conformance.models import Model


class NotExpressible(Exception):
    """Our rules have no form for this expression."""


@dataclass(frozen=True)
class Condition:
    """A reader must be in one principal of every clause, and in none of the denied ones."""

    clauses: tuple[frozenset[str], ...]
    deny: frozenset[str] = frozenset()

    @property
    def is_one_set(self) -> bool:
        return len(self.clauses) == 1 and not self.deny

    @property
    def one_set(self) -> frozenset[str]:
        if not self.is_one_set:
            raise NotExpressible("What a group holds is a union: it restricts nothing and denies nobody.")
        return self.clauses[0]

    def __or__(self, other: "Condition") -> "Condition":
        if self.deny or other.deny:
            raise NotExpressible("An exclusion from a part of a union only.")
        return Condition(tuple(mine | theirs for mine in self.clauses for theirs in other.clauses))

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(self.clauses + other.clauses, self.deny | other.deny)

    def __sub__(self, other: "Condition") -> "Condition":
        return Condition(self.clauses, self.deny | other.one_set)

    def access(self) -> Access:
        grants, *restrictions = ([Entry(id=id) for id in sorted(clause)] for clause in self.clauses)
        return Access(
            grants=tuple(grants),
            restrictions=tuple(tuple(entry.id for entry in clause) for clause in restrictions),
            deny=tuple(sorted(self.deny)),
        )


def anyone_of(*principals: str) -> Condition:
    return Condition((frozenset(principals),))


@dataclass
class Translation:
    """The records of a model; `joined` are people who are in one group and in nothing else, by that group."""

    model: Model
    joined: Mapping[str, str] = field(default_factory=dict)
    groups: dict[str, PrincipalRecord] = field(default_factory=dict)
    scopes: dict[str, ScopeRecord] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def records(self) -> list[Appliable]:
        for joined in self.joined:
            self.group(*parted(joined))
        documents = [self.document(*parted(asked)) for asked in sorted(self.model.asked)]
        return [*self.groups.values(), *self.scopes.values(), *documents]

    # --- scopes and documents -----------------------------------------------------------------------------

    def document(self, thing: str, relation: str) -> DocumentRecord:
        """Readable by whoever stands in this relation to this object."""
        place, own = self.placed(thing, relation)
        name = f"{thing}#{relation}"
        return DocumentRecord(id=name, title=name, text=f"About {name}.", scope=place, access=own.access())

    def scope(self, thing: str, relation: str) -> str:
        """A scope with the readers of this relation."""
        name = f"{thing}#{relation}"
        if name not in self.scopes:
            place, own = self.placed(thing, relation)
            self.scopes[name] = ScopeRecord(id=name, name=name, parent=place, access=own.access())
        return name

    def placed(self, thing: str, relation: str) -> tuple[str | None, Condition]:
        """The scope it inherits from, and what comes on top. Only a union inherits, and from one place."""
        parts = list(united(self.rule(thing, relation)))
        inherited = [part for part in parts if self.names_the_place(thing, part)]
        own = self.united(thing, relation, [part for part in parts if part not in inherited])
        if len(inherited) != 1 or not own.is_one_set:
            return None, self.united(thing, relation, parts)
        above, there = arrow(inherited[0])
        return self.scope(self.places_of(thing, above)[0], there), own

    def names_the_place(self, thing: str, part: ast.expr) -> bool:
        if not isinstance(part, ast.Attribute):
            return False
        above, _ = arrow(part)
        return self.model.places.get(kind_of(thing)) == above and len(self.places_of(thing, above)) == 1

    def places_of(self, thing: str, relation: str) -> list[str]:
        subjects = self.model.subjects(thing, relation)
        return [subject for subject in subjects if "#" not in subject and kind_of(subject) != "user"]

    # --- who ------------------------------------------------------------------------------------------------

    def group(self, thing: str, relation: str) -> str:
        """The principal for whoever stands in this relation. Raises NotExpressible for what is no union."""
        name = f"{thing}#{relation}"
        if name not in self.begun:
            self.begun.add(name)
            members = self.condition(thing, relation, self.rule(thing, relation)).one_set
            joined = {self.joined[name]} if name in self.joined else set()
            entries = tuple(Entry(id=id) for id in sorted(members | joined))
            self.groups[name] = PrincipalRecord(id=name, kind="group", name=name, members=entries)
        return name

    def condition(self, thing: str, relation: str, rule: ast.expr) -> Condition:
        """Who stands in `relation` to `thing` by this part of its rule."""
        match rule:
            case ast.Name(id="this"):
                return anyone_of(*self.direct(thing, relation))
            case ast.Name(id=other):
                return self.named(thing, other)
            case ast.Attribute():
                above, there = arrow(rule)
                return either([self.named(place, there) for place in self.places_of(thing, above)])
            case ast.BinOp(left=left, op=op, right=right):
                one, two = self.condition(thing, relation, left), self.condition(thing, relation, right)
                return (
                    one | two if isinstance(op, ast.BitOr) else one & two if isinstance(op, ast.BitAnd) else one - two
                )
        raise NotExpressible(ast.unparse(rule))

    def named(self, thing: str, relation: str) -> Condition:
        """A relation as a group where it is a union, and else as its clauses."""
        try:
            return anyone_of(self.group(thing, relation))
        except NotExpressible:
            return self.condition(thing, relation, self.rule(thing, relation))

    def united(self, thing: str, relation: str, parts: list[ast.expr]) -> Condition:
        return either([self.condition(thing, relation, part) for part in parts])

    def direct(self, thing: str, relation: str) -> Iterator[str]:
        """Whom facts name. An object that is named is nobody: it only leads to others."""
        for subject in self.model.subjects(thing, relation):
            if subject == "user:*":
                yield EVERYONE
            elif "#" in subject:
                yield self.group(*parted(subject))
            elif kind_of(subject) == "user":
                yield parted(subject.replace(":", "#"))[1]

    def rule(self, thing: str, relation: str) -> ast.expr:
        return ast.parse(self.model.rules.get(f"{kind_of(thing)}.{relation}", "this"), mode="eval").body


def either(conditions: list[Condition]) -> Condition:
    """Any of these; nobody where there are none."""
    if len(conditions) == 1:
        return conditions[0]
    found = anyone_of()
    for condition in conditions:
        found |= condition
    return found


def united(rule: ast.expr) -> Iterator[ast.expr]:
    """The parts of a union; a rule that is none is its only part."""
    if isinstance(rule, ast.BinOp) and isinstance(rule.op, ast.BitOr):
        yield from united(rule.left)
        yield from united(rule.right)
    else:
        yield rule


def arrow(part: ast.expr) -> tuple[str, str]:
    """`parent.viewer`: the relation that leads to other objects, and the one looked for there."""
    if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
        return part.value.id, part.attr
    raise NotExpressible(ast.unparse(part))


def parted(name: str) -> tuple[str, str]:
    """`"doc:budget#viewer"` as the object and the relation."""
    thing, _, relation = name.partition("#")
    return thing, relation


def kind_of(thing: str) -> str:
    return thing.partition(":")[0]
