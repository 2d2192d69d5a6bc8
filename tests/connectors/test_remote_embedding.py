"""A server that embeds is asked for what it can take, for a bounded time, and believed only in what can be used."""

import base64
import json
import math
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from itertools import count
from threading import Event, Lock
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.batching import CUT, MOST_BYTES, MOST_TEXTS, Patience, TextsRefused, cut, unit
from connectors.embedding import (
    Embedding,
    EmbeddingFailed,
    ModelChoice,
    dimensions,
    embed_each,
    embed_query,
    embed_texts,
    model_for,
)
from connectors.parsing.process import ROOT
from connectors.remote_embedding import vectors_in
from tests.doubles import Loopback

SHORT = Patience(total=2.0, request=0.5, busy=0.5, tries=2, busy_tries=3)
LONG_TEXT = "holiday " * 400
names = count()


@dataclass(frozen=True)
class Answer:
    """What a server says: a status with headers and a body, perhaps a byte now and then."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    trickles: str = ""  # "head" or "body"


class Embedder(Loopback):
    """An embedding server whose `behaves` makes an answer of the texts of a call, or vectors."""

    path = "/v1"

    def __init__(self, behaves: Callable[[list[str]], "Answer | list[Any]"]) -> None:
        self.behaves = behaves
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.over = Event()
        self.lock = Lock()

    @property
    def inputs(self) -> list[list[str]]:
        return [call["input"] for call in self.calls]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (EmbedderHandler,), {"embedder": self})

    @contextmanager
    def chosen(self, dimensions: int = 2, **others: str) -> Iterator[ModelChoice]:
        """The server while it runs, as a choice; each has a name of its own, so that nothing is remembered of it."""
        with self.running():
            try:
                yield ModelChoice(
                    **({"base_url": self.url, "model": f"double-{next(names)}"} | others), dimensions=dimensions
                )
            finally:
                self.over.set()


class EmbedderHandler(BaseHTTPRequestHandler):
    """One call of an `Embedder`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    embedder: Embedder

    def do_POST(self) -> None:
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.embedder.lock:
            self.embedder.calls.append(call)
            self.embedder.headers.append(dict(self.headers))
            self.embedder.paths.append(self.path)
            answer = self.embedder.behaves(call["input"])
        if not isinstance(answer, Answer):
            answer = Answer(body=body_of(answer))
        with suppress(OSError):  # who asked may have gone
            self.say(answer)

    def say(self, answer: Answer) -> None:
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        self.close_connection = headers.get("Connection") == "close"
        head = f"HTTP/1.1 {answer.status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        for part, content in (("head", f"{head}\r\n".encode()), ("body", answer.body)):
            for piece in [content[at : at + 1] for at in range(len(content))] if answer.trickles == part else [content]:
                self.wfile.write(piece)
                if answer.trickles == part and self.embedder.over.wait(0.05):
                    return

    def log_message(self, format: str, *args: object) -> None:
        pass


def direction(text: str) -> Embedding:
    """Another one for each length; of unit length."""
    return [math.cos(len(text) / 1_000), math.sin(len(text) / 1_000)]


def directions(texts: Iterable[str]) -> list[Embedding]:
    return [direction(text) for text in texts]


def body_of(vectors: Iterable[Any]) -> bytes:
    return json.dumps({"data": [{"index": index, "embedding": each} for index, each in enumerate(vectors)]}).encode()


def refusing(is_bad: Callable[[str], bool], status: int = 413) -> Callable[[list[str]], Answer | list[Any]]:
    """A server that refuses a request as a whole if one of its texts is bad."""
    return lambda texts: Answer(status) if any(map(is_bad, texts)) else directions(texts)


def one_after_the_other(*answers: Answer) -> Callable[[list[str]], Answer | list[Any]]:
    """These answers first, then vectors."""
    waiting = list(answers)
    return lambda texts: waiting.pop(0) if waiting else directions(texts)


def texts_of(lengths: Iterable[int]) -> list[str]:
    return ["x" * length for length in lengths]


# --- batches ------------------------------------------------------------------------------------------


