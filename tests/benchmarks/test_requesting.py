"""Requests leave by the clock, and whoever waits behind a slow one is counted."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.retrieval.peers.system import WANTED
from benchmarks.retrieval.requesting import Asker, Question, ask, questions, warm_up

ASKERS = [Asker("1", "one"), Asker("100", "hundred")]
Answer = Callable[[int], tuple[int, object]]


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[int, list[dict[str, object]]]]:
    """A server that answers the n-th request; its port, and what it was asked."""
    asked: list[dict[str, object]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                asked.append(body | {"bearer": self.headers["Authorization"], "path": self.path})
                number = len(asked) - 1
            status, content = answer(number)
            sent = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


def full(number: int) -> tuple[int, object]:
    return 200, {"results": [{}] * WANTED}


def test_each_question_is_asked_once_by_readers_in_turn() -> None:
    wanted = questions(ASKERS, 8)
    assert len({question.query for question in wanted}) == 8
    with answering(full) as (port, asked):
        answers = ask(port, wanted, a_second=200, connections=4)
    assert sorted(str(each["query"]) for each in asked) == sorted(question.query for question in wanted)
    assert {each["path"] for each in asked} == {"/api/v1/search"}
    assert {str(each["bearer"]) for each in asked} == {"Bearer one", "Bearer hundred"}
    assert {stratum: len(seconds) for stratum, seconds in answers.seconds.items()} == {"1": 4, "100": 4}
    assert (dict(answers.errors), answers.fewest) == ({}, WANTED)


def test_requests_do_not_wait_for_the_answers_to_earlier_ones() -> None:
    def slow(number: int) -> tuple[int, object]:
        time.sleep(0.3)
        return full(number)

    with answering(slow) as (port, _):
        answers = ask(port, questions(ASKERS, 10), a_second=50, connections=10)
    assert answers.passed < 1.0


def test_who_waits_behind_a_slow_answer_is_counted_from_when_they_were_due() -> None:
    def stuck_once(number: int) -> tuple[int, object]:
        time.sleep(0.5 if number == 0 else 0)
        return full(number)

    with answering(stuck_once) as (port, _):
        answers = ask(port, questions(ASKERS, 5), a_second=100, connections=1)
    assert min(answers.every) >= 0.4


def test_errors_are_counted_by_what_they_are() -> None:
    def failing(number: int) -> tuple[int, object]:
        return [(503, {}), (200, {"wrong": []}), (200, {"results": [{}]}), full(number)][number]

    with answering(failing) as (port, _):
        answers = ask(port, questions(ASKERS, 4), a_second=100, connections=1)
    assert answers.errors == {"503": 1, "KeyError": 1}
    assert answers.fewest == 1
    assert len(answers.every) == 4


def test_a_server_that_is_gone_is_an_error_and_no_end() -> None:
    with answering(full) as (port, _):
        pass
    answers = ask(port, questions(ASKERS, 3), a_second=100, connections=1)
    assert answers.errors == {"ConnectionRefusedError": 3}


def test_nothing_is_measured_where_the_embedder_does_not_answer() -> None:
    with answering(lambda number: (200, {"results": []})) as (port, _), pytest.raises(SystemExit, match="by vector"):
        warm_up(port, [Question(ASKERS[0], "anything")])
