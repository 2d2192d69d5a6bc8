"""Questions from Slack, from the signed request to what Slack's API was asked to post."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import count
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import current_app
from pytest_django import Settings

from accounts import identity, provisioning
from accounts.models import IdentityLink, User
from accounts.reader import Reader
from connectors.adding import add_source
from connectors.applying import apply_record
from connectors.models import Source
from connectors.records import Access, AccessRecord, Deletion, DocumentRecord, Entry, PrincipalRecord
from gateway.answering import asking
from gateway.slack import channels, tasks
from gateway.slack.asked import Asked
from tests.doubles import SlackApi
from tests.gateway.slack.signing import SECRET, TOKEN, send_command, send_event

pytestmark = pytest.mark.django_db

NOT_FOUND = "I did not find that in what you can read."
NOWHERE = "redis://127.0.0.1:1/0"
QUESTION = "How many weeks of parental leave are there?"
EVERYONE = Access(grants=(Entry(id="everyone"),))
numbers = count(1)


@pytest.fixture
def slack(settings: Settings) -> Iterator[SlackApi]:
    """Slack's API, and the tasks done at once instead of by a worker."""
    with SlackApi().running() as api, configured(task_always_eager=True):
        settings.SLACK_SIGNING_SECRET = SECRET
        settings.SLACK_BOT_TOKEN = TOKEN
        settings.SLACK_API_BASE_URL = api.url
        yield api


@contextmanager
def configured(**values: Any) -> Iterator[None]:
    """Celery with other settings for a while."""
    conf = current_app.conf
    before = {name: conf[name] for name in values}
    conf.update(values)
    try:
        yield
    finally:
        conf.update(before)


@pytest.fixture
def workspace() -> Source:
    """The Slack workspace T1 as a source of accounts, which vouches for their addresses."""
    return add_source("slack-T1", kind="push", vouches_for_emails=True)


@pytest.fixture
def ann(workspace: Source) -> User:
    return member(workspace, "UANN", "ann@example.com")


@pytest.fixture
def bob(workspace: Source) -> User:
    return member(workspace, "UBOB", "bob@example.com")


@pytest.fixture
def handbook(ann: User, bob: User) -> Source:
    """One page for everyone, and one only Ann's account may read."""
    source = add_source("handbook", kind="push", name="Handbook", vouches_for_emails=True)
    apply_record(source, PrincipalRecord(id="ann", kind="user", email=ann.email, external=False))
    apply_record(source, page("leave", "Parental leave is fourteen weeks for all parents.", EVERYONE))
    secret = page("plan", "The secret relocation plan is called Heron.", Access(grants=(Entry(id="ann"),)))
    apply_record(source, secret)
    return source


def member(workspace: Source, account: str, email: str) -> User:
    apply_record(workspace, PrincipalRecord(id=account, kind="user", email=email, external=False))
    return User.objects.create_user(email, "correct horse battery")


def page(id: str, text: str, access: Access) -> DocumentRecord:
    return DocumentRecord(id=id, title=f"The {id} page", text=text, mime="text/plain", access=access)


def mention(text: str = QUESTION, *, user: str = "UANN", **event: Any) -> dict[str, Any]:
    return {"type": "app_mention", "user": user, "channel": "C1", "text": f"<@UBOT> {text}", "team": "T1", **event}


def direct(text: str = QUESTION, *, user: str = "UANN", **event: Any) -> dict[str, Any]:
    message = {"type": "message", "channel_type": "im", "channel": "D1", "user": user, "text": text, "team": "T1"}
    return {**message, **event}


def receive(event: dict[str, Any], **options: Any) -> None:
    response = send_event(event, id=f"Ev-{next(numbers)}-{id(event)}", **options)
    assert response.status_code == 200


def asked(text: str = QUESTION, user: str = "UANN") -> Asked:
    return Asked(team="T1", user=user, channel="D1", text=text, direct=True)


# --- where an answer goes ---------------------------------------------------------------------------


