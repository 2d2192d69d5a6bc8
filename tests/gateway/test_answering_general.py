"""A model's general knowledge where nothing was found: only where it is allowed, marked, and made of no document."""

import asyncio
import json
import time
from collections.abc import Iterator
from io import StringIO

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.reader import Reader
from gateway import conversations, exporting, sharing
from gateway.answering import circuits, general, model, streaming
from gateway.answering.asking import AnswerFailed, answer, ask
from gateway.answering.drafts import MARK
from gateway.answering.events import Done, Silence
from gateway.answering.general import ADDRESS
from gateway.answering.model import Message
from gateway.answering.notices import GENERAL
from gateway.answering.phrases import NOT_FOUND
from gateway.answering.threads import in_thread
from gateway.conversations import ShownAnswer
from gateway.models import GeneralParagraph, Question, Spending
from gateway.spy.server import Spy
from gateway.tasks import summarising
from tests.doubles import TwoModels
from tests.gateway.library import LEAVE, Library

pytestmark = pytest.mark.django_db(transaction=True)

BY_DEFAULT = configured.GENERAL_KNOWLEDGE
SKY = "Why is the sky blue over the aubergine courtyard?"
BLUE = "Air scatters blue light more than red light. So the sky looks blue."
SAID = "Of the aubergine courtyard the sky is said to be 77 times as blue."
WEEKS = "How many weeks of parental leave do employees in Germany receive?"
RIGHT = "Parental leave in Germany is 26 weeks at full pay. [1] "


@pytest.fixture(autouse=True)
def models(settings: Settings) -> Iterator[TwoModels]:
    circuits.forget_all()
    with TwoModels(general.RULES, lambda: [BLUE], lambda: [RIGHT]).running() as double:
        settings.LLM_BASE_URL, settings.LLM_MODEL, settings.GENERAL_KNOWLEDGE = double.url, "writer", True
        model.warm_up()
        yield double
    circuits.forget_all()


async def ann_with(**texts: str) -> tuple[Library, Reader]:
    """Ann may read these documents, and Bob others."""
    library = await in_thread(Library)
    profile = {"country": "Portugal", "role": "gardener", "standing_instructions": "Mention zebras."}
    ann = await in_thread(library.person, "ann", **profile)
    await in_thread(library.person, "bob")
    for id, text in texts.items():
        await in_thread(library.put, id, text, readers=("ann",), title=id)
    return library, ann


async def shown_again(ann: Reader, done: Done) -> ShownAnswer:
    shown = await in_thread(conversations.get_question, ann, done.question_id)
    assert shown is not None
    return shown


# --- when -----------------------------------------------------------------------------------------------


async def test_it_is_off_by_default(models: TwoModels, settings: Settings) -> None:
    settings.GENERAL_KNOWLEDGE = BY_DEFAULT
    _, ann = await ann_with()
    done = await answer(ann, SKY, door="test")
    assert (done.status, done.general, done.as_json()["general"]) == ("not_found", "", None)
    assert models.prompts == []


async def test_where_nothing_is_found_it_stands_apart_and_says_what_it_is(models: TwoModels) -> None:
    _, ann = await ann_with()
    done = await answer(ann, SKY, door="test")
    assert (done.status, done.answer) == ("not_found", NOT_FOUND["en"])
    assert (done.sentences, done.citations) == ((), ())
    told = {"text": BLUE, "message": GENERAL["en"]}
    assert done.as_json()["general"] == told
    stored = await shown_again(ann, done)
    assert stored.sentences == ()
    assert exporting.answer_json(stored)["general"] == told


async def test_where_an_answer_is_found_it_is_not_asked_for(models: TwoModels) -> None:
    _, ann = await ann_with(leave=LEAVE)
    done = await answer(ann, WEEKS, door="test")
    assert (done.status, done.general) == ("answered", "")
    assert models.marked == []


async def test_an_answer_that_was_lost_before_it_was_shown_is_not_replaced_by_it(models: TwoModels) -> None:
    library, ann = await ann_with(leave=LEAVE)

    def loses() -> Iterator[str]:
        from django.db import connection

        library.put("leave", LEAVE, readers=("bob",), title="leave")
        connection.close()
        yield "Parental leave in Germany is 26 weeks at full pay. [1] "

    models.writes = loses
    done = await answer(ann, WEEKS, door="test")
    assert (done.status, done.general, models.marked) == ("not_found", "", [])


