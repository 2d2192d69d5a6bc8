"""Documents one by one, as text, and as a list."""

import re
from base64 import b64encode
from uuid import uuid4

import pytest

from accounts.models import User
from connectors.models import Source
from gateway.api.cursors import cursor_after
from gateway.api.documents import PAGE
from tests.connectors.mails import mail, parse
from tests.gateway.api.programs import Issue, Pusher

pytestmark = pytest.mark.django_db


def test_a_document_and_its_text(push: Pusher, ann: User, program: Issue) -> None:
    push.account(ann)
    text = "# Leave\n\nThirty days.\n\n## Abroad\n\nAsk first."
    push.put(
        "documents",
        "leave",
        title="Leave",
        grants=["ann"],
        text=text,
        mime="text/markdown",
        url="https://example.com/leave",
        author="Ann",
        modified_at="2026-01-02T00:00:00+01:00",
        metadata={"country": "Germany"},
    )
    reader = program(ann, "read")
    [found] = reader.get("documents").json()["results"]
    assert found == {
        "id": found["id"],
        "external_id": "leave",
        "title": "Leave",
        "url": "https://example.com/leave",
        "source": "wiki",
    }
    detail = reader.get(f"documents/{found['id']}").json()
    assert detail.items() >= found.items()
    assert detail["modified_at"] == "2026-01-01T23:00:00Z"
    assert (detail["author"], detail["mime"], detail["metadata"]) == ("Ann", "text/markdown", {"country": "Germany"})
    shown = reader.get(f"documents/{found['id']}/text").json()
    assert shown.keys() == {"text", "headings", "pages"}
    assert "Thirty days." in shown["text"]
    assert [heading["title"] for heading in shown["headings"]] == ["Leave", "Abroad"]


def test_a_file_names_the_mail_it_is_attached_to_and_the_mail_its_files(
    push: Pusher, ann: User, program: Issue
) -> None:
    push.account(ann)
    content = b64encode(mail("Q3 numbers", ("figures.txt", b"The walrus sold nine kayaks.")).as_bytes()).decode()
    push.put("documents", "mail", title="Q3", grants=["ann"], mime="message/rfc822", content_base64=content)
    parse()
    reader = program(ann, "read")
    found = {each["title"]: each for each in reader.get("documents").json()["results"]}
    of_the_mail = {"id": found["Q3"]["id"], "title": "Q3"}
    assert "attached_to" not in found["Q3"]
    assert found["figures.txt"]["attached_to"] == of_the_mail
    detail = reader.get(f"documents/{found['Q3']['id']}").json()
    assert detail["attachments"] == [{"id": found["figures.txt"]["id"], "title": "figures.txt"}]
    [hit] = reader.post("search", {"query": "walrus"}).json()["results"]
    assert hit["document"]["attached_to"] == of_the_mail


def test_a_hidden_document_is_not_told_from_an_unknown_one(push: Pusher, ann: User, bob: User, program: Issue) -> None:
    push.account(ann)
    push.put("documents", "leave", title="Leave", grants=["ann"], text="Thirty days.")
    [found] = program(ann, "read").get("documents").json()["results"]
    others = program(bob, "read")
    for path in ("documents/{}", "documents/{}/text"):
        hidden, unknown = (others.get(path.format(id)) for id in (found["id"], uuid4()))
        assert hidden.status_code == unknown.status_code == 404
        assert (hidden.content, hidden.headers) == (unknown.content, unknown.headers)


def test_a_token_reads_no_more_than_its_sources(push: Pusher, ann: User, wiki: Source, program: Issue) -> None:
    from connectors.adding import add_source

    other = add_source("other", kind="push")
    push.account(ann)
    push.put("documents", "d", title="D", grants=["ann"], text="A canary.")
    assert len(program(ann, "read", sources=[wiki]).get("documents").json()["results"]) == 1
    assert program(ann, "read", sources=[other]).get("documents").json()["results"] == []
    assert program(ann, "read", sources=[]).get("documents").json()["results"] == []


def test_a_list_is_read_by_cursors_to_its_end(push: Pusher, ann: User, program: Issue) -> None:
    push.account(ann)
    push.put("scopes", "s", name="S", grants=["ann"])
    push.put("documents", "hidden", title="Hidden")
    ids = [f"d{number}" for number in range(PAGE + 3)]
    reader = program(ann, "read")
    for id in ids[:PAGE]:
        push.put("documents", id, title=id, scope="s")
    assert reader.get("documents?source=wiki").json()["next_cursor"] is None
    for id in ids[PAGE:]:
        push.put("documents", id, title=id, scope="s")
    first = reader.get("documents?source=wiki").json()
    assert first.keys() == {"results", "next_cursor"}
    assert len(first["results"]) == PAGE
    assert re.fullmatch(r"[A-Za-z0-9_-]+", first["next_cursor"])
    second = reader.get(f"documents?source=wiki&cursor={first['next_cursor']}").json()
    assert second["next_cursor"] is None
    assert sorted(each["external_id"] for each in first["results"] + second["results"]) == sorted(ids)


@pytest.mark.parametrize("source", ["nosuch", "", "%00", "%FF", "' OR 1=1"])
def test_an_unknown_source_holds_nothing(source: str, push: Pusher, ann: User, program: Issue) -> None:
    push.account(ann)
    push.put("documents", "d", title="D", grants=["ann"])
    answer = program(ann, "read").get(f"documents?source={source}")
    assert answer.status_code == 200
    assert answer.json() == {"results": [], "next_cursor": None}


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "%00", "é", "AAAA", "1", "6f1c2a8e-0000-4000-8000-000000000001", cursor_after("x"), cursor_after("\0")],
)
def test_a_cursor_nobody_gave_out_is_refused(cursor: str, ann: User, program: Issue) -> None:
    answer = program(ann, "read").get(f"documents?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "cursor_invalid"
