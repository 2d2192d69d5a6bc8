"""A reranker has a vote on the order, for a short while; whatever it does, nothing is lost but its help."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from pytest_django import Settings

from accounts import tokens
from accounts.models import User
from accounts.reader import Reader
from connectors import adding
from connectors.corpus.hits import Hit
from gateway import reranking
from gateway.embedded.sharing import PROJECT
from gateway.permitted_retriever import PermittedRetriever
from gateway.rerankers import LONGEST_ANSWER, Choice, NotReranked, in_order, model_for
from gateway.reranking import Clock, blended, reranked
from gateway.retrieval import TO_JUDGE, retrieve
from tests.gateway.library import LEAVE, TRAVEL, Library
from tests.gateway.passages import passage
from tests.gateway.reranker import VENDORS, RerankServer, Slow, Vendor

KEY = "the-key-of-the-reranker"
QUERY = "canteen opens"
HITS = [
    passage("The parking garage closes at ten.", title="Parking", score=0.9),
    passage("Lunch costs four euros.", title="Food", score=0.8),
    passage("The canteen opens at noon.", title="Canteen", heading="Hours", score=0.7),
]
IN_TIME = Clock(answer=20.0)
QUICK = Clock(answer=0.4, rest=0.0)
BEFORE_ITS_END = 10.0  # seconds; what is slow here takes 20 or 30, and the machine may be busy


@pytest.fixture
def server(settings: Settings) -> Iterator[RerankServer]:
    yield from configured(settings, VENDORS["Cohere"])


def configured(settings: Settings, vendor: Vendor) -> Iterator[RerankServer]:
    with RerankServer(vendor).running() as server:
        settings.RERANK_BASE_URL, settings.RERANK_SHAPE = server.url, vendor.shape
        settings.RERANK_API_KEY, settings.RERANK_MODEL = KEY, "judge-1"
        yield server


def texts(hits: Iterable[Hit]) -> list[str]:
    return [hit.text for hit in hits]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged, each with whatever a handler would print after it."""
    return [logging.Formatter().format(record) for record in caplog.records if record.levelno >= logging.WARNING]


def tells_nothing(said: str) -> bool:
    return not any(word in said for word in (KEY, QUERY, "canteen", "euros", "garage", "127.0.0.1"))


# --- servers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VENDORS)
def test_each_kind_of_server_is_asked_in_its_own_way_and_understood(name: str, settings: Settings) -> None:
    vendor = VENDORS[name]
    for server in configured(settings, vendor):
        assert [hit.title for hit in reranked(HITS, QUERY, IN_TIME)] == ["Canteen", "Parking", "Food"]
        [(path, headers)] = server.asked
        assert path == f"{vendor.path}/rerank"
        assert headers["authorization"] == f"Bearer {KEY}"


def test_nothing_is_sent_but_the_question_and_the_texts(server: RerankServer) -> None:
    long = passage("a" * 10_000, title="Long")
    reranked([*HITS, long], "b" * 3_000 + QUERY, IN_TIME)
    [body] = server.calls
    assert body.keys() == {"model", "query", "documents"}
    assert body["documents"][2] == "Canteen\nHours\nThe canteen opens at noon."
    assert len(body["documents"][3]) == 2_000
    assert body["query"].endswith(QUERY)
    assert len(body["query"]) == 1_000
    [(_, headers)] = server.asked
    assert headers.keys() == {
        *("host", "accept", "accept-encoding", "connection", "user-agent"),
        *("authorization", "content-length", "content-type"),
    }


def test_a_server_without_a_key_or_a_model_is_asked_without(settings: Settings) -> None:
    for server in configured(settings, VENDORS["llama.cpp"]):
        settings.RERANK_API_KEY = settings.RERANK_MODEL = ""
        assert reranked(HITS, QUERY, IN_TIME)[0].title == "Canteen"
        assert "authorization" not in server.asked[0][1]
        assert "model" not in server.calls[0]


@pytest.mark.parametrize("few", [[], HITS[:1]], ids=["none", "one"])
def test_what_has_no_order_is_not_judged(few: list[Hit], server: RerankServer) -> None:
    assert reranked(few, QUERY, IN_TIME) == few
    assert server.calls == []


