"""Nobody gets past a door: every address, every method, every credential, looking for canaries.

Addresses come from the URL configuration, so a new one is walked without an edit here. What a person may not
read must not be told from what does not exist: the answers about either are compared byte by byte (P14).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib.admindocs.views import extract_views_from_urlpatterns
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from pytest_django import Settings

from accounts import tokens
from accounts.models import User
from connectors.models import Source
from tests.gateway.slack.signing import SECRET, TOKEN, signature
from tests.security.hidden import ASKED, Hidden, hide
from tests.security.routes import routes
from tests.security.sent import TO, WIDENING, Body
from tests.security.walking import METHODS, Asked, Credential, Door, Walk, requests_to, walk, walk_lists

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

EVERY_VERB = ("read", "ask", "ingest", "admin")
# What running the system shows: which sources and people there are, and what was given to a model, by its ids.
OF_THE_SYSTEM = frozenset({"source", "profile", "id of the document", "id of the passage", "id of the question"})
THE_SYSTEM = frozenset({"source", "person", "account", "email", "app"})
ONES_OWN = frozenset({"question", "profile", "id of the question", "id of the conversation"})


@pytest.fixture
def hidden(db: None, settings: Settings) -> Hidden:
    settings.SLACK_SIGNING_SECRET, settings.SLACK_BOT_TOKEN = SECRET, TOKEN
    return hide()


# --- credentials --------------------------------------------------------------------------------------


def session(person: User, *, forged: bool = False) -> Credential:
    client = Client()
    client.force_login(person)
    return Credential(cookies={"sessionid": client.cookies["sessionid"].value}, forged=forged)


def bearer(secret: str) -> Credential:
    return Credential(headers={"Authorization": f"Bearer {secret}"})


def token(person: User, *verbs: str, sources: list[Source] | None = None, hours: int = 1) -> Credential:
    """A token for these sources, or for all."""
    _, secret = tokens.issue(
        person,
        verbs=verbs,
        directories=[source.directory for source in sources or ()],
        all_sources=sources is None,
        expires_at=timezone.now() + timedelta(hours=hours),
    )
    return bearer(secret)


def revoked(person: User) -> Credential:
    issued, secret = tokens.issue(person, verbs=EVERY_VERB, all_sources=True, expires_at=None)
    tokens.revoke(issued)
    return bearer(secret)


def left(hidden: Hidden, credential: Credential) -> Credential:
    """What Ann kept when she was deactivated: its row is still there, so that only she is the reason."""
    User.objects.filter(pk=hidden.ann.pk).update(is_active=False)
    assert not credential.cookies or SessionStore(credential.cookies["sessionid"]).load()
    return credential


@dataclass(frozen=True)
class Walker:
    """Who walks, what they may nevertheless see, and which kinds of ids they may tell from unknown ones."""

    credential: Callable[[Hidden], Credential]
    thorough: bool = False
    may_see: frozenset[str] = frozenset()
    may_tell: frozenset[str] = frozenset()


WALKERS: dict[str, Walker] = {
    "nobody": Walker(lambda hidden: Credential()),
    "a stranger": Walker(lambda hidden: session(hidden.charlie), thorough=True),
    "a page of somebody else's": Walker(lambda hidden: session(hidden.charlie, forged=True)),
    "a stranger's token": Walker(
        lambda hidden: token(hidden.charlie, "read", "ask", "ingest", sources=[hidden.notes.source]), thorough=True
    ),
    "Ann's token without the verb": Walker(lambda hidden: token(hidden.ann, "ingest", "admin")),
    "Ann's token that has expired": Walker(lambda hidden: token(hidden.ann, *EVERY_VERB, hours=-1)),
    "Ann's token that was revoked": Walker(lambda hidden: revoked(hidden.ann)),
    "Ann's token for another source": Walker(
        lambda hidden: token(hidden.ann, *EVERY_VERB, sources=[hidden.notes.source]),
        may_see=ONES_OWN,
        may_tell=frozenset({"question", "conversation"}),
    ),
    "Ann's session after she left": Walker(lambda hidden: left(hidden, session(hidden.ann))),
    "Ann's token after she left": Walker(lambda hidden: left(hidden, token(hidden.ann, *EVERY_VERB))),
    "who runs the system": Walker(
        lambda hidden: session(hidden.root), thorough=True, may_see=OF_THE_SYSTEM, may_tell=THE_SYSTEM
    ),
    "a token of who runs the system": Walker(
        lambda hidden: token(hidden.root, *EVERY_VERB), may_see=OF_THE_SYSTEM, may_tell=THE_SYSTEM
    ),
}


# --- the walk -----------------------------------------------------------------------------------------


def test_every_address_is_walked_with_every_method(hidden: Hidden) -> None:
    """Counted against Django's own list of views, which is made by other code than the walk."""
    known = extract_views_from_urlpatterns(get_resolver().url_patterns)
    found = list(routes())
    assert len(found) == len(known)
    for route in found:
        methods = {foreign.method for foreign, _ in requests_to(route, hidden, thorough=False)}
        assert methods == set(METHODS), route.template


