"""How many tokens a text is to a language model.

Counted as cl100k_base does, OpenAI's vocabulary of 100,000 tokens, from the file that comes with llama-index: nothing
is fetched. Models with other vocabularies count some other number, mostly within a fifth of it for European languages;
who leaves room in a prompt leaves that much. Without the file a token is taken for three bytes of UTF-8, which is more
tokens than models count.
"""

import os
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

BYTES_A_TOKEN = 3
NAME = "cl100k_base"
FILE = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"  # as tiktoken calls it in a cache: the SHA-1 of its address


def tokens_of(text: str) -> int:
    """The first call loads the vocabulary, which takes half a second: make it in a thread."""
    return _counter()(text)


@cache
def _counter() -> Callable[[str], int]:
    directory = os.environ.get("TIKTOKEN_CACHE_DIR") or _shipped()
    if not (Path(directory) / FILE).is_file():
        return _by_bytes
    os.environ["TIKTOKEN_CACHE_DIR"] = str(directory)
    import tiktoken

    encode: Callable[[str], Sequence[int]] = tiktoken.get_encoding(NAME).encode_ordinary
    return lambda text: len(encode(text))


def _shipped() -> Path:
    """Where llama-index keeps it; found without importing that, which takes seconds."""
    package = find_spec("llama_index.core")
    places = package.submodule_search_locations if package else None
    return Path(next(iter(places or ()), "")) / "_static" / "tiktoken_cache"


def _by_bytes(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_A_TOKEN)