def test_a_mention_is_answered_for_the_channel_with_citations(slack: SlackApi, handbook: Source) -> None:
    receive(mention(thread_ts="171.5"))

    [(method, posted)] = slack.calls
    assert method == "chat.postMessage"
    assert (posted["channel"], posted["thread_ts"]) == ("C1", "171.5")
    assert posted["unfurl_links"] is False
    assert posted["unfurl_media"] is False
    assert "fourteen weeks" in posted["text"]
    assert posted["text"].endswith("[1]")
    source = posted["blocks"][-1]["elements"][0]["text"]
    assert source.startswith("[1] <http://127.0.0.1:8000/documents/")
    assert source.endswith("|The leave page> · Handbook")


def test_a_direct_message_is_answered_in_place(slack: SlackApi, handbook: Source) -> None:
    receive(direct(thread_ts="171.5"))

    [(method, posted)] = slack.calls
    assert method == "chat.postMessage"
    assert (posted["channel"], posted["thread_ts"]) == ("D1", "171.5")
    assert "fourteen weeks" in posted["text"]


def test_a_command_is_acknowledged_and_answered_to_the_asker_alone(slack: SlackApi, handbook: Source) -> None:
    response = send_command(QUESTION, user="UANN", trigger=f"T-{id(slack)}")

    assert response.status_code == 200
    assert "Looking" in response.content.decode()
    [(method, posted)] = slack.calls
    assert method == "chat.postEphemeral"
    assert (posted["channel"], posted["user"]) == ("C1", "UANN")
    assert "fourteen weeks" in posted["text"]


def test_where_the_channel_is_closed_to_the_gateway_the_asker_gets_a_message(slack: SlackApi, handbook: Source) -> None:
    slack.failures = ["channel_not_found"]

    send_command(QUESTION, user="UANN", trigger=f"T-{id(slack)}")

    assert [(method, posted["channel"]) for method, posted in slack.calls] == [
        ("chat.postEphemeral", "C1"),
        ("chat.postMessage", "UANN"),
    ]


def test_an_event_that_slack_sends_again_is_answered_once(slack: SlackApi, handbook: Source) -> None:
    name = f"Ev-again-{id(slack)}"

    for _ in range(3):
        assert send_event(mention(), id=name, **{"X-Slack-Retry-Num": "1"}).status_code == 200

    assert len(slack.calls) == 1


def test_without_a_queue_slack_is_told_to_send_the_event_again(slack: SlackApi, handbook: Source) -> None:
    name = f"Ev-later-{id(slack)}"
    with configured(broker_url=NOWHERE, broker_write_url=NOWHERE):
        assert send_event(mention(), id=name).status_code == 500

    assert send_event(mention(), id=name).status_code == 200
    assert len(slack.calls) == 1


def test_an_empty_question_is_told_what_to_write(slack: SlackApi, handbook: Source) -> None:
    receive(mention(""))

    assert slack.calls[0][1]["text"] == tasks.NOTHING_ASKED


def test_a_question_too_long_to_answer_says_so(slack: SlackApi, handbook: Source) -> None:
    receive(direct("why " * 3000))

    assert "8000 characters" in slack.calls[0][1]["text"]


# --- what all of a channel may read (P10) -----------------------------------------------------------

SECRET_QUESTION = "What is the secret relocation plan called?"
NOT_HERE = "I did not find that in what everyone here can read."


def posted_openly(slack: SlackApi, question: str) -> str:
    receive(mention(question))
    [(method, posted)] = slack.calls
    assert method == "chat.postMessage"
    slack.calls.clear()
    return str(posted["text"])


def test_a_channel_is_told_what_each_of_its_members_may_read(slack: SlackApi, handbook: Source, bob: User) -> None:
    assert "Heron" in posted_openly(slack, SECRET_QUESTION)
    slack.members.append("UBOB")
    assert posted_openly(slack, SECRET_QUESTION).startswith(NOT_HERE)
    assert "fourteen weeks" in posted_openly(slack, QUESTION)


