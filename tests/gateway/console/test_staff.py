"""The console is there for staff alone; for all others it is not there."""

import pytest
from django.test import Client

from accounts.models import User
from connectors.models import Source
from gateway.models import AuditEvent
from tests.cast import World

PAGES = [
    "/console/",
    "/console/sources/docs/",
    "/console/runs/",
    "/console/people/",
    "/console/people/1/",
    "/console/audit/",
]
OF_A_SOURCE = ("pause", "resume", "sync", "retry", "anew", "dry-run", "held/keep", "held/delete")
DEEDS = [f"/console/sources/docs/{deed}/" for deed in OF_A_SOURCE] + ["/console/people/1/active/"]
CONFIGURING = ["/console/add-source/", "/console/sources/docs/settings/", "/console/sources/docs/delete/"]


def browser_of(who: str, world: World) -> Client:
    client = Client(enforce_csrf_checks=True)
    if who != "anonymous":
        client.force_login(world.people["charlie"])
    return client


@pytest.mark.parametrize("who", ["anonymous", "charlie"])
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_others_find_what_they_find_at_an_unknown_address(world: World, who: str, method: str) -> None:
    browser = browser_of(who, world)
    unknown = browser.get("/there/is/no/such/page/")
    for address in PAGES + DEEDS + CONFIGURING:
        answer = getattr(browser, method)(address)
        assert (answer.status_code, answer.content) == (404, unknown.content), address
        assert answer.headers == unknown.headers, address
    assert Source.objects.get().enabled
    assert not AuditEvent.objects.exists()


def test_staff_who_were_deactivated_are_others(world: World, carol: User, console: Client) -> None:
    assert console.get("/console/").status_code == 200
    User.objects.filter(pk=carol.pk).update(email_verified_at=None)
    assert console.get("/console/").status_code == 404


@pytest.mark.parametrize("address", DEEDS)
def test_what_changes_something_is_posted_with_a_token(world: World, carol: User, address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(carol)
    assert browser.get(address).status_code == 405
    assert browser.post(address).status_code == 403
    assert Source.objects.get().enabled


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_a_source_is_and_who_reads_by_its_settings_is_for_superusers(
    world: World, console: Client, method: str
) -> None:
    unknown = console.get("/there/is/no/such/page/")
    for address in CONFIGURING:
        answer = getattr(console, method)(address, {"confirm": "docs"})
        assert (answer.status_code, answer.content) == (404, unknown.content), address
    assert "for superusers" not in console.get("/console/").content.decode()
    assert "by superusers" in console.get("/console/sources/docs/").content.decode()