def test_texts_go_in_bounded_batches_of_like_lengths_and_come_back_in_their_order() -> None:
    texts = texts_of([length * 37 % 900 + 1 for length in range(200)])
    server = Embedder(directions)
    with server.chosen() as choice:
        assert embed_texts(texts, choice) == directions(texts)
    sizes = [len(batch) for batch in server.inputs]
    assert sizes == [64, 64, 64, 8]
    assert [len(text) for batch in server.inputs for text in batch] == sorted(map(len, texts))
    assert server.paths[0] == "/v1/embeddings"
    assert server.calls[0].keys() == {"model", "input", "dimensions"}


def test_a_request_is_bounded_by_the_bytes_of_its_texts() -> None:
    texts = texts_of([30_000] * 7 + [MOST_BYTES * 2])
    server = Embedder(directions)
    with server.chosen() as choice:
        assert embed_texts(texts, choice) == directions(texts)
    assert [len(batch) for batch in server.inputs] == [3, 3, 1, 1]


def test_a_vector_of_another_length_is_brought_to_length_one() -> None:
    with Embedder(lambda texts: [[3.0, -4.0], [1e300, 0.0]][: len(texts)]).chosen() as choice:
        assert embed_texts(["one", "other"], choice) == [[0.6, -0.8], [1.0, 0.0]]


def test_several_threads_are_served_at_once() -> None:
    together = Event()
    asked = count(1)

    class Waiting(EmbedderHandler):
        def do_POST(self) -> None:
            if next(asked) == 4:
                together.set()
            together.wait(10)
            super().do_POST()

    server = Embedder(directions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "handler", lambda: type("Handler", (Waiting,), {"embedder": server}))
        with server.chosen() as choice, ThreadPoolExecutor(4) as pool:
            texts = texts_of([1, 2, 3, 4])
            assert list(pool.map(lambda text: embed_query(text, choice), texts)) == directions(texts)
    assert together.is_set()


def test_a_forked_process_asks_by_a_connection_of_its_own() -> None:
    program = (
        "import os, sys\n"
        "from connectors.embedding import ModelChoice, embed_query\n"
        "choice = ModelChoice(sys.argv[1], model='forked', dimensions=2)\n"
        "embed_query('before', choice)\n"
        "child = os.fork()\n"
        "embed_query('child' if not child else 'parent', choice)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else 0)\n"
    )
    server = Embedder(directions)
    with server.chosen() as choice:
        subprocess.run([sys.executable, "-c", program, choice.base_url], cwd=ROOT, check=True, timeout=60)
    assert sorted(server.inputs) == [["before"], ["child"], ["parent"]]


