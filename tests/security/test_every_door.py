"""Nobody gets past a door: every address, every method, every credential, looking for canaries.

Addresses come from the URL configuration, so a new one is walked without an edit here. What a person may not
read must not be told from what does not exist: the answers about either are compared byte by byte (P14).
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from django.contrib.admindocs.views import extract_views_from_urlpatterns
from django.urls import get_resolver
from django.utils import timezone
from pytest_django import Settings

from accounts.reader import Viewers
from connectors.corpus import guard
from connectors.corpus.guard import GuardedQuerySet
from connectors.corpus.wall import OWNER
from connectors.models import Document
from connectors.sources.folder import Folder
from tests.gateway.slack.signing import SECRET, TOKEN, signature
from tests.security.hidden import ASKED, Hidden, hide
from tests.security.routes import Route, routes
from tests.security.sent import TO, WIDENING, Body, bodies_for
from tests.security.walkers import EVERY_VERB, WALKERS, Walker, auditor, session, token
from tests.security.walking import (
    METHOD_NOT_ALLOWED,
    METHODS,
    Answered,
    Asked,
    Credential,
    Door,
    Walk,
    namings,
    requests_to,
    twins,
    walk,
    walk_lists,
    walked,
)

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]


@pytest.fixture
def hidden(db: None, settings: Settings) -> Hidden:
    settings.SLACK_SIGNING_SECRET, settings.SLACK_BOT_TOKEN = SECRET, TOKEN
    settings.GENERAL_KNOWLEDGE = True
    return hide()


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
    apart = [answer.asked for answer in found.told_apart() if answer.asked.route not in by.may_tell_at]
    assert [str(asked) for asked in apart if not asked.kinds & by.may_tell] == []
    assert found.broken() == []


# --- the other side: the walk does see ------------------------------------------------------------------

SEEN_BY_ANN = {
    *("text", "title", "heading", "url", "author", "metadata", "external_id", "question", "answer", "profile"),
    *("left_out", "general", "title_of_conversation", "report"),
    *("source", "id of the document", "id of the passage", "id of the question", "id of the conversation"),
}
ON_PAGES_ALONE = {"report"}  # programs say that a document is out of date; people read what was said
TELLING = {
    "api/v1/documents/%(id)s",
    "api/v1/documents/%(id)s/text",
    "api/v1/conversations/%(id)s",
    "api/v1/conversations/%(id)s/markdown",
    "api/v1/conversations/%(id)s/shares",
    "api/v1/documents/%(id)s/reports",
    "api/v1/shared/%(id)s",
    "api/v1/questions/%(id)s/feedback",
    "api/v1/ask",
    "api/v1/search",
    "api/v1/summaries",
    "api/v1/facts",
}
TELLING_ON_A_PAGE = {
    "documents/%(id)s/",
    "conversations/%(id)s/",
    "conversations/%(id)s/json/",
    "conversations/%(id)s/share/",
    "documents/%(id)s/report/",
    "documents/%(id)s/summary/",
    "documents/%(id)s/facts/",
    "documents/%(id)s/facts/csv/",
    "questions/%(id)s/summary/",
    "questions/%(id)s/facts/",
    "questions/%(id)s/facts/csv/",
    "reports/%(id)s/done/",
    "shared/%(id)s/",
    "questions/%(id)s/",
    "questions/%(id)s/feedback/",
    "ask/",
}


@pytest.mark.parametrize("kind", ["session", "token"])
def test_the_same_walk_as_the_one_who_may_read_sees_it_all(hidden: Hidden, kind: str) -> None:
    credential = session(hidden.ann) if kind == "session" else token(hidden.ann, "read", "ask")
    found = walk(hidden, credential, thorough=True)
    assert SEEN_BY_ANN - found.seen(hidden.words) == (set() if kind == "session" else ON_PAGES_ALONE)
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


# --- behind the second wall -----------------------------------------------------------------------------
#
# Every walk above goes by the role of the web process. Here one wall at a time is taken away.


def only_marked(queryset: GuardedQuerySet[Any], reader: Viewers) -> GuardedQuerySet[Any]:
    """What a guard would do that names its reader and forgets to filter."""
    found = queryset.all()
    found.query.reader = reader  # type: ignore[attr-defined]
    return found


@pytest.fixture
def _no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (GuardedQuerySet, type(Document.objects.all())):
        monkeypatch.setattr(each, "visible_to", only_marked)


@pytest.mark.usefixtures("_no_guard")
@pytest.mark.parametrize("who", ["a stranger", "a token of a colleague kept out"])
def test_without_the_guard_the_second_wall_holds(hidden: Hidden, who: str) -> None:
    by = WALKERS[who]
    found = walk(hidden, by.credential(hidden), thorough=False)
    expect_nothing(hidden, found, by)


@pytest.mark.usefixtures("_no_guard")
def test_without_both_walls_the_walk_finds_what_is_hidden(hidden: Hidden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "reading_as", lambda reader: nullcontext())
    stranger = replace(session(hidden.charlie), role=OWNER)
    documents = [route for route in routes() if "document" in route.template and "sources" not in route.template]
    found = walked(stranger, (pair for route in documents for pair in requests_to(route, hidden, thorough=False)))
    assert {"text", "title", "id of the document"} <= found.seen(hidden.words)
    assert found.told_apart()


def test_the_second_wall_changes_no_answer(hidden: Hidden) -> None:
    by_role = session(hidden.ann)
    behind, before = (
        walk(hidden, credential, thorough=False) for credential in (by_role, replace(by_role, role=OWNER))
    )
    assert behind.seen(hidden.words) == before.seen(hidden.words)
    told = [
        (str(one.asked), one.status, other.status)
        for one, other in zip(behind.answers, before.answers, strict=True)
        if (one.status, one.leaks(hidden.words)) != (other.status, other.leaks(hidden.words))
    ]
    assert told == []


# --- every handler is reached -----------------------------------------------------------------------------

NEVER_REACHED = {
    "api/v1/": "the answer to every address that is none",
    "api/": "the answer to every address that is none",
    "console/reports/%(id)s/done/": "none of the staff here may read the document, so to them there is no report",
    "admin/%(url)s": "the answer to every address that is none",
    "admin/r/%(object)s": "the admin's shortcut to any object leads nowhere",
    "admin/r/%(content_type_id)s/%(object_id)s/": "the stock admin's own, behind the one above",
}


def test_something_that_is_sent_reaches_every_handler(hidden: Hidden, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a walk would compare refusals with refusals. A new address needs a body in `sent.TO` that it takes."""
    monkeypatch.setattr(Folder, "webhook", lambda self, headers, body: True)  # as a system whose signature is right
    doors = [Door(credential) for credential in entitled(hidden)]
    missed = [
        f"{method} {route.template}: {sorted(statuses)}"
        for route in routes()
        if route.template not in NEVER_REACHED
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if (statuses := refusals(route, method, hidden, doors))
    ]
    assert missed == [], "\n".join(missed)
    assert NEVER_REACHED.keys() <= {route.template for route in routes()}


