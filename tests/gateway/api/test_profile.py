"""`me`: who one is here, and how one likes one's answers."""

from typing import Any

import pytest

from accounts.models import User
from connectors.adding import add_source
from tests.gateway.api.programs import Issue, Pusher

pytestmark = pytest.mark.django_db


def test_a_person_sees_their_profile_their_groups_and_their_accounts(push: Pusher, ann: User, program: Issue) -> None:
    push.account(ann)
    push.group("team-a", "ann")
    push.put("principals", "staff", kind="group", name="All staff", members=["team-a"])
    push.put("principals", "others", kind="group", name="The others", members=["bob"])
    me = program(ann, "read").get("me").json()
    assert me.keys() == {
        *("email", "name", "language", "country", "office", "role", "department", "style", "standing_instructions"),
        *("principals", "accounts"),
    }
    assert (me["email"], me["name"]) == ("ann@example.com", "Ann")
    assert {"id": "staff", "name": "All staff", "source": "wiki"} in me["principals"]
    assert {each["id"] for each in me["principals"]} == {"everyone", "*", "team-a", "staff"}
    assert me["accounts"] == [{"id": "ann", "name": "Ann", "source": "wiki"}]


def test_a_token_for_other_sources_is_not_told_of_this_one(push: Pusher, ann: User, program: Issue) -> None:
    push.account(ann)
    other = add_source("other", kind="push")
    me = program(ann, "read", sources=[other]).get("me").json()
    assert me["accounts"] == []
    assert {each["source"] for each in me["principals"]} <= {None, "other"}


def test_only_how_answers_are_worded_can_be_changed(ann: User, program: Issue) -> None:
    reader = program(ann, "read")
    changed = reader.patch("me", {"language": "de", "style": "short", "standing_instructions": "Say du."})
    assert changed.status_code == 200
    assert reader.get("me").json() == changed.json()
    assert changed.json()["language"] == "de"
    only_one = reader.patch("me", {"style": None})
    assert (only_one.json()["style"], only_one.json()["standing_instructions"]) == ("", "Say du.")
    assert reader.patch("me", {}).json() == only_one.json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"country": "Germany"}, "field_unknown"),
        ({"is_staff": True}, "field_unknown"),
        ({"email": "root@example.com"}, "field_unknown"),
        ({"language": "Deutsch"}, "field_invalid"),
        ({"language": None}, "field_missing"),
        ({"style": 1}, "field_invalid"),
        ({"style": "a" * 201}, "field_invalid"),
        ({"standing_instructions": "a" * 2_001}, "field_invalid"),
        ([], "field_invalid"),
    ],
)
def test_everything_else_is_refused(body: Any, code: str, ann: User, program: Issue) -> None:
    answer = program(ann, "read").patch("me", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    ann.refresh_from_db()
    assert (ann.language, ann.is_staff) == ("en", False)