def test_a_server_s_vectors_need_no_llama_index() -> None:
    heavy = ("llama_index", "onnxruntime", "numpy", "openai")
    program = (
        "import sys\n"
        "from connectors.embedding import ModelChoice, embed_texts\n"
        "embed_texts(['text'], ModelChoice(sys.argv[1], model='light', dimensions=2))\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    with Embedder(directions).chosen() as choice:
        command = [sys.executable, "-c", program, choice.base_url]
        loaded = subprocess.run(command, cwd=ROOT, check=True, timeout=60, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"


# --- texts that are refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_text_that_is_too_long_is_cut_once_and_the_others_are_not(status: int) -> None:
    texts = ["short", LONG_TEXT, "shorter", *texts_of(range(20))]
    server = Embedder(refusing(lambda text: len(text) > 2_000, status))
    with server.chosen() as choice:
        assert embed_each(texts, choice) == directions([cut(text) for text in texts])
    assert cut(LONG_TEXT) in [text for batch in server.inputs for text in batch]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_text_that_is_refused_alone_is_left_out_after_few_requests(status: int) -> None:
    texts = texts_of(range(1, 65))
    server = Embedder(refusing(lambda text: len(text) == 40, status))
    with server.chosen() as choice:
        vectors = embed_each(texts, choice)
        assert embed_texts(texts[:39], choice) == directions(texts[:39])
    assert [len(text) for text, vector in zip(texts, vectors, strict=True) if vector is None] == [40]
    assert [vector for vector in vectors if vector] == directions(text for text in texts if len(text) != 40)
    assert len(server.calls) == 15  # the whole, the plain word, twice at each of six halvings, and the last call
    assert len(server.inputs[-1]) == 39  # nothing was learnt of the size of batches


def test_a_model_that_refuses_even_a_plain_word_is_at_fault_itself() -> None:
    server = Embedder(refusing(lambda text: True, 400))
    with server.chosen() as choice, pytest.raises(EmbeddingFailed, match="Check EMBED_BASE_URL") as failure:
        embed_each(texts_of(range(1, 65)), choice)
    assert failure.value.permanent
    assert len(server.calls) == 3  # the texts, and the plain word with and without `dimensions`


def test_a_server_that_takes_fewer_at_once_is_learnt_of() -> None:
    server = Embedder(lambda texts: Answer(413) if len(texts) > 10 else directions(texts))
    texts = texts_of(range(1, 129))
    with server.chosen() as choice:
        assert embed_texts(texts, choice) == directions(texts)
        before = len(server.calls)
        assert embed_texts(texts, choice) == directions(texts)
    assert [len(batch) for batch in server.inputs[before:]] == [8] * 16


def test_a_server_that_answers_the_first_text_only_is_asked_one_by_one() -> None:
    server = Embedder(lambda texts: directions(texts[:1]))
    texts = texts_of(range(1, 6))
    with server.chosen() as choice:
        assert embed_texts(texts, choice) == directions(texts)
        before = len(server.calls)
        embed_texts(texts, choice)
    assert len(server.calls) == before + 5


def test_a_server_that_always_gives_too_many_vectors_is_told_of() -> None:
    with Embedder(lambda texts: directions([*texts, "more"])).chosen() as choice:
        with pytest.raises(EmbeddingFailed, match="gave 2 vectors where 1 were") as failure:
            embed_each(["one"], choice)
        assert failure.value.permanent


BAD_VECTORS = [
    pytest.param([math.nan, 1.0], id="nan"),
    pytest.param([math.inf, 1.0], id="infinite"),
    pytest.param([0.0, 0.0], id="zeros"),
    pytest.param([None, 1.0], id="null"),
    pytest.param([], id="empty"),
    pytest.param([1.0, 2.0, 3.0], id="another size"),
    pytest.param(["1", "2"], id="words"),
    pytest.param([True, False], id="truth values"),
    pytest.param([10**400, 1], id="beyond floats"),
    pytest.param([[1.0], [2.0]], id="nested"),
    pytest.param(None, id="none"),
    pytest.param("AAAAA", id="broken base64"),
]


@pytest.mark.parametrize("bad", BAD_VECTORS)
def test_a_text_without_a_usable_vector_is_left_out(bad: object) -> None:
    server = Embedder(lambda texts: [bad if text == "odd" else direction(text) for text in texts])
    with server.chosen() as choice:
        assert embed_each(["one", "odd", "three"], choice) == [direction("one"), None, direction("three")]
        assert embed_each(["odd"], choice) == [None]


def test_a_vector_spoilt_by_the_company_of_others_is_asked_for_alone() -> None:
    server = Embedder(lambda texts: [[math.nan, 1.0]] * len(texts) if len(texts) > 1 else directions(texts))
    with server.chosen() as choice:
        assert embed_texts(["a", "bc"], choice) == directions(["a", "bc"])


@pytest.mark.parametrize("bad", BAD_VECTORS)
def test_a_model_that_gives_no_usable_vector_at_all_holds_nothing_against_the_texts(bad: object) -> None:
    with Embedder(lambda texts: [bad for _ in texts]).chosen() as choice:
        with pytest.raises(EmbeddingFailed, match=r"Check|Set EMBED_DIMENSIONS=3") as failure:
            embed_each(["one", "two"], choice)
        assert failure.value.permanent


# --- sizes --------------------------------------------------------------------------------------------


def test_a_size_other_than_the_one_set_is_told_with_what_to_set() -> None:
    server = Embedder(lambda texts: [[1.0, 2.0, 3.0] for _ in texts])
    with server.chosen(dimensions=2) as choice, pytest.raises(EmbeddingFailed) as failure:
        embed_each(["one", "two"], choice)
    assert failure.value.permanent
    assert "3 numbers a vector where EMBED_DIMENSIONS says 2" in str(failure.value)
    assert "asked for 2 and does not give that" in str(failure.value)
    assert "Set EMBED_DIMENSIONS=3" in str(failure.value)


def test_a_size_other_than_the_first_one_is_told() -> None:
    sizes = [2, 2]
    server = Embedder(lambda texts: [[1.0] * (sizes.pop(0) if sizes else 3) for _ in texts])
    with server.chosen(dimensions=0) as choice:
        assert dimensions(choice) == 2
        embed_texts(["one"], choice)
        with pytest.raises(EmbeddingFailed, match="gives 3 numbers a vector where it gave 2 before"):
            embed_each(["two", "three"], choice)
    assert "dimensions" not in server.calls[0]


def test_a_server_that_refuses_to_be_told_the_size_it_has_is_not_told() -> None:
    server = Embedder(directions)
    server.behaves = lambda texts: Answer(400) if "dimensions" in server.calls[-1] else directions(texts)
    with server.chosen() as choice:
        assert embed_texts(["one", "three"], choice) == directions(["one", "three"])
        before = len(server.calls)
        assert embed_texts(["one"], choice) == directions(["one"])
    assert len(server.calls) == before + 1


def test_a_large_model_s_vectors_are_taken() -> None:
    vector = unit([math.sin(place) for place in range(4_000)])
    with Embedder(lambda texts: [vector for _ in texts]).chosen(dimensions=4_000) as choice:
        assert embed_texts(["text"] * MOST_TEXTS, choice) == [vector] * MOST_TEXTS


# --- answers ------------------------------------------------------------------------------------------


def test_vectors_are_matched_by_their_index() -> None:
    def shuffled(texts: list[str]) -> Answer:
        items = [{"index": index, "embedding": direction(text)} for index, text in enumerate(texts)]
        return Answer(body=json.dumps({"data": items[::-1]}).encode())

    texts = texts_of(range(1, 13))
    with Embedder(shuffled).chosen() as choice:
        assert embed_texts(texts, choice) == directions(texts)


def test_vectors_without_an_index_are_taken_as_they_come() -> None:
    assert vectors_in(b'{"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]}') == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("indexes", [[0, 0], [1, 2], [0, None], ["0", "1"], [-1, 0], [0, True]], ids=str)
def test_vectors_that_cannot_be_matched_are_refused(indexes: list[object]) -> None:
    items = [{"index": index, "embedding": [1.0, 0.0]} for index in indexes]
    with pytest.raises(TextsRefused, match="which vector"):
        vectors_in(json.dumps({"data": items}).encode())


def test_a_server_that_numbers_every_vector_alike_is_asked_one_by_one() -> None:
    def alike(texts: list[str]) -> Answer:
        items = [{"index": 0, "embedding": direction(text)} for text in texts]
        return Answer(body=json.dumps({"data": items}).encode())

    with Embedder(alike).chosen() as choice:
        assert embed_texts(["a", "bc", "def"], choice) == directions(["a", "bc", "def"])


def test_vectors_in_base64_are_understood() -> None:
    def packed(texts: list[str]) -> list[str]:
        return [base64.b64encode(struct.pack("<2f", 0.6, 0.8)).decode() for _ in texts]

    with Embedder(packed).chosen() as choice:
        assert embed_texts(["text"], choice)[0] == pytest.approx([0.6, 0.8])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["data", "index", "embedding", "other"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values | st.builds(lambda items: {"data": items}, st.lists(json_values, max_size=4)))
def test_whatever_json_comes_is_vectors_or_refused(value: object) -> None:
    with suppress(TextsRefused):
        for vector in vectors_in(json.dumps(value).encode()):
            assert all(type(number) is float for number in vector)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Please sign in</html>", b"\xff\xfe", b"[" * 100_000, b'{"data": {}}', b'{"error": "no"}'],
    ids=["empty", "html", "no utf-8", "deep", "no list", "an error"],
)
def test_an_answer_of_another_form_is_told(body: bytes) -> None:
    with Embedder(lambda texts: Answer(body=body)).chosen() as choice:
        with pytest.raises(EmbeddingFailed, match="Check EMBED_BASE_URL") as failure:
            embed_each(["one"], choice)
        assert failure.value.permanent


def test_an_answer_without_end_is_read_to_a_bound() -> None:
    server = Embedder(lambda texts: Answer(body=b" " * 2_000_000))
    with server.chosen() as choice, pytest.raises(EmbeddingFailed, match="larger than vectors are"):
        embed_each(["one"], choice)


def test_a_compressed_answer_is_not_unpacked() -> None:
    server = Embedder(lambda texts: Answer(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b"))
    with server.chosen() as choice, pytest.raises(EmbeddingFailed, match="compressed"):
        embed_each(["one"], choice)
    assert server.headers[0]["Accept-Encoding"] == "identity"


# --- time ---------------------------------------------------------------------------------------------


def in_two_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2.9), usegmt=True)  # a date has no part of a second


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("said", ["1", "a date"])
def test_a_busy_server_is_left_alone_for_as_long_as_it_says(status: int, said: str) -> None:
    after = in_two_seconds() if said == "a date" else said
    server = Embedder(one_after_the_other(Answer(status, {"Retry-After": after})))
    begun = time.monotonic()
    with server.chosen() as choice:
        assert embed_each(["text"], choice) == [direction("text")]
    assert 1 <= time.monotonic() - begun < 6
    assert len(server.calls) == 2


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}], ids=["nothing", "no time"])
def test_a_busy_server_that_does_not_say_for_how_long_is_asked_ever_later(headers: dict[str, str]) -> None:
    server = Embedder(one_after_the_other(Answer(429, headers), Answer(503, headers)))
    begun = time.monotonic()
    with server.chosen() as choice:
        assert embed_each(["text"], choice) == [direction("text")]
    assert 1.5 <= time.monotonic() - begun < 6


