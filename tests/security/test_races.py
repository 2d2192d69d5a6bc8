"""An ask against a change that commits while it is under way: not one byte is late (P15, P16)."""

import ast
import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as gatehouse
from django.db import connection
from pytest_django import Settings

from accounts.reader import Reader
from connectors.corpus.evidence import Pair
from connectors.corpus.hits import Hit
from gateway import pausing
from gateway.answering import composing, streaming
from gateway.answering.asking import ask
from gateway.answering.events import Retrieved
from gateway.answering.recording import Asked
from gateway.answering.releasing import Standing
from gateway.answering.threads import in_thread
from gateway.slack import tasks
from gateway.slack.asked import Asked as AskedInSlack
from tests.cast import World
from tests.doubles import SlackApi
from tests.security.racing import (
    CHANGES,
    HOOK,
    QUESTION,
    RACE,
    WORD,
    Change,
    Race,
    RecordingModel,
    Run,
    Stage,
    by_events,
    end_glass,
    faults,
    over_http,
)

pytestmark = pytest.mark.django_db(transaction=True)

RANDOM = int(os.environ.get("RACES", "500"))  # interleavings with random pauses
BATCH = 52  # of them in one test
AT_ONCE = 4  # of them against one change

both = pytest.mark.parametrize("model", ["extractive", "model"], indirect=True)
with_model = pytest.mark.parametrize("model", ["model"], indirect=True)
each_change = pytest.mark.parametrize("change", CHANGES)


@pytest.fixture(autouse=True)
def _points(settings: Settings, pooled: None) -> None:
    settings.PAUSE_POINTS = HOOK


@pytest.fixture
def model(request: pytest.FixtureRequest, settings: Settings) -> Iterator[RecordingModel | None]:
    """The answerer of a test: a model that says all it is shown, or None."""
    if request.param == "extractive":
        yield None
        return
    with RecordingModel().running() as server:
        settings.LLM_BASE_URL, settings.LLM_MODEL = server.url, "double"
        yield server


async def raced(run: Run, stage: Stage, model: RecordingModel | None, *races: Race) -> None:
    if model is not None:
        model.races = list(races)
    await asyncio.gather(*(asyncio.create_task(run(stage, race)) for race in races))


async def at_every_point(run: Run, stage: Stage, change: Change, model: RecordingModel | None) -> dict[str, list[str]]:
    """What went wrong when the change committed at each of the points an undisturbed ask passes."""
    await in_thread(change.give, stage)
    undisturbed = Race()
    await raced(run, stage, model, undisturbed)
    assert undisturbed.told
    assert undisturbed.passed[:4] == ["resolve", "retrieve", "before_prompt", "flush"]
    assert undisturbed.passed[-3:] == ["flush", "persist", "flush"]
    wrong = {}
    for number, point in enumerate(undisturbed.passed):
        race = Race(commit=lambda: change.take(stage), number=number)
        await raced(run, stage, model, race)
        assert race.passed[: number + 1] == undisturbed.passed[: number + 1]
        if found := await in_thread(faults, stage, change, race):
            wrong[f"{number} {point}"] = found
        await in_thread(change.give, stage)
    print(f"{len(undisturbed.passed)} interleavings")
    return wrong


# --- all interleavings ------------------------------------------------------------------------------------


@both
@each_change
async def test_nothing_is_late_wherever_the_change_commits(change: str, model: RecordingModel | None) -> None:
    stage = await in_thread(Stage.set)
    assert await at_every_point(by_events, stage, CHANGES[change], model) == {}


@with_model
@each_change
async def test_no_byte_on_the_wire_is_late(change: str, model: RecordingModel) -> None:
    stage = await in_thread(Stage.set)
    assert await at_every_point(over_http, stage, CHANGES[change], model) == {}


@with_model
@each_change
async def test_a_follow_up_tells_nothing_of_what_its_conversation_lost(change: str, model: RecordingModel) -> None:
    """The change commits after the first answer; neither the prompt nor the second answer knows of it."""
    stage = await in_thread(Stage.set)
    await in_thread(CHANGES[change].give, stage)
    first = [event async for event in ask(stage.reader, QUESTION, door="test") if isinstance(event, Retrieved)]
    assert any(WORD in prompt for prompt in model.prompts)
    del model.prompts[:]
    await in_thread(CHANGES[change].take, stage)
    follow_up = ask(stage.reader, "And why is it that?", conversation=first[0].conversation_id, door="test")
    told = [json.dumps(event.as_json()) async for event in follow_up]
    assert [text for text in (*model.prompts, *told) if WORD in text.lower()] == []


