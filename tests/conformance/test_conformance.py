"""Sharing models of other products answer here as their authors say they do.

Each model is turned into records and pushed through the real entry point; then everybody reads through the guard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from connectors.applying import Appliable
from connectors.records import PrincipalRecord
from tests.cast import World, person
from tests.conformance import openfga, spicedb
from tests.conformance.models import Model
from tests.conformance.translating import NotExpressible, Translation

MODELS = {
    "Google Drive": openfga.GDRIVE,
    "Slack": openfga.SLACK,
    "basic ReBAC": spicedb.BASIC_REBAC,
    "caveats": spicedb.CAVEATS,
    "docs-style sharing": spicedb.DOCS_STYLE_SHARING,
    "entitlements": spicedb.ENTITLEMENTS,
    "GitHub": spicedb.GITHUB,
    "Google IAM": spicedb.GOOGLE_IAM,
    "one of two roles: admin": spicedb.ADMIN_ROLE,
    "one of two roles: reader": spicedb.READER_ROLE,
    "superuser": spicedb.SUPERUSER,
    "user-defined roles": spicedb.USER_DEFINED_ROLES,
}
STRANGER = "stranger"  # has an account and stands in no relation


@dataclass
class Reads:
    """What each person reads in a model's world, once all of it was pushed."""

    model: Model
    joined: dict[str, str]
    by_person: dict[str, set[str]]

    def readers_of(self, asked: str) -> set[str]:
        """The people of the model; `*` stands for one it never names."""
        everybody = {*self.model.people, STRANGER}
        found = {name for name in everybody if asked in self.by_person[name]}
        return {"*" if name == STRANGER else name for name in found}


def read(model: Model, *, backwards: bool) -> Reads:
    """`backwards`: everything is named before it is introduced."""
    joined = {group: f"only-in-{n}" for n, group in enumerate(sorted(usersets(model)))}
    world, names = World.of(), [*sorted(model.people), STRANGER, *joined.values()]
    world.people |= {name: person(name) for name in names}
    records: list[Appliable] = [
        PrincipalRecord(id=name, kind="user", email=f"{name}@example.org", external=False) for name in names
    ]
    records += Translation(model, joined).records()
    push(world, records[::-1] if backwards else records)
    return Reads(model, joined, {name: world.reads(name) for name in names})


def push(world: World, records: Sequence[Appliable]) -> None:
    for record in records:
        world.push(record)


def usersets(model: Model) -> set[str]:
    """The groups that the answers name among the readers."""
    return {who for expected in model.readers.values() for who in expected.split() if "#" in who}


@pytest.fixture(params=[False, True], ids=["in order", "backwards"])
def backwards(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.django_db
@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_answered_as_its_authors_expect(name: str, backwards: bool) -> None:
    model = MODELS[name]
    reads = read(model, backwards=backwards)
    wrong = [(asked, who) for holds, asked, who in model.checked if (asked in reads.by_person[who]) is not holds]
    assert wrong == []
    for asked, expected in model.readers.items():
        people = {who for who in expected.split() if "#" not in who}
        assert reads.readers_of(asked) == (people if "*" not in people else {*model.people, "*"}), asked
        groups = {who for who in expected.split() if "#" in who}
        assert {group for group in groups if asked not in reads.by_person[reads.joined[group]]} == set(), asked
    for key, expected in model.objects.items():
        who, relation = key.split()[0], key.partition("#")[2]
        asked_of = {f"{thing}#{relation}" for thing in model.things(key)}
        assert reads.by_person[who] & asked_of == {f"{thing}#{relation}" for thing in expected.split()}


def test_what_is_neither_sets_nor_clauses_is_refused_and_not_guessed() -> None:
    expected = {"document:plan#view": ""}
    part_of_a_union = Model(origin="", facts="", rules={"document.view": "(a - b) | c"}, readers=expected)
    with pytest.raises(NotExpressible, match="a part of a union"):
        Translation(part_of_a_union).records()
    both_excluded = Model(origin="", facts="", rules={"document.view": "a - (b & c)"}, readers=expected)
    with pytest.raises(NotExpressible, match="a union"):
        Translation(both_excluded).records()


def test_the_page_counts_what_is_compared() -> None:
    page = (Path(settings.BASE_DIR) / "docs/security/conformance.md").read_text()
    counts = {name: counted(model) for name, model in MODELS.items()}
    counts["together"] = tuple(map(sum, zip(*counts.values(), strict=True)))
    told = {name: f"| {name} | {' | '.join(map(str, numbers))} |" for name, numbers in counts.items()}
    assert [line for line in told.values() if line not in page] == []
    assert [reason for model in MODELS.values() for reason in model.unmapped if reason not in page] == []


def counted(model: Model) -> tuple[int, ...]:
    """Expected answers as written: about reading, about another right, and those that are not mapped."""
    asked = [each for _, each, _ in model.checked]
    asked += [each for each, expected in model.readers.items() for _ in expected.split() or [""]]
    asked += [key for key, expected in model.objects.items() for _ in expected.split()]
    reading = sum(each.partition("#")[2] in model.to_read.split() for each in asked)
    return reading, len(asked) - reading, len(model.unmapped)
