"""Requests as Slack sends them: signed over their raw bytes."""

import hashlib
import hmac
import json
import time
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client

SECRET = "signing-secret-of-the-tests"
TOKEN = "xoxb-token-of-the-tests"


def signature(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def send(path: str, body: bytes, kind: str, **headers: str) -> HttpResponse:
    """A signed request; `headers` replace those it would have, an empty one leaves it out."""
    timestamp = headers.get("X-Slack-Request-Timestamp", str(int(time.time())))
    signed = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature(body, timestamp)}
    sent = {name: value for name, value in {**signed, **headers}.items() if value}
    client = Client(raise_request_exception=False)
    return cast(HttpResponse, client.post(path, data=body, content_type=kind, headers=sent))


def send_event(event: dict[str, Any], *, id: str, team: str = "T1", **headers: str) -> HttpResponse:
    body = {"type": "event_callback", "team_id": team, "api_app_id": "A1", "event_id": id, "event": event}
    return send("/slack/events", json.dumps(body).encode(), "application/json", **headers)


def send_command(text: str, *, user: str, trigger: str, team: str = "T1") -> HttpResponse:
    fields = {
        "command": "/ask",
        "text": text,
        "user_id": user,
        "team_id": team,
        "channel_id": "C1",
        "trigger_id": trigger,
        "response_url": "https://metadata.internal/latest",
    }
    return send("/slack/commands", urlencode(fields).encode(), "application/x-www-form-urlencoded")
