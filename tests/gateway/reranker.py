"""Stand-ins for rerankers: a server on loopback that speaks as each vendor's does, and a llama-index class."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from tests.doubles import Loopback

Judge = Callable[[str, str], float]  # of a query and a text
Scored = list[tuple[int, float]]  # the place of a text and its score, best first


def by_shared_words(query: str, text: str) -> float:
    """How many words of the query a text has; on the scale of no search."""
    return 3.0 * len(set(query.lower().split()) & set(text.lower().replace(".", " ").split())) - 5.0


class Vendor:
    """What one vendor's server takes and sends, at its strictest: a field it does not know is an error."""

    path: ClassVar[str] = "/v1"
    shape: ClassVar[str] = "cohere"
    takes: ClassVar[set[str]] = {"model", "query", "documents", "top_n"}
    needs: ClassVar[set[str]] = {"model", "query", "documents"}

    def texts(self, body: dict[str, Any]) -> list[str]:
        texts: list[str] = body["documents"]
        return texts

    def answer(self, scored: Scored, texts: list[str]) -> Any:
        raise NotImplementedError


class Cohere(Vendor):
    path = "/v2"
    takes = Vendor.takes | {"max_tokens_per_doc"}

    def answer(self, scored: Scored, texts: list[str]) -> Any:
        results = [{"index": index, "relevance_score": score} for index, score in scored]
        billed = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
        return {"results": results, "id": "07734bd2", "meta": billed}


class Jina(Vendor):
    takes = Vendor.takes | {"return_documents"}

    def answer(self, scored: Scored, texts: list[str]) -> Any:
        results = [
            {"index": index, "relevance_score": score, "document": {"text": texts[index]}} for index, score in scored
        ]
        return {"model": "jina-reranker", "usage": {"total_tokens": 9}, "results": results}


class LlamaCpp(Vendor):
    needs = Vendor.needs - {"model"}

    def answer(self, scored: Scored, texts: list[str]) -> Any:
        results = [{"index": index, "relevance_score": score} for index, score in scored]
        return {"model": "some.gguf", "object": "list", "usage": {"prompt_tokens": 9}, "results": results}


class Voyage(Vendor):
    takes = Vendor.takes - {"top_n"} | {"top_k", "return_documents", "truncation"}

    def answer(self, scored: Scored, texts: list[str]) -> Any:
        data = [{"relevance_score": score, "index": index} for index, score in scored]
        return {"object": "list", "data": data, "model": "rerank", "usage": {"total_tokens": 9}}


class Tei(Vendor):
    path = ""
    shape = "tei"
    takes: ClassVar[set[str]] = {"query", "texts", "truncate", "raw_scores", "return_text", "truncation_direction"}
    needs: ClassVar[set[str]] = {"query", "texts"}

    def texts(self, body: dict[str, Any]) -> list[str]:
        texts: list[str] = body["texts"]
        return texts

    def answer(self, scored: Scored, texts: list[str]) -> Any:
        return [{"index": index, "score": score} for index, score in scored]


VENDORS = {"Cohere": Cohere(), "Jina": Jina(), "llama.cpp": LlamaCpp(), "Voyage": Voyage(), "TEI": Tei()}


class RerankServer(Loopback):
    """A reranker as `vendor` has it, judging by `judge`.

    `instead`, if there is one, is sent in place of its answer: a status with headers and a body, or the pieces of
    everything that goes over the line, each after so many seconds. `left` is set once a client went away before
    the end. `while_asked` happens before an answer.
    """

    def __init__(self, vendor: Vendor = VENDORS["Cohere"], judge: Judge = by_shared_words) -> None:
        self.vendor = vendor
        self.path = vendor.path
        self.judge = judge
        self.calls: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []  # paths, and headers by their names in small letters
        self.instead: tuple[int, dict[str, str], bytes] | None = None
        self.trickle: Callable[[], Iterable[tuple[float, bytes]]] | None = None
        self.while_asked: Callable[[], object] = lambda: None
        self.left = threading.Event()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if path != f"{self.vendor.path}/rerank":
            return 404, {}, b'{"message": "no such place"}'
        if not self.vendor.needs <= body.keys() <= self.vendor.takes:
            return 422, {}, b'{"message": "fields"}'
        texts = self.vendor.texts(body)
        scores = [(index, self.judge(body["query"], text)) for index, text in enumerate(texts)]
        best_first = sorted(scores, key=lambda pair: -pair[1])
        return 200, {}, json.dumps(self.vendor.answer(best_first, texts)).encode()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (RerankHandler,), {"double": self})


class RerankHandler(BaseHTTPRequestHandler):
    """One call of a `RerankServer`."""

    double: RerankServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.double.calls.append(body)
        self.double.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.double.while_asked()
        if self.double.trickle:
            self.drip(self.double.trickle())
            return
        status, headers, content = self.double.instead or self.double.answer(self.path, body)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(content)

    def do_GET(self) -> None:
        """Where a redirect that was followed would arrive."""
        self.double.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_error(405)

    def drip(self, pieces: Iterable[tuple[float, bytes]]) -> None:
        try:
            for pause, piece in pieces:
                time.sleep(pause)
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            self.double.left.set()

    def log_message(self, format: str, *args: object) -> None:
        pass


class WordJudge(BaseNodePostprocessor):
    """A reranker as llama-index has them: it keeps the best `top_n`, which is two unless it is told otherwise."""

    model: str = ""
    top_n: int = 2

    def score(self, query: str, text: str) -> float | None:
        return by_shared_words(query, text)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        assert query_bundle is not None
        for node in nodes:
            node.score = self.score(query_bundle.query_str, node.node.get_content())
        return sorted(nodes, key=lambda node: -(node.score or 0.0))[: self.top_n]


class Cautious(WordJudge):
    trust_remote_code: bool = True


class Needy(WordJudge):
    host: str


class Failing(WordJudge):
    def score(self, query: str, text: str) -> float | None:
        raise ValueError(f"{query} {text}")  # as libraries do, with what they were given in their message


class NotNumbers(WordJudge):
    def score(self, query: str, text: str) -> float | None:
        return float("nan")


class Unscored(WordJudge):
    def score(self, query: str, text: str) -> float | None:
        return None


class KeepsTwo(WordJudge):
    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return super()._postprocess_nodes(nodes, query_bundle)[:2]


class Slow(WordJudge):
    """Begins, and ends when the test lets it."""

    go_on: ClassVar[threading.Event] = threading.Event()

    def score(self, query: str, text: str) -> float | None:
        self.go_on.wait(20)
        return super().score(query, text)


def not_a_postprocessor() -> Sequence[float]:
    return [1.0]
