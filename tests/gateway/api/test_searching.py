"""Search narrows by what is asked, and by nothing else than what the reader may read."""

from typing import Any

import pytest

from accounts.models import User
from connectors import ingest
from connectors.adding import add_source
from connectors.models import Source
from tests.gateway.api.programs import Issue, Program, Pusher

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(push: Pusher, ann: User, program: Issue) -> Program:
    """Ann's program, with three documents of two sources to find and one that is not hers."""
    blog = add_source("blog", kind="push", vouches_for_emails=True)
    other = Pusher(program(User.objects.get(email="root@example.com"), "ingest", sources=[blog]), "blog")
    for each in (push, other):
        each.account(ann)
    push.put(
        "documents", "old", title="Old", grants=["ann"], text="The old canary.", modified_at="2020-01-01T00:00:00Z"
    )
    push.put(
        "documents", "new", title="New", grants=["ann"], text="The new canary.", modified_at="2026-01-01T00:00:00Z"
    )
    push.put("scopes", "reports", name="Reports", grants=["ann", "bob"])
    push.put("scopes", "annual", name="Annual", parent="reports")
    push.put("scopes", "secret", name="Secret", grants=["bob"], inherits=False, parent="reports")
    push.put("documents", "year", title="Year", scope="annual", author="Bea Bo", mime="text/markdown", text="A canary.")
    push.put("documents", "not", title="Not", grants=["bob"], text="The hidden canary.")
    other.put("documents", "post", title="Post", grants=["ann"], text="A canary in a post.")
    return program(ann, "read")


def found(reader: Program, **body: Any) -> set[str]:
    answer = reader.post("search", {"query": "canary", "mode": "text", **body})
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"results"}
    return {result["document"]["title"] for result in answer.json()["results"]}


def test_a_result_is_a_document_and_a_passage_and_no_number_of_any(reader: Program) -> None:
    result = reader.post("search", {"query": "old"}).json()["results"][0]
    assert result.keys() == {"document", "passage"}
    assert result["document"].keys() == {"id", "external_id", "title", "url", "source"}
    assert result["passage"].keys() == {"id", "text", "start", "end", "heading", "page"}
    text = reader.get(f"documents/{result['document']['id']}/text").json()["text"]
    assert text[result["passage"]["start"] : result["passage"]["end"]] == result["passage"]["text"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"Old", "New", "Year", "Post"}),
        ({"sources": None, "filters": None}, {"Old", "New", "Year", "Post"}),
        ({"sources": ["wiki"]}, {"Old", "New", "Year"}),
        ({"sources": ["wiki", "blog"]}, {"Old", "New", "Year", "Post"}),
        ({"sources": ["wiki", "nosuch"]}, {"Old", "New", "Year"}),
        ({"sources": ["nosuch"]}, set()),
        ({"sources": []}, set()),
        ({"filters": {}}, {"Old", "New", "Year", "Post"}),
        ({"filters": {"folder": "reports"}}, {"Year"}),
        ({"filters": {"folder": ["annual"]}}, {"Year"}),
        ({"filters": {"folder": "secret"}}, set()),
        ({"filters": {"folder": "nosuch"}}, set()),
        ({"filters": {"author": "bea bo"}}, {"Year"}),
        ({"filters": {"author": []}}, set()),
        ({"filters": {"type": "markdown"}}, {"Year"}),
        ({"filters": {"type": ["Text/Plain", "pdf"]}}, {"Old", "New", "Post"}),
        ({"filters": {"type": "plain", "author": "Bea Bo"}}, set()),
        ({"filters": {"source": "blog"}}, {"Post"}),
        ({"filters": {"source": ["blog"]}}, {"Post"}),
        ({"filters": {"source": []}}, set()),
        ({"filters": {"source": "nosuch"}}, set()),
        ({"sources": ["wiki"], "filters": {"source": "blog"}}, set()),
        ({"sources": ["wiki", "blog"], "filters": {"source": "blog"}}, {"Post"}),
        ({"filters": {"modified_after": "2025-01-01T00:00:00Z"}}, {"New"}),
        ({"filters": {"modified_before": "2025-01-01T00:00:00+00:00"}}, {"Old"}),
        (
            {"filters": {"modified_after": "2019-01-01T00:00:00Z", "modified_before": "2026-06-01T00:00:00Z"}},
            {"Old", "New"},
        ),
    ],
)
def test_filters_narrow(reader: Program, body: dict[str, Any], expected: set[str]) -> None:
    assert found(reader, **body) == expected


def test_a_limit_limits(reader: Program) -> None:
    assert len(reader.post("search", {"query": "canary", "mode": "text", "limit": 2}).json()["results"]) == 2


@pytest.mark.django_db(transaction=True)
def test_every_mode_finds_what_may_be_read(reader: Program) -> None:
    ingest.drain()
    for mode in ("hybrid", "vector", "text"):
        assert found(reader, mode=mode) == {"Old", "New", "Year", "Post"}
        assert found(reader, mode=mode, filters={"author": "Bea Bo"}) == {"Year"}


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": "  "},
        {"query": "a" * 8_001},
        {"query": ["a"]},
        {"query": "a", "limit": 0},
        {"query": "a", "limit": 51},
        {"query": "a", "limit": True},
        {"query": "a", "mode": "magic"},
        {"query": "a", "sources": "wiki,blog", "mode": 1},
        {"query": "a", "sources": [1]},
        {"query": "a", "sources": {"wiki": True}},
        {"query": "a", "filters": []},
        {"query": "a", "filters": {"source": 1}},
        {"query": "a", "filters": {"author": [1]}},
        {"query": "a", "filters": {"modified_after": "2025-01-01"}},
    ],
)
def test_what_cannot_be_meant_is_refused(body: dict[str, Any], ann: User, program: Issue) -> None:
    answer = program(ann, "read").post("search", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "field_invalid"


def test_a_filter_nobody_knows_is_refused(ann: User, program: Issue) -> None:
    answer = program(ann, "read").post("search", {"query": "a", "filters": {"user": "root"}})
    assert answer.json()["error"]["code"] == "field_unknown"


def test_running_the_system_is_not_reading_it(reader: Program, root: User, wiki: Source, program: Issue) -> None:
    assert found(program(root, "read", "ask", "ingest", "admin")) == set()
    assert program(root, "read").get("documents").json()["results"] == []


def test_losing_a_right_is_losing_it_now(reader: Program, push: Pusher, ann: User) -> None:
    assert "Old" in found(reader)
    push.put("documents", "old", title="Old", grants=[], text="The old canary.")
    assert "Old" not in found(reader)
    push.put("principals", "ann", kind="user", email="someone@else.example")
    assert found(reader) == {"Post"}
