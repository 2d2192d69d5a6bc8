"""`manage.py explain`: the answer in lines, or as the API gives it; written to the audit."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from connectors.models import Document
from gateway.models import AuditEvent
from tests.cast import World, until
from tests.connectors.remembering import later

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World.of("ann", "bob")
    world.group("team", until(timezone.now() + timedelta(days=1), "ann"))
    world.folder("plans", ["team"])
    world.document("zeppelin", "plans", text="It is silver.")
    return world


def told(*arguments: str, user: str = "ann@example.org", document: str = "docs:zeppelin") -> str:
    out = StringIO()
    call_command("explain", f"--user={user}", f"--document={document}", *arguments, stdout=out)
    return out.getvalue()


def test_it_is_told_in_lines(world: World) -> None:
    lines = told()
    assert "docs: allowed." in lines
    assert "P4: It is granted to group team (docs), which the person holds." in lines
    assert "In the grants by account ann (docs) → group team (docs), until " in lines
    assert "of the source, inherits: grants group team (docs)." in lines
    assert "Zeppelin" not in lines
    denied = told(user="bob@example.org")
    assert "docs: denied." in denied
    assert "Not in the grants: group team (docs)." in denied


def test_it_is_told_as_json_and_by_either_id(world: World) -> None:
    id = str(Document.past_the_guard.get().public_id)
    one, other = json.loads(told("--json")), json.loads(told("--json", document=id))
    assert one["document"]["id"] == id
    assert one["document"]["title"] is None
    assert {**one, "at": ""} == {**other, "at": ""}


def test_a_time_that_is_past_is_told(world: World) -> None:
    before = later()
    world.group("team")
    assert "denied." in told()
    assert "allowed." in told(f"--at={before.isoformat()}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"user": "nobody@example.org"}, "no person with the address"),
        ({"document": "docs:another"}, "There never was a document docs:another"),
        ({"document": "0b5c1b6a-1f4e-4c52-9a52-5f4d3c0f5b11"}, "There never was"),
        ({"document": "zeppelin"}, "There never was"),
    ],
    ids=["person", "name", "id", "no source"],
)
def test_what_cannot_be_answered_is_said(world: World, arguments: dict[str, str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        told(**arguments)


@pytest.mark.parametrize("at", ["yesterday", "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_a_time_of_which_nothing_is_known_is_refused(world: World, at: str) -> None:
    with pytest.raises(CommandError):
        told(f"--at={at}")


def test_it_is_audited(world: World) -> None:
    told()
    event = AuditEvent.objects.get()
    assert (event.kind, event.user_id, event.details["door"]) == ("access.explained", None, "command")
