"""What a model wrote and no passage supports: apart from the answer, and only while all it was given may be read."""

import json
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from pytest_django import Settings

from accounts.models import User
from accounts.reader import Reader
from gateway import conversations
from gateway.answering.asking import answer
from gateway.answering.events import Done
from gateway.explaining import answers_from
from gateway.models import LeftOut
from tests.doubles import ModelServer
from tests.gateway.library import LEAVE, TRAVEL, Library

pytestmark = pytest.mark.django_db(transaction=True)

WEEKS = (
    "How many weeks of parental leave do employees in Germany receive, and how much may a hotel room in Lisbon cost?"
)
INVENTED = "Parental leave is 99 weeks for the crew of the Zeppelin."
SAID = f"Parental leave in Germany is 26 weeks at full pay. [1] {INVENTED} [1]"


@pytest.fixture(autouse=True)
def server(settings: Settings) -> Iterator[ModelServer]:
    double = ModelServer(lambda prompt: [SAID])
    with double.running():
        settings.LLM_BASE_URL = double.url
        settings.LLM_MODEL = "double-1"
        yield double


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    library.person("ann")
    library.person("bob")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    library.put("travel", TRAVEL, readers=("ann",), title="Travel")
    return library


def ann() -> Reader:
    return Reader(User.objects.get(email="ann@example.com").pk)


def asked() -> Done:
    return async_to_sync(answer)(ann(), WEEKS, door="test")


def left_out(done: Done) -> tuple[str, ...]:
    shown = conversations.get_question(ann(), done.question_id)
    assert shown is not None
    assert INVENTED not in repr(shown.sentences)
    return shown.left_out


def test_it_is_kept_apart_with_all_its_writer_was_given(library: Library) -> None:
    done = asked()
    assert done.left_out == (INVENTED,)
    assert INVENTED not in done.answer + repr(done.sentences) + repr(done.as_json())
    assert done.with_withheld()["withheld"] == [{"text": INVENTED, "citations": [], "support": "unsupported"}]
    assert left_out(done) == (INVENTED,)
    given = {document for document, _ in LeftOut.objects.get().context}
    assert len(given) == 2  # the travel rules too, though no sentence rests on them


@pytest.mark.parametrize("loss", ["lost", "removed", "changed"])
def test_it_is_gone_with_any_passage_its_writer_was_given(library: Library, loss: str) -> None:
    done = asked()
    if loss == "removed":
        library.remove("travel")
    else:
        text, reader = (TRAVEL, "bob") if loss == "lost" else ("Hotels cost what they cost.", "ann")
        library.put("travel", text, readers=(reader,), title="Travel")
    assert left_out(done) == ()
    page = signed_in().get(f"/questions/{done.question_id}/", {"left-out": "shown"}).content.decode()
    assert "26 weeks" in page
    assert "Zeppelin" not in page
    assert "no passage supports" not in page


def test_auditors_are_told_that_it_rests_on_all_of_it(library: Library) -> None:
    done = asked()
    cited = {citation.hit.document_id for citation in done.citations}
    [travel] = {UUID(document) for document, _ in LeftOut.objects.get().context} - cited
    [told] = answers_from(User.objects.get(email="ann@example.com"), travel)
    assert (told.question, told.shown) == (done.question_id, True)


def test_what_is_lost_before_the_end_is_not_told(library: Library, server: ModelServer) -> None:
    def says(prompt: str) -> Iterator[str]:
        from django.db import connection

        yield SAID
        library.put("travel", TRAVEL, readers=("bob",), title="Travel")
        connection.close()

    server.says = says
    done = asked()
    assert done.left_out == ()
    assert left_out(done) == ()


def test_verbatim_answers_leave_nothing_out(library: Library, settings: Settings) -> None:
    settings.LLM_BASE_URL = ""
    done = asked()
    assert done.left_out == ()
    assert not LeftOut.objects.exists()


def signed_in(name: str = "ann") -> Client:
    client = Client()
    client.force_login(User.objects.get(email=f"{name}@example.com"))
    return client


def test_the_api_tells_it_only_to_who_asks_for_it(library: Library) -> None:
    browser = signed_in()

    async def answered(body: str) -> str:
        client = AsyncClient()
        await client.aforce_login(await User.objects.aget(email="ann@example.com"))
        response = cast(Any, await client.post("/api/v1/ask", body, content_type="application/json"))
        parts = [part async for part in response] if response.streaming else [response.content]
        return b"".join(parts).decode()

    def ask(**more: bool) -> str:
        return async_to_sync(answered)(json.dumps({"question": WEEKS, **more}))

    assert INVENTED not in ask()
    assert INVENTED not in ask(stream=True)
    told = json.loads(ask(withheld=True))
    unsupported = [{"text": INVENTED, "citations": [], "support": "unsupported"}]
    assert told["withheld"] == unsupported
    stream = ask(withheld=True, stream=True)
    assert stream.count(INVENTED) == 1
    assert INVENTED in stream.partition("event: done")[2]

    address = f"/api/v1/conversations/{told['conversation']}"
    assert INVENTED not in browser.get(address).content.decode()
    [question] = browser.get(address, {"withheld": "true"}).json()["questions"]
    assert question["withheld"] == unsupported
    assert browser.get(address, {"withheld": "yes"}).status_code == 400
    assert signed_in("bob").get(address, {"withheld": "true"}).status_code == 404


def test_the_page_counts_it_and_shows_it_struck_to_who_asks(library: Library) -> None:
    done = asked()
    address = f"/questions/{done.question_id}/"
    page = signed_in().get(address).content.decode()
    assert "1 sentence was left out, because no passage supports it." in page
    assert "Zeppelin" not in page
    opened = signed_in().get(address, {"left-out": "shown"}).content.decode()
    assert f"<s>{INVENTED}</s>" in opened
    assert "Not supported by what was read; do not rely on it." in opened
