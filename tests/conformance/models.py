"""A sharing model somebody else wrote, as facts: its rules, who stands in which relation, and the answers expected.

object      "doc:2021-roadmap"
relation    "doc:2021-roadmap#viewer": whoever is its viewer
subject     "user:anne", "user:*" (every user), "group:contoso#member" (whoever is that), "folder:product-2021"
fact        "doc:2021-roadmap#viewer user:beth"; with a condition on the request: "... if has_valid_ip"
rule        of "doc.can_read": "viewer | owner | parent.viewer", where `parent.viewer` is whoever is the viewer of
            any of its parents; `&` is both and `-` is without; `this` is what facts say of the relation itself
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Fact:
    """`subject` stands in `relation` to `object`, where `condition` holds."""

    object: str
    relation: str
    subject: str
    condition: str = ""

    @classmethod
    def of(cls, line: str) -> "Fact":
        what, _, condition = line.partition(" if ")
        place, subject = what.split()
        thing, _, relation = place.partition("#")
        return cls(object=thing, relation=relation, subject=subject, condition=condition)


@dataclass(frozen=True, kw_only=True)
class Model:
    """`places`: the relation that says where an object of a type stands, so that it inherits from there (P5)."""

    origin: str
    rules: Mapping[str, str]
    facts: str
    places: Mapping[str, str] = field(default_factory=dict)
    to_read: str = ""  # the relations that are the right to read or to see; any other right is mapped as if it were
    checks: str = ""  # lines "yes doc:2021-roadmap#can_read anne"
    readers: Mapping[str, str] = field(default_factory=dict)  # of a relation: exactly these
    objects: Mapping[str, str] = field(default_factory=dict)  # of a person and a relation: exactly these
    unmapped: tuple[str, ...] = ()  # assertions that have no counterpart

    @cached_property
    def all_facts(self) -> tuple[Fact, ...]:
        return tuple(map(Fact.of, lines_of(self.facts)))

    @property
    def people(self) -> set[str]:
        """Everybody the model knows by name."""
        named = {fact.subject for fact in self.all_facts} | {f"user:{checked[2]}" for checked in self.checked}
        return {subject.removeprefix("user:") for subject in named if subject.startswith("user:")} - {"*"}

    @property
    def checked(self) -> list[tuple[bool, str, str]]:
        """Single answers: whether it holds, what was asked for, and who."""
        words = (line.split() for line in lines_of(self.checks))
        return [(answer == "yes", asked, who) for answer, asked, who in words]

    @property
    def asked(self) -> set[str]:
        """All relations somebody asks for: each is the right to read a document of its own."""
        listed = {f"{thing}#{key.partition('#')[2]}" for key in self.objects for thing in self.things(key)}
        return {asked for _, asked, _ in self.checked} | set(self.readers) | listed

    def things(self, key: str) -> set[str]:
        """The objects of the type that `"anne doc#can_read"` asks about."""
        kind = key.split()[1].partition("#")[0]
        return {fact.object for fact in self.all_facts if fact.object.partition(":")[0] == kind}

    def facts_of(self, thing: str, relation: str) -> list[Fact]:
        return [fact for fact in self.all_facts if (fact.object, fact.relation) == (thing, relation)]

    def subjects(self, thing: str, relation: str) -> list[str]:
        """Whom facts without a condition name. One with a condition names nobody: it cannot be judged (P18)."""
        return [fact.subject for fact in self.facts_of(thing, relation) if not fact.condition]


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