def test_a_member_who_was_deactivated_widens_nothing(slack: SlackApi, handbook: Source, bob: User) -> None:
    """Known, and reads nothing: not one of the organisation whom nobody can identify."""
    slack.members.append("UBOB")
    assert "fourteen weeks" in posted_openly(slack, QUESTION)
    provisioning.deactivate(bob)
    assert posted_openly(slack, QUESTION).startswith(NOT_HERE)
    slack.profiles["UBOB"] = {"deleted": True}
    assert "fourteen weeks" in posted_openly(slack, QUESTION)


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ({}, True),
        ({"is_restricted": True}, True),
        ({"is_bot": True}, True),
        ({"team_id": "T2"}, False),
        ({"is_stranger": True}, False),
        ({"team_id": None}, False),
    ],
    ids=["of the workspace", "a guest", "a bot", "of another workspace", "a stranger", "of nowhere"],
)
def test_with_somebody_nobody_can_identify_it_is_told_what_everyone_may_read(
    slack: SlackApi, handbook: Source, profile: dict[str, Any], told: bool
) -> None:
    slack.members.append("UNEW")
    slack.profiles["UNEW"] = profile
    assert posted_openly(slack, SECRET_QUESTION).startswith(NOT_HERE)
    assert ("fourteen weeks" in posted_openly(slack, QUESTION)) is told


def test_who_has_left_the_workspace_is_not_there(slack: SlackApi, handbook: Source) -> None:
    slack.members.append("UOLD")
    slack.profiles["UOLD"] = {"deleted": True, "team_id": "T2"}
    assert "Heron" in posted_openly(slack, SECRET_QUESTION)


@pytest.mark.parametrize(
    ("channel", "told"),
    [({}, True), ({"is_private": False}, True), ({"is_private": True, "is_ext_shared": True}, False)],
    ids=["of no kind", "open to the workspace", "shared with others"],
)
def test_a_channel_that_others_than_its_members_see_is_told_what_they_may_read(
    slack: SlackApi, handbook: Source, channel: dict[str, Any], told: bool
) -> None:
    slack.channel = channel
    assert posted_openly(slack, SECRET_QUESTION).startswith(NOT_HERE)
    assert ("fourteen weeks" in posted_openly(slack, QUESTION)) is told


@pytest.mark.parametrize("method", ["auth.test", "conversations.info", "conversations.members", "users.info"])
def test_where_it_is_not_known_who_is_there_the_asker_alone_is_answered(
    slack: SlackApi, handbook: Source, method: str
) -> None:
    slack.members.append("UNEW")
    slack.failures = [method]

    receive(mention(SECRET_QUESTION))

    [(sent, posted)] = slack.calls
    assert (sent, posted["user"]) == ("chat.postEphemeral", "UANN")
    assert "Heron" in posted["text"]


def test_a_channel_of_very_many_is_answered_to_the_asker_alone(slack: SlackApi, handbook: Source) -> None:
    slack.members += [f"U{number}" for number in range(channels.MOST_MEMBERS)]

    receive(mention())

    assert [method for method, _ in slack.calls] == ["chat.postEphemeral"]


def test_one_who_joined_while_the_answer_was_made_counts_when_it_is_posted(
    slack: SlackApi, handbook: Source, ann: User, bob: User
) -> None:
    question = answered(ann, SECRET_QUESTION)
    slack.members.append("UBOB")

    tasks.deliver.delay(asdict(replace(asked(), channel="C1", direct=False, openly=True)), question)

    [(method, posted)] = slack.calls
    assert method == "chat.postMessage"
    assert posted["text"].startswith(NOT_HERE)


# --- who asks ---------------------------------------------------------------------------------------


def test_each_person_is_answered_from_what_they_may_read(slack: SlackApi, handbook: Source) -> None:
    receive(direct("What is the secret relocation plan called?", user="UANN"))
    receive(direct("What is the secret relocation plan called?", user="UBOB"))

    assert "Heron" in slack.calls[0][1]["text"]
    assert slack.calls[1][1]["text"] == NOT_FOUND
    assert "Heron" not in str(slack.calls[1])


@pytest.mark.parametrize(
    ("event", "team"),
    [
        (mention(user="UNEW"), "T1"),
        (mention(), "T2"),
        (mention(user_team="T2"), "T1"),
        (mention(source_team="T2"), "T1"),
        (direct(user="UNEW"), "T1"),
    ],
)
def test_a_stranger_is_told_so_privately_and_nothing_else(
    slack: SlackApi, handbook: Source, event: dict[str, Any], team: str
) -> None:
    receive(event, team=team)

    [(method, posted)] = slack.calls
    assert method == "chat.postEphemeral"
    assert posted["text"].startswith("I can't tell who you are here")


