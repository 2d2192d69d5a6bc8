"""What a program pushes is what the source holds, and who may read it, from the commit on."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from django.test import Client

from accounts.models import User
from connectors.adding import add_source, pause
from connectors.kit.scripted import Scripted
from connectors.models import Source
from connectors.sources import registry
from connectors.sources.base import ConnectorError
from tests.gateway.api.programs import Issue, Program, Pusher

pytestmark = pytest.mark.django_db


def titles(program: Program, query: str = "canary") -> list[str]:
    """What this program finds, by keyword."""
    answer = program.post("search", {"query": query, "mode": "text", "limit": 50})
    assert answer.status_code == 200, answer.content
    return sorted({result["document"]["title"] for result in answer.json()["results"]})


def listed(program: Program) -> list[str]:
    return sorted(each["title"] for each in program.get("documents").json()["results"])


@pytest.fixture
def readers(ann: User, bob: User, mallory: User, program: Issue) -> dict[str, Program]:
    return {person.name.lower(): program(person, "read") for person in (ann, bob, mallory)}


def who_finds(readers: dict[str, Program], title: str) -> set[str]:
    """Search, list, document and text agree; otherwise this fails."""
    finding = {name for name, program in readers.items() if title in titles(program)}
    assert finding == {name for name, program in readers.items() if title in listed(program)}
    return finding


def test_a_small_source_with_nested_groups_a_restriction_and_a_deny(
    push: Pusher, readers: dict[str, Program], ann: User, bob: User, mallory: User
) -> None:
    for person in (ann, bob, mallory):
        push.account(person)
    push.group("team-a", "ann")
    push.group("staff", "team-a", "bob", "mallory")
    push.group("contractors", "mallory")
    push.group("legal", "ann")
    push.put("scopes", "space", name="Space", grants=["staff"], deny=["contractors"])
    push.put("scopes", "page", name="Page", parent="space", restrictions=[["legal"]])
    push.put("documents", "open", title="Open", scope="space", text="An open canary.")
    push.put("documents", "narrow", title="Narrow", scope="page", text="A narrow canary.")
    push.put(
        "documents", "own", title="Own", scope="page", inherits=False, grants=["bob"], text="A canary of one's own."
    )
    assert who_finds(readers, "Open") == {"ann", "bob"}
    assert who_finds(readers, "Narrow") == {"ann"}
    assert who_finds(readers, "Own") == {"bob"}
    push.group("team-a")
    assert who_finds(readers, "Open") == {"bob"}
    assert who_finds(readers, "Narrow") == set()
    push.group("contractors")
    assert who_finds(readers, "Open") == {"bob", "mallory"}


def test_what_is_named_before_it_is_introduced_counts_from_its_introduction_on(
    push: Pusher, readers: dict[str, Program], ann: User
) -> None:
    push.put("documents", "d", title="Early", scope="later", text="An early canary.")
    assert who_finds(readers, "Early") == set()
    push.put("scopes", "later", name="Later", grants=["group"])
    push.group("group", "ann")
    assert who_finds(readers, "Early") == set()
    push.account(ann)
    assert who_finds(readers, "Early") == {"ann"}


def test_everyone_and_the_source_s_own_everyone(
    push: Pusher, readers: dict[str, Program], ann: User, bob: User
) -> None:
    push.account(ann)
    push.put("principals", "bob", kind="user", email=bob.email)  # external: not a full member
    push.put("documents", "all", title="All", grants=["everyone"], text="A canary for all.")
    push.put("documents", "members", title="Members", grants=["*"], text="A canary for members.")
    assert who_finds(readers, "All") == {"ann", "bob", "mallory"}
    assert who_finds(readers, "Members") == {"ann"}


def test_a_document_with_neither_scope_nor_grants_is_read_by_nobody(push: Pusher, readers: dict[str, Program]) -> None:
    assert push.put("documents", "d", title="Lost", text="A lost canary.") == "live"
    assert who_finds(readers, "Lost") == set()


def test_a_field_left_out_is_empty(push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    push.put("documents", "d", title="Kept", grants=["ann"], text="A canary.")
    assert who_finds(readers, "Kept") == {"ann"}
    push.put("documents", "d", title="Kept", text="A canary.")
    assert who_finds(readers, "Kept") == set()
    push.put("documents", "d", title="Kept", grants=["ann"])
    assert titles(readers["ann"]) == []
    assert listed(readers["ann"]) == ["Kept"]


def test_a_grant_may_end(push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    for until, expected in (("2020-01-01T00:00:00Z", set()), ("2120-01-01T00:00:00+02:00", {"ann"})):
        push.put("documents", "d", title="Ending", grants=[{"id": "ann", "until": until}], text="A canary.")
        assert who_finds(readers, "Ending") == expected


def test_an_older_revision_changes_nothing_and_says_so(push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    assert push.put("documents", "d", title="New", grants=["ann"], text="A canary.", revision=2) == "live"
    assert push.put("documents", "d", title="Old", grants=[], text="No bird.", revision=1) == "stale"
    assert who_finds(readers, "New") == {"ann"}
    assert push.put("scopes", "s", name="S", revision=5) == "accepted"
    assert push.put("scopes", "s", name="S", revision=4) == "stale"
    assert push.put("principals", "g", kind="group", revision=5) == "accepted"
    assert push.put("principals", "g", kind="group", members=["ann"], revision=4) == "stale"
    assert push.program.delete(push.path("documents", "d") + "?revision=1").status_code == 204
    assert who_finds(readers, "New") == {"ann"}
    assert push.program.delete(push.path("documents", "d") + "?revision=3").status_code == 204
    assert who_finds(readers, "New") == set()
    assert push.put("documents", "d", title="New", grants=["ann"], text="A canary.", revision=2) == "stale"
    assert who_finds(readers, "New") == set()


@pytest.mark.parametrize("revision", ["-1", "1.5", "x", "", "9" * 30, "٣"])
def test_a_revision_of_a_deletion_is_a_whole_number(revision: str, push: Pusher) -> None:
    answer = push.program.delete(push.path("documents", "d") + f"?revision={revision}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "field_invalid"


def test_deleting_what_is_not_there_is_done_already(push: Pusher) -> None:
    for kind in ("principals", "scopes", "documents"):
        push.delete(kind, "nothing")


def test_a_deleted_group_takes_its_rights_along(push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    push.group("g", "ann")
    push.put("scopes", "s", name="S", grants=["g"])
    push.put("documents", "d", title="Held", scope="s", text="A canary.")
    assert who_finds(readers, "Held") == {"ann"}
    push.delete("principals", "g")
    assert who_finds(readers, "Held") == set()
    push.group("g", "ann")
    assert who_finds(readers, "Held") == set(), "a group made again is another one (P3)"
    push.put("scopes", "s", name="S", grants=["g"])
    assert who_finds(readers, "Held") == {"ann"}
    push.delete("scopes", "s")
    assert who_finds(readers, "Held") == set()


def test_a_cycle_of_scopes_is_refused_and_changes_nothing(push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    push.put("scopes", "a", name="A", grants=["ann"])
    push.put("scopes", "b", name="B", parent="a")
    push.put("documents", "d", title="Inside", scope="b", text="A canary.")
    answer = push.program.put(push.path("scopes", "a"), {"name": "A", "parent": "b", "grants": ["everyone"]})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "scope_cycle"
    assert who_finds(readers, "Inside") == {"ann"}
    assert push.program.put(push.path("scopes", "c"), {"name": "C", "parent": "c"}).status_code == 409


@pytest.mark.parametrize("id", ["everyone", "*"])
def test_a_reserved_id_cannot_be_introduced_or_ended(
    id: str, push: Pusher, readers: dict[str, Program], ann: User
) -> None:
    push.account(ann)
    push.put("documents", "d", title="All", grants=["everyone"], text="A canary.")
    assert push.program.delete(push.path("principals", id)).json()["error"]["code"] == "reserved_id"
    assert who_finds(readers, "All") == {"ann", "bob", "mallory"}
    refused = push.program.put(push.path("principals", id), {"kind": "group", "members": ["ann"]})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "reserved_id"


def test_a_refused_record_changes_nothing(push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    push.put("documents", "d", title="Kept", grants=["ann"], text="A canary.")
    for record in (
        {"title": "Changed", "grant": ["everyone"]},
        {"title": 5, "grants": ["everyone"]},
        {"title": "Changed", "text": "a", "content_base64": "YQ=="},
        {"title": "Changed", "text": "<div>" * 100_000 + "x", "mime": "text/html"},
    ):
        assert push.program.put(push.path("documents", "d"), record).status_code == 400
    assert who_finds(readers, "Kept") == {"ann"}


@pytest.mark.parametrize(
    "lists",
    [
        {"grants": "everyone"},
        {"restrictions": ["ann"]},
        {"deny": [{"id": "bob", "until": "2120-01-01T00:00:00Z"}]},
        {"inherits": "no"},
        {"grants": [{"id": "ann", "until": "tomorrow"}]},
    ],
)
def test_readers_that_cannot_be_understood_are_refused_and_admit_nobody_until_they_can(
    lists: dict[str, object], push: Pusher, readers: dict[str, Program], ann: User
) -> None:
    push.account(ann)
    push.put("scopes", "f", name="F", grants=["ann"])
    push.put("documents", "d", title="Kept", scope="f", text="A canary.")
    assert who_finds(readers, "Kept") == {"ann"}
    refused = push.program.put(push.path("scopes", "f"), {"name": "F", **lists})
    assert refused.status_code == 400
    assert "may be read by nobody" in refused.json()["error"]["message"]
    assert who_finds(readers, "Kept") == set()
    push.put("scopes", "f", name="F", grants=["ann"])
    assert who_finds(readers, "Kept") == {"ann"}
    line = json.dumps({"type": "access", "kind": "document", "id": "d", "scope": "f", **lists}) + "\n"
    push.program.post(f"sources/{push.key}/batch", line, content_type="application/jsonl")
    assert who_finds(readers, "Kept") == set()


def test_members_that_cannot_be_understood_admit_nobody_until_they_can(
    push: Pusher, readers: dict[str, Program], ann: User
) -> None:
    push.account(ann)
    push.group("team", "ann")
    push.put("documents", "d", title="Kept", grants=["team"], text="A canary.")
    refused = push.program.put(push.path("principals", "team"), {"kind": "group", "members": "ann"})
    assert refused.status_code == 400
    assert who_finds(readers, "Kept") == set()
    push.group("team", "ann")
    assert who_finds(readers, "Kept") == {"ann"}


@pytest.mark.parametrize(
    "id", ["a/b", "/a//b/", "a b", "ä/ö", "a%2Fb", "?x=1#y", "documents/x", "a.b", "\U0001f600", "a;b"]
)
def test_an_id_may_hold_any_character(id: str, push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    push.put("documents", id, title="T", grants=["ann"], text="A canary.")
    assert [each["external_id"] for each in readers["ann"].get("documents").json()["results"]] == [id]
    push.delete("documents", id)
    assert listed(readers["ann"]) == []


def test_a_file_is_accepted_and_waits_hidden_to_be_parsed(push: Pusher, readers: dict[str, Program], ann: User) -> None:
    push.account(ann)
    content = base64.b64encode(b"# A canary").decode()
    state = push.put("documents", "f", title="File", grants=["ann"], content_base64=content, mime="text/markdown")
    assert state == "pending"
    assert who_finds(readers, "File") == set()
    assert push.put("documents", "f", title="File", grants=["ann"], text="A canary.") == "live"
    assert who_finds(readers, "File") == {"ann"}


def test_a_source_that_is_paused_takes_records_and_stays_hidden(
    push: Pusher, readers: dict[str, Program], ann: User, wiki: Source
) -> None:
    push.account(ann)
    pause(wiki)
    assert push.put("documents", "d", title="Hidden", grants=["ann"], text="A canary.") == "live"
    assert who_finds(readers, "Hidden") == set()


def test_only_a_source_that_is_pushed_to_takes_records(root: User, program: Issue) -> None:
    files = add_source("files", kind="folder", settings={"path": "/nowhere"})
    token = program(root, "ingest", sources=[files])
    assert token.put("sources/files/documents/x", {"title": "T"}).status_code == 404
    assert token.post("sources/files/batch", b"", content_type="application/jsonl").status_code == 404


def test_a_source_that_is_read_can_be_woken(root: User, wiki: Source, program: Issue) -> None:
    files = add_source("files", kind="folder", settings={"path": "/nowhere"})
    Source.objects.filter(pk=files.pk).update(next_sync_at="2100-01-01T00:00:00Z")
    before = files.next_sync_at
    assert before is not None
    token = program(root, "ingest", sources=[files])
    assert token.post("sources/files/notify").status_code == 202
    files.refresh_from_db()
    assert files.next_sync_at is not None
    assert files.next_sync_at.year < 2100
    assert program(root, "ingest").post("sources/files/notify").status_code == 404
    assert program(root, "ingest", sources=[wiki]).post("sources/files/notify").status_code == 404
    assert program(root, "ingest", sources=[wiki]).post("sources/wiki/notify").status_code == 404


def test_a_signed_message_of_the_system_itself_wakes_its_source(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Signing(Scripted):
        settings: ClassVar = {"secret": "What its messages are signed with."}
        secrets = frozenset({"secret"})

        def webhook(self, headers: Mapping[str, str], body: bytes) -> bool:
            right = hmac.new(self.values["secret"].encode(), body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(right, headers.get("x-signature", "")):
                raise ConnectorError("Not signed.", permanent=True)
            return b"page" in body

    monkeypatch.setitem(registry.KINDS, "signing", Signing)
    source = add_source("wiki-hooks", kind="signing", settings={"secret": "word"})
    far = datetime(2100, 1, 1, tzinfo=UTC)

    def sent(body: bytes, *, signed_with: bytes = b"word", key: str = "wiki-hooks") -> tuple[int, bool]:
        Source.objects.filter(pk=source.pk).update(next_sync_at=far)
        signature = hmac.new(signed_with, body, hashlib.sha256).hexdigest()
        answer = client.post(
            f"/api/v1/sources/{key}/webhook", body, content_type="text/odd", headers={"X-Signature": signature}
        )
        source.refresh_from_db()
        return answer.status_code, source.next_sync_at != far

    assert sent(b'{"page": 1}') == (202, True)
    assert sent(b'{"star": 1}') == (202, False), "nothing of it is read"
    assert sent(b'{"page": 1}', signed_with=b"other") == (404, False)
    assert sent(b'{"page": 1}', key="nowhere") == (404, False)
    assert sent(b"", signed_with=b"other") == (404, False)
    assert sent(b"") == (202, False)
    assert sent(b"page" * 10_000_000)[0] == 413
    pause(source)
    assert sent(b'{"page": 1}') == (404, False)


def test_a_source_whose_system_sends_no_messages_cannot_be_told_from_none(client: Client) -> None:
    add_source("files", kind="folder", settings={"path": "/nowhere"})
    known, unknown = (
        client.post(f"/api/v1/sources/{key}/webhook", b"{}", content_type="application/json")
        for key in ("files", "nowhere")
    )
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert known.status_code == 404


def test_a_source_deleted_and_made_again_is_not_the_one_a_token_names(push: Pusher, wiki: Source) -> None:
    from connectors.adding import delete_source

    delete_source(wiki)
    add_source("wiki", kind="push")
    assert push.program.put("sources/wiki/documents/x", {"title": "T"}).status_code == 404
