"""The API as a server runs it: the path decoded once, bodies in pieces, answers as streams."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from gateway.asgi import application
from tests.gateway.api.programs import Issue, Program, Pusher

pytestmark = pytest.mark.django_db(transaction=True)


def called(program: Program, method: str, path: str, body: Any, **headers: str) -> httpx.Response:
    """One request, its body in pieces of no stated length."""

    async def pieces() -> AsyncIterator[bytes]:
        for character in json.dumps(body):
            yield character.encode()

    async def call() -> httpx.Response:
        app: Any = application
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            all_headers = {"Authorization": f"Bearer {program.secret}", "Content-Type": "application/json"} | headers
            return await client.request(method, f"/api/v1/{path}", content=pieces(), headers=all_headers)

    return async_to_sync(call)()


@pytest.mark.parametrize("id", ["%00", "a%0Ab", "%FF", "%ED%A0%80", "a" * 1001])
def test_an_id_that_cannot_be_kept_exactly_is_refused(id: str, push: Pusher) -> None:
    answer = called(push.program, "PUT", f"sources/wiki/documents/{id}", {"title": "T"})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["code"] == "field_invalid"


def test_slashes_and_chunks_arrive_as_they_were_sent(push: Pusher, ann: User, program: Issue) -> None:
    push.account(ann)
    record = {"title": "T", "grants": ["ann"], "text": "A canary."}
    answer = called(push.program, "PUT", push.path("documents", "a/b%2F?ä"), record)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"id": "a/b%2F?ä", "state": "live"}
    assert [each["external_id"] for each in program(ann, "read").get("documents").json()["results"]] == ["a/b%2F?ä"]
