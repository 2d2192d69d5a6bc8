"""Who may call what: tokens, sessions, verbs."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import provisioning, tokens
from accounts.models import AccessToken, User
from connectors.models import Source
from tests.gateway.api.programs import Issue, Program

UNKNOWN = "6f1c2a8e-0000-4000-8000-000000000001"  # the same in every worker of a test run
READ = [("post", "search"), ("get", "documents"), ("get", f"documents/{UNKNOWN}"), ("get", f"documents/{UNKNOWN}/text")]
READ += [("get", "me"), ("patch", "me")]
ASK = [("post", "ask"), ("get", "conversations"), ("get", f"conversations/{UNKNOWN}")]
ASK += [("delete", f"conversations/{UNKNOWN}"), ("post", f"questions/{UNKNOWN}/feedback")]
INGEST = [(method, f"sources/wiki/{kind}/x") for method in ("put", "delete") for kind in ("principals", "scopes")]
INGEST += [("put", "sources/wiki/documents/x"), ("delete", "sources/wiki/documents/x")]
INGEST += [("post", "sources/wiki/batch"), ("post", "sources/wiki/notify")]
ADMIN = [("get", "sources"), ("post", "sources/wiki/sync"), ("get", "sync-runs"), ("get", "users"), ("get", "audit")]
VERBS = {"read": READ, "ask": ASK, "ingest": INGEST, "admin": ADMIN}
EVERYTHING = [(verb, method, path) for verb, routes in VERBS.items() for method, path in routes]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("verb", "method", "path"), EVERYTHING)
def test_without_credentials_everything_is_401(verb: str, method: str, path: str) -> None:
    answer = Program().call(method, path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize(("verb", "method", "path"), EVERYTHING)
def test_a_token_without_the_verb_is_refused_before_anything_is_looked_up(
    verb: str, method: str, path: str, root: User, wiki: Source, program: Issue
) -> None:
    others = program(root, *(VERBS.keys() - {verb}), sources=[wiki])
    known = others.call(method, path)
    assert known.status_code == 403
    assert known.json()["error"]["code"] == "verb_missing"
    unknown = others.call(method, path.replace("wiki", "nosuch"))
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)


@pytest.mark.parametrize("secret", ["gh_wrong", "x", "é", "a b", "gh_" + "x" * 10_000])
def test_a_token_nobody_issued_is_401(secret: str) -> None:
    answer = Program(secret).get("me")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "token_invalid"


def test_expired_and_revoked_tokens_and_those_of_people_who_left_are_401(ann: User, program: Issue) -> None:
    good = program(ann, "read")
    assert good.get("me").status_code == 200
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert good.get("me").status_code == 401
    AccessToken.objects.update(expires_at=None)
    assert good.get("me").status_code == 200
    provisioning.deactivate(ann)
    assert good.get("me").status_code == 401
    provisioning.activate(ann)
    tokens.revoke(AccessToken.objects.get())
    assert good.get("me").status_code == 401


def test_a_bad_token_is_not_mended_by_a_session(ann: User) -> None:
    browser = Client(headers={"Authorization": "Bearer gh_wrong"})
    browser.force_login(ann)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_person_signed_in_reads_and_asks_and_never_ingests(ann: User, wiki: Source) -> None:
    browser = Client()
    browser.force_login(ann)
    assert browser.get("/api/v1/me").status_code == 200
    assert browser.get("/api/v1/conversations").status_code == 200
    refused = browser.put("/api/v1/sources/wiki/documents/x", {"title": "T"}, content_type="application/json")
    assert refused.status_code == 403


def test_a_session_changes_things_only_with_its_csrf_token(ann: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ann)
    refused = browser.patch("/api/v1/me", {"style": "short"}, content_type="application/json")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "csrf_failed"
    browser.cookies["csrftoken"] = token = "a" * 32
    answer = browser.patch(
        "/api/v1/me", {"style": "short"}, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert answer.status_code == 200
    ann.refresh_from_db()
    assert ann.answer_style == "short"


def test_a_session_ends_with_the_person(ann: User) -> None:
    browser = Client()
    browser.force_login(ann)
    User.objects.update(email_verified_at=None)
    assert browser.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(("method", "path"), ADMIN)
def test_to_those_who_are_not_staff_the_console_does_not_exist(
    method: str, path: str, ann: User, wiki: Source, program: Issue
) -> None:
    with_verb = program(ann, "admin").call(method, path)
    browser = Client()
    browser.force_login(ann)
    signed_in = getattr(browser, method)(f"/api/v1/{path}")
    nothing = Program().get("nothing/of/the/sort")
    for answer in (with_verb, signed_in):
        assert answer.status_code == 404
        assert answer.content == nothing.content


def test_the_scheme_is_known_in_any_case_and_others_are_left_alone(ann: User, program: Issue) -> None:
    secret = program(ann, "read").secret
    assert Program().get("me", headers={"Authorization": f"bearer {secret}"}).status_code == 200
    basic = Program().get("me", headers={"Authorization": "Basic YTpi"})
    assert basic.status_code == 401
    assert basic.headers["WWW-Authenticate"] == "Bearer"
