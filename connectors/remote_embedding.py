"""An embedding server, spoken to as OpenAI's API is (platform.openai.com/docs/api-reference/embeddings/create).

Requests are sent by ourselves: llama-index's classes for such servers repeat them by a clock of their own, read
answers of any size, and do not tell a refused text from a server that is down.
"""

import base64
import json
import sys
from array import array
from collections.abc import Sequence
from itertools import count
from time import sleep
from typing import TYPE_CHECKING

from connectors.batching import PLAIN_WORD, Clock, Embedding, EmbeddingFailed, TextsRefused, cut
from connectors.calling import Caller, CallFailed, NotReached, Reply, TooLong, TooSlow

if TYPE_CHECKING:
    from connectors.embedding import ModelChoice

MOST_A_TEXT = 200_000  # bytes of an answer: 4,000 numbers take some 90,000
MOST_BESIDE = 100_000
TEXT_REFUSED = (400, 413, 422)
BUSY = (429, 503)
LATE = (408, 504)  # said by a server or a proxy that waited for it
SENTENCES = {
    401: "refuses the key (HTTP 401). Check EMBED_API_KEY.",
    403: "refuses the key (HTTP 403). Check EMBED_API_KEY, and what it may use.",
    404: "knows no such address or model (HTTP 404). Check EMBED_BASE_URL, with its version path such as /v1, "
    "and EMBED_MODEL.",
    429: "takes no more requests for now (HTTP 429): a rate limit or a quota is used up.",
    503: "is busy or still starting (HTTP 503).",
}


