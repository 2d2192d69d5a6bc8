"""Summaries: picked without a model, written and verified with one; and only of what their reader may read."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from pytest_django import Settings

from accounts.models import User
from accounts.reader import Reader
from connectors.corpus.reading import list_documents
from gateway import conversations
from gateway.answering.asking import answer
from gateway.answering.events import Done
from gateway.models import AuditEvent
from gateway.tasks import summarising
from tests.doubles import ModelServer
from tests.gateway.library import LEAVE, TRAVEL, Library

pytestmark = pytest.mark.django_db(transaction=True)

INVENTED = "The crew of the Zeppelin gets 99 weeks."
ServerThatSays = Callable[[str], ModelServer]


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    library.person("ann")
    library.person("bob")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    library.put("travel", TRAVEL, readers=("ann", "bob"), title="Travel")
    return library


@pytest.fixture
def says(settings: Settings) -> Iterator[ServerThatSays]:
    """A language model that always says this."""
    said = [""]
    double = ModelServer(lambda prompt: said)

    def saying(text: str) -> ModelServer:
        said[0] = text
        settings.LLM_BASE_URL, settings.LLM_MODEL = double.url, "double-1"
        return double

    with double.running():
        yield saying


def reader(name: str) -> Reader:
    return Reader(User.objects.get(email=f"{name}@example.com").pk)


def document(title: str) -> UUID:
    return next(each.id for each in list_documents(reader("ann")) if each.title == title)


def summed_up(who: str, title: str = "Parental leave") -> Done:
    summary = summarising.of_document(reader(who), document(title))
    assert summary is not None
    return async_to_sync(answer)(reader(who), summary.text, door="test", work=summary.work)


def test_without_a_model_sentences_are_picked_in_their_order_and_this_is_said(library: Library) -> None:
    done = summed_up("ann")
    assert [sentence.text for sentence in done.sentences] == LEAVE.split("\n")
    assert {citation.hit.title for citation in done.citations} == {"Parental leave"}
    assert (done.status, done.model, done.notice) == ("answered", "extractive", "picked")
    assert "picked from what was read, word for word" in done.notice_text
    assert done.extent is None
    [event] = AuditEvent.objects.filter(kind="answer.context", details__question=str(done.question_id))
    assert len(event.details["passages"]) == 1


def test_a_document_that_is_not_readable_is_like_none(library: Library) -> None:
    assert summarising.of_document(reader("bob"), document("Parental leave")) is None
    assert summarising.of_document(reader("bob"), uuid4()) is None


def test_a_right_lost_before_it_is_made_leaves_nothing(library: Library) -> None:
    summary = summarising.of_document(reader("ann"), document("Parental leave"))
    assert summary is not None
    library.put("leave", LEAVE, readers=("bob",), title="Parental leave")
    done = async_to_sync(answer)(reader("ann"), summary.text, door="test", work=summary.work)
    assert (done.status, done.sentences, done.citations, done.notice_text) == ("not_found", (), (), "")


def test_of_a_long_document_it_says_what_part_was_read(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarising, "MOST_READ", 2)
    text = "\n\n".join(f"## Part {n}\n\nThe part with number {n} tells of the bridge over the river." for n in range(9))
    library.put("bridge", text, readers=("ann",), title="Bridge", mime="text/markdown")
    done = summed_up("ann", "Bridge")
    assert done.as_json()["extent"] == {
        "first": 2,
        "of": 9,
        "message": "Made from the first 2 of 9 sections of the document.",
    }
    assert all("number 0" in each.text or "number 1" in each.text for each in done.sentences)
    again = conversations.get_question(reader("ann"), done.question_id)
    assert again is not None
    assert again.extent == "Made from the first 2 of 9 sections of the document."
    library.put("bridge", text, readers=("bob",), title="Bridge", mime="text/markdown")
    again = conversations.get_question(reader("ann"), done.question_id)
    assert again is not None
    assert (again.extent, {each.state for each in again.sentences}) == ("", {"withheld"})


def test_a_models_sentences_are_shown_where_a_passage_supports_them(library: Library, says: ServerThatSays) -> None:
    double = says(f"Employees in Germany receive 26 weeks of parental leave at full pay. [1] {INVENTED} [1]")
    done = summed_up("ann")
    assert [sentence.text for sentence in done.sentences] == [
        "Employees in Germany receive 26 weeks of parental leave at full pay."
    ]
    assert (done.model, done.notice, done.left_out) == ("double-1", "", (INVENTED,))
    [prompt] = double.prompts
    assert "You sum up numbered passages" in prompt
    assert TRAVEL not in prompt


def test_where_a_model_writes_nothing_that_is_supported_sentences_are_picked(
    library: Library, says: ServerThatSays
) -> None:
    says(f"{INVENTED} [1]")
    done = summed_up("ann")
    assert [sentence.text for sentence in done.sentences] == LEAVE.split("\n")
    assert (done.model, done.notice) == ("extractive", "picked")


def test_what_was_found_for_a_question_is_summed_up_after_what_was_said_before_it(library: Library) -> None:
    asked = async_to_sync(answer)(reader("ann"), "How much may hotel rooms cost in Lisbon?", door="test")
    summary = summarising.of_found("How much may hotel rooms cost in Lisbon?", asked.question_id)
    done = async_to_sync(answer)(
        reader("bob"), summary.text, conversation=None, door="test", work=summarising.of_found("hotel rooms").work
    )
    assert {citation.hit.title for citation in done.citations} == {"Travel"}
    own = async_to_sync(answer)(
        reader("ann"), summary.text, conversation=asked.conversation_id, door="test", work=summary.work
    )
    assert own.conversation_id == asked.conversation_id
    assert "140 euros" in own.answer
    shown = conversations.get_conversation(reader("ann"), asked.conversation_id)
    assert shown is not None
    assert [each.task for each in shown] == ["", "summary"]
