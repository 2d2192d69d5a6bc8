"""Administrators see that it runs; they read nothing by it."""

from typing import Any

import pytest

from accounts.models import User
from connectors.adding import add_source
from connectors.models import Source, SyncRun
from gateway import audit
from gateway.api.administering import PAGE
from gateway.models import AuditEvent
from tests.gateway.api.programs import Issue, Program, Pusher

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(root: User, program: Issue) -> Program:
    return program(root, "admin")


def pages(admin: Program, path: str) -> list[list[dict[str, Any]]]:
    """Every page of a listing."""
    found: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = admin.get(path + (f"?cursor={cursor}" if cursor else "")).json()
        found.append(page["results"])
        cursor = page["next_cursor"]
    return found


def test_sources_are_told_without_their_credentials(admin: Program, wiki: Source) -> None:
    add_source("files", kind="folder", settings={"path": "/secret/canary"})
    answer = admin.get("sources")
    assert [each["key"] for each in answer.json()["results"]] == ["files", "wiki"]
    assert b"canary" not in answer.content


def test_a_source_is_made_due_and_that_is_audited(admin: Program, wiki: Source) -> None:
    files = add_source("files", kind="folder", settings={"path": "/nowhere"})
    Source.objects.filter(pk=files.pk).update(next_sync_at="2100-01-01T00:00:00Z")
    assert admin.post("sources/files/sync").status_code == 202
    files.refresh_from_db()
    assert files.next_sync_at is not None
    assert files.next_sync_at.year < 2100
    assert AuditEvent.objects.latest("id").kind == "source.sync_requested"
    unknown = admin.post("sources/nosuch/sync")
    assert unknown.status_code == 404
    assert admin.post("sources/wiki/sync").content == unknown.content, "a pushed source is not read"


def test_runs_are_listed_newest_first_and_by_source(admin: Program, wiki: Source) -> None:
    other = add_source("other", kind="push")
    for number in range(PAGE + 1):
        SyncRun.objects.create(source=wiki, fence=number, counts={"live": number})
    SyncRun.objects.create(source=other, fence=1)
    first, second = pages(admin, "sync-runs")
    assert [len(first), len(second)] == [PAGE, 2]
    assert (first[0]["source"], first[1]["counts"], second[-1]["counts"]) == ("other", {"live": PAGE}, {"live": 0})
    assert [each["source"] for each in admin.get("sync-runs?source=other").json()["results"]] == ["other"]
    assert admin.get("sync-runs?source=nosuch").json()["results"] == []


def test_people_are_listed(admin: Program, ann: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    [people] = pages(admin, "users")
    assert [(each["email"], each["active"], each["staff"]) for each in people] == [
        ("ann@example.com", True, False),
        ("bob@example.com", False, False),
        ("root@example.com", True, True),
    ]


def test_the_audit_is_listed_newest_first_without_a_word_of_any_document(
    admin: Program, push: Pusher, ann: User, program: Issue
) -> None:
    push.account(ann)
    push.put("documents", "d", title="Titled Canary", grants=["ann"], text="The canary sings at noon.")
    assert program(ann, "ask").post("ask", {"question": "When does the canary sing?"}).json()["status"] == "answered"
    audit.record("gone", user_id=987_654, details={})
    [events] = pages(admin, "audit")
    assert events[0]["user"] is None
    assert "ann@example.com" in {each["user"] for each in events}
    assert b"noon" not in admin.get("audit").content
    assert b"Titled" not in admin.get("audit").content


@pytest.mark.parametrize("path", ["sync-runs", "users", "audit"])
@pytest.mark.parametrize("cursor", ["x", "AAAA", "%00", "é"])
def test_a_cursor_nobody_gave_out_is_refused(path: str, cursor: str, admin: Program) -> None:
    answer = admin.get(f"{path}?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "cursor_invalid"
