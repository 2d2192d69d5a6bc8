"""Vectors come from the model the settings name, at unit length, or not at all."""

import math
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from pytest_django import Settings

from connectors import minilm, quantising
from connectors.embedding import (
    EmbeddingFailed,
    ModelChoice,
    QueryMemory,
    chosen,
    dimensions,
    embed_each,
    embed_query,
    embed_texts,
    model_for,
    model_name,
)
from connectors.parsing.process import ROOT
from connectors.quantising import quantised_model
from tests.doubles import EmbeddingServer

LEAVE = "Employees receive 25 days of paid holiday each year."
NETWORK = "The router announces its routes by BGP."


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_the_local_model_puts_a_question_near_its_answer() -> None:
    question = embed_query("How much leave do I get?")
    near, far = embed_texts([LEAVE, NETWORK])
    assert len(question) == dimensions() == 384
    assert math.isclose(cosine(question, question), 1, abs_tol=1e-5)
    assert cosine(question, near) > 0.3 > cosine(question, far)
    assert model_name() == "all-MiniLM-L6-v2"


def test_vectors_do_not_depend_on_what_else_is_embedded() -> None:
    texts = [LEAVE * length for length in (9, 1, 30, 3)] + ["", NETWORK]
    together = embed_texts(texts)
    for text, vector in zip(texts, together, strict=True):
        assert vector == embed_texts([text])[0]


def test_what_stands_beyond_the_limit_of_the_model_is_not_read() -> None:
    long = "leave " * 300
    assert cosine(*embed_texts([long, long + NETWORK])) > 0.9999


def test_nothing_to_embed_asks_no_model() -> None:
    assert embed_texts([]) == []


def test_the_local_model_is_a_llama_index_embedding() -> None:
    model = minilm.MiniLM()
    assert isinstance(model, BaseEmbedding)
    assert model.get_query_embedding(LEAVE) == model.get_text_embedding(LEAVE)


def test_a_changed_model_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "MODEL_SHA256", "0" * 64)
    with pytest.raises(EmbeddingFailed, match="not the published one"):
        minilm.Encoder(None)


def test_the_faster_form_is_made_once_and_says_nearly_the_same(tmp_path: Path) -> None:
    texts = [LEAVE, NETWORK, " ".join([LEAVE, NETWORK] * 12)]
    published = minilm.Encoder(None).encode(texts)
    faster = minilm.Encoder(tmp_path / "models").encode(texts)
    assert ((published * faster).sum(axis=1) > 0.985).all()
    assert not (published == faster).all()
    [file] = (tmp_path / "models").iterdir()
    made = file.stat().st_mtime_ns
    assert quantised_model(tmp_path / "models") == file
    assert file.stat().st_mtime_ns == made


def test_a_faster_form_that_is_not_the_measured_one_is_made_again(tmp_path: Path) -> None:
    (tmp_path / quantising.NAME).write_bytes(b"something else")
    assert quantised_model(tmp_path) == tmp_path / quantising.NAME
    assert quantising.is_the_one(tmp_path / quantising.NAME)


def test_where_it_cannot_be_made_the_published_model_serves(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where a directory should be")
    assert quantised_model(tmp_path / "models") is None
    assert minilm.Encoder(tmp_path / "models").encode([LEAVE]).shape == (1, 384)


def test_one_that_comes_out_otherwise_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantising, "QUANTISED_SHA256", "0" * 64)
    assert quantised_model(tmp_path) is None


def test_importing_the_module_loads_no_model() -> None:
    heavy = ("llama_index", "onnxruntime", "numpy", "django", "httpx", "asyncio")
    program = f"import sys, connectors.embedding; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_recent_questions_are_remembered_without_their_words() -> None:
    memory = QueryMemory(2)
    for key in (b"one", b"two"):
        memory.put(key, [1.0])
    memory.get(b"one")
    memory.put(b"three", [3.0])
    assert [memory.get(key) for key in (b"one", b"two", b"three")] == [[1.0], None, [3.0]]


def test_a_server_embeds_when_one_is_set(settings: Settings) -> None:
    with EmbeddingServer().running() as server:
        settings.EMBED_BASE_URL, settings.EMBED_MODEL, settings.EMBED_API_KEY = server.url, "small", "key"
        long, short = embed_texts(["abcd", "ab"])
        assert long == pytest.approx([4 / 17**0.5, 1 / 17**0.5])
        assert short == pytest.approx([2 / 5**0.5, 1 / 5**0.5])
        assert embed_query("abc") == embed_query("abc") == pytest.approx([3 / 10**0.5, 1 / 10**0.5])
        assert (model_name(), dimensions()) == ("small", 2)
    assert [call["input"] for call in server.calls] == [["size"], ["ab", "abcd"], ["abc"]]
    assert server.calls[0]["model"] == "small"