def test_a_wait_beyond_all_patience_is_not_begun() -> None:
    server = Embedder(lambda texts: Answer(429, {"Retry-After": "3600"}))
    begun = time.monotonic()
    with server.chosen() as choice, pytest.raises(EmbeddingFailed, match="rate limit") as failure:
        embed_each(["text"], choice)
    assert (failure.value.permanent, failure.value.wait) == (False, 3600)
    assert time.monotonic() - begun < 2
    assert len(server.calls) == 1


def test_a_server_that_stays_busy_is_given_up_after_bounded_waits() -> None:
    server = Embedder(lambda texts: Answer(429, {"Retry-After": "0"}))
    with server.chosen() as choice, pytest.raises(EmbeddingFailed) as failure:
        model_for(choice).each(["text"], SHORT)
    assert not failure.value.permanent
    assert len(server.calls) <= SHORT.busy_tries


@pytest.mark.parametrize(
    ("answer", "calls"),
    [(Answer(429), 2), (Answer(503, {"Retry-After": "3"}), 1), (Answer(502), 2), (Answer(500), 4), (Answer(401), 1)],
    ids=["429", "503 for long", "502", "500, and the plain word", "401"],
)
def test_a_question_does_not_wait(answer: Answer, calls: int) -> None:
    server = Embedder(lambda texts: answer)
    begun = time.monotonic()
    with server.chosen() as choice, pytest.raises(EmbeddingFailed):
        embed_query("How much leave?", choice)
    assert time.monotonic() - begun < 2.5
    assert len(server.calls) == calls


