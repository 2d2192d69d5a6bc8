"""What the gateway shows through every door after somebody asked, as it came over the wire."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from accounts.reader import Reader
from gateway import conversations, sharing
from tests.security.injections.places import CELLAR, COURTYARD
from tests.security.injections.staging import QUESTIONS, Stage

Kind = Literal["page", "json", "events", "markdown", "table", "slack", "prompt"]
OF_STAFF = (
    *("/console/", "/console/sources/notes/", "/console/sources/notes/settings/", "/console/reports/"),
    *("/console/runs/", "/console/audit/", "/console/people/"),
)


@dataclass(frozen=True)
class Shown:
    """What all of these people see at some door."""

    to: frozenset[str]
    door: str
    kind: Kind
    content: Any  # text, or what was made of JSON


@dataclass
class Walk:
    """Vera, Mallory and their channel ask of what was planted; then everything is looked at that shows of it."""

    stage: Stage
    title: str  # that Vera gives her conversation
    asked: dict[str, Any] = field(default_factory=dict)  # the end of her first answer

    def everything(self) -> Iterator[Shown]:
        yield from self.questions()
        self._share()
        yield from self._pages()
        yield from self._programs()

    def questions(self) -> Iterator[Shown]:
        vera, mallory = frozenset({"vera"}), frozenset({"mallory"})
        yield from self._prompted(vera, self._streamed)
        yield from self._prompted(vera, self._going_on)
        yield from self._prompted(mallory, lambda: [self._answer("mallory", {"question": QUESTIONS[COURTYARD]})])
        yield from self._prompted(vera | mallory, self._in_channel)
        with self.stage.without_model():
            yield self._answer("vera", {"question": QUESTIONS[COURTYARD]})
            yield self._answer("vera", {"query": QUESTIONS[COURTYARD]}, "summaries")

    def pages(self) -> Iterator[tuple[str, str]]:
        """Who opens which page of the portal and the console."""
        yield from (("vera", path) for path in ("/", "/conversations/", "/questions/", "/me/"))
        yield "vera", f"/conversations/{self._conversation}/"
        yield "vera", f"/questions/{self.asked['id']}/?left-out=shown"
        yield "vera", f"/questions/{self.asked['id']}/facts/"
        yield from (("vera", f"/documents/{document.id}/") for document in self.stage.readable_by("vera"))
        yield from (("mallory", path) for path in (f"/shared/{self._conversation}/", "/conversations/", "/me/"))
        yield from (("carol", path) for path in (*OF_STAFF, *self._of_vera()))

    def _of_vera(self) -> Iterator[str]:
        """What staff is told of her and of who reads her document, with the names of groups and folders."""
        vera = self.stage.people["vera"]
        hers = next(each.id for each in self.stage.readable_by("vera") if each.external_id == "veras")
        yield f"/console/people/{vera.pk}/"
        yield f"/console/access/?user={vera.email}&document={hers}"
        yield f"/console/access/readers/{hers}/"

    @property
    def _conversation(self) -> str:
        return str(self.asked["conversation"])

    def _streamed(self) -> list[Shown]:
        body = {"question": QUESTIONS[COURTYARD], "stream": True, "withheld": True}
        response = self.stage.programs["vera"].post("ask", json=body)
        self.asked = events_of(response.text)[-1][1]
        return [Shown(frozenset({"vera"}), "stream", "events", response.text)]

    def _going_on(self) -> list[Shown]:
        """In the same conversation, as a whole."""
        body = {"question": QUESTIONS[CELLAR], "conversation": self._conversation, "withheld": True}
        return [self._answer("vera", body)]

    def _in_channel(self) -> list[Shown]:
        posted = self.stage.asked_in_channel(QUESTIONS[COURTYARD])
        return [Shown(frozenset({"vera", "mallory"}), "Slack", "slack", each) for each in posted]

    def _answer(self, name: str, body: dict[str, Any], path: str = "ask") -> Shown:
        response = self.stage.programs[name].post(path, json=body)
        assert response.status_code == 200, response.text
        return Shown(frozenset({name}), path, "json", response.json())

    def _prompted(self, to: frozenset[str], asked: Callable[[], list[Shown]]) -> Iterator[Shown]:
        """With what a model was told meanwhile: whoever it answers may be told all of that."""
        before = len(self.stage.spy.calls)
        yield from asked()
        yield from (Shown(to, "prompt", "prompt", prompt) for prompt in self.stage.spy.prompts[before:])

    def _share(self) -> None:
        vera = Reader(self.stage.people["vera"].pk)
        assert sharing.share(vera, UUID(self._conversation), self.stage.people["mallory"].email)
        assert conversations.rename_conversation(vera, UUID(self._conversation), self.title)

    def _pages(self) -> Iterator[Shown]:
        for name, path in self.pages():
            response = self.stage.clients[name].get(path)
            assert response.status_code == 200, f"{path}: {response.status_code}"
            yield Shown(frozenset({name}), path, "page", response.text)

    def _programs(self) -> Iterator[Shown]:
        for name, paths in {
            "vera": ("conversations", f"conversations/{self._conversation}", "documents", "me"),
            "mallory": (f"shared/{self._conversation}", "shared", "documents"),
        }.items():
            program = self.stage.programs[name]
            yield from (Shown(frozenset({name}), path, "json", program.get(path).json()) for path in paths)
            for path in ("search", "facts"):
                yield self._answer(name, {"query": QUESTIONS[COURTYARD]}, path)
        kept = self.stage.programs["vera"].get(f"conversations/{self._conversation}/markdown")
        yield Shown(frozenset({"vera"}), "markdown", "markdown", kept.text)
        table = self.stage.clients["vera"].get(f"/questions/{self.asked['id']}/facts/csv/")
        yield Shown(frozenset({"vera"}), "table", "table", table.text)


def events_of(text: str) -> list[tuple[str, Any]]:
    """Server-sent events, read as the standard says: a blank line ends one, each line is a field."""
    found = []
    for block in text.split("\n\n"):
        fields = [line.partition(": ")[::2] for line in block.splitlines() if line and not line.startswith(":")]
        names = [value for name, value in fields if name == "event"]
        data = [value for name, value in fields if name == "data"]
        if names or data:
            assert [name for name, _ in fields] == ["event", "data"], block
            found.append((names[0], json.loads(data[0])))
    return found