@pytest.mark.parametrize("vector", [[], [0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0], [1.0, 2.0, 3.0]])
def test_a_vector_that_cannot_be_compared_is_refused(settings: Settings, vector: list[float]) -> None:
    with EmbeddingServer(vector).running() as server:
        settings.EMBED_BASE_URL, settings.EMBED_MODEL, settings.EMBED_DIMENSIONS = server.url, "odd", 2
        with pytest.raises(EmbeddingFailed):
            embed_texts(["text"])


def test_a_server_that_is_away_may_be_asked_again(settings: Settings) -> None:
    with EmbeddingServer().running() as server:
        settings.EMBED_BASE_URL, settings.EMBED_MODEL = server.url, "away"
    with pytest.raises(EmbeddingFailed) as failure:
        embed_query("a secret question")
    assert not failure.value.permanent
    assert "secret" not in str(failure.value)


def test_a_class_embeds_when_one_is_set(settings: Settings) -> None:
    settings.EMBED_CLASS = "connectors.minilm.MiniLM"
    assert len(embed_query("anything")) == 384


@pytest.mark.parametrize("path", ["no.such.Class", "connectors.embedding.ModelChoice", "nonsense"])
def test_a_class_that_is_no_embedding_is_told(settings: Settings, path: str) -> None:
    settings.EMBED_CLASS = path
    with pytest.raises(EmbeddingFailed, match="EMBED_CLASS") as failure:
        embed_query("anything at all")
    assert failure.value.permanent


def test_a_model_is_loaded_once() -> None:
    assert model_for(chosen()) is model_for(chosen())


def test_the_model_before_can_still_be_asked(settings: Settings) -> None:
    settings.EMBED_CLASS = "tests.connectors.test_embedding.Odd"
    before = ModelChoice()
    assert (model_name(before), dimensions(before)) == ("all-MiniLM-L6-v2", 384)
    assert (model_name(), dimensions()) == (settings.EMBED_CLASS, 2)
    assert len(embed_query(LEAVE, before)) == len(embed_texts([LEAVE], before)[0]) == 384
    assert embed_query(LEAVE) == embed_texts([LEAVE])[0] == [0.6, 0.8]


def test_a_server_without_a_model_s_name_is_not_taken_for_the_local_model() -> None:
    names = {model_name(ModelChoice(base_url=url)) for url in ("http://one/v1", "http://two/v1", "")}
    assert len(names) == 3
    assert not any("://" in name for name in names)


class StatusError(Exception):
    """As HTTP libraries raise it."""

    def __init__(self, status_code: int, words: str) -> None:
        super().__init__(words)
        self.status_code = status_code


class Odd(BaseEmbedding):
    """A class whose texts say what becomes of them."""

    def _get_text_embedding(self, text: str) -> list[float]:
        if "refused" in text:
            raise StatusError(400, f"This is too much for me: {text}")
        if "forbidden" in text:
            raise StatusError(403, f"Not with this key: {text}")
        if "broken" in text:
            raise OSError(text)
        return [math.nan, 1.0] if "odd" in text else [3.0, 4.0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def test_a_text_that_a_class_refuses_is_told_from_the_others(settings: Settings) -> None:
    settings.EMBED_CLASS = "tests.connectors.test_embedding.Odd"
    fine = [0.6, 0.8]
    assert embed_each(["one", "an odd one", "two", "a refused one"]) == [fine, None, fine, None]
    with pytest.raises(EmbeddingFailed, match="refuses 2 of 3 texts") as failure:
        embed_texts(["one", "an odd one", "a refused one"])
    assert failure.value.permanent


@pytest.mark.parametrize(("word", "permanent"), [("broken", False), ("forbidden", True)])
def test_what_a_class_says_when_it_fails_is_kept_from_logs(settings: Settings, word: str, permanent: bool) -> None:
    settings.EMBED_CLASS = "tests.connectors.test_embedding.Odd"
    text = f"a {word} secret"
    with pytest.raises(EmbeddingFailed) as failure:
        embed_each([text])
    assert failure.value.permanent == permanent
    assert "secret" not in "".join(traceback.format_exception(failure.value))


def test_a_size_that_the_local_model_has_not_is_told(settings: Settings) -> None:
    settings.EMBED_DIMENSIONS = 512
    with pytest.raises(EmbeddingFailed, match="Set EMBED_DIMENSIONS=384") as failure:
        embed_query("How long is this?")
    assert failure.value.permanent