# --- the sum of both ----------------------------------------------------------------------------------


def test_the_reranker_has_a_vote_and_not_the_last_word() -> None:
    hits = [passage("a", score=1.0), passage("b", score=0.9), passage("c", score=0.2)]
    assert texts(blended(hits, [1.0, 2.0, 3.0])) == ["b", "c", "a"]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12], ids=str)
def test_the_scale_of_its_scores_does_not_matter(scale: float) -> None:
    ranked = blended(HITS, [-3.0 * scale, -2.0 * scale, 5.0 * scale])
    assert texts(ranked) == [HITS[2].text, HITS[0].text, HITS[1].text]


def test_scores_stay_within_the_span_they_had() -> None:
    ranked = blended(HITS, [-7.0, 3.0, 40.0])
    assert [hit.score for hit in ranked] == sorted((hit.score for hit in ranked), reverse=True)
    assert all(0.7 <= hit.score <= 0.9 for hit in ranked)
    assert {hit.passage_id for hit in ranked} == {hit.passage_id for hit in HITS}


def test_a_reranker_without_an_opinion_changes_nothing() -> None:
    assert texts(blended(HITS, [0.5, 0.5, 0.5])) == texts(HITS)


def test_where_the_search_has_no_opinion_the_reranker_decides() -> None:
    hits = [passage(text, score=0.4) for text in "abc"]
    assert texts(blended(hits, [1.0, 3.0, 2.0])) == ["b", "c", "a"]


# --- whatever goes wrong ------------------------------------------------------------------------------


def results(*pairs: tuple[Any, Any]) -> bytes:
    return json.dumps({"results": [{"index": index, "relevance_score": score} for index, score in pairs]}).encode()


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "an error": (500, {}, results((0, 1), (1, 2), (2, 3))),
    "too many requests": (429, {"Retry-After": "1"}, b""),
    "no such place": (404, {}, b"{}"),
    "nothing": (200, {}, b""),
    "no JSON": (200, {"Content-Type": "text/html"}, b"<html>the canteen opens</html>"),
    "not UTF-8": (200, {}, b'"\xff"'),
    "too deep": (200, {}, b"[" * 100_000),
    "a list where an object should be": (200, {}, b"[1, 2, 3]"),
    "text where a list should be": (200, {}, b'{"results": "canteen"}'),
    "no results": (200, {}, b'{"message": "canteen"}'),
    "results that are no objects": (200, {}, b'{"results": [1, 2, 3]}'),
    "no index": (200, {}, b'{"results": [{"relevance_score": 1}, {"relevance_score": 2}, {"relevance_score": 3}]}'),
    "no score": (200, {}, b'{"results": [{"index": 0}, {"index": 1}, {"index": 2}]}'),
    "too few": (200, {}, results((2, 1), (0, 2))),
    "too many": (200, {}, results((0, 1), (1, 2), (2, 3), (3, 4))),
    "one twice": (200, {}, results((2, 3), (1, 2), (1, 1))),
    "one out of range": (200, {}, results((2, 3), (1, 2), (3, 1))),
    "one before the first": (200, {}, results((2, 3), (1, 2), (-1, 1))),
    "an index that is no number": (200, {}, results((2, 3), (1, 2), ("0", 1))),
    "an index that is true": (200, {}, results((2, 3), (0, 2), (True, 1))),
    "an index with a fraction": (200, {}, results((2, 3), (1, 2), (0.0, 1))),
    "a score that is NaN": (200, {}, results((2, 3), (1, 2), (0, float("nan")))),
    "a score without end": (200, {}, results((2, 3), (1, 2), (0, float("inf")))),
    "a score too large to compare": (200, {}, results((2, 10**400), (1, 2), (0, 1))),
    "a score that is text": (200, {}, results((2, "3"), (1, "2"), (0, "1"))),
    "a score that is null": (200, {}, results((2, None), (1, 2), (0, 1))),
    "a huge body": (200, {}, results((0, 1), (1, 2), (2, 3)) + b" " * LONGEST_ANSWER),
    "a packed body": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08\x00\x00\x00\x00\x00"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_is_of_no_use_leaves_the_order_alone(
    what: str, server: RerankServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.instead = ANSWERS[what]
    assert reranked(HITS, QUERY, IN_TIME) == HITS
    [said] = warnings(caplog)
    assert said.startswith("A search keeps its own order, for the reranker was of no help. It")
    assert tells_nothing(said)


