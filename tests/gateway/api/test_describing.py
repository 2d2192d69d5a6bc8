"""The description of the API is complete, and true."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from connectors import wire
from gateway.api import asking, conversations, filtering, profile, searching
from gateway.api.urls import urlpatterns
from tests.gateway.api.programs import Issue, Program

pytestmark = pytest.mark.django_db

METHODS = {"get", "post", "put", "patch", "delete"}
UNDESCRIBED = {"api-schema", "api-docs", "api-unknown"}
BODIES = {
    "SearchRequest": searching.FIELDS,
    "AskRequest": asking.FIELDS,
    "Filters": filtering.FIELDS,
    "FeedbackRequest": conversations.FEEDBACK_FIELDS,
    "PatchedProfileRequest": profile.FIELDS,
    "Principal": wire.PRINCIPAL_FIELDS,
    "Scope": wire.SCOPE_FIELDS,
    "PushedDocument": wire.DOCUMENT_FIELDS,
}


@pytest.fixture
def schema(ann: User, program: Issue) -> dict[str, Any]:
    answer = program(ann, "read").get("schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    return dict(json.loads(answer.content))


def test_every_address_is_described(schema: dict[str, Any]) -> None:
    described = {path: set(methods) & METHODS for path, methods in schema["paths"].items()}
    assert described == dict(addresses())


def addresses() -> Iterator[tuple[str, set[str]]]:
    for pattern in urlpatterns:
        if pattern.name not in UNDESCRIBED:
            view: Any = pattern.callback
            address = re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
            yield f"/api/v1/{address}", {method for method in METHODS if hasattr(view.view_class, method)}


@pytest.mark.parametrize(("name", "fields"), BODIES.items())
def test_bodies_are_described_as_they_are_read(name: str, fields: tuple[str, ...], schema: dict[str, Any]) -> None:
    assert set(schema["components"]["schemas"][name]["properties"]) == set(fields)


def test_how_to_sign_in_is_described(schema: dict[str, Any]) -> None:
    assert schema["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


def test_the_description_makes_no_warnings(capsys: pytest.CaptureFixture[str], schema: dict[str, Any]) -> None:
    captured = capsys.readouterr()
    assert "Warning" not in captured.err
    assert "Error" not in captured.err


def test_the_pages_are_for_people_who_are_signed_in(ann: User) -> None:
    for path in ("schema/", "docs/"):
        assert Program().get(path).status_code == 401
    browser = Client()
    browser.force_login(ann)
    page = browser.get("/api/v1/docs/")
    assert page.status_code == 200
    assert b"unsafe-inline" not in page.headers["Content-Security-Policy"].encode()


def test_addresses_can_be_made_from_names() -> None:
    assert reverse("api-me") == "/api/v1/me"
    assert reverse("api-push-document", args=["wiki", "a/b c"]) == "/api/v1/sources/wiki/documents/a/b%20c"
