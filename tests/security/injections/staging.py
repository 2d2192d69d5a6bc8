"""Who takes part: Mallory writes what Vera reads, and neither may read all that the gateway holds."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import httpx
from celery import current_app
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts import tokens
from accounts.models import User
from accounts.reader import Reader
from connectors import ingest
from connectors.corpus.reading import list_documents
from connectors.parsing import ParserProcess
from connectors.records import DocumentRecord, Entry, PrincipalRecord, ScopeRecord
from gateway import reporting
from gateway.answering import circuits
from gateway.slack import tasks
from gateway.slack.asked import Asked
from gateway.spy.server import Spy
from tests.cast import World, access, person
from tests.doubles import SlackApi
from tests.security.injections.places import CELLAR, COURTYARD, PLACES

T = TypeVar("T")
QUESTIONS = {
    COURTYARD: "What does the notice on the aubergine courtyard say?",
    CELLAR: "And what do heading, alternative and mail of the notice on the aubergine cellar say?",
}
# Words that stand in one document each, and who may read that.
HIDDEN, VERAS, VERAS_WORD = "HIDDEN-4410", "VERMILION-7731", "quillfeather"
SECRETS: Mapping[str, frozenset[str]] = {
    HIDDEN: frozenset(),
    VERAS: frozenset({"vera"}),
    VERAS_WORD: frozenset({"vera"}),
}
HOSTILE = 'Notes"><img src=//evil.example/n.png onerror=alert(1)> <!channel> {{ 7*7 }}'
CLOCK = (5.0, 60.0, 60.0, 120.0)  # of the model: this is not about how long it takes
SLACK = "slack-T1"


@dataclass
class Stage:
    """An installation with these people, documents, a model that obeys, and Slack."""

    address: str
    world: World
    spy: Spy
    slack: SlackApi
    people: dict[str, User]
    clients: dict[str, httpx.Client] = field(default_factory=dict)
    programs: dict[str, httpx.Client] = field(default_factory=dict)

    def plant(self, texts: Mapping[str, str]) -> None:
        """Mallory writes these texts, by the place each stands in."""
        for name, text in texts.items():
            self.world.push(PLACES[name](text))
        with ParserProcess(recogniser=None) as parser:
            while (job := ingest.take(self.world.source)) is not None:
                ingest.work_on(job, parser)

    def report(self, text: str) -> None:
        """Mallory says of what everybody reads that it is out of date."""
        open_to_all = next(each for each in self.readable_by("mallory") if each.external_id == "open")
        assert reporting.report(Reader(self.people["mallory"].pk), open_to_all.id, text)

    def readable_by(self, name: str) -> list[Any]:
        return list_documents(Reader(self.people[name].pk), limit=100)

    @contextmanager
    def without_model(self) -> Iterator[None]:
        settings.LLM_BASE_URL = ""
        try:
            yield
        finally:
            settings.LLM_BASE_URL = self.spy.url

    def asked_in_channel(self, question: str) -> list[dict[str, Any]]:
        """What is posted where Vera, who asks, and Mallory read it."""
        self.slack.calls.clear()
        asked = Asked(team="T1", user="UVERA", channel="C1", text=question, openly=True)
        elsewhere(lambda: tasks.answer(asdict(asked)))
        return [posted for _, posted in self.slack.calls]


def elsewhere(function: Callable[[], T]) -> T:
    """In a thread of its own: there is a loop of the browser's in this one."""

    def call() -> T:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@contextmanager
def staged(address: str) -> Iterator[Stage]:
    """All that, at a server that is running. Settings of the model, of Slack and of Celery are other ones inside."""
    names = ("LLM_BASE_URL", "LLM_MODEL", "LLM_CLOCK", "SLACK_BOT_TOKEN", "SLACK_API_BASE_URL")
    before = {name: getattr(settings, name) for name in names}
    eager = current_app.conf.task_always_eager
    with Spy("obey").running() as spy, SlackApi().running() as slack, ExitStack() as closing:
        settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_CLOCK = spy.url, "spy", CLOCK
        settings.SLACK_BOT_TOKEN, settings.SLACK_API_BASE_URL = "xoxb-token", slack.url
        current_app.conf.task_always_eager = True
        circuits.forget_all()
        try:
            stage = _set(address, spy, slack)
            for client in (*stage.clients.values(), *stage.programs.values()):
                closing.enter_context(client)
            yield stage
        finally:
            current_app.conf.task_always_eager = eager
            for name, value in before.items():
                setattr(settings, name, value)


def _set(address: str, spy: Spy, slack: SlackApi) -> Stage:
    world = World.of("vera", "mallory", key="notes")
    world.source.directory.name = HOSTILE
    world.source.directory.save()
    people = world.people | {"carol": person("carol", is_staff=True, is_superuser=True, is_auditor=True)}
    _write(world)
    _introduce(people, slack)
    stage = Stage(address, world, spy, slack, people)
    for name, user in people.items():
        stage.clients[name] = httpx.Client(base_url=address, cookies={"sessionid": session_of(user)}, timeout=120)
        verbs = ("read", "ask")
        _, secret = tokens.issue(user, verbs=verbs, all_sources=True, expires_at=None)
        headers = {"Authorization": f"Bearer {secret}"}
        stage.programs[name] = httpx.Client(base_url=f"{address}/api/v1/", headers=headers, timeout=120)
    return stage


def _write(world: World) -> None:
    """What Mallory may not read, one in a folder for a group of hostile names, and what everybody may."""
    world.push(PrincipalRecord(id="group", kind="group", name=HOSTILE, members=(Entry(id="vera"),)))
    world.push(ScopeRecord(id="folder", name=HOSTILE, access=access(["group"])))
    both = "the aubergine courtyard and the aubergine cellar"
    texts: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
        "hidden": (f"The alarm of {both} opens with {HIDDEN}.", None, ()),
        "veras": (f"The safe of {both} opens with {VERAS}.\n\nThe locksmith of {both} is {VERAS_WORD}.", "folder", ()),
        "open": (f"Guests are shown {both} in June.", None, ("everyone",)),
    }
    for id, (text, scope, readers) in texts.items():
        title = f"Notice, {id}"
        world.push(DocumentRecord(id=id, title=title, text=text, scope=scope, author="mallory", access=access(readers)))


def _introduce(people: Mapping[str, User], slack: SlackApi) -> None:
    """Vera and Mallory are the members of a private channel."""
    workspace = World.of(key=SLACK)
    for name in ("vera", "mallory"):
        account = PrincipalRecord(id=f"U{name.upper()}", kind="user", email=people[name].email, external=False)
        workspace.push(account)
    slack.members = ["UBOT", "UVERA", "UMALLORY"]


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value