def test_an_address_slack_gives_makes_no_link_unless_the_workspace_vouches(slack: SlackApi, handbook: Source) -> None:
    other = add_source("slack-T9", kind="push")
    apply_record(other, PrincipalRecord(id="UANN", kind="user", email="ann@example.com", external=False))

    receive(mention(team="T9"), team="T9")

    assert slack.calls[0][1]["text"].startswith("I can't tell who you are here")


def test_a_person_who_left_is_a_stranger(slack: SlackApi, handbook: Source, ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)

    receive(direct())

    assert slack.calls[0][1]["text"].startswith("I can't tell who you are here")


@pytest.mark.parametrize(
    "event",
    [
        mention(bot_id="B1"),
        direct(bot_id="B1"),
        direct(subtype="bot_message"),
        direct(subtype="message_changed"),
        direct(channel_type="channel"),
        direct(channel_type="mpim"),
        {"type": "message", "channel_type": "im", "channel": "D1", "text": QUESTION},
    ],
)
def test_what_no_person_asked_is_not_answered(slack: SlackApi, handbook: Source, event: dict[str, Any]) -> None:
    receive(event)

    assert slack.calls == []


# --- rights at the moment of posting ----------------------------------------------------------------


def answered(user: User, question: str = QUESTION) -> str:
    """The id of an answer that is worked out and not yet posted."""
    return str(async_to_sync(asking.answer)(Reader(user.pk), question, door="slack").question_id)


def test_an_answer_whose_document_was_closed_meanwhile_is_not_posted(
    slack: SlackApi, handbook: Source, ann: User
) -> None:
    question = answered(ann)
    apply_record(handbook, AccessRecord(kind="document", id="leave"))

    tasks.deliver.delay(asdict(asked()), question)

    [(_, posted)] = slack.calls
    assert posted["text"] == NOT_FOUND
    assert "fourteen" not in str(posted)
    assert "leave page" not in str(posted)


def test_an_answer_is_not_posted_to_an_account_that_is_no_longer_its_askers(
    slack: SlackApi, handbook: Source, workspace: Source, ann: User
) -> None:
    question = answered(ann)
    apply_record(workspace, Deletion(kind="principal", id="UANN"))

    tasks.deliver.delay(asdict(asked()), question)

    assert slack.calls == []


def test_an_answer_is_not_posted_to_an_account_whose_link_was_ended(
    slack: SlackApi, handbook: Source, ann: User
) -> None:
    question = answered(ann)
    identity.revoke(IdentityLink.objects.get(user=ann, account__external_id="UANN"))

    tasks.deliver.delay(asdict(asked()), question)

    assert slack.calls == []


def test_an_answer_is_never_posted_to_somebody_else(slack: SlackApi, handbook: Source, ann: User, bob: User) -> None:
    tasks.deliver.delay(asdict(asked(user="UBOB")), answered(ann))

    assert slack.calls == []


# --- what a document says ---------------------------------------------------------------------------


def test_a_document_cannot_call_the_channel_or_plant_a_link(slack: SlackApi, handbook: Source) -> None:
    text = "Parental leave weeks: ask <!channel> or <https://evil.example|click> & see <@U1> about parental leave."
    apply_record(handbook, page("evil <!here>", text, EVERYONE))

    receive(direct("parental leave weeks channel click"))

    texts = [slack.calls[0][1]["text"], *(str(block) for block in slack.calls[0][1]["blocks"])]
    assert "&lt;!channel&gt;" in texts[0]
    assert all("<" not in text.replace("<http://127.0.0.1:8000/documents/", "") for text in texts)


# --- when Slack does not take it --------------------------------------------------------------------


@pytest.mark.parametrize("failure", ["ratelimited", "away"])
def test_a_message_slack_has_no_time_for_is_posted_later(slack: SlackApi, handbook: Source, failure: str) -> None:
    slack.failures = [failure, failure]

    receive(direct())

    assert len(slack.calls) == 3
    assert slack.calls[2] == slack.calls[0]


def test_a_message_slack_refuses_is_logged_and_not_sent_again(
    slack: SlackApi, handbook: Source, caplog: pytest.LogCaptureFixture
) -> None:
    slack.failures = ["invalid_auth"]

    receive(direct())

    assert len(slack.calls) == 1
    assert "invalid_auth" in caplog.text
    assert "fourteen" not in caplog.text
