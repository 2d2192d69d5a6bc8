"""What judges hits anew: a server of a known protocol, or a llama-index class. Imported only where one is set.

Servers are asked as Cohere's API is (docs.cohere.com/reference/rerank); those of Jina, Voyage, llama.cpp and vLLM take
the same. Hugging Face's text-embeddings-inference has a form of its own. How many of the best to send back is never
said, for all are wanted.
"""

import asyncio
import inspect
import math
import ssl
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
from django.utils.module_loading import import_string

from connectors import strict_json

if TYPE_CHECKING:  # importing llama-index costs a second and a half: only who names a class pays
    from llama_index.core.postprocessor.types import BaseNodePostprocessor

TEI = "tei"
LONGEST_ANSWER = 1_000_000  # bytes; some servers send the texts back
LARGEST_SCORE = 1e30  # beyond it differences are no numbers any more
ALL = 1_000  # more than are ever judged at once: a class that keeps the best few would lose the others


class NotReranked(Exception):
    """No usable scores came back. The message says why, without texts, keys or addresses."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The settings that name a reranker."""

    base_url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = ""
    shape: str = ""
    class_path: str = ""


async def judged(choice: Choice, query: str, texts: Sequence[str]) -> list[float]:
    """One score a text, in order; higher is better, and what scale they have is the model's own. Raises NotReranked."""
    try:
        if choice.class_path:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(_one_at_a_time(), _by_class, choice, query, texts)
        return await _by_server(choice, query, texts)
    except NotReranked:
        raise
    except Exception as error:  # it is a plug-in: whatever is raised means that it did not answer, and may hold texts
        raise NotReranked(f"It did not answer ({type(error).__name__}).") from None


# --- a server -----------------------------------------------------------------------------------------


async def _by_server(choice: Choice, query: str, texts: Sequence[str]) -> list[float]:
    headers = {"Authorization": f"Bearer {choice.api_key}"} if choice.api_key else {}
    address = f"{choice.base_url.rstrip('/')}/rerank"
    async with _client().stream("POST", address, json=_request(choice, query, texts), headers=headers) as response:
        if response.status_code != httpx.codes.OK:
            raise NotReranked(f"It answered with the status {response.status_code}.")
        answer = await _body(response)
    return _scores(answer, choice.shape, len(texts))


def _request(choice: Choice, query: str, texts: Sequence[str]) -> dict[str, Any]:
    if choice.shape == TEI:
        return {"query": query, "texts": texts, "truncate": True}
    return {**({"model": choice.model} if choice.model else {}), "query": query, "documents": texts}


async def _body(response: httpx.Response) -> bytes:
    """As it came: what is compressed although it was not asked for is not unpacked."""
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise NotReranked(f"Its answer is longer than {LONGEST_ANSWER:,} bytes.")
    return bytes(body)


def _scores(body: bytes, shape: str, count: int) -> list[float]:
    try:
        answer = strict_json.loads(body)
    except strict_json.InvalidJSON:
        raise NotReranked("Its answer is not JSON.") from None
    if shape == TEI:
        items, name = answer, "score"
    else:
        whole = answer if isinstance(answer, dict) else {}
        items, name = whole.get("results", whole.get("data")), "relevance_score"
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotReranked("Its answer holds no list of scores. Look whether RERANK_SHAPE is right.")
    return in_order([(item.get("index"), item.get(name)) for item in items], count)


def in_order(scored: Iterable[tuple[Any, Any]], count: int) -> list[float]:
    """The scores of `count` texts by their index, if each has exactly one. Raises NotReranked."""
    pairs = list(scored)
    if not all(type(index) is int and _is_score(score) for index, score in pairs):
        raise NotReranked("Its answer holds what is not the score of a text.")
    if sorted(index for index, _ in pairs) != list(range(count)):
        raise NotReranked(f"It was to score {count} texts, each once, and did not.")
    return [float(score) for _, score in sorted(pairs)]


def _is_score(score: object) -> bool:
    """A number that can be compared: no NaN, nothing endless, and no truth value either."""
    return type(score) in (int, float) and abs(score) < LARGEST_SCORE  # type: ignore[arg-type]


@cache
def _client() -> httpx.AsyncClient:
    """One for the process, so that connections are kept between searches. Who waits looks at the clock, not it."""
    return httpx.AsyncClient(
        headers={"Accept-Encoding": "identity"},
        timeout=None,  # noqa: S113  (a whole answer has its time, and is given up from outside)
        verify=ssl.create_default_context(),
        follow_redirects=False,
    )


# --- a class ------------------------------------------------------------------------------------------


@cache
def _one_at_a_time() -> ThreadPoolExecutor:
    """Models in this process share its processors. What waits here too long is given up before it begins."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="reranker")


def _by_class(choice: Choice, query: str, texts: Sequence[str]) -> list[float]:
    from llama_index.core.schema import NodeWithScore, TextNode

    nodes = [NodeWithScore(node=TextNode(id_=str(index), text=text)) for index, text in enumerate(texts)]
    scored = model_for(choice).postprocess_nodes(nodes, query_str=query)
    return in_order([(int(node.node_id), _score_of(node)) for node in scored], len(texts))


def _score_of(node: Any) -> float:
    return math.nan if node.score is None else float(node.score)  # numpy's numbers, as a rule


@cache
def model_for(choice: Choice) -> "BaseNodePostprocessor":
    """The class, made once, with the model name and key where the settings have them. Raises NotReranked.

    It is to give back all it is given, and to run no code that comes with a model's weights.
    """
    from llama_index.core.postprocessor.types import BaseNodePostprocessor

    named = {"model": choice.model, "api_key": choice.api_key}
    try:
        maker = import_string(choice.class_path)
        takes = inspect.signature(maker).parameters
        fixed = {name: value for name, value in (("top_n", ALL), ("trust_remote_code", False)) if name in takes}
        model = maker(**fixed, **{name: value for name, value in named.items() if value})
    except (ImportError, TypeError, ValueError) as error:
        raise NotReranked(
            f"RERANK_CLASS does not name a class that can be made with these settings and packages "
            f"({type(error).__name__})."
        ) from None
    if not isinstance(model, BaseNodePostprocessor):
        raise NotReranked("RERANK_CLASS does not name a llama-index node postprocessor.")
    return model
