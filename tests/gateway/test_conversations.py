from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.reader import Reader
from connectors.adding import pause
from connectors.corpus.breaking_glass import break_glass
from gateway import conversations, exporting
from gateway.answering.asking import answer
from gateway.answering.events import Done
from gateway.models import AuditEvent, Evidence, Question
from tests.gateway.library import LEAVE, TRAVEL, Library

BOTH = "What may contractors not take, parental leave, and how much may a hotel room cost in Lisbon?"
WEEKS = "How many weeks of parental leave do employees in Germany receive?"


def asked(reader: Reader, question: str, conversation: UUID | None = None) -> Done:
    return async_to_sync(answer)(reader, question, conversation=conversation, door="test")


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    library.put("travel", TRAVEL, readers=("ann",), title="Travel")
    return library


def test_an_answer_is_shown_again_with_its_citations(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, WEEKS)
    shown = conversations.get_question(ann, done.question_id)
    assert shown is not None
    assert [each.text for each in shown.sentences] == [each.text for each in done.sentences]
    assert {each.state for each in shown.sentences} == {"shown"}
    assert [each.n for each in shown.citations] == [1]
    assert shown.citations[0].hit.text == done.citations[0].hit.text
    assert shown.citations[0].hit.title == "Parental leave"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_a_sentence_whose_document_was_lost_is_withheld_and_the_rest_stays_numbered_anew(library: Library) -> None:
    ann = library.person("ann")
    library.person("bob")
    done = asked(ann, BOTH)
    assert {citation.hit.external_id for citation in done.citations} == {"leave", "travel"}
    first = done.citations[0].hit.external_id
    lost = {"leave": LEAVE, "travel": TRAVEL}[first]
    library.put(first, lost, readers=("bob",), title="Now somebody else's")
    shown = conversations.get_question(ann, done.question_id)
    assert shown is not None
    withheld = [each for each in shown.sentences if each.state == "withheld"]
    remaining = [each for each in shown.sentences if each.state == "shown"]
    assert withheld
    assert remaining
    assert all(each.text == "" and each.citations == () for each in withheld)
    assert {each.citations for each in remaining} == {(1,)}
    assert [each.n for each in shown.citations] == [1]
    assert first not in {each.hit.external_id for each in shown.citations}
    assert "Now somebody else's" not in repr(shown)


def test_a_deleted_document_and_a_paused_source_withhold_what_rests_on_them(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, WEEKS)
    pause(library.source)
    paused = conversations.get_question(ann, done.question_id)
    assert paused is not None
    assert {each.state for each in paused.sentences} == {"withheld"}
    assert paused.citations == ()


