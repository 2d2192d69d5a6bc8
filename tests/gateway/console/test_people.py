"""People as staff see them: by which groups they read, whether they may, and ending that."""

import pytest
from django.test import Client

from accounts.models import User
from gateway.models import AuditEvent
from tests.cast import World


def test_a_person_is_shown_with_the_groups_that_count_for_them(world: World, console: Client) -> None:
    page = console.get(f"/console/people/{world.people['ann'].pk}/").content.decode()
    for name in ("editors", "publishing", "ann@example.org"):
        assert name in page
    assert "editors" not in console.get(f"/console/people/{world.people['charlie'].pk}/").content.decode()


def test_deactivating_ends_reading_and_sessions_at_once(world: World, carol: User, console: Client) -> None:
    ann = world.people["ann"]
    her_browser = Client()
    her_browser.force_login(ann)
    console.post(f"/console/people/{ann.pk}/active/", {"active": "no"})
    assert world.reads("ann") == set()
    assert her_browser.get("/").headers["Location"].startswith("/sign-in/")
    console.post(f"/console/people/{ann.pk}/active/", {"active": "yes"})
    assert world.reads("ann") == {"zeppelin plan"}
    trail = AuditEvent.objects.values_list("kind", "user_id", "details")
    assert list(trail) == [
        ("user.deactivated", carol.pk, {"person": "ann@example.org"}),
        ("user.activated", carol.pk, {"person": "ann@example.org"}),
    ]


def test_nobody_deactivates_themselves(carol: User, console: Client) -> None:
    page = console.post(f"/console/people/{carol.pk}/active/", {"active": "no"}, follow=True)
    assert b"You cannot deactivate yourself." in page.content
    assert User.objects.get(pk=carol.pk).is_active


@pytest.mark.parametrize("state", ["", "maybe"])
def test_a_form_that_says_nothing_changes_nothing(world: World, console: Client, state: str) -> None:
    ann = world.people["ann"]
    console.post(f"/console/people/{ann.pk}/active/", {"active": state})
    assert User.objects.get(pk=ann.pk).is_active


def test_people_are_found_by_name_and_address(world: World, console: Client) -> None:
    assert b"charlie@example.org" not in console.get("/console/people/?search=ANN").content
    assert b"ann@example.org" in console.get("/console/people/?search=ANN").content
    assert console.get("/console/people/999999/").status_code == 404