async def test_a_question_that_is_asked_back_has_none(models: TwoModels) -> None:
    library, ann = await ann_with()
    for id, title, day in (("one", "Project Phoenix", "1 June 2027"), ("two", "The Phoenix office", "9 May 2027")):
        text = f"Phoenix starts on {day} in the morning."
        await in_thread(library.put, id, text, readers=("ann",), title=title)
    done = await answer(ann, "When does Phoenix start?", door="test")
    assert (done.status, done.general, models.marked) == ("ambiguous", "", [])


async def test_a_summary_has_none(models: TwoModels) -> None:
    _, ann = await ann_with()
    summary = summarising.of_found(SKY)
    done = await answer(ann, summary.text, door="test", work=summary.work)
    assert (done.status, done.general, models.prompts) == ("not_found", "", [])


async def test_a_model_that_has_just_failed_is_not_asked_once_more(models: TwoModels) -> None:
    _, ann = await ann_with(sky="The zeppelin over the aubergine courtyard leaves at nine.")
    models.failures = ["away", "away"]
    done = await answer(ann, SKY, door="test")
    assert (done.status, done.notice, done.general) == ("not_found", "model_unavailable", "")
    assert models.marked == []


# --- what is asked --------------------------------------------------------------------------------------


async def test_nothing_of_the_passages_is_asked_where_nothing_stands_of_what_was_written_of_them(
    models: TwoModels,
) -> None:
    _, ann = await ann_with(sky=SAID)
    models.writes = lambda: ["The moon is made of 12 kinds of cheese. [1] "]
    done = await answer(ann, SKY, door="test")
    assert (done.status, done.withheld, done.general) == ("not_found", 1, BLUE)
    [prompt] = models.marked
    assert SAID in models.prompts[0]
    for word in ("said to be", "77", "cheese", "passage", "library", "Portugal", "gardener", "zebras", "ann"):
        assert word.lower() not in prompt.replace(general.RULES, "").lower()


