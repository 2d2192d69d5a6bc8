"""The stock Django admin: people, links and sources, and nothing of what they wrote."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AddressClaim, IdentityLink, User
from connectors.models import Document, Source
from tests.cast import PASSWORD, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", PASSWORD))
    return client


@pytest.fixture
def world() -> World:
    world = World.of("ann")
    world.document("canary-title", grants=["ann"], text="canary-text")
    return world


def test_no_table_of_content_is_in_it(admin: Client, world: World) -> None:
    index = admin.get("/admin/").content.decode()
    assert "sources" in index.lower()
    for model in ("document", "passage", "scope", "acl"):
        assert f"/admin/connectors/{model}" not in index
        assert admin.get(f"/admin/connectors/{model}/").status_code == 404


@pytest.mark.parametrize(
    "page", ["accounts/user", "accounts/identitylink", "accounts/accesstoken", "connectors/source"]
)
def test_its_lists_open(admin: Client, world: World, page: str) -> None:
    answer = admin.get(f"/admin/{page}/")
    assert answer.status_code == 200
    assert b"canary" not in answer.content


def test_an_address_given_here_is_verified_and_links_follow_it(admin: Client, world: World) -> None:
    world.account("zoe")
    world.document("plan", grants=["zoe"])
    added = admin.post("/admin/accounts/user/add/", {"email": " ZOE@example.org", "language": "en", "is_active": "on"})
    assert added.status_code == 302, added.content.decode()
    world.people["zoe"] = User.objects.get(email="zoe@example.org")
    assert world.readers("plan") == {"zoe"}
    twin = admin.post("/admin/accounts/user/add/", {"email": "Zoe@EXAMPLE.org", "language": "en", "is_active": "on"})
    assert twin.status_code == 200
    assert "already exists" in twin.content.decode()


def test_deactivating_a_person_here_ends_what_they_read(admin: Client, world: World) -> None:
    ann = world.people["ann"]
    changed = admin.post(f"/admin/accounts/user/{ann.pk}/change/", {"email": ann.email, "language": "en"})
    assert changed.status_code == 302, changed.content.decode()
    assert world.reads("ann") == set()


def test_an_administrator_makes_others_auditors_and_not_themselves(admin: Client, world: World) -> None:
    for user in User.objects.all():
        change = {"email": user.email, "language": "en", "is_active": "on", "is_auditor": "on"}
        kept = {"is_staff": "on", "is_superuser": "on"} if user.is_staff else {}
        answer = admin.post(f"/admin/accounts/user/{user.pk}/change/", change | kept)
        assert answer.status_code == 302, answer.content.decode()
    assert [user.email for user in User.objects.filter(is_auditor=True)] == ["ann@example.org"]


def test_a_link_is_revoked_and_an_address_confirmed_here(admin: Client, world: World) -> None:
    link = IdentityLink.objects.get()
    admin.post("/admin/accounts/identitylink/", {"action": "revoke", "_selected_action": [link.pk]})
    assert world.reads("ann") == set()
    second = world.join("second")
    claim = AddressClaim.objects.get(address="ann@example.org")
    admin.post(f"/admin/accounts/addressclaim/{claim.pk}/change/", {"user": second.pk})
    claim.refresh_from_db()
    assert claim.user == second


@pytest.mark.parametrize(
    "guess",
    [
        "accounts/user/?password__startswith=m",
        "accounts/accesstoken/?user__password__startswith=m",
        "accounts/principal/?directory__source__settings__token__startswith=s",
        "connectors/source/?settings__token__startswith=s",
    ],
)
def test_its_filters_cannot_be_used_to_guess(admin: Client, world: World, guess: str) -> None:
    assert admin.get(f"/admin/{guess}").status_code == 400
    assert admin.get("/admin/accounts/user/?is_active__exact=1").status_code == 200
    assert admin.get(f"/admin/accounts/principal/?directory__id__exact={world.source.pk}").status_code == 200


def test_a_source_is_paused_and_resumed_here(admin: Client, world: World) -> None:
    for action, seen in (("pause", set()), ("resume", {"canary-title"})):
        admin.post("/admin/connectors/source/", {"action": action, "_selected_action": [world.source.pk]})
        assert world.reads("ann") == seen


def test_a_source_is_deleted_only_when_asked_twice(world: World) -> None:
    with pytest.raises(CommandError, match="1 documents"):
        call_command("delete_source", "docs")
    call_command("delete_source", "docs", "--yes")
    assert not Source.objects.exists()
    assert not Document.past_the_guard.exists()