def entitled(hidden: Hidden) -> list[Credential]:
    """Who may do all there is to do between them."""
    pushing = token(hidden.ann, *EVERY_VERB, sources=[hidden.vault.source, hidden.drive])
    superuser = replace(session(hidden.root), superuser=True)
    people = [session(person) for person in (hidden.ann, auditor())]
    return [superuser, *people, pushing, token(hidden.root, *EVERY_VERB), Credential(signs=True)]


def refusals(route: Route, method: str, hidden: Hidden, doors: Sequence[Door]) -> set[int]:
    """With which status everything sent by this method was refused; empty where something was taken."""
    statuses = set()
    sent = [
        foreign
        for naming in namings(route, hidden, thorough=True)
        for body in bodies_for(route.template, method)
        for foreign, _ in [twins(route, method, body, naming, hidden)]
    ]
    for asked, door in product(sent, doors):
        answer = door.answer(asked)
        if answer.status == METHOD_NOT_ALLOWED or forbidden_to_all(route, door, answer):
            return set()
        if answer.status < 400 and "next=" not in dict(answer.headers).get("location", ""):
            return set()
        statuses.add(answer.status)
    return statuses


def forbidden_to_all(route: Route, door: Door, answer: Answered) -> bool:
    """The stock admin's tables that only their own functions write say no to a superuser."""
    return route.template.startswith("admin/") and door.credential.superuser and answer.status == 403


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
