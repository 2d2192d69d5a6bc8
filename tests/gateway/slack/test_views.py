"""The addresses Slack calls: who may call them, and what they answer."""

import json
import time

import pytest
from django.test import Client
from pytest_django import Settings

from tests.gateway.slack.signing import SECRET, TOKEN, send, send_event, signature

CHALLENGE = json.dumps({"type": "url_verification", "challenge": "c-1", "token": "t"}).encode()
PATHS = ["/slack/events", "/slack/commands", "/slack/interactions"]


@pytest.fixture(autouse=True)
def _slack(settings: Settings) -> None:
    settings.SLACK_SIGNING_SECRET = SECRET
    settings.SLACK_BOT_TOKEN = TOKEN


def test_slack_verifies_the_address_with_a_signed_challenge() -> None:
    response = send("/slack/events", CHALLENGE, "application/json")

    assert response.status_code == 200
    assert json.loads(response.content)["challenge"] == "c-1"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Signature": "v0=" + 64 * "0"},
        {"X-Slack-Signature": "v0=ä"},
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1" * 5000},
    ],
)
def test_what_slack_did_not_sign_just_now_is_refused(path: str, headers: dict[str, str]) -> None:
    response = send(path, CHALLENGE, "application/json", **headers)

    assert response.status_code == 401
    assert json.loads(response.content)["error"]["code"] == "signature_invalid"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("age", [400, -400])
def test_what_slack_signed_long_ago_or_will_sign_is_refused(path: str, age: int) -> None:
    timestamp = str(int(time.time()) - age)

    response = send(path, CHALLENGE, "application/json", **{"X-Slack-Request-Timestamp": timestamp})

    assert response.status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_signature_holds_for_one_secret_and_one_body(path: str) -> None:
    now = str(int(time.time()))
    for forged in (signature(CHALLENGE, now, secret="another"), signature(CHALLENGE + b" ", now)):
        headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": forged}
        assert send(path, CHALLENGE, "application/json", **headers).status_code == 401


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[]", b""])
def test_a_body_that_is_not_slacks_is_refused_before_it_is_read(body: bytes) -> None:
    response = send("/slack/events", body, "application/json", **{"X-Slack-Signature": "v0=" + 64 * "0"})

    assert response.status_code == 401


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("missing", ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"])
def test_without_both_secrets_there_are_no_such_addresses(settings: Settings, path: str, missing: str) -> None:
    setattr(settings, missing, "")

    response = send(path, CHALLENGE, "application/json")
    unknown = Client().post("/slack/nothing", data=CHALLENGE, content_type="application/json")

    assert response.status_code == unknown.status_code == 404
    assert response.content == unknown.content


def test_a_click_is_acknowledged() -> None:
    assert send("/slack/interactions", b"payload=%7B%7D", "application/x-www-form-urlencoded").status_code == 200


def test_an_event_nobody_handles_does_not_make_slack_send_it_again() -> None:
    event = {"type": "message", "subtype": "message_deleted", "channel": "C1", "channel_type": "channel"}

    assert send_event(event, id="Ev-unhandled").status_code == 200
