"""What a model is shown beside the best hits, and that it is audited, checked and cited as they are."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from accounts.reader import Reader
from gateway.answering import surrounding
from gateway.answering.asking import answer, ask
from gateway.answering.events import CitationShown, Done, Event
from gateway.answering.surrounding import with_neighbours
from gateway.answering.threads import in_thread
from gateway.models import AuditEvent
from gateway.portal.citations import source_line
from gateway.retrieval import retrieve
from tests.doubles import ModelServer
from tests.gateway.library import Library

pytestmark = pytest.mark.django_db(transaction=True)

MARKDOWN = "text/markdown"
FILLER = " ".join(
    f"The committee met in room {n} and spoke about the weather of that day at some length." for n in range(8)
)
STEPS = f"""# Applying for the sabbatical

The sabbatical is granted by Anna Weber. {FILLER}

The zebra form must be signed in blue ink before the ninth of May. {FILLER}

# Parking

Bicycles are kept in the cellar."""
ASKED = "Who grants the sabbatical?"
SIGNED = "The zebra form must be signed in blue ink before the ninth of May."


@pytest.fixture
def server(settings: Settings) -> Iterator[ModelServer]:
    double = ModelServer(lambda prompt: [])
    with double.running():
        settings.LLM_BASE_URL = double.url
        settings.LLM_MODEL = "double-1"
        yield double


async def ann_with_steps() -> tuple[Library, Reader]:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.person, "bob")
    await in_thread(library.put, "steps", STEPS, readers=("ann",), title="Sabbatical", mime=MARKDOWN)
    return library, ann


def numbered(prompt: str, words: str) -> int:
    """The number of the passage with these words."""
    before = prompt[: prompt.index(words)]
    return int(before.rpartition('<passage n="')[2].partition('"')[0])


async def test_the_rest_of_a_section_is_shown_with_a_number_of_its_own_audited_and_cited(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ann = await ann_with_steps()
    only_the_best(monkeypatch)
    server.says = lambda prompt: [f"{SIGNED} [{numbered(prompt, 'zebra')}]"]
    done = await answer(ann, ASKED, door="test")
    (prompt,) = server.prompts
    assert numbered(prompt, "Anna Weber") == 1
    assert numbered(prompt, "zebra") > 1
    assert "Bicycles" not in prompt  # another section
    assert done.sentences[0].text == SIGNED
    assert "zebra" in done.citations[0].hit.text
    event = await in_thread(AuditEvent.objects.filter(details__question=str(done.question_id)).get)
    assert len(event.details["passages"]) == prompt.count("<passage n=")
    assert str(done.citations[0].hit.passage_id) in [each["passage"] for each in event.details["passages"]]


def only_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the first passage is found, so that what else is shown stands beside it."""
    whole = retrieve

    def found(*args: Any, **options: Any) -> Any:
        return whole(*args, **options)[:1]

    monkeypatch.setattr("gateway.retrieval.retrieve", found)


async def test_a_document_lost_before_the_prompt_takes_its_neighbours_along(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, ann = await ann_with_steps()
    on_way(monkeypatch, lambda: library.put("steps", STEPS, readers=("bob",), title="Sabbatical", mime=MARKDOWN))
    done = await answer(ann, ASKED, door="test")
    assert (done.status, server.prompts) == ("not_found", [])


async def test_a_neighbour_whose_words_are_gone_does_not_go_to_the_model(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, ann = await ann_with_steps()
    only_the_best(monkeypatch)
    without = STEPS.replace("zebra", "unstriped")
    on_way(monkeypatch, lambda: library.put("steps", without, readers=("ann",), title="Sabbatical", mime=MARKDOWN))
    await answer(ann, ASKED, door="test")
    (prompt,) = server.prompts
    assert "Anna Weber" in prompt
    assert "zebra" not in prompt


def on_way(monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
    """Something happens after the neighbours were read and before they are cleared."""

    def read_and_changed(*args: Any) -> Any:
        context = with_neighbours(*args)
        change()
        return context

    monkeypatch.setattr("gateway.answering.composing.with_neighbours", read_and_changed)


async def test_neighbours_stay_within_the_room_a_prompt_has(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann = await ann_with_steps()
    hits = (await in_thread(retrieve, ann, ASKED))[:1]
    assert len(await in_thread(with_neighbours, ann, hits)) > 1
    monkeypatch.setattr(surrounding, "ENOUGH", len(hits[0].text) + 10)
    assert await in_thread(with_neighbours, ann, hits) == hits


async def test_an_older_version_is_called_one_to_the_model_and_to_the_reader(server: ModelServer) -> None:
    _, ann = await with_two_versions()
    server.says = lambda prompt: [f"A hotel room may cost 120 euros a night. [{numbered(prompt, '120')}]"]
    done = await answer(ann, "How much may a hotel room cost?", door="test")
    assert "Travel policy v1 (Library, an older version)" in server.prompts[0]
    assert "Travel policy v2 (Library)" in server.prompts[0]
    assert source_line(done.citations[0])["place"] == "Library · an older version"


async def with_two_versions() -> tuple[Library, Reader]:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.person, "bob")
    for n, euros in ((1, 120), (2, 140)):
        text = f"A hotel room may cost {euros} euros a night."
        await in_thread(library.put, str(n), text, readers=("ann",), title=f"Travel policy v{n}")
    return library, ann


async def test_nothing_is_said_of_a_newer_version_lost_before_the_prompt(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, ann = await with_two_versions()
    hits = await in_thread(retrieve, ann, "hotel room")
    assert [hit.superseded for hit in hits] == [False, True]
    on_way(monkeypatch, lambda: library.put("2", "Gone.", readers=("bob",), title="Travel policy v2"))
    server.says = lambda prompt: ["A hotel room may cost 120 euros a night. [1]"]
    done = await answer(ann, "How much may a hotel room cost?", door="test")
    assert "(Library)" in server.prompts[0]
    assert "(Library, an older version)" not in server.prompts[0]
    assert [citation.hit.superseded for citation in done.citations] == [False]


async def test_nothing_is_said_of_a_newer_version_lost_before_its_citation_is_shown(server: ModelServer) -> None:
    library, ann = await with_two_versions()

    def says(prompt: str) -> Iterator[str]:
        library.put("2", "Gone.", readers=("bob",), title="Travel policy v2")
        connections.close_all()
        yield f"A hotel room may cost 120 euros a night. [{numbered(prompt, '120')}]"

    server.says = says
    events: list[Event] = [event async for event in ask(ann, "How much may a hotel room cost?", door="test")]
    assert "an older version" in server.prompts[0]
    assert [event.citation.hit.superseded for event in events if isinstance(event, CitationShown)] == [False]
    done = events[-1]
    assert isinstance(done, Done)
    assert [citation.hit.superseded for citation in done.citations] == [False]
