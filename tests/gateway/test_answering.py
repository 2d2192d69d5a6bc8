"""Asking, over a real corpus and without a model."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from accounts.reader import Reader
from connectors.corpus.search import Filters
from gateway.answering import recording, releasing
from gateway.answering.asking import ConversationUnknown, QuestionInvalid, answer, ask
from gateway.answering.events import CitationShown, Done, Event, Failed, Retrieved, SentenceShown, Withdrawn
from gateway.answering.threads import in_thread
from gateway.conversations import get_question
from gateway.models import AuditEvent, Conversation, Evidence, Question
from gateway.retrieval import retrieve
from tests.gateway.library import LEAVE, TRAVEL, Library

WEEKS = "How many weeks of parental leave do employees in Germany receive?"
HOTEL = "How much may a hotel room cost in Lisbon?"


def asked(reader: Reader, question: str, **options: object) -> Done:
    return async_to_sync(answer)(reader, question, door="test", **options)  # type: ignore[arg-type]


@pytest.fixture
def library(db: None) -> Library:
    return Library()


def test_an_answer_is_verbatim_and_cites_its_passage(library: Library) -> None:
    ann = library.person("ann")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    done = asked(ann, WEEKS)
    assert done.status == "answered"
    assert done.answer.startswith("Employees in Germany receive 26 weeks of parental leave at full pay. [1]")
    assert done.model == "extractive"
    for sentence in done.sentences:
        (citation,) = [each for each in done.citations if each.n in sentence.citations]
        assert sentence.text in " ".join(citation.hit.text.split())
        assert citation.hit.text == LEAVE[citation.hit.start : citation.hit.end]


def test_hidden_and_missing_give_the_same_answer(library: Library) -> None:
    library.person("ann")
    bob, eve = library.person("bob"), library.person("eve")
    library.put("leave", LEAVE, readers=("ann",))
    library.put("travel", TRAVEL, readers=("bob",))
    with_hidden, without_any = asked(bob, WEEKS), asked(eve, WEEKS)
    assert with_hidden.status == without_any.status == "not_found"
    assert with_hidden.answer == without_any.answer
    assert with_hidden.citations == without_any.citations == ()


@pytest.mark.parametrize("question", ["hello", "Thanks!", "what is it?", "???", "Who is the president of France?"])
def test_nothing_is_made_up_for_a_greeting_or_a_question_about_something_else(library: Library, question: str) -> None:
    ann = library.person("ann")
    library.put("leave", LEAVE, readers=("ann",))
    assert asked(ann, question).status == "not_found"


@pytest.mark.parametrize(("language", "word"), [("de", "nicht gefunden"), ("fr", "pas trouvé"), ("xx", "did not find")])
def test_not_found_is_said_in_the_readers_language(library: Library, language: str, word: str) -> None:
    ann = library.person("ann", language=language)
    assert word in asked(ann, WEEKS).answer


@pytest.mark.parametrize("question", ["", "  \n", "\0", "x" * 8_001, "x" * 100_000])
def test_an_empty_or_endless_question_is_refused_before_anything_is_stored(library: Library, question: str) -> None:
    with pytest.raises(QuestionInvalid):
        asked(library.person("ann"), question)
    assert not Question.objects.exists()


def test_a_foreign_and_an_unknown_conversation_are_refused_alike(library: Library) -> None:
    ann, bob = library.person("ann"), library.person("bob")
    own = asked(ann, WEEKS).conversation_id
    assert asked(ann, WEEKS, conversation=own).conversation_id == own
    for reader, conversation in ((bob, own), (bob, uuid4())):
        with pytest.raises(ConversationUnknown) as refused:
            asked(reader, WEEKS, conversation=conversation)
        assert str(refused.value) == "There is no such conversation."


def test_the_reader_in_another_country_is_told_their_own_rule(library: Library) -> None:
    ana = library.person("ana", country="Portugal")
    bea = library.person("bea", country="Germany")
    text = "Employees receive {} weeks of parental leave at full pay."
    library.put("de", text.format(26), readers=("ana", "bea"), title="Parental leave", country="Germany")
    library.put("pt", text.format(21), readers=("ana", "bea"), title="Parental leave", country="Portugal")
    question = "How many weeks of parental leave do employees receive?"
    assert "21 weeks" in asked(ana, question).answer
    assert "26" not in asked(ana, question).answer
    assert "26 weeks" in asked(bea, question).answer
    assert "26 weeks" in asked(ana, f"{question[:-1]} in Germany?").answer


def test_a_follow_up_is_understood_from_the_question_before_it(library: Library) -> None:
    ann = library.person("ann")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    library.put("travel", TRAVEL, readers=("ann",), title="Travel")
    first = asked(ann, "How much parental leave do employees in Germany receive?")
    then = asked(ann, "And to whom are requests for it made?", conversation=first.conversation_id)
    assert "Anna Weber" in then.answer


LEAVE_AND_HOTEL = f"{WEEKS[:-1]}, and how much may a hotel room cost in Lisbon?"


def test_a_part_that_is_hidden_is_named_like_one_that_is_nowhere(library: Library) -> None:
    ann, bob = library.person("ann"), library.person("bob")
    library.put("leave", LEAVE, readers=("ann", "bob"), title="Parental leave")
    nowhere = asked(bob, LEAVE_AND_HOTEL)
    library.put("travel", TRAVEL, readers=("ann",), title="Travel")
    hidden = asked(bob, LEAVE_AND_HOTEL)
    for done in (nowhere, hidden):
        assert (done.status, done.missing) == ("partial", ("how much may a hotel room cost in Lisbon",))
        assert done.missing_text == "I did not find: how much may a hotel room cost in Lisbon."
    assert hidden.answer == nowhere.answer
    both = asked(ann, LEAVE_AND_HOTEL)
    assert (both.status, both.missing, both.missing_text) == ("answered", (), "")
    assert "26 weeks" in both.answer
    assert "140 euros" in both.answer


def test_what_was_not_found_is_said_in_the_readers_language_then_and_later(library: Library) -> None:
    ann = library.person("ann", language="de")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    done = asked(ann, LEAVE_AND_HOTEL)
    assert done.missing_text == "Nicht gefunden habe ich: how much may a hotel room cost in Lisbon."
    stored = get_question(ann, done.question_id)
    assert stored is not None
    assert (stored.status, stored.missing_text) == ("partial", done.missing_text)


def test_where_nothing_is_found_that_is_all_that_is_said(library: Library) -> None:
    done = asked(library.person("ann"), LEAVE_AND_HOTEL)
    assert (done.status, done.missing, done.missing_text) == ("not_found", (), "")


def test_a_source_nobody_knows_answers_nothing(library: Library) -> None:
    ann = library.person("ann")
    library.put("leave", LEAVE, readers=("ann",))
    assert asked(ann, WEEKS, filters=Filters(sources=("unknown",))).status == "not_found"
    assert asked(ann, WEEKS, filters=Filters(sources=("library",))).status == "answered"


def test_what_is_stored_is_the_sentences_and_ids_of_their_evidence(library: Library) -> None:
    ann = library.person("ann")
    library.put("leave", LEAVE, readers=("ann",), title="Secret title of the leave policy")
    done = asked(ann, WEEKS)
    question = Question.objects.get(pk=done.question_id)
    assert (question.status, question.door, question.model) == ("answered", "test", "extractive")
    assert [each.text for each in question.sentences.all()] == [each.text for each in done.sentences]
    evidence = Evidence.objects.filter(sentence__question=question).first()
    hit = done.citations[0].hit
    assert evidence is not None
    assert (evidence.document, evidence.passage, evidence.digest) == (hit.document_id, hit.passage_id, hit.digest)


def test_every_passage_is_audited_with_ids_and_no_text(library: Library) -> None:
    ann = library.person("ann")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    done = asked(ann, WEEKS)
    event = AuditEvent.objects.get(details__question=str(done.question_id))
    (passage,) = event.details["passages"]
    hit = done.citations[0].hit
    assert event.user_id == ann.user_id
    assert (event.details["door"], event.details["model"]) == ("test", "extractive")
    assert passage == {
        "passage": str(hit.passage_id),
        "document": str(hit.document_id),
        "revision": hit.revision,
        "start": hit.start,
        "end": hit.end,
        "digest": hit.digest,
    }


def test_a_passage_lost_after_it_was_found_goes_to_no_answerer_and_the_audit_says_so(library: Library) -> None:
    ann = library.person("ann")
    library.person("bob")
    library.put("leave", LEAVE, readers=("ann",))
    library.put("travel", TRAVEL, readers=("ann",))
    hits = retrieve(ann, "parental leave hotel")
    assert {hit.external_id for hit in hits} == {"leave", "travel"}
    library.put("leave", LEAVE, readers=("bob",))
    question = recording.begin(ann, "parental leave hotel", None, "test")
    cleared = releasing.cleared(question, hits, "a-model")
    assert {hit.external_id for hit in cleared} == {"travel"}
    event = AuditEvent.objects.get(details__question=str(question.question_id))
    assert [each["document"] for each in event.details["passages"]] == [str(cleared[0].document_id)]


def test_a_right_lost_while_the_audit_is_written_is_seen_before_anything_goes(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = library.person("ann")
    library.person("bob")
    library.put("leave", LEAVE, readers=("ann",))
    question = recording.begin(ann, "parental leave", None, "test")
    write = recording.note_context

    def write_and_lose(*arguments: Any) -> None:
        write(*arguments)
        library.put("leave", LEAVE, readers=("bob",))

    monkeypatch.setattr(recording, "note_context", write_and_lose)
    assert releasing.cleared(question, retrieve(ann, "parental leave"), "a-model") == []
    events = AuditEvent.objects.filter(details__question=str(question.question_id))
    assert [len(event.details["passages"]) for event in events] == [1, 0]


# --- streams: other threads and connections, so these tests commit ------------------------------------


async def gathered(reader: Reader, question: str) -> list[Event]:
    return [event async for event in ask(reader, question, door="test")]


@pytest.mark.django_db(transaction=True)
async def test_a_stream_names_the_question_then_each_citation_just_before_its_sentence() -> None:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    events = await gathered(ann, WEEKS)
    kinds = [type(event) for event in events]
    assert kinds[:3] == [Retrieved, CitationShown, SentenceShown]
    assert kinds[-1] is Done
    announced: set[int] = set()
    for event in events:
        if isinstance(event, CitationShown):
            announced.add(event.citation.n)
        if isinstance(event, SentenceShown):
            assert set(event.sentence.citations) <= announced


@pytest.mark.django_db(transaction=True)
async def test_a_right_lost_between_two_flushes_withdraws_the_sentence_and_everything_after_it() -> None:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.person, "bob")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    events: list[Event] = []
    async for event in ask(ann, WEEKS, door="test"):
        events.append(event)
        if isinstance(event, SentenceShown):
            await in_thread(library.put, "leave", LEAVE, readers=("bob",), title="Parental leave")
    shown = [event.sentence.ordinal for event in events if isinstance(event, SentenceShown)]
    withdrawn = [event.ordinal for event in events if isinstance(event, Withdrawn)]
    done = events[-1]
    assert shown == withdrawn == [1]
    assert isinstance(done, Done)
    assert (done.status, done.sentences, done.citations) == ("not_found", (), ())


@pytest.mark.django_db(transaction=True)
async def test_a_right_lost_after_the_citation_keeps_its_sentence_back() -> None:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.person, "bob")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    kinds: list[type[Event]] = []
    async for event in ask(ann, WEEKS, door="test"):
        kinds.append(type(event))
        if isinstance(event, CitationShown):
            await in_thread(library.put, "leave", LEAVE, readers=("bob",), title="Parental leave")
    assert kinds == [Retrieved, CitationShown, Withdrawn, Done]


@pytest.mark.django_db(transaction=True)
async def test_a_reader_who_is_deactivated_loses_the_running_stream() -> None:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    events: list[Event] = []
    async for event in ask(ann, WEEKS, door="test"):
        events.append(event)
        if isinstance(event, SentenceShown):
            await in_thread(lambda: User.objects.filter(pk=ann.user_id).update(is_active=False))
    assert [type(event) for event in events[-2:]] == [Withdrawn, Failed]
    question = await in_thread(lambda: Question.objects.get())
    assert question.status == Question.Status.FAILED


@pytest.mark.django_db(transaction=True)
async def test_a_stream_closed_early_keeps_what_was_shown() -> None:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    events = ask(ann, WEEKS, door="test")
    async for event in events:
        if isinstance(event, SentenceShown):
            break
    await events.aclose()
    question = await in_thread(lambda: Question.objects.get())
    assert question.status == Question.Status.STOPPED
    assert await in_thread(lambda: question.sentences.count()) == 1


@pytest.mark.django_db(transaction=True)
async def test_a_conversation_deleted_while_it_is_answered_stays_deleted() -> None:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    async for event in ask(ann, WEEKS, door="test"):
        if isinstance(event, Retrieved):
            await in_thread(lambda: Conversation.objects.all().delete())
    assert not await in_thread(lambda: Question.objects.exists())


@pytest.mark.django_db(transaction=True)
async def test_many_people_ask_at_once_and_each_gets_their_own() -> None:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann")
    bob = await in_thread(library.person, "bob")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    await in_thread(library.put, "travel", TRAVEL, readers=("bob",), title="Travel")
    ends = await asyncio.gather(*(answer(who, WEEKS, door="test") for who in (ann, bob) * 3))
    assert [done.status for done in ends] == ["answered", "not_found"] * 3
