"""Answering Slack in the background, as the person who asked and never as the bot (P11)."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from http.client import HTTPException
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from celery import Task, shared_task
from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from accounts.identity import user_for_account
from accounts.models import User
from accounts.reader import Reader, Viewers
from gateway import conversations
from gateway.answering import asking
from gateway.slack import formatting
from gateway.slack.asked import Asked
from gateway.slack.channels import TooMany, audience_of
from gateway.slack.formatting import Block

log = logging.getLogger("gatehouse.slack")

STRANGER = (
    "I can't tell who you are here, so I can't say what you may read. "
    "Ask an administrator to link your Slack account to your Gatehouse user; until then, ask me at {portal}"
)
NOTHING_ASKED = "Ask me a question, for example: how many days of parental leave do I have?"
ELSEWHERE = frozenset({"channel_not_found", "not_in_channel", "user_not_in_channel"})
TRIES = 5
PAUSE = 5  # seconds before trying again where Slack does not say


@shared_task
def answer(message: dict[str, Any]) -> None:
    """Works out the answer; posting it is a task of its own, so that posting again does not ask again."""
    asked = Asked(**message)
    user = asker(asked)
    if user is None:
        tell.delay(asdict(replace(asked, direct=False, openly=False)), STRANGER.format(portal=settings.PUBLIC_URL))
    elif not asked.text:
        tell.delay(asdict(replace(asked, openly=False)), NOTHING_ASKED)
    else:
        answer_person(*addressed(asked, user))


def answer_person(asked: Asked, viewers: Viewers) -> None:
    try:
        done = async_to_sync(asking.answer)(viewers, asked.text, door="slack")
    except (asking.QuestionInvalid, asking.AnswerFailed) as error:
        tell.delay(asdict(replace(asked, openly=False)), error.message)
    else:
        deliver.delay(asdict(asked), str(done.question_id))


def addressed(asked: Asked, user: User) -> tuple[Asked, Viewers]:
    """Who will see the answer, as far as it is known now: the asker alone where it is not known who is there."""
    if asked.openly:
        try:
            return asked, audience_of(client(), asked, user)
        except (SlackApiError, OSError, HTTPException, TooMany) as error:
            log.warning("A question in a channel is answered to its asker alone: %s", type(error).__name__)
    return replace(asked, openly=False), Reader(user.pk)


@shared_task(bind=True, max_retries=TRIES)
def deliver(self: Task[Any, Any], message: dict[str, Any], question_id: str) -> None:
    """Posts what of an answer those who will see it may read now, if the account is still the asker's (P13, P15)."""
    asked = Asked(**message)
    user = asker(asked)
    if user is None:
        return
    asked, viewers = addressed(asked, user)
    shown = conversations.get_question(viewers, UUID(question_id))
    if shown is not None:
        post(self, asked, formatting.answer(shown, openly=asked.openly))


@shared_task(bind=True, max_retries=TRIES)
def tell(self: Task[Any, Any], message: dict[str, Any], sentence: str) -> None:
    """Says something that is not from any document."""
    post(self, Asked(**message), formatting.notice(sentence))


def asker(asked: Asked) -> User | None:
    """The person a verified link makes of this account; Slack is never asked for an address (P13).

    The accounts of workspace T0123 are those of the source `slack-T0123`.
    """
    return user_for_account(f"slack-{asked.team}", asked.user)


def post(task: Task[Any, Any], asked: Asked, blocks: Sequence[Block]) -> None:
    """Posts once, or has the whole task run again later, with its checks, when Slack is busy or away."""
    try:
        send(asked, blocks)
    except SlackApiError as error:
        if not is_passing(error):
            log.error("Slack refused a message: %s", error.response.get("error"))
            return
        raise task.retry(exc=error, countdown=int(error.response.headers.get("Retry-After", PAUSE))) from error
    except (OSError, HTTPException) as error:
        raise task.retry(exc=error, countdown=PAUSE) from error


def send(asked: Asked, blocks: Sequence[Block]) -> None:
    """For all of the channel, or to the asker alone: in their direct message, or visible to them only; where that
    cannot be, as a message.
    """
    content: dict[str, Any] = {"blocks": blocks, "text": formatting.fallback(blocks)}
    content |= {"unfurl_links": False, "unfurl_media": False}
    if asked.direct or asked.openly:
        client().chat_postMessage(channel=asked.channel, thread_ts=asked.thread, **content)
        return
    try:
        client().chat_postEphemeral(channel=asked.channel, user=asked.user, thread_ts=asked.thread, **content)
    except SlackApiError as error:
        if error.response.get("error") not in ELSEWHERE:
            raise
        client().chat_postMessage(channel=asked.user, **content)


def client() -> WebClient:
    return WebClient(settings.SLACK_BOT_TOKEN, base_url=settings.SLACK_API_BASE_URL, timeout=10)


def is_passing(error: SlackApiError) -> bool:
    status: int = error.response.status_code
    return status == 429 or status >= 500