class Mischance(Exception):
    """A request failed that may succeed if it is sent again; `failure` is what it comes to if not.

    `busy`: the server has too many of them, and asks for `wait` seconds without any if it says so.
    """

    def __init__(self, failure: EmbeddingFailed, *, busy: bool = False, wait: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.busy = busy
        self.wait = wait


class Server:
    """The server of EMBED_BASE_URL."""

    def __init__(self, choice: "ModelChoice") -> None:
        self.model = choice.model or "default"
        self.dimensions = choice.dimensions
        try:
            self.caller = Caller(choice.base_url, "/embeddings", choice.api_key)
        except ValueError as error:
            raise EmbeddingFailed(
                "EMBED_API_KEY holds characters that no key has."
                if str(error) == "key"
                else "EMBED_BASE_URL is not an address such as https://embedder.example.com/v1."
            ) from None

    def texts(self, texts: Sequence[str], clock: Clock) -> list[Embedding]:
        return self._vectors(texts, clock, self.dimensions)

    def question(self, texts: Sequence[str], clock: Clock) -> list[Embedding]:
        return self.texts(texts, clock)

    def plain_word(self, clock: Clock) -> list[Embedding]:
        """What can be said of the server is said by this. One that takes no `dimensions` is not told them again."""
        try:
            return self.texts([PLAIN_WORD], clock)
        except TextsRefused as refused:
            if not (self.dimensions and refused.permanent):
                raise
        vectors = self._vectors([PLAIN_WORD], clock, 0)
        self.dimensions = 0
        return vectors

    def _vectors(self, texts: Sequence[str], clock: Clock, dimensions: int) -> list[Embedding]:
        """In the order of the texts, as they come. Asks again within the clock's patience."""
        for tried in count(1):
            try:
                return self._asked(texts, clock, dimensions)
            except Mischance as mischance:
                pause = clock.busy_pause(tried, mischance.wait) if mischance.busy else clock.pause(tried)
                if pause is None:
                    raise mischance.failure from mischance.__cause__
                sleep(pause)
        raise AssertionError("Counting does not end.")

    def _asked(self, texts: Sequence[str], clock: Clock, dimensions: int) -> list[Embedding]:
        payload: dict[str, object] = {"model": self.model, "input": [_sendable(text) for text in texts]}
        if dimensions:
            payload["dimensions"] = dimensions
        try:
            most = MOST_BESIDE + MOST_A_TEXT * len(texts)
            reply = self.caller.post(payload, seconds=clock.request(), most=most)
        except TooSlow:
            raise _late(texts, "The embedding server did not answer in time.") from None
        except TooLong:
            raise TextsRefused("The embedding server's answer is larger than vectors are, or compressed.") from None
        except NotReached as error:
            sentence = f"The embedding server cannot be reached ({error}). Check EMBED_BASE_URL, and that it runs."
            raise Mischance(EmbeddingFailed(sentence, permanent=False)) from error.__cause__
        except CallFailed as error:
            sentence = f"The embedding server broke off the connection ({error})."
            raise Mischance(TextsRefused(sentence, permanent=False, blames=False, too_much=False)) from error.__cause__
        if reply.status != 200:
            raise failure_of(reply, texts)
        return vectors_in(reply.content)


def failure_of(reply: Reply, texts: Sequence[str]) -> Exception:
    """What an answer without vectors means: an EmbeddingFailed, or a Mischance."""
    status = reply.status
    sentence = f"The embedding server {SENTENCES.get(status, f'failed (HTTP {status}).')}"
    if status in TEXT_REFUSED:
        return TextsRefused(f"The embedding server refuses a text (HTTP {status}).")
    if status in BUSY:
        wait = reply.retry_after
        return Mischance(EmbeddingFailed(sentence, permanent=False, wait=wait or 0.0), busy=True, wait=wait)
    if status in LATE:
        return _late(texts, sentence)
    if status >= 500:
        # llama.cpp says 500 of a text longer than its batch; others say it of themselves, and may be up again soon
        refused = TextsRefused(sentence, permanent=False, blames=status == 500, too_much=False)
        is_as_small_as_can_be = len(texts) == 1 and cut(texts[0]) == texts[0]
        return Mischance(refused) if status != 500 or is_as_small_as_can_be else refused
    if 300 <= status < 400:
        sentence = (
            f"The embedding server sends elsewhere (HTTP {status}), and is not followed. Set EMBED_BASE_URL to "
            "where it leads."
        )
    return EmbeddingFailed(sentence)


def _late(texts: Sequence[str], sentence: str) -> EmbeddingFailed:
    """Fewer texts may be embedded in time; one that is not says more of the server than of itself."""
    if len(texts) > 1:
        return TextsRefused(sentence, permanent=False, blames=False)
    return EmbeddingFailed(sentence, permanent=False)


def vectors_in(content: bytes) -> list[Embedding]:
    """The vectors of an answer by their `index`, or as they come where none has one. Raises TextsRefused."""
    try:
        items = json.loads(content)["data"]
        given = [(item.get("index"), item["embedding"]) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TextsRefused("The embedding server's answer holds no vectors in the form of OpenAI's API.") from None
    if len(given) == 1 or not any(index is not None for index, _ in given):
        return [numbers_of(embedding) for _, embedding in given]
    placed = {index: embedding for index, embedding in given if type(index) is int}
    if placed.keys() != set(range(len(given))):
        raise TextsRefused("The embedding server's answer does not say which vector is of which text.")
    return [numbers_of(placed[place]) for place in range(len(given))]


def numbers_of(value: object) -> Embedding:
    """A vector as JSON's numbers, or as base64 of float32, little-endian; empty if it is neither."""
    try:
        if isinstance(value, str):
            numbers = array("f", base64.b64decode(value, validate=True))
            if sys.byteorder == "big":
                numbers.byteswap()
            return numbers.tolist()
        if isinstance(value, list) and all(type(number) in (int, float) for number in value):
            return [float(number) for number in value]
    except (ValueError, OverflowError):
        pass
    return []


def _sendable(text: str) -> str:
    """Without halves of surrogate pairs, which are no text anywhere else."""
    return text.encode("utf-8", "replace").decode()
