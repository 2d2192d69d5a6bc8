"""What Slack may send, as a Bolt app: each question is noted once, put in the queue, and acknowledged."""

import logging
from dataclasses import asdict
from functools import cache
from typing import Any, cast

import redis
from celery import current_app
from kombu.exceptions import OperationalError
from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult

from gateway.slack import tasks
from gateway.slack.asked import Asked, from_command, from_event

ANSWERED_ONCE_FOR = 3600  # seconds; Slack repeats an event for about an hour


@cache
def bolt(token: str) -> App:
    """The app that answers with `token`. Signatures are checked before it sees a request, in `views`.

    It calls nobody: what is posted is posted by the tasks. A listener that fails is a 500, and Slack
    sends the event again.
    """

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    log = logging.getLogger("gatehouse.slack.bolt")
    log.setLevel(logging.ERROR)  # its warnings print whole messages
    app = App(
        logger=log,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
    )
    app.event("app_mention")(mentioned)
    app.event("message")(written)
    app.command("/ask")(commanded)
    return app


def mentioned(body: dict[str, Any], event: dict[str, Any]) -> None:
    """In a channel: answered for all to see, from what all who are there may read (P10)."""
    if is_a_persons(event):
        accept(body["event_id"], from_event(body, event, direct=False))


def written(body: dict[str, Any], event: dict[str, Any]) -> None:
    """A direct message is answered in place; what is said elsewhere without a mention is nobody's question."""
    if is_a_persons(event) and event.get("channel_type") == "im":
        accept(body["event_id"], from_event(body, event, direct=True))


def commanded(ack: Ack, body: dict[str, Any]) -> None:
    accept(body["trigger_id"], from_command(body))
    ack("Looking through what you can read…")


def is_a_persons(event: dict[str, Any]) -> bool:
    """Not a bot's, not the gateway's own, and not the news that a message was changed or deleted."""
    return bool(event.get("user")) and not event.get("bot_id") and not event.get("subtype")


def accept(key: str, asked: Asked) -> None:
    """Puts a question in the queue, once however often Slack sends it. Raises if the queue is not there."""
    noted = f"gatehouse:slack:{key}"
    with current_app.connection_for_write() as connection, connection.channel() as channel:
        broker: redis.Redis = cast(Any, channel).client
        if not broker.set(noted, 1, nx=True, ex=ANSWERED_ONCE_FOR):
            return
        try:
            tasks.answer.delay(asdict(asked))
        except OperationalError:
            broker.delete(noted)
            raise