# --- random interleavings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "seed"),
    [(("extractive", "model")[seed % 2], seed) for seed in range(-(-RANDOM // BATCH))],
    indirect=["model"],
)
async def test_nothing_is_late_in_random_interleavings(seed: int, model: RecordingModel | None) -> None:
    """The change commits in a thread of its own, at any moment of four asks that pause at random."""
    by_chance = random.Random(seed)
    stage = await in_thread(Stage.set)
    took = await undisturbed_round(stage, model)
    wrong: list[tuple[str, str]] = []
    told = untold = 0
    for _ in range(BATCH // AT_ONCE):
        name = by_chance.choice(list(CHANGES))
        await in_thread(CHANGES[name].give, stage)
        races = racers(by_chance)
        commit = threading.Thread(target=commits, args=(CHANGES[name], stage, races, by_chance.uniform(0, took)))
        commit.start()
        await raced(by_events, stage, model, *races)
        await asyncio.to_thread(commit.join)
        wrong += [(name, fault) for race in races for fault in race.faults()]
        told += sum(race.told for race in races)
        untold += sum(not race.told for race in races)
        await in_thread(put_back, stage, CHANGES[name])
    print(f"seed {seed}: {told} asks told of the document before it was lost, {untold} did not")
    assert wrong == []
    assert told
    assert untold


async def undisturbed_round(stage: Stage, model: RecordingModel | None) -> float:
    """How long it takes, in seconds: what is to happen meanwhile is spread over that time."""
    await raced(by_events, stage, model, *racers(random.Random(0)))  # it may load a library first
    began = time.monotonic()
    await raced(by_events, stage, model, *racers(random.Random(0)))
    return time.monotonic() - began


def racers(by_chance: random.Random) -> list[Race]:
    """Asks that can be told apart in a prompt."""
    pauses = [random.Random(by_chance.random()) for _ in range(AT_ONCE)]
    return [Race(pauses=each, question=QUESTION + "?" * number) for number, each in enumerate(pauses)]


def put_back(stage: Stage, change: Change) -> None:
    """As it was when the stage was set."""
    change.give(stage)
    if stage.glass is not None:
        end_glass(stage)
    stage.world.folder("top", ["team"])


def commits(change: Change, stage: Stage, races: list[Race], delay: float) -> None:
    try:
        time.sleep(delay)
        change.take(stage)
        moment = time.monotonic()
        for race in races:
            race.committed_at = moment
    finally:
        connection.close()


# --- the races would be lost without the checks ---------------------------------------------------------------


def all_of(asked: Asked, hits: list[Hit], model: str, kept: object = ()) -> list[Hit]:
    return list(hits)


def everything(reader: Reader, evidence: frozenset[Pair]) -> Standing:
    return Standing(active=True, readable=evidence)


@with_model
async def test_without_the_check_before_the_prompt_the_races_leak(
    model: RecordingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composing, "cleared", all_of)
    stage = await in_thread(Stage.set)
    wrong = await at_every_point(by_events, stage, CHANGES["revoke"], model)
    assert list(wrong) == ["2 before_prompt"]
    assert any(text.startswith("late: ") and "<passage" in text for text in wrong["2 before_prompt"])


@both
async def test_without_the_check_at_every_flush_the_races_leak(
    model: RecordingModel | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "standing", everything)
    stage = await in_thread(Stage.set)
    wrong = await at_every_point(by_events, stage, CHANGES["revoke"], model)
    late = {point for point, found in wrong.items() if any(text.startswith("late: ") for text in found)}
    assert {point.split()[1] for point in late} == {"flush", "persist"}
    assert len(late) > 4


# --- Slack --------------------------------------------------------------------------------------------------


class BusySlack(SlackApi):
    """Slack's API; while it says that it is busy, something commits."""

    meanwhile: Callable[[], Any] | None = None

    def answer(self, method: str, payload: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        if self.meanwhile is not None:
            self.failures = ["ratelimited"]
            try:
                self.meanwhile()
            finally:
                connection.close()
            self.meanwhile = None
        return super().answer(method, payload)


@pytest.fixture
def slack(settings: Settings) -> Iterator[BusySlack]:
    """Slack's API, and the tasks done at once instead of by a worker."""
    conf = current_app.conf
    before = conf.task_always_eager
    with BusySlack().running() as api:
        settings.SLACK_BOT_TOKEN, settings.SLACK_API_BASE_URL = "xoxb-1", api.url
        conf.task_always_eager = True
        yield api
        conf.task_always_eager = before


OF_THE_PERSON = [name for name in CHANGES if name != "token"]  # in Slack she asks without one


@pytest.mark.parametrize("change", OF_THE_PERSON)
def test_nothing_posted_to_slack_is_late(change: str, slack: BusySlack) -> None:
    """The change commits at each of the points, and at last while Slack is busy and the post is made again."""
    stage = Stage.set()
    World.of("ann", key="slack-T1")
    asked = AskedInSlack(team="T1", user="ann", channel="D1", text=QUESTION, direct=True)
    CHANGES[change].give(stage)
    points = len(in_slack(asked, Race()).passed)
    assert WORD in json.dumps(slack.calls)
    for number in range(points + 1):
        CHANGES[change].give(stage)
        del slack.calls[:]
        race = Race(commit=lambda: CHANGES[change].take(stage), number=number)
        slack.meanwhile = race.commit if number == points else None
        in_slack(asked, race)
        after = slack.calls[1:] if number == points else slack.calls
        assert [call for call in after if WORD in json.dumps(call).lower()] == []
        assert len(slack.calls) - (number == points) <= 1


def in_slack(asked: AskedInSlack, race: Race) -> Race:
    def run() -> None:
        RACE.set(race)
        tasks.answer.delay(asdict(asked))

    copy_context().run(run)
    return race


# --- where the points stand ---------------------------------------------------------------------------------


def test_every_point_stands_right_before_a_check() -> None:
    """Nothing is between a pause and the statements that judge anew: what follows is a call of the database."""
    found: dict[str, int] = {}
    for path in sorted((gatehouse.BASE_DIR / "gateway").glob("**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            body = getattr(node, "body", None)
            for pause, after in pairwise(body if isinstance(body, list) else []):
                if (source := ast.unparse(pause)).startswith("await pausing.at("):
                    found[source] = found.get(source, 0) + ("await in_thread(" in ast.unparse(after).splitlines()[0])
    assert found == {
        "await pausing.at('resolve')": 1,
        "await pausing.at('retrieve')": 1,
        "await pausing.at('before_prompt')": 3,  # to a model, for the search before, and to what picks sentences
        "await pausing.at('flush')": 1,
        "await pausing.at('persist')": 1,
    }


async def test_nobody_is_held_without_the_setting(settings: Settings) -> None:
    RACE.set(race := Race())
    await pausing.at("flush")
    settings.PAUSE_POINTS = ""
    await pausing.at("flush")
    assert race.passed == ["flush"]