def test_a_question_is_tried_once_more() -> None:
    with Embedder(one_after_the_other(Answer(502))).chosen() as choice:
        assert embed_query("How much leave?", choice) == direction("How much leave?")


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_question_is_given_up_while_a_server_trickles(part: str) -> None:
    server = Embedder(lambda texts: Answer(trickles=part, body=b" " * 10_000, headers={"Long": "x" * 10_000}))
    begun = time.monotonic()
    with server.chosen() as choice, pytest.raises(EmbeddingFailed, match="in time") as failure:
        embed_query("How much leave?", choice)
    assert 4.5 < time.monotonic() - begun < 7
    assert not failure.value.permanent


def test_a_slow_server_is_given_fewer_texts_at_once() -> None:
    server = Embedder(directions)

    def slow(texts: list[str]) -> list[Embedding]:
        if len(texts) > 3:
            server.over.wait(0.7)
        return directions(texts)

    server.behaves = slow
    with server.chosen() as choice:
        texts = texts_of(range(1, 9))
        patience = Patience(total=20, request=0.5, busy=0.5, tries=2, busy_tries=2)
        assert model_for(choice).each(texts, patience) == directions(texts)
        assert model_for(choice).most_texts == 2


def test_a_server_that_never_answers_is_given_up_in_bounded_time() -> None:
    server = Embedder(lambda texts: Answer(trickles="head"))
    begun = time.monotonic()
    with server.chosen() as choice, pytest.raises(EmbeddingFailed) as failure:
        model_for(choice).each(["one", "two"], SHORT)
    assert time.monotonic() - begun < SHORT.total + 1
    assert not failure.value.permanent


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_a_server_that_fails_may_be_asked_again(status: int) -> None:
    with Embedder(lambda texts: Answer(status)).chosen() as choice:
        with pytest.raises(EmbeddingFailed, match=f"HTTP {status}") as failure:
            embed_each(["one", "two"], choice)
        assert not failure.value.permanent


