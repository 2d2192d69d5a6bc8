"""Who can see what is posted in a channel, as readers (P10)."""

from collections.abc import Iterator
from typing import Any, Literal

from slack_sdk import WebClient

from accounts.identity import person_behind
from accounts.models import User
from accounts.reader import Audience, Reader
from gateway.slack.asked import Asked

MOST_MEMBERS = 300  # of a channel that is answered openly: each is judged in every statement
Told = Literal["unidentified", "outside", "gone"]


class TooMany(Exception):
    """The channel has more members than an open answer is checked for."""


def audience_of(client: WebClient, asked: Asked, asker: User) -> Audience:
    """Everyone who can see the channel. Raises `TooMany`, and what Slack's API raises.

    A channel that is not private is open to the whole workspace, members or not, and one that is shared to other
    organisations. Somebody who is deactivated here and not there still sees it, and reads nothing (P1). Whoever has no
    link counts as somebody of the organisation nobody can identify, as guests and bots of the workspace do; somebody
    of another workspace, or of whom Slack tells nothing, as one from outside.
    """
    channel: dict[str, Any] = client.conversations_info(channel=asked.channel)["channel"]
    others: set[Reader] = set()
    unlinked: set[Told] = set()
    for member in members_of(client, asked.channel):
        user = person_behind(f"slack-{asked.team}", member)
        told = None if user is not None and user.may_sign_in else told_of(client, asked, member)
        if user is None and told is not None:
            unlinked.add(told)
        elif user is not None and told != "gone":
            others.add(Reader(user.pk))
    return Audience(
        Reader(asker.pk),
        frozenset(others),
        unidentified="unidentified" in unlinked or not channel.get("is_private"),
        outside="outside" in unlinked or bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared")),
    )


def members_of(client: WebClient, channel: str) -> Iterator[str]:
    """The members' ids, the gateway's own left out."""
    itself = client.auth_test()["user_id"]
    found: list[str] = []
    cursor = ""
    while True:
        page: Any = client.conversations_members(channel=channel, limit=200, cursor=cursor)
        found += page["members"]
        if len(found) > MOST_MEMBERS:
            raise TooMany
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return (member for member in found if member != itself)


def told_of(client: WebClient, asked: Asked, member: str) -> Told:
    """What somebody is by what the workspace tells of them."""
    told: dict[str, Any] = client.users_info(user=member)["user"]
    if told.get("deleted"):
        return "gone"
    of_the_workspace = told.get("team_id") == asked.team and not told.get("is_stranger")
    return "unidentified" if of_the_workspace else "outside"
