"""Many records in one request: each line for itself, and one result line for each."""

import io
import json
from typing import Any

import pytest

from accounts.models import User
from connectors.models import Source
from gateway.api.parsing import lines_of
from gateway.api.pushing import result_lines
from tests.gateway.api.programs import Issue, Pusher
from tests.gateway.api.test_pushing import titles

pytestmark = pytest.mark.django_db


def send(push: Pusher, *lines: Any, content_type: str = "application/jsonl") -> list[dict[str, Any]]:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    answer = push.program.post("sources/wiki/batch", body, content_type=content_type)
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/jsonl"
    return [json.loads(line) for line in answer.content.splitlines()]


def test_a_whole_source_in_one_request(push: Pusher, ann: User, bob: User, program: Issue) -> None:
    results = send(
        push,
        {"type": "document", "id": "a/b", "title": "D", "scope": "s", "text": "A canary."},
        {"type": "scope", "id": "s", "name": "S", "grants": ["g"]},
        {"type": "principal", "id": "g", "kind": "group", "members": ["ann", "bob"]},
        {"type": "principal", "id": "ann", "kind": "user", "email": ann.email},
        {"type": "principal", "id": "bob", "kind": "user", "email": bob.email},
        {"type": "access", "id": "s", "kind": "scope", "grants": ["g"], "restrictions": [["ann"]]},
        {"type": "deletion", "id": "nothing", "kind": "document"},
        {"type": "access", "id": "nothing", "kind": "document", "scope": "s"},
    )
    assert [(each["line"], each["id"], each["state"]) for each in results] == [
        (1, "a/b", "live"),
        (2, "s", "accepted"),
        (3, "g", "accepted"),
        (4, "ann", "accepted"),
        (5, "bob", "accepted"),
        (6, "s", "accepted"),
        (7, "nothing", "deleted"),
        (8, "nothing", "unknown"),
    ]
    assert titles(program(ann, "read")) == ["D"]
    assert titles(program(bob, "read")) == []


def test_a_line_that_is_refused_stops_no_other(push: Pusher, ann: User, program: Issue) -> None:
    push.account(ann)
    good = {"type": "document", "id": "d", "title": "D", "grants": ["ann"], "text": "A canary."}
    results = send(
        push,
        b"{",
        b"\xff",
        b"",
        b"[]",
        {"type": "document", "id": "x"},
        {"type": "document", "id": "x", "title": "T", "who": "all"},
        {"type": "thing", "id": "x"},
        {"type": "scope", "id": "loop", "name": "L", "parent": "loop"},
        {"type": "principal", "id": "everyone", "kind": "group"},
        {"type": "document", "id": "", "title": "T"},
        {"type": "document", "id": "deep", "title": "T", "mime": "text/html", "text": "<div>" * 100_000 + "x"},
        good,
    )
    codes = [each.get("error", {}).get("code") for each in results]
    assert codes == [
        *("json_invalid", "json_invalid", "json_invalid", "field_invalid", "field_missing", "field_unknown"),
        *("field_invalid", "scope_cycle", "reserved_id", "field_invalid", "text_unreadable", None),
    ]
    assert [each["line"] for each in results] == list(range(1, 13))
    assert results[4]["id"] == "x"
    assert results[-1] == {"line": 12, "id": "d", "state": "live"}
    assert titles(program(ann, "read")) == ["D"]


def test_an_older_revision_is_stale(push: Pusher) -> None:
    scope = {"type": "scope", "id": "s", "name": "S"}
    results = send(push, {**scope, "revision": 2}, {**scope, "revision": 1}, {**scope, "revision": 2})
    assert [each["state"] for each in results] == ["accepted", "stale", "accepted"]


def test_an_empty_batch_and_a_last_newline(push: Pusher) -> None:
    assert send(push, b"") == []
    assert len(send(push, {"type": "scope", "id": "s", "name": "S"}, b"")) == 1
    assert len(send(push, {"type": "scope", "id": "s", "name": "S"}, content_type="application/x-ndjson")) == 1


def test_a_batch_is_json_lines(push: Pusher) -> None:
    answer = push.program.post("sources/wiki/batch", b"{}", content_type="application/json")
    assert answer.status_code == 415


def test_a_line_too_long_is_told_and_left_out() -> None:
    body = b"short\n" + b"x" * 25 + b"\n" + b"1234567890\n" + b"y" * 11 + b"\nlast"
    assert list(lines_of(io.BytesIO(body), longest=10)) == [b"short\n", None, b"1234567890\n", None, b"last"]


def test_a_batch_has_an_end(wiki: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.pushing.MAX_LINES", 2)
    lines = [b'{"type": "scope", "id": "s", "name": "S"}'] * 4
    results = [json.loads(line) for line in result_lines(wiki, iter(lines))]
    assert [each.get("state") or each["error"]["code"] for each in results] == ["accepted", "accepted", "too_large"]
