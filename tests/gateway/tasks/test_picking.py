"""Sentences that carry a text are picked from it word for word, in its order."""

import pytest

from connectors.embedding import EmbeddingFailed
from gateway.tasks import picking
from gateway.tasks.picking import MOST, picked
from tests.gateway.passages import passage as hit

TEXT = """Kestrel handbook

The Kestrel project builds a small drone for farmers in the hills.
Is it any good?
The drone of the Kestrel project flies for forty minutes with one battery.
The drone of the Kestrel project flies for forty minutes with one full battery.
Farmers in the hills pay for the drone by the month, with a battery to spare.
Somebody once left an umbrella in the meeting room on the second floor.
Ann leads the Kestrel project, and farmers reach her by telephone on weekdays.
The project ends when two hundred farmers fly the drone over their fields.
Batteries of the drone are changed by the Kestrel project every second year."""


def test_what_carries_the_text_is_picked_word_for_word_in_its_order() -> None:
    passage = hit(TEXT, title="Kestrel handbook")
    texts = [draft.text for draft in picked([passage])]
    assert 5 <= len(texts) <= MOST
    assert all(text in TEXT for text in texts)
    assert [TEXT.index(text) for text in texts] == sorted(TEXT.index(text) for text in texts)
    assert not any("umbrella" in text for text in texts)
    assert "Is it any good?" not in texts
    assert len([text for text in texts if "flies for forty minutes" in text]) == 1
    assert all(draft.evidence == (passage,) for draft in picked([passage]))


def test_a_text_without_a_sentence_has_nothing_to_pick() -> None:
    assert picked([hit("Kestrel\n\n1 | 2 | 3")]) == []
    assert picked([]) == []


def test_without_the_embedder_words_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise EmbeddingFailed("It is away.")

    monkeypatch.setattr(picking, "embed_texts", down)
    texts = [draft.text for draft in picked([hit(TEXT)], query="umbrella")]
    assert 5 <= len(texts) <= MOST
    assert any("umbrella" in text for text in texts)


def test_what_was_asked_for_comes_before_what_is_merely_central() -> None:
    texts = [draft.text for draft in picked([hit(TEXT)], 2, "Who left an umbrella?")]
    assert any("umbrella" in text for text in texts)