def test_after_a_bad_answer_it_is_asked_again(server: RerankServer) -> None:
    server.instead = ANSWERS["an error"]
    reranked(HITS, QUERY, IN_TIME)
    server.instead = None
    assert reranked(HITS, QUERY, IN_TIME)[0].title == "Canteen"


def test_nobody_there_leaves_the_order_alone(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    for _ in configured(settings, VENDORS["Cohere"]):
        pass
    assert reranked(HITS, QUERY, IN_TIME) == HITS
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize("address", ["canteen", "http://", "ftp://127.0.0.1", "http://[::1", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_leaves_the_order_alone(
    address: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.RERANK_BASE_URL = address
    assert reranked(HITS, QUERY, IN_TIME) == HITS
    [said] = warnings(caplog)
    assert tells_nothing(said)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, server: RerankServer, caplog: pytest.LogCaptureFixture) -> None:
    with RerankServer().running() as elsewhere:
        server.instead = (status, {"Location": f"{elsewhere.url}/rerank"}, b"")
        assert reranked(HITS, QUERY, IN_TIME) == HITS
        assert elsewhere.asked == []
    assert len(server.asked) == len(warnings(caplog)) == 1


def test_a_question_that_cannot_be_sent_leaves_the_order_alone(server: RerankServer) -> None:
    assert reranked(HITS, f"{QUERY} \ud800", IN_TIME) == HITS
    assert server.calls == []


# --- the clock ----------------------------------------------------------------------------------------


def silent() -> Iterator[tuple[float, bytes]]:
    yield 30.0, b""


def dripping_headers() -> Iterator[tuple[float, bytes]]:
    yield 0.0, b"HTTP/1.1 200 OK\r\nX-Patience: "
    for _ in range(600):
        yield 0.05, b"x"


def dripping_body() -> Iterator[tuple[float, bytes]]:
    yield 0.0, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    for _ in range(600):
        yield 0.05, b" "


@pytest.mark.parametrize("how", [silent, dripping_headers, dripping_body], ids=lambda how: how.__name__)
def test_a_slow_server_is_given_up_in_time(
    how: Callable[[], Iterable[tuple[float, bytes]]], server: RerankServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.trickle = how
    begun = time.monotonic()
    assert reranked(HITS, QUERY, QUICK) == HITS
    assert time.monotonic() - begun < BEFORE_ITS_END
    [said] = warnings(caplog)
    assert "It did not answer within 0.4 s." in said
    assert tells_nothing(said)
    if how is not silent:
        assert server.left.wait(10)  # its connection was closed


def test_a_search_waits_a_second_and_a_half_at_most(server: RerankServer) -> None:
    server.trickle = dripping_body
    begun = time.monotonic()
    assert reranked(HITS, QUERY) == HITS
    assert 1.5 <= time.monotonic() - begun < BEFORE_ITS_END


def test_one_that_was_late_is_left_alone_for_a_while(server: RerankServer, caplog: pytest.LogCaptureFixture) -> None:
    server.trickle = dripping_body
    reranked(HITS, QUERY, Clock(answer=0.2, rest=0.0))
    reranked(HITS, QUERY, Clock(answer=0.2, rest=600.0))
    assert len(server.calls) == len(warnings(caplog)) == 2
    server.trickle = None
    assert reranked(HITS, QUERY, IN_TIME) == HITS
    assert len(server.calls) == len(warnings(caplog)) == 2


# --- a class ------------------------------------------------------------------------------------------

HERE = "tests.gateway.reranker"


def test_a_llama_index_class_judges_and_keeps_them_all(settings: Settings) -> None:
    settings.RERANK_CLASS, settings.RERANK_MODEL = f"{HERE}.WordJudge", "words"
    assert [hit.title for hit in reranked(HITS, QUERY, IN_TIME)] == ["Canteen", "Parking", "Food"]
    assert model_for(reranking.chosen()).to_dict()["model"] == "words"


CLASSES = {
    "Failing": "It did not answer (ValueError).",
    "NotNumbers": "Its answer holds what is not the score of a text.",
    "Unscored": "Its answer holds what is not the score of a text.",
    "KeepsTwo": "It was to score 3 texts, each once, and did not.",
    "NotThere": "RERANK_CLASS does not name a class that can be made with these settings and packages (ImportError).",
    "Needy": "RERANK_CLASS does not name a class that can be made with these settings and packages (ValidationError).",
    "not_a_postprocessor": "RERANK_CLASS does not name a llama-index node postprocessor.",
}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_that_is_of_no_use_leaves_the_order_alone(
    name: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.RERANK_CLASS = f"{HERE}.{name}"
    assert reranked(HITS, QUERY, IN_TIME) == HITS
    [said] = warnings(caplog)
    assert said.endswith(CLASSES[name])
    assert tells_nothing(said)


def test_a_slow_class_is_given_up_in_time(settings: Settings) -> None:
    settings.RERANK_CLASS = f"{HERE}.Slow"
    Slow.go_on.clear()
    begun = time.monotonic()
    try:
        assert reranked(HITS, QUERY, QUICK) == HITS
        assert reranked(HITS, QUERY, QUICK) == HITS  # the first still holds the one thread there is
        assert time.monotonic() - begun < BEFORE_ITS_END
    finally:
        Slow.go_on.set()
    assert reranked(HITS, QUERY, IN_TIME)[0].title == "Canteen"


def test_a_class_is_kept_from_running_what_comes_with_weights() -> None:
    """llama-index's own cross-encoder would run it by default; it is not installed here, and says so first."""
    named = "llama_index.core.postprocessor.SentenceTransformerRerank"
    with pytest.raises(NotReranked, match="packages"):
        model_for(Choice(class_path=named))
    made = model_for(Choice(class_path=f"{HERE}.Cautious"))
    assert made.to_dict()["trust_remote_code"] is False


@pytest.mark.parametrize("pairs", [[(0, 1.0)], [(0, 1.0), (0, 2.0)], [(1, 1.0), (2, 2.0)]], ids=str)
def test_each_text_has_one_score(pairs: list[tuple[int, float]]) -> None:
    with pytest.raises(NotReranked):
        in_order(pairs, 2)
    assert in_order([(1, 2), (0, 1.5)], 2) == [1.5, 2.0]


# --- in a search --------------------------------------------------------------------------------------


def shelved() -> tuple[Library, Reader]:
    library = Library()
    ann = library.person("ann")
    library.person("bob")
    library.put("leave", LEAVE, readers=("ann",), title="Leave")
    library.put("travel", TRAVEL, readers=("ann",), title="Travel")
    return library, ann


ASKED = "hotel room or parental leave"


@pytest.mark.django_db
def test_searches_and_what_is_built_on_them_have_the_order_of_both(server: RerankServer) -> None:
    _, ann = shelved()
    for favourite, other in (("Leave", "Travel"), ("Travel", "Leave")):
        server.judge = lambda query, text, favourite=favourite: float(text.startswith(favourite))  # type: ignore[misc]
        server.calls.clear()
        found = [hit.title for hit in retrieve(ann, ASKED)]
        nodes = PermittedRetriever(ann).retrieve(ASKED)
        assert set(found) == {favourite, other}
        assert [node.node.metadata["title"] for node in nodes] == found
        assert len(server.calls) == 2


@pytest.mark.django_db
def test_so_many_of_the_best_are_judged_and_the_others_stay_behind(server: RerankServer) -> None:
    library = Library()
    ann = library.person("ann")
    for number in range(TO_JUDGE + 5):
        library.put(f"d{number}", f"Canteen number {number} opens." + " canteen" * number, readers=("ann",))
    own = texts(retrieve(ann, QUERY, limit=50, mode="text"))
    server.calls.clear()
    server.judge = lambda query, text: float(own.index(text.split("\n")[1]))
    judged = texts(retrieve(ann, QUERY, limit=50, mode="text"))
    [body] = server.calls
    assert [text.split("\n")[1] for text in body["documents"]] == own[:TO_JUDGE]
    assert judged[TO_JUDGE:] == own[TO_JUDGE:]
    assert set(judged) == set(own)
    assert len(retrieve(ann, QUERY, limit=3, mode="text")) == 3
    assert len(server.calls[-1]["documents"]) == TO_JUDGE


@pytest.mark.django_db
def test_only_what_the_reader_may_read_is_sent(server: RerankServer) -> None:
    library, ann = shelved()
    library.put("secret", "The parental leave of the board is a secret hotel room.", readers=("bob",), title="Secret")
    retrieve(ann, ASKED)
    sent = json.dumps(server.calls)
    assert "Leave" in sent
    assert "secret" not in sent.lower()
    assert "ann@example.com" not in sent + json.dumps(server.asked)


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_it_thinks(server: RerankServer) -> None:
    _, ann = shelved()
    ours = connections["default"]  # of this thread, looked at from the server's
    held: list[bool] = []
    server.while_asked = lambda: held.append(ours.connection is not None)
    assert retrieve(ann, ASKED)
    assert held == [False]


LOSSES: dict[str, Callable[[Library], object]] = {
    "its list": lambda library: library.put("leave", LEAVE, readers=("bob",), title="Leave"),
    "its text": lambda library: library.put("leave", "Nothing is left of it.", readers=("ann",), title="Leave"),
    "the document": lambda library: library.remove("leave"),
    "the person": lambda library: User.objects.filter(email="ann@example.com").update(is_active=False),
    "the source": lambda library: adding.pause(library.source),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answers", [True, False], ids=["and it answers", "and it fails"])
@pytest.mark.parametrize("lost", LOSSES)
def test_what_is_lost_while_it_thinks_is_not_found(lost: str, answers: bool, server: RerankServer) -> None:
    library, ann = shelved()
    _, secret = tokens.issue(
        User.objects.get(pk=ann.user_id), verbs=["read"], all_sources=True, directories=[], expires_at=None
    )
    program = Client(headers={"Authorization": f"Bearer {secret}"})

    def search() -> str:
        return program.post("/api/v1/search", {"query": ASKED}, "application/json").content.decode()

    def lose() -> None:
        """In the thread of the server, with a connection of its own."""
        LOSSES[lost](library)
        connection.close()

    assert "26 weeks" in search()
    server.while_asked = lose
    server.instead = None if answers else ANSWERS["an error"]
    body = search()
    assert "26 weeks" not in body
    assert ("140 euros" in body) is (lost in ("its list", "its text", "the document"))


# --- without one --------------------------------------------------------------------------------------


def test_without_one_nothing_of_it_is_loaded() -> None:
    program = """
import django
django.setup()
import sys, gateway.retrieval, gateway.api.searching
print([name for name in ("gateway.reranking", "gateway.rerankers", "httpx", "llama_index") if name in sys.modules])
print(gateway.retrieval.has_reranker())
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["[]", "False"]


def test_a_form_that_is_none_stops_the_start() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "gateway.settings", "RERANK_SHAPE": "voyager"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 78
    assert ended.stderr == "Gatehouse does not start: RERANK_SHAPE is neither 'cohere' nor 'tei'.\n"


# --- the doctor ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_doctor_says_that_it_answers(server: RerankServer, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor")
    said = capsys.readouterr().out
    assert "The reranker answers in 0." in said
    assert said.endswith("Nothing is missing.\n")


@pytest.mark.django_db
def test_the_doctor_says_that_it_does_not(server: RerankServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.instead = ANSWERS["no such place"]
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor")
    assert capsys.readouterr().err == (
        "Problem: the reranker is of no help: It answered with the status 404. "
        "Searches keep their own order until it is put right, or RERANK_BASE_URL and RERANK_CLASS are unset.\n"
    )


@pytest.mark.django_db
def test_the_doctor_says_that_it_is_too_slow(server: RerankServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.while_asked = lambda: time.sleep(1.6 if len(server.calls) > 1 else 0)
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor")
    said = capsys.readouterr().err
    assert said.startswith("Problem: the reranker takes 1.")
    assert "a search waits 1.5 s for it" in said