def test_a_server_that_is_away_may_be_asked_again() -> None:
    with Embedder(directions).chosen() as choice:
        pass
    begun = time.monotonic()
    with pytest.raises(EmbeddingFailed, match="cannot be reached") as failure:
        embed_each(["one"], choice)
    assert not failure.value.permanent
    assert time.monotonic() - begun < 5


def test_a_connection_that_is_broken_off_is_made_again() -> None:
    server = Embedder(one_after_the_other(Answer(headers={"Content-Length": "100", "Connection": "close"})))
    with server.chosen() as choice:
        assert embed_each(["one"], choice) == [direction("one")]


# --- what is said, and what is kept back --------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "EMBED_API_KEY"), (403, "EMBED_API_KEY"), (404, "EMBED_BASE_URL"), (402, "HTTP 402")],
    ids=str,
)
def test_a_refusal_that_only_a_person_can_change_is_told_at_once(status: int, says: str) -> None:
    server = Embedder(lambda texts: Answer(status))
    with server.chosen() as choice, pytest.raises(EmbeddingFailed, match=says) as failure:
        embed_each(["one", "two"], choice)
    assert failure.value.permanent
    assert len(server.calls) == 1


def test_a_redirect_is_not_followed() -> None:
    elsewhere = Embedder(directions)
    with elsewhere.running():
        server = Embedder(lambda texts: Answer(307, {"Location": f"{elsewhere.url}/embeddings"}))
        with server.chosen() as choice, pytest.raises(EmbeddingFailed, match="is not followed") as failure:
            embed_each(["one"], choice)
    assert failure.value.permanent
    assert elsewhere.calls == []


def test_neither_texts_nor_keys_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    question, key = "a covert question", "sk-covert"
    server = Embedder(lambda texts: Answer(400, body=json.dumps([texts, key]).encode()))
    with server.chosen(api_key=key) as choice, pytest.raises(EmbeddingFailed) as failure:
        embed_query(question, choice)
    told = "".join(traceback.format_exception(failure.value)) + caplog.text
    assert server.headers[0]["Authorization"] == f"Bearer {key}"
    assert "covert" not in told


def test_a_login_in_the_address_is_sent_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    server = Embedder(directions)
    with server.chosen() as choice:
        address = choice.base_url.replace("://", "://ann:covert@") + "/?version=1"
        embed_texts(["text"], choice._replace(base_url=address))
    assert server.headers[0]["Authorization"] == f"Basic {base64.b64encode(b'ann:covert').decode()}"
    assert server.paths == ["/v1/embeddings?version=1"]
    assert "covert" not in caplog.text


@pytest.mark.parametrize("key", ["sk-\ncovert", "sk-cövert", "sk covert"], ids=["line", "letter", "blank"])
def test_what_cannot_be_a_key_is_told_without_it(key: str) -> None:
    choice = ModelChoice("http://127.0.0.1:9/v1", key, "model", 2)
    with pytest.raises(EmbeddingFailed, match="EMBED_API_KEY holds") as failure:
        embed_query("anything", choice)
    assert failure.value.permanent
    assert "vert" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize("url", ["nonsense", "ftp://a/b", "http:///v1", "http://a:99999/v1", "http://a:b/v1"])
def test_what_cannot_be_an_address_is_told(url: str) -> None:
    with pytest.raises(EmbeddingFailed, match="EMBED_BASE_URL is not an address") as failure:
        embed_query("anything", ModelChoice(url, "", "model", 2))
    assert failure.value.permanent


def test_without_a_key_none_is_sent() -> None:
    server = Embedder(directions)
    with server.chosen() as choice:
        embed_texts(["text"], choice)
    assert "Authorization" not in server.headers[0]


def test_half_a_letter_is_sent_as_something_readable() -> None:
    server = Embedder(directions)
    with server.chosen() as choice:
        embed_query("what is \ud83d this", choice)
    assert server.inputs == [["what is ? this"]]


@given(st.text(max_size=2_000))
def test_a_cut_text_is_the_beginning_of_it_and_short_enough(text: str) -> None:
    text = text.encode("utf-8", "replace").decode() * 3
    assert text.startswith(cut(text))
    assert CUT * 3 // 4 - 4 < len(cut(text).encode()) <= CUT or cut(text) == text