@pytest.mark.parametrize("who", WALKERS)
def test_no_door_shows_what_is_hidden_or_that_it_exists(hidden: Hidden, who: str) -> None:
    by = WALKERS[who]
    found = walk(hidden, by.credential(hidden), thorough=by.thorough)
    expect_nothing(hidden, found, by)


@pytest.mark.parametrize("who", ["a stranger", "a stranger's token", "who runs the system"])
def test_no_parameter_of_a_query_widens_a_list(hidden: Hidden, who: str) -> None:
    by = WALKERS[who]
    found = walk_lists(hidden, by.credential(hidden), [Body(query=query) for query in WIDENING])
    expect_nothing(hidden, found, by)


def expect_nothing(hidden: Hidden, found: Walk, by: Walker) -> None:
    words = {place: word for place, word in hidden.words.items() if place not in by.may_see}
    assert found.leaks(words) == []
    assert [str(answer.asked) for answer in found.told_apart() if not answer.asked.kinds & by.may_tell] == []
    assert found.broken() == []


# --- the other side: the walk does see ------------------------------------------------------------------

SEEN_BY_ANN = {
    *("text", "title", "heading", "url", "author", "metadata", "external_id", "question", "answer", "profile"),
    *("source", "id of the document", "id of the passage", "id of the question", "id of the conversation"),
}
TELLING = {
    "api/v1/documents/%(id)s",
    "api/v1/documents/%(id)s/text",
    "api/v1/conversations/%(id)s",
    "api/v1/questions/%(id)s/feedback",
    "api/v1/ask",
    "api/v1/search",
}
TELLING_ON_A_PAGE = {"documents/%(id)s/", "questions/%(id)s/", "questions/%(id)s/feedback/", "ask/"}


@pytest.mark.parametrize("kind", ["session", "token"])
def test_the_same_walk_as_the_one_who_may_read_sees_it_all(hidden: Hidden, kind: str) -> None:
    credential = session(hidden.ann) if kind == "session" else token(hidden.ann, "read", "ask")
    found = walk(hidden, credential, thorough=True)
    assert SEEN_BY_ANN - found.seen(hidden.words) == set()
    expected = TELLING | TELLING_ON_A_PAGE if kind == "session" else TELLING
    assert expected - {answer.asked.route for answer in found.told_apart()} == set()
    expect_whole_streams(found, hidden)
    assert found.broken() == []


def expect_whole_streams(found: Walk, hidden: Hidden) -> None:
    streams = [
        answer for answer in found.answers if "text/event-stream" in dict(answer.headers).get("content-type", "")
    ]
    assert streams
    assert all("event: done" in answer.body for answer in streams)
    assert any(hidden.canaries.text in answer.body for answer in streams)


# --- Slack --------------------------------------------------------------------------------------------

BODY = '{"type": "event_callback", "event": {"type": "message", "text": "' + ASKED + '"}}'


def signed(body: str, *, age: int = 0, secret: str = SECRET) -> dict[str, str]:
    sent = str(int(timezone.now().timestamp()) - age)
    return {"X-Slack-Request-Timestamp": sent, "X-Slack-Signature": signature(body.encode(), sent, secret)}


FORGERIES: dict[str, dict[str, str]] = {
    "no signature": {},
    "an empty one": {"X-Slack-Request-Timestamp": "", "X-Slack-Signature": ""},
    "no time": {"X-Slack-Signature": signed(BODY)["X-Slack-Signature"]},
    "another secret": signed(BODY, secret="not the secret"),
    "another body": signed(BODY + " "),
    "the empty secret": signed(BODY, secret=""),
    "not a signature": {**signed(BODY), "X-Slack-Signature": "v0=\u00e9"},
}


@pytest.mark.parametrize("path", ["/slack/events", "/slack/commands", "/slack/interactions"])
def test_what_slack_did_not_sign_is_refused_in_the_same_words(hidden: Hidden, path: str) -> None:
    forgeries = FORGERIES | {"an old one": signed(BODY, age=600), "one of tomorrow": signed(BODY, age=-600)}
    answers = {
        forgery: Door(Credential(headers=headers)).answer(Asked(path, "POST", path, Body(BODY, "application/json")))
        for forgery, headers in forgeries.items()
    }
    assert {answer.told for answer in answers.values()} == {answers["no signature"].told}
    assert {answer.status for answer in answers.values()} == {401}
    assert not any(answer.leaks(hidden.words) for answer in answers.values())


def test_no_body_is_written_for_an_address_that_is_gone() -> None:
    assert set(TO) <= {route.template for route in routes()}
