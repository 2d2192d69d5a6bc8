"""Where Slack calls: nothing is looked at before its signature over the raw bytes was found good."""

import hashlib
import hmac
import time

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from slack_bolt.adapter.django import SlackRequestHandler

from gateway.slack.app import bolt

MAX_SKEW = 300  # seconds; https://docs.slack.dev/authentication/verifying-requests-from-slack/


@csrf_exempt
@login_not_required
def receive(request: HttpRequest) -> HttpResponse:
    """Events and commands. Without Slack's two secrets there is no such address."""
    if refused := refusal(request):
        return refused
    return SlackRequestHandler(bolt(settings.SLACK_BOT_TOKEN)).handle(request)


@csrf_exempt
@login_not_required
def interact(request: HttpRequest) -> HttpResponse:
    """Nothing that is posted has a button yet; Slack wants to hear that a click arrived."""
    return refusal(request) or HttpResponse()


def refusal(request: HttpRequest) -> HttpResponse | None:
    if not (settings.SLACK_SIGNING_SECRET and settings.SLACK_BOT_TOKEN):
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not is_signed(request):
        error = {"code": "signature_invalid", "message": "This request is not signed by Slack, or too old."}
        return JsonResponse({"error": error}, status=401)
    return None


def is_signed(request: HttpRequest) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    signed = b"v0:" + timestamp.encode() + b":" + request.body
    expected = "v0=" + hmac.new(settings.SLACK_SIGNING_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    is_recent = abs(time.time() - int(timestamp)) <= MAX_SKEW
    return hmac.compare_digest(expected.encode(), signature.encode(errors="replace")) and is_recent
