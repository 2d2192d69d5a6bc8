"""Which model is asked: by use, instead of one that fails, by what it may be sent, and within which budget."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from accounts.reader import Reader
from connectors.adding import delete_source
from gateway import start
from gateway.answering import circuits, model, sending, spending
from gateway.answering.asking import answer
from gateway.answering.counting import tokens_of
from gateway.answering.events import Done
from gateway.answering.model import Message, completed
from gateway.answering.providers import KeptFromModel, ModelUnavailable, OverBudget, Policy, providers
from gateway.answering.releasing import EvidenceLost
from gateway.answering.threads import in_thread
from gateway.models import AuditEvent, Spending
from gateway.running import PROJECT
from gateway.spy.server import Spy
from tests.gateway.library import LEAVE, Library

pytestmark = pytest.mark.django_db(transaction=True)

WEEKS = "How many weeks of parental leave do employees in Germany receive?"
HELLO = [Message("user", "Say something about leave.")]


@pytest.fixture(autouse=True)
def _fresh_circuits() -> Iterator[None]:
    circuits.forget_all()
    yield
    circuits.forget_all()


@pytest.fixture
def spy(settings: Settings) -> Iterator[Spy]:
    """It takes the mode a request names, so that models by name behave in different ways."""
    with Spy("answer").running() as spy:
        settings.LLM_BASE_URL, settings.LLM_MODEL = spy.url, "first"
        settings.LLM_CLOCK = (2.0, 3.0, 3.0, 20.0)
        model.warm_up()
        yield spy


@pytest.fixture
def other(settings: Settings) -> Iterator[Spy]:
    """Another server, that stands in."""
    with Spy("answer").running() as spy:
        settings.LLM_FALLBACK_BASE_URL, settings.LLM_FALLBACK_MODEL = spy.url, "second"
        yield spy


def contexts_of(done: Done, model: str) -> list[AuditEvent]:
    """What the audit says a model was given for an answer."""
    return list(AuditEvent.objects.filter(details__question=str(done.question_id), details__model=model))


def models_asked(spy: Spy) -> list[Any]:
    return [call.body["model"] for call in spy.calls]


async def ann_with_leave() -> tuple[Library, Reader]:
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann", country="Germany")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    return library, ann


# --- by use ---------------------------------------------------------------------------------------------


async def test_each_use_may_have_a_model_of_its_own(spy: Spy, settings: Settings) -> None:
    settings.LLM_REWRITE_MODEL, settings.LLM_JUDGE_MODEL = "small", "strict"
    for use in ("answer", "rewrite", "judge", "query"):
        assert await completed(HELLO, use=use) == "NOT FOUND"
    assert models_asked(spy) == ["first", "small", "strict", "first"]


async def test_a_whole_completion_is_tried_once_more_and_then_given_up(spy: Spy, settings: Settings) -> None:
    settings.LLM_QUERY_MODEL = "error"
    with pytest.raises(ModelUnavailable, match="InternalServerError with the status 500"):
        await completed(HELLO, use="query")
    assert models_asked(spy) == ["error", "error"]


async def test_without_a_model_there_is_no_completion(settings: Settings) -> None:
    with pytest.raises(ModelUnavailable):
        await completed(HELLO, use="judge")


# --- instead of one that fails --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["error", "hang", "refuse", "empty"])
async def test_a_second_model_answers_where_the_first_does_not(
    mode: str, spy: Spy, other: Spy, settings: Settings
) -> None:
    _, ann = await ann_with_leave()
    settings.LLM_MODEL = mode
    done = await answer(ann, WEEKS, door="test")
    assert (done.status, done.model, done.notice) == ("answered", "second", "")
    [event] = await in_thread(contexts_of, done, "second")
    assert len(event.details["passages"]) == 1


async def test_a_fallback_may_be_another_model_of_the_same_server(spy: Spy, settings: Settings) -> None:
    settings.LLM_MODEL, settings.LLM_FALLBACK_MODEL, settings.LLM_LOCAL = "error", "answer", True
    assert await completed(HELLO, use="answer") == "NOT FOUND"
    assert models_asked(spy) == ["error", "error", "answer"]


async def test_a_model_elsewhere_does_not_stand_in_for_one_on_the_premises(
    spy: Spy, other: Spy, settings: Settings
) -> None:
    settings.LLM_MODEL, settings.LLM_LOCAL = "error", True
    with pytest.raises(ModelUnavailable):
        await completed(HELLO, use="answer")
    assert other.calls == []
    settings.LLM_FALLBACK_LOCAL = True
    assert await completed(HELLO, use="answer") == "NOT FOUND"


async def test_what_a_second_judge_is_given_is_checked_and_audited_as_its_own(
    spy: Spy, other: Spy, settings: Settings
) -> None:
    _, ann = await ann_with_leave()
    settings.LLM_JUDGE_MODEL = "error"
    done = await answer(ann, WEEKS, door="test")
    assert done.status == "answered"
    assert "<sentence>" in other.prompts[-1]
    for name, times in (("error", 2), ("second", 1)):
        events = await in_thread(contexts_of, done, name)
        assert [len(event.details["passages"]) for event in events] == [1] * times


async def test_what_is_lost_while_the_first_model_fails_does_not_go_to_the_second(
    spy: Spy, other: Spy, settings: Settings
) -> None:
    settings.LLM_QUERY_MODEL = "error"
    asked_of = []

    async def prompt(model: str) -> list[Message]:
        asked_of.append(model)
        if model == "second":
            raise EvidenceLost
        return HELLO

    with pytest.raises(EvidenceLost):
        await completed(prompt, use="query")
    assert asked_of == ["error", "error", "second"]
    assert (len(spy.calls), other.calls) == (2, [])


async def test_a_model_that_keeps_failing_is_not_waited_for_any_more(spy: Spy, settings: Settings) -> None:
    _, ann = await ann_with_leave()
    settings.LLM_MODEL = "error"
    answers = [await answer(ann, WEEKS, door="test") for _ in range(5)]
    assert len(spy.calls) == circuits.FAILURES
    assert {(done.model, done.notice) for done in answers} == {("extractive", "model_unavailable")}


async def test_an_open_circuit_lets_nothing_past_a_check(spy: Spy, settings: Settings) -> None:
    library, ann = await ann_with_leave()
    settings.LLM_MODEL = "error"
    for _ in range(5):
        await answer(ann, WEEKS, door="test")
    await in_thread(library.person, "bob")
    await in_thread(library.put, "leave", LEAVE, readers=("bob",), title="Parental leave")
    assert (await answer(ann, WEEKS, door="test")).status == "not_found"


# --- what may be sent where -----------------------------------------------------------------------------

KEPT = "The zebra of the board room may be fed on Fridays only."


async def two_sources(policy: Policy) -> Reader:
    """A source that is open to any model, and one that is not, with something of each about parental leave."""
    _, ann = await ann_with_leave()
    closed = await in_thread(Library, "closed")
    await in_thread(closed.put, "zebra", KEPT, readers=("*",), title="Zebra rules")
    await in_thread(sending.set_policy, closed.source, policy)
    await in_thread(link, closed, ann)
    return ann


def link(library: Library, reader: Reader) -> None:
    from connectors.applying import apply_record
    from connectors.records import PrincipalRecord

    address = User.objects.get(pk=reader.user_id).email
    apply_record(library.source, PrincipalRecord(id="ann", kind="user", name="ann", email=address, external=False))


ZEBRA = "When may the zebra of the board room be fed?"
BOTH = "How many weeks of parental leave do employees in Germany receive, and when may the zebra be fed?"


async def asked(reader: Reader, question: str) -> Done:
    return await answer(reader, question, door="test")


@pytest.mark.parametrize("policy", ["local", "none"])
async def test_not_one_byte_of_a_source_reaches_a_model_it_is_not_open_to(policy: Policy, spy: Spy) -> None:
    ann = await two_sources(policy)
    for question in (ZEBRA, BOTH, WEEKS):
        done = await asked(ann, question)
        assert done.status in ("answered", "partial")
    sent = repr([call.body for call in spy.calls])
    assert spy.calls
    assert "zebra of the board room may" not in sent
    assert "Zebra rules" not in sent
    assert "Fridays" not in sent


async def test_what_no_model_may_be_sent_is_answered_word_for_word(spy: Spy) -> None:
    ann = await two_sources("none")
    done = await asked(ann, ZEBRA)
    assert (done.model, done.notice, done.answer) == ("extractive", "kept_from_model", f"{KEPT} [1]")
    assert done.notice_text.startswith("What was found may not be sent to the language model.")
    assert spy.calls == []


async def test_a_model_that_answers_without_a_part_of_what_was_found_says_so(spy: Spy) -> None:
    ann = await two_sources("none")
    done = await asked(ann, BOTH)
    assert (done.model, done.notice) == ("first", "left_out_of_model")
    [event] = await in_thread(contexts_of, done, "first")
    assert len(event.details["passages"]) == 1
    assert [each["source"] for each in event.details["kept"]] == ["closed"]


async def test_a_local_model_is_sent_what_is_open_to_local_ones(spy: Spy, settings: Settings) -> None:
    ann = await two_sources("local")
    settings.LLM_LOCAL = True
    done = await asked(ann, ZEBRA)
    assert (done.model, done.notice) == ("first", "")
    assert "Fridays" in spy.prompts[0]


async def test_a_local_fallback_answers_what_the_first_may_not_be_sent(
    spy: Spy, other: Spy, settings: Settings
) -> None:
    ann = await two_sources("local")
    settings.LLM_FALLBACK_LOCAL = True
    done = await asked(ann, ZEBRA)
    assert (done.model, done.notice) == ("second", "")
    assert (len(spy.calls), len(other.calls)) == (0, 1)


async def test_a_completion_about_a_source_goes_only_where_its_text_may(spy: Spy) -> None:
    library = await in_thread(Library)
    await in_thread(sending.set_policy, library.source, "local")
    with pytest.raises(KeptFromModel):
        await completed(HELLO, use="query", sources=["library"])
    with pytest.raises(KeptFromModel):
        await completed(HELLO, use="query", sources=["no such source"])
    await in_thread(sending.set_policy, library.source, "any")
    assert await completed(HELLO, use="query", sources=["library"]) == "NOT FOUND"
    changes = await in_thread(lambda: list(AuditEvent.objects.filter(kind="source.models").order_by("-id")[:2]))
    assert [event.details["open_to"] for event in changes] == ["any", "local"]


def test_a_policy_ends_with_its_source() -> None:
    library = Library()
    sending.set_policy(library.source, "none")
    assert sending.policies_of(["library"]) == {"library": "none"}
    delete_source(library.source)
    assert sending.policies_of(["library"]) == {"library": "none"}  # unknown
    Library()
    assert sending.policies_of(["library"]) == {"library": "any"}


# --- budgets --------------------------------------------------------------------------------------------


async def test_what_calls_cost_is_counted_by_person_and_for_all(spy: Spy) -> None:
    _, ann = await ann_with_leave()
    await asked(ann, WEEKS)
    await completed(HELLO, use="judge")
    [day] = await in_thread(spending.by_day)
    [person] = await in_thread(spending.by_person, day.day)
    assert (day.calls, person.calls, person.person) == (2, 1, ann.user_id)
    said = await asyncio.to_thread(tokens_of, "NOT FOUND")
    hello = await asyncio.to_thread(tokens_of, HELLO[0].text)
    assert day.tokens == person.tokens + hello + said


async def test_a_call_without_an_answer_costs_nothing(spy: Spy, settings: Settings) -> None:
    settings.LLM_MODEL = "error"
    with pytest.raises(ModelUnavailable):
        await completed(HELLO, use="answer")
    assert await in_thread(lambda: [each.tokens for each in spending.by_day()]) == [0]


def spent() -> int:
    return spending.by_day()[0].tokens


@pytest.mark.parametrize("budget", ["LLM_DAILY_TOKENS", "LLM_DAILY_TOKENS_PER_PERSON"])
async def test_above_a_budget_the_answer_is_word_for_word_and_says_why(
    budget: str, spy: Spy, settings: Settings
) -> None:
    _, ann = await ann_with_leave()
    await asked(ann, WEEKS)
    setattr(settings, budget, int(await in_thread(spent) * 2.5))
    answers = [await asked(ann, WEEKS) for _ in range(3)]
    assert [done.notice for done in answers] == ["", "over_budget", "over_budget"]
    assert answers[-1].model == "extractive"
    assert answers[-1].notice_text.startswith("Today’s budget for the language model is used up")
    assert len(spy.calls) == 2


async def test_one_persons_budget_is_not_anothers(spy: Spy, settings: Settings) -> None:
    library, ann = await ann_with_leave()
    bob = await in_thread(library.person, "bob")
    await in_thread(library.put, "leave", LEAVE, readers=("ann", "bob"), title="Parental leave")
    assert (await asked(ann, WEEKS)).notice == ""
    settings.LLM_DAILY_TOKENS_PER_PERSON = int(await in_thread(spent) * 1.5)
    assert [(await asked(reader, WEEKS)).notice for reader in (ann, bob)] == ["over_budget", ""]


def test_what_a_provider_tells_of_the_cost_counts_if_it_can_be_believed() -> None:
    bill = spending.reserve(None, 100)
    bill.said = "Leave is 26 weeks."
    estimated = bill.tokens
    assert estimated > 100
    for told in ({"prompt_tokens": -5}, {"prompt_tokens": 10**12}, {"prompt_tokens": "many"}, {}):
        bill.told(told)
        assert bill.tokens == estimated
    bill.told({"prompt_tokens": 90, "completion_tokens": 7})
    assert bill.tokens == 97


def test_many_at_a_time_spend_no_more_than_the_budget(settings: Settings) -> None:
    settings.LLM_DAILY_TOKENS = 1_000
    refused: list[int] = []

    def reserve(person: int) -> None:
        try:
            for _ in range(10):
                spending.reserve(person, 30)
        except OverBudget:
            refused.append(person)
        finally:
            connection.close()

    threads = [Thread(target=reserve, args=[person]) for person in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused
    whole = Spending.objects.get(person=Spending.ORGANISATION)
    people = Spending.objects.exclude(person=Spending.ORGANISATION)
    assert 970 < whole.tokens <= 1_000
    assert sum(people.values_list("tokens", flat=True)) == whole.tokens


def test_no_models_are_none(settings: Settings) -> None:
    assert providers("answer") == ()
    assert model.name() == ""


# --- settings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["3,15,10", "3,15,10,sixty", "0,15,10,60", "3,15,10,99999", "nan,1,1,1", ""])
def test_a_clock_that_is_none_stops_the_start(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="78"):
        start.seconds("LLM_CLOCK", text)
    assert "LLM_CLOCK is not four numbers of seconds" in capsys.readouterr().err


def test_a_clock_is_four_numbers() -> None:
    assert start.seconds("LLM_CLOCK", "3, 15,10, 60.5") == (3.0, 15.0, 10.0, 60.5)


def test_a_fallback_elsewhere_of_a_local_model_stops_the_start() -> None:
    of_models = {"LLM_BASE_URL": "http://a/v1", "LLM_LOCAL": "true", "LLM_FALLBACK_BASE_URL": "http://b/v1"}
    started = subprocess.run(
        [sys.executable, "-c", "import gateway.settings"],
        cwd=PROJECT,
        env=os.environ | of_models,
        capture_output=True,
        text=True,
    )
    assert started.returncode == 78
    assert "LLM_FALLBACK_LOCAL is off while LLM_LOCAL is on" in started.stderr


# --- commands -------------------------------------------------------------------------------------------


def test_commands_say_which_models_a_sources_text_may_be_sent_to() -> None:
    call_command("add_source", "wiki", "--kind", "push", "--models", "local")
    assert sending.policies_of(["wiki"]) == {"wiki": "local"}
    said = StringIO()
    call_command("set_source", "wiki", "--models", "none", stdout=said)
    assert "Language models that may be sent the text of wiki: none." in said.getvalue()
    assert sending.policies_of(["wiki"]) == {"wiki": "none"}
