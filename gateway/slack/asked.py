"""A question from Slack on its way through the queue: who asked, where, and what."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MENTION = re.compile(r"<[@#!][^>]*>")
LINK = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`direct`: in a direct message with the gateway. `openly`: to be answered for all of the channel to see.

    Neither: the answer is for the asker's eyes alone.
    """

    team: str
    user: str
    channel: str
    text: str
    thread: str | None = None
    direct: bool = False
    openly: bool = False


def from_event(body: Mapping[str, Any], event: Mapping[str, Any], *, direct: bool) -> Asked:
    return Asked(
        team=team_of(body, event),
        user=event["user"],
        channel=event["channel"],
        text=plain(event.get("text", "")),
        thread=event.get("thread_ts"),
        direct=direct,
        openly=not direct,
    )


def from_command(body: Mapping[str, Any]) -> Asked:
    return Asked(team=body["team_id"], user=body["user_id"], channel=body["channel_id"], text=plain(body["text"]))


def team_of(body: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """The asker's workspace, "" for somebody from another one who is only a guest of this channel."""
    named = {event.get(name) for name in ("team", "user_team", "source_team")} - {None}
    return body["team_id"] if named <= {body["team_id"]} else ""


def plain(text: str) -> str:
    """What the person typed: without the names of people and channels, links as their words, entities undone."""
    words = LINK.sub(lambda link: link[2] or link[1], MENTION.sub(" ", text))
    return " ".join(html.unescape(words).split())