def test_evidence_that_is_deleted_withholds_the_sentence(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, WEEKS)
    library.remove("leave")
    shown = conversations.get_question(ann, done.question_id)
    assert shown is not None
    assert {each.state for each in shown.sentences} == {"withheld"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_a_sentence_needs_every_passage_it_rests_on(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, BOTH)
    first = Evidence.objects.select_related("sentence").earliest("sentence__ordinal")
    second = Evidence.objects.exclude(document=first.document).earliest("sentence__ordinal")
    Evidence.objects.filter(pk=second.pk).update(sentence=first.sentence)
    assert first.sentence.ordinal in ordinals_shown(ann, done)
    library.remove({each.hit.document_id: each.hit.external_id for each in done.citations}[second.document])
    assert first.sentence.ordinal not in ordinals_shown(ann, done)


def ordinals_shown(reader: Reader, done: Done) -> set[int]:
    shown = conversations.get_question(reader, done.question_id)
    assert shown is not None
    return {each.ordinal for each in shown.sentences if each.state == "shown"}


def test_a_sentence_whose_words_were_changed_at_the_source_is_marked(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, WEEKS)
    library.put("leave", "Employees in Germany receive 30 weeks of leave.", readers=("ann",), title="Parental leave")
    shown = conversations.get_question(ann, done.question_id)
    assert shown is not None
    assert {each.state for each in shown.sentences} == {"changed"}
    assert "26 weeks" in shown.sentences[0].text
    assert shown.citations == ()


def test_a_sentence_that_break_glass_shows_is_a_use_of_it_also_when_its_words_changed(library: Library) -> None:
    ann, other = library.person("ann"), library.person("other")
    done = asked(ann, WEEKS)
    library.put("leave", "Employees in Germany receive 30 weeks of leave.", readers=("other",), title="Parental leave")
    break_glass(
        user=User.objects.get(pk=ann.user_id),
        given_by=User.objects.get(pk=other.user_id),
        reason="An incident.",
        until=timezone.now() + timedelta(hours=1),
        document=done.citations[0].hit.document_id,
    )
    shown = conversations.get_question(ann, done.question_id)
    assert shown is not None
    assert {each.state for each in shown.sentences} == {"changed"}
    assert AuditEvent.objects.filter(kind="break_glass.used", user_id=ann.user_id).exists()


def test_evidence_that_only_moved_is_cited_where_it_stands_now(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, WEEKS)
    library.put("leave", f"{LEAVE}\n", readers=("ann",), title="Parental leave, renamed")
    shown = conversations.get_question(ann, done.question_id)
    assert shown is not None
    assert {each.state for each in shown.sentences} == {"shown"}
    assert shown.citations[0].hit.title == "Parental leave, renamed"


def test_somebody_elses_question_is_as_unknown_as_none(library: Library) -> None:
    ann, bob = library.person("ann"), library.person("bob")
    done = asked(ann, WEEKS)
    for unknown in (done.question_id, uuid4()):
        assert conversations.get_question(bob, unknown) is None
        assert conversations.give_feedback(bob, unknown, "up", "") is False
    for unknown in (done.conversation_id, uuid4()):
        assert conversations.get_conversation(bob, unknown) is None
        assert conversations.delete_conversation(bob, unknown) is False
    assert conversations.list_questions(bob) == []
    assert conversations.list_conversations(bob) == []
    assert conversations.get_question(ann, done.question_id) is not None


def test_lists_are_newest_first_and_go_on_before_a_moment(library: Library) -> None:
    ann = library.person("ann")
    first, second = asked(ann, WEEKS), asked(ann, "Who is Anna Weber?")
    lines = conversations.list_questions(ann)
    assert [line.id for line in lines] == [second.question_id, first.question_id]
    assert [line.id for line in conversations.list_questions(ann, before=lines[0].asked_at)] == [first.question_id]
    assert [line.id for line in conversations.list_questions(ann, limit=1)] == [second.question_id]
    assert [line.text for line in conversations.list_conversations(ann)] == ["Who is Anna Weber?", WEEKS]


def test_a_deleted_conversation_takes_its_answers_and_leaves_the_audit(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, WEEKS)
    assert conversations.delete_conversation(ann, done.conversation_id) is True
    assert conversations.get_conversation(ann, done.conversation_id) is None
    assert not Question.objects.filter(pk=done.question_id).exists()
    assert AuditEvent.objects.filter(details__question=str(done.question_id)).exists()


def test_feedback_is_kept_and_may_be_changed(library: Library) -> None:
    ann = library.person("ann")
    done = asked(ann, WEEKS)
    assert conversations.give_feedback(ann, done.question_id, "down", "wrong country") is True
    assert conversations.give_feedback(ann, done.question_id, "up", "x" * 5_000) is True
    (shown,) = conversations.get_conversation(ann, done.conversation_id) or []
    assert shown.feedback == "up"


def test_showing_an_old_answer_takes_a_handful_of_statements(
    library: Library, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ann = library.person("ann")
    done = asked(ann, BOTH)
    with django_assert_max_num_queries(
        13
    ):  # three look at content, each between two that take the web's role and give it back
        conversations.get_question(ann, done.question_id)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_what_was_said_before_is_what_the_reader_may_read_of_it_now(library: Library) -> None:
    ann = library.person("ann")
    library.person("bob")
    first = asked(ann, BOTH)
    then = asked(ann, WEEKS, first.conversation_id)
    (turn,) = conversations.turns_before(ann, then.question_id, limit=3)
    assert turn.question == BOTH
    assert "Contractors may not take parental leave" in turn.answer
    assert "140 euros" in turn.answer

    library.put("leave", LEAVE, readers=("bob",), title="Now somebody else's")
    (turn,) = conversations.turns_before(ann, then.question_id, limit=3)
    assert "parental leave" not in turn.answer
    assert "140 euros" in turn.answer

    library.put("travel", "Hotel rooms may cost anything.", readers=("ann",), title="Travel")
    (turn,) = conversations.turns_before(ann, then.question_id, limit=3)
    assert turn.answer == ""


def test_only_the_last_turns_of_ones_own_conversation_are_told_oldest_first(library: Library) -> None:
    ann, bob = library.person("ann"), library.person("bob")
    questions = [f"{WEEKS} Number {number}" for number in range(5)]
    conversation = None
    for question in questions:
        done = asked(ann, question, conversation)
        conversation = done.conversation_id
    told = conversations.turns_before(ann, done.question_id, limit=3)
    assert [turn.question for turn in told] == questions[1:4]
    assert conversations.turns_before(bob, done.question_id, limit=3) == []


def test_conversations_are_found_again_by_the_words_of_their_questions_and_titles(library: Library) -> None:
    ann, bob = library.person("ann"), library.person("bob")
    leave = asked(ann, WEEKS).conversation_id
    asked(ann, "Who is Anna Weber?", leave)
    hotels = asked(ann, "How much may a hotel room cost, 100% of 140 euros?").conversation_id
    asked(bob, WEEKS)

    def found(search: str) -> list[UUID]:
        return [line.id for line in conversations.list_conversations(ann, search=search)]

    assert found("PARENTAL weber") == [leave]
    assert found("hotel weber") == []
    assert found("100%") == [hotels]
    assert found("_") == []
    assert found("a\0b") == []
    assert found(" ") == [hotels, leave]
    assert conversations.rename_conversation(ann, hotels, "  Lisbon \n in May ") is True
    assert found("lisbon may") == [hotels]
    assert [line.text for line in conversations.list_conversations(ann)] == ["Lisbon in May", WEEKS]


def test_the_conversation_last_asked_in_comes_first(library: Library) -> None:
    ann = library.person("ann")
    first = asked(ann, WEEKS).conversation_id
    second = asked(ann, "Who is Anna Weber?").conversation_id
    asked(ann, "And in France?", first)
    lines = conversations.list_conversations(ann)
    assert [line.id for line in lines] == [first, second]
    assert [line.id for line in conversations.list_conversations(ann, before=lines[0].asked_at)] == [second]


def test_nobody_renames_or_deletes_what_is_not_theirs(library: Library) -> None:
    ann, bob = library.person("ann"), library.person("bob")
    theirs = asked(ann, WEEKS).conversation_id
    for unknown in (theirs, uuid4()):
        assert conversations.rename_conversation(bob, unknown, "Mine") is False
        assert conversations.find_conversation(bob, unknown) is None
    conversations.delete_conversations(bob)
    assert [line.text for line in conversations.list_conversations(ann)] == [WEEKS]
    conversations.delete_conversations(ann)
    assert conversations.list_conversations(ann) == []
    assert not Question.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_a_file_of_a_conversation_has_what_may_be_shown_now_and_says_what_is_withheld(library: Library) -> None:
    ann = library.person("ann")
    library.person("bob")
    done = asked(ann, BOTH)
    line = conversations.find_conversation(ann, done.conversation_id)
    assert line is not None

    def files() -> tuple[str, str]:
        answers = conversations.get_conversation(ann, done.conversation_id)
        assert answers is not None
        return exporting.as_markdown(line, answers), repr(exporting.as_json(line, answers))

    before = files()
    assert all("140 euros" in file for file in before)
    assert "Travel" in before[0]
    library.put("travel", TRAVEL, readers=("bob",), title="Somebody else's")
    for file in files():
        assert "140 euros" not in file
        assert "Somebody else's" not in file
        assert "parental leave" in file
    assert exporting.WITHHELD in files()[0]
    assert "'state': 'withheld'" in files()[1]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("![a](https://evil.example/a.png)", r"!\[a\](https\://evil.example/a.png)"),
        ("<img src=x>", r"\<img src=x\>"),
        ("# A *b* `c` | d", r"\# A \*b\* \`c\` \| d"),
        ("- a second-class train", r"\- a second-class train"),
        ("1. May\n2. June", r"1\. May 2. June"),
        ("www.evil.example ann@example.com", r"www\.evil.example ann\@example.com"),
    ],
    ids=["image", "tag", "marks", "list", "numbers", "bare-links"],
)
def test_nothing_that_others_wrote_is_markup_in_a_file(text: str, plain: str) -> None:
    assert exporting.plain(text) == plain