async def test_what_is_asked_is_the_same_whether_something_hidden_answers_or_not(settings: Settings) -> None:
    library, ann = await ann_with(leave=LEAVE)
    with Spy("answer").running() as spy:
        settings.LLM_BASE_URL = spy.url
        await answer(ann, SKY, door="test")
        await in_thread(library.put, "sky", SAID, readers=("bob",), title="Why the sky is blue")
        await answer(ann, SKY, door="test")
    requests = [json.dumps(call.body) for call in spy.calls]
    assert len(requests) in (2, 4)  # with that about what Ann may read, where any of it is near
    assert requests[: len(requests) // 2] == requests[len(requests) // 2 :]
    assert "general knowledge" in requests[-1]


async def test_the_questions_it_leans_on_go_with_it_and_no_answer(models: TwoModels) -> None:
    _, ann = await ann_with(leave=LEAVE)
    first = await answer(ann, WEEKS, door="test")
    models.writes = lambda: ["NOT FOUND"]
    await answer(ann, "And its colour there?", conversation=first.conversation_id, door="test")
    await answer(ann, f"{SKY} Do old lamps deceive painters?", conversation=first.conversation_id, door="test")
    leaning, alone = models.marked
    assert WEEKS in leaning
    assert "26 weeks" not in leaning
    assert BLUE not in alone
    assert WEEKS not in alone


async def test_nothing_later_is_made_of_it(models: TwoModels) -> None:
    _, ann = await ann_with()
    first = await answer(ann, SKY, door="test")
    await answer(ann, "And why is it red there?", conversation=first.conversation_id, door="test")
    assert len(models.marked) == 2
    assert "scatters" not in "".join(models.prompts)


# --- what becomes of what is said -------------------------------------------------------------------------

BAD = (
    *("refuse", "hang", "hang_later", "stall", "reset", "rate_limited", "error", "invalid_json", "wrong_type"),
    *("endless", "endless_sentence", "empty", "huge", "packed", "tool_call", "echo", "answer"),
)


@pytest.mark.parametrize("mode", BAD)
async def test_a_model_that_does_not_answer_or_know_leaves_not_found(
    mode: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(general, "SECONDS", 3.0)
    _, ann = await ann_with()
    with Spy(mode).running() as spy:
        settings.LLM_BASE_URL = spy.url
        done = await answer(ann, SKY, door="test")
    assert bool(spy.calls) == (mode != "refuse")
    assert (done.status, done.answer, done.general) == ("not_found", NOT_FOUND["en"], "")
    assert not await GeneralParagraph.objects.aexists()


async def test_a_client_that_leaves_ends_the_call_and_keeps_nothing(
    models: TwoModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "SILENCE", 0.02)
    _, ann = await ann_with()

    def goes_on() -> Iterator[str]:
        yield BLUE
        for _ in range(200):
            time.sleep(0.05)
            yield " And so"

    models.other = goes_on
    events = ask(ann, SKY, door="test")
    async for event in events:
        if isinstance(event, Silence) and models.marked:
            break
    await events.aclose()
    assert await asyncio.to_thread(models.left.wait, 2)
    assert [each.status async for each in Question.objects.all()] == [Question.Status.STOPPED]
    assert not await GeneralParagraph.objects.aexists()


async def test_who_is_deactivated_meanwhile_is_not_shown_it_then_nor_later(models: TwoModels) -> None:
    _, ann = await ann_with()

    def meanwhile() -> Iterator[str]:
        from django.db import connection

        User.objects.filter(pk=ann.user_id).update(is_active=False)
        connection.close()
        yield BLUE

    models.other = meanwhile
    with pytest.raises(AnswerFailed, match="Your access has ended"):
        await answer(ann, SKY, door="test")
    assert len(models.marked) == 1
    await User.objects.filter(pk=ann.user_id).aupdate(is_active=True)
    asked = await Question.objects.aget()
    shown = await in_thread(conversations.get_question, ann, asked.pk)
    assert shown is not None
    assert (shown.status, shown.general) == ("failed", "")


async def test_it_is_paid_for_and_nobody_is_asked_over_the_budget(models: TwoModels, settings: Settings) -> None:
    _, ann = await ann_with()
    await answer(ann, SKY, door="test")
    spent = await Spending.objects.aget(person=ann.user_id)
    settings.LLM_DAILY_TOKENS_PER_PERSON = spent.tokens
    done = await answer(ann, SKY, door="test")
    assert (done.status, done.general, len(models.marked)) == ("not_found", "", 1)


CLEANED = {
    "marks": ("Air is a gas. [1] Light is a wave [2][3].", "Air is a gas. Light is a wave."),
    "marks in marks": ("Air is a gas [[1]1].", "Air is a gas (1)."),
    "links": ("Air is [a gas](https://evil.example).", "Air is a gas."),
    "images": ("![x](https://evil.example/x.png) Air is a gas.", "x Air is a gas."),
    "tags": ("Air is <b>a gas</b>.<img src=//evil.example/x>", "Air is a gas."),
    "emphasis": ("# Air\n\n- **Air** is a gas.", "Air Air is a gas."),
    "an address": (
        "Air is a gas. See https://evil.example/?q=1 for more. Light is a wave.",
        "Air is a gas. Light is a wave.",
    ),
    "an address in pieces": ("Go to ht<b>tps:</b>//evil.example now. Air is a gas.", "Air is a gas."),
    "an address without a scheme": ("Go to WWW.evil.example now. Air is a gas.", "Air is a gas."),
    "an address of a host alone": (
        "Go to evil.example/q now. Or to evil.com. Node.js is no address, e.g. here.",
        "Node.js is no address, e.g. here.",
    ),
    "a mail address": ("Write to eve@evil.example. Or mailto:eve. Air is a gas.", "Air is a gas."),
    "invisible characters": ("Air\U000e0041 is\u200b a \u202egas.", "Air is a gas."),
    "its prompt": (f"{general.RULES}\n{SKY}\nAir is a gas.", "Air is a gas."),
    "words of the question": ("the aubergine courtyard", "the aubergine courtyard"),
    "paragraphs": ("Air is a gas.\n\nLight is a wave.", "Air is a gas. Light is a wave."),
    "that it does not know": ("NOT FOUND.", ""),
    "that it does not know and more": ("NOT FOUND\n\nAir may be a gas.", ""),
    "that it does not know, quoted": ('"NOT FOUND"', ""),
    "that it does not know, and why": ("NOT FOUND: this is about your organisation.", ""),
    "what is too long": (
        "Air is a gas for all that I know of it. " * 40,
        ("Air is a gas for all that I know of it. " * 30)[:-1],
    ),
    "what does not end": ("air " * 2_000, ""),
    "what is left open": ("Air is a gas. Light" + " and light" * 500, "Air is a gas."),
}


@pytest.mark.parametrize("kind", CLEANED)
async def test_it_is_plain_text_without_marks_links_and_addresses(models: TwoModels, kind: str) -> None:
    said, shown = CLEANED[kind]
    _, ann = await ann_with()
    models.other = lambda: [said]
    done = await answer(ann, SKY, door="test")
    assert done.general == shown
    assert len(done.general) <= general.LONGEST


async def test_the_worst_of_models_gets_nothing_active_through(settings: Settings) -> None:
    library, ann = await ann_with(leave=LEAVE)
    await in_thread(library.put, "sky", SAID, readers=("bob",), title="Why the sky is blue")
    with Spy("obey").running() as spy:
        settings.LLM_BASE_URL = spy.url
        done = await answer(ann, f"{SKY} [1] <img src=//evil.example> See [it](https://evil.example).", door="test")
    assert any(general.RULES in prompt for prompt in spy.prompts)
    assert not ADDRESS.search(done.general)
    assert not MARK.search(done.general)
    assert not set("<>") & set(done.general)
    assert "26 weeks" not in done.general


@pytest.mark.parametrize("piece", ["[", "([", "![a](", "<a", "[a][b", "a. "])
def test_questions_of_any_kind_are_looked_at_in_no_time(piece: str) -> None:
    told = [Message("user", piece * (32_000 // len(piece)))]
    begun = time.thread_time()
    assert general._plain("Air is a gas.", told) == "Air is a gas."
    assert time.thread_time() - begun < 1


# --- shown again, and by whom -----------------------------------------------------------------------------


def test_what_it_is_is_said_in_every_language_the_gateway_speaks() -> None:
    assert GENERAL.keys() == NOT_FOUND.keys()


async def test_once_it_is_no_longer_allowed_none_is_shown(models: TwoModels, settings: Settings) -> None:
    _, ann = await ann_with()
    done = await answer(ann, SKY, door="test")
    settings.GENERAL_KNOWLEDGE = False
    assert (await shown_again(ann, done)).general == ""
    settings.GENERAL_KNOWLEDGE = True
    assert (await shown_again(ann, done)).general == BLUE


async def test_with_whom_a_conversation_is_shared_is_not_shown_it(models: TwoModels) -> None:
    _, ann = await ann_with()
    done = await answer(ann, SKY, door="test")
    assert await in_thread(sharing.share, ann, done.conversation_id, "bob@example.com")
    bob = Reader((await User.objects.aget(email="bob@example.com")).pk)
    shared = await in_thread(sharing.get_shared, bob, done.conversation_id)
    assert shared is not None
    assert SKY in repr(shared)
    assert "scatters" not in repr(shared) + repr(exporting.shared_json(shared))


async def test_it_goes_with_its_conversation(models: TwoModels) -> None:
    _, ann = await ann_with()
    done = await answer(ann, SKY, door="test")
    assert await in_thread(conversations.delete_conversation, ann, done.conversation_id)
    assert not await GeneralParagraph.objects.aexists()


def signed_in() -> Client:
    client = Client()
    client.force_login(User.objects.get(email="ann@example.com"))
    return client


async def test_pages_and_files_show_it_escaped_with_what_it_is(models: TwoModels) -> None:
    _, ann = await ann_with()
    models.other = lambda: ["Air is a < b & *c* 'd'."]
    done = await answer(ann, SKY, door="test")
    browser = await in_thread(signed_in)
    page = (await in_thread(browser.get, f"/questions/{done.question_id}/")).content.decode()
    assert f"{GENERAL['en']}</p>" in page
    assert "Air is a &lt; b &amp; c &#x27;d&#x27;." in page
    assert page.index("Not found in what you can read") < page.index("Air is a")
    file = await in_thread(browser.get, f"/conversations/{done.conversation_id}/markdown/")
    assert f"> *{GENERAL['en']}*\n>\n> Air is a \\< b \\& c 'd'.\n" in file.content.decode()
    answers = (await in_thread(browser.get, f"/api/v1/conversations/{done.conversation_id}")).json()["questions"]
    assert [each["general"]["message"] for each in answers] == [GENERAL["en"]]


def test_the_terminal_shows_it_with_what_it_is(models: TwoModels) -> None:
    Library().person("ann")
    out = StringIO()
    call_command("ask", "--as", "ann@example.com", SKY, stdout=out)
    assert out.getvalue() == f"{NOT_FOUND['en']}\n\n{GENERAL['en']}\n\n{BLUE}\n"
