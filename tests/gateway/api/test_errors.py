"""Every error has one shape and a code that stays; what is hidden and what is not there look alike."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import User
from connectors.models import Source
from gateway.api.errors import handle
from gateway.api.parsing import SMALL
from tests.gateway.api.programs import Issue, Program, Pusher

pytestmark = pytest.mark.django_db


def code(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return str(body["error"]["code"])


@pytest.mark.parametrize("path", ["", "nothing", "documents/", "documents/x/y/z", "sources/wiki/elsewhere", "ask/"])
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch", "options", "trace"])
def test_an_address_that_is_none_is_404_in_json(method: str, path: str) -> None:
    assert code(Program().call(method, path), 404) == "not_found"


@pytest.mark.parametrize("address", ["/api/", "/api/v1", "/api/v2/me", "/api/me"])
def test_there_is_one_version_of_the_api(address: str) -> None:
    assert code(Client().get(address), 404) == "not_found"


def test_unknown_and_foreign_documents_are_told_in_the_same_bytes(
    ann: User, mallory: User, push: Pusher, program: Issue
) -> None:
    push.account(ann)
    push.put("documents", "secret", title="Secret", text="The canary sings.", grants=["ann"])
    id = program(ann, "read").get("documents").json()["results"][0]["id"]
    stranger = program(mallory, "read")
    for path in (f"documents/{id}", f"documents/{id}/text"):
        foreign = stranger.get(path)
        assert code(foreign, 404) == "not_found"
        for other in (str(uuid4()), "nothing", "0", id + "0", "%00"):
            unknown = stranger.get(path.replace(id, other))
            assert (unknown.status_code, unknown.content, unknown.headers.items()) == (
                foreign.status_code,
                foreign.content,
                foreign.headers.items(),
            )


@pytest.mark.parametrize(
    ("method", "path"), [("delete", "me"), ("get", "search"), ("post", "documents"), ("options", "me"), ("get", "ask")]
)
def test_a_method_an_address_does_not_take_is_405(method: str, path: str, ann: User, program: Issue) -> None:
    answer = program(ann, "read", "ask").call(method, path)
    assert code(answer, 405) == "method_not_allowed"
    assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", "json_invalid"),
        (b'{"query": "\xff"}', "json_invalid"),
        (b'{"query": "a", "query": "b"}', "json_invalid"),
        (b'{"query": "a", "limit": NaN}', "json_invalid"),
        (b"[" * 10_000, "json_invalid"),
        (b"[" * 10_000 + b"]" * 10_000, "json_invalid"),
        (rb'{"query": "a\u0000b"}', "json_invalid"),
        (b"[]", "field_invalid"),
        (b'"query"', "field_invalid"),
        (b'{"query": 1}', "field_invalid"),
        (b'{"query": "a", "limit": "1"}', "field_invalid"),
        (b'{"query": "a", "user": "ann"}', "field_unknown"),
        (b"{}", "field_missing"),
        (b"", "field_missing"),
    ],
)
def test_a_body_that_cannot_be_understood_is_400(body: bytes, expected: str, ann: User, program: Issue) -> None:
    assert code(program(ann, "read").post("search", body), 400) == expected


def test_a_body_that_is_too_large_is_413(ann: User, push: Pusher, program: Issue) -> None:
    body = b'{"query": "' + b"a" * SMALL + b'"}'
    assert code(program(ann, "read").post("search", body), 413) == "too_large"


def test_a_body_of_another_type_is_415(ann: User, program: Issue) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = program(ann, "read").post("search", b"query=a", content_type=content_type)
        assert code(answer, 415) == "type_unsupported"


def test_a_parameter_nobody_knows_is_400(ann: User, program: Issue) -> None:
    assert code(program(ann, "read").get("documents?_connector=OR&source=wiki"), 400) == "field_unknown"
    assert code(program(ann, "read").get("me?as=root"), 400) == "field_unknown"


def test_whatever_a_program_accepts_it_is_given_json(ann: User, program: Issue) -> None:
    for accepted in ("text/html", "application/xml", "nonsense", ""):
        answer = program(ann, "read").get("me", headers={"Accept": accepted})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"


def test_a_defect_is_logged_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answer = handle(RuntimeError("the canary"), {})
    assert answer.status_code == 500
    assert answer.data["error"]["code"] == "internal_error"
    assert "canary" not in str(answer.data)
    assert "the canary" in caplog.text


def test_a_database_that_is_away_is_503() -> None:
    answer = handle(OperationalError("connection refused by canary"), {})
    assert answer.status_code == 503
    assert answer.data["error"]["code"] == "unavailable"
    assert "canary" not in str(answer.data)
    assert answer.headers["Retry-After"]


def test_nothing_is_said_of_a_source_a_token_does_not_name(root: User, wiki: Source, program: Issue) -> None:
    """No source, an unnamed one, and a token for all of them, which pushes nowhere (P18)."""
    everywhere, nowhere = program(root, "ingest"), program(root, "ingest", sources=[])
    answers = [everywhere.put("sources/wiki/documents/x", {"title": "T"}) for _ in "x"]
    answers += [nowhere.put("sources/wiki/documents/x", {"title": "T"})]
    answers += [program(root, "ingest", sources=[wiki]).put("sources/none/documents/x", {"title": "T"})]
    for answer in answers:
        assert code(answer, 404) == "not_found"
        assert answer.content == answers[0].content
