"""Every door, as everybody, before and after each change, and at once after it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import sleep
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.urls import reverse

from gateway.leaktest.boundaries import BOUNDARIES
from gateway.leaktest.canaries import word
from gateway.leaktest.doors import FORM, JSON, Answer, Request
from gateway.leaktest.people import ENDING, Caller, end
from gateway.leaktest.planting import SOURCES, Bed
from gateway.leaktest.probing import (
    ASKING,
    EVERY_ADDRESS,
    KNOWN,
    OLD_ANSWERS,
    OWN_QUESTIONS,
    SLACK,
    Probing,
    Stand,
)
from gateway.server_sent_events import MEDIA_TYPE as EVENTS

PLAIN = BOUNDARIES[0].name
BY_WORDS, BY_BOTH = "text", "hybrid"
MODES = (BY_WORDS, BY_BOTH, "vector")
MOST = 50  # results of a search
PAGES = ("ask", "conversations", "questions", "recent")
NOTHING = uuid4()
NO_SOURCE = "leaktest-of-nothing"


@dataclass
class Asked:
    """A question somebody asked, and where its answer is kept."""

    caller: Caller
    stand: Stand
    question: str
    conversation: str


@dataclass
class Tour:
    """The course of a run."""

    probing: Probing
    asked: list[Asked] = field(default_factory=list)
    own: Asked | None = None  # in the reader's own words
    answered: int = 0  # questions in whose answer a reader saw what they may read

    def go(self) -> None:
        everybody, stands = self.probing.everybody, list(self.probing.stands.values())
        for caller in everybody:
            self.go_round(caller, [each for each in stands if self.may_see(caller, each)])
        self.ask_first()
        for stand in stands:
            if stand.boundary.change is not None:
                self.change(stand, stand.boundary.change)
        for line in ENDING:
            self.end(line)
        self.probing.forget_answers()
        for caller in everybody:  # who is refused before anything is looked up is refused alike for every id
            self.go_round(caller, stands if caller.is_known else stands[:1])
        self.look_back()
        self.knock_as_slack()

    def may_see(self, caller: Caller, stand: Stand) -> bool:
        return self.probing.may_see(caller, stand.name)

    # --- what everybody does ---

    def go_round(self, caller: Caller, stands: Sequence[Stand]) -> None:
        self.be_known(caller)
        self.list_documents(caller)
        self.search_for_everything(caller)
        for stand in stands:
            self.open_document(caller, stand)
        for page in PAGES if caller.is_session else ():
            self.probing.look(caller, Request("GET", reverse(page)), EVERY_ADDRESS)
        self.be_known(caller)

    def be_known(self, caller: Caller) -> None:
        """A session that was lost would see nothing, and prove nothing."""
        line = caller.line or KNOWN
        answer = self.probing.look(caller, Request("GET", reverse("api-me")), KNOWN)
        email = self.probing.plot.people[caller.owner].user.email if caller.owner else ""
        known = answer.status == 200 and email in answer.body
        if caller.is_known and not known:
            self.probing.findings[line].blind.append(f"{caller.name} is not known (status {answer.status})")
        if known and not caller.is_known:
            self.probing.findings[line].leaks.append(f"{caller.name} is let in")

    def list_documents(self, caller: Caller) -> None:
        self.probing.look(caller, Request("GET", reverse("api-documents")), EVERY_ADDRESS)
        for source in SOURCES:
            mine = self.probing.readable(caller, source)
            request = _list_of(self.probing.plot.key(source))
            answer = self.probing.look(caller, request, EVERY_ADDRESS, expects=mine)
            if not mine:
                self.probing.compare(caller, request, answer, _list_of(NO_SOURCE))

    def search_for_everything(self, caller: Caller) -> None:
        """At once, by the words that lead to each document; meaning may wait for its vectors, so it must find none."""
        everything = " ".join(stand.canary.clue for stand in self.probing.stands.values())
        keys = [self.probing.plot.key(source) for source in SOURCES]
        for mode in MODES:
            found = self.probing.readable(caller) if mode != "vector" else []
            self.probing.look(caller, _search(everything, mode, keys), EVERY_ADDRESS, expects=found)
        self.probing.look(caller, _search(everything, BY_BOTH, None), EVERY_ADDRESS)

    def open_document(self, caller: Caller, stand: Stand) -> None:
        """By its id: as a program, and as a page."""
        may = self.may_see(caller, stand)
        for door in ("api-document", "api-document-text", *(["document"] if caller.is_session else [])):
            request = _document(door, stand.document)
            answer = self.probing.look(caller, request, stand.name, expects=[stand.name] if may else ())
            if not may:
                self.probing.compare(caller, request, answer, _document(door, NOTHING))

    # --- asking ---

    def ask(self, caller: Caller, stand: Stand, *, as_stream: bool = False, extra: str = "") -> Answer:
        """Of one planted source alone, so that nothing of anybody's is given to a language model."""
        fields = {
            "question": f"What is the watchword of {stand.canary.clue}?{extra}",
            "sources": [self.probing.plot.key(stand.boundary.source)],
            "stream": as_stream,
        }
        request = Request("POST", reverse("api-ask"), json.dumps(fields), JSON)
        answer = self.probing.look(caller, request, ASKING)
        self.answered += self.may_see(caller, stand) and stand.name in self.probing.seen_in(answer, request)
        return answer

    def ask_first(self) -> None:
        """Whoever has a session asks about what they may read, so that there are answers to look back at."""
        self._ask_as_reader()
        for caller in self.probing.everybody:
            for stand in self.probing.stands.values():
                if caller.is_session and self.may_see(caller, stand):
                    self._remember(caller, stand, self.ask(caller, stand))
        for caller in self.probing.everybody:
            if caller.is_session:
                self._ask_in_the_portal(caller)
        if not self.answered:
            self.probing.findings[ASKING].blind.append("no reader found anything by asking")

    def _remember(self, caller: Caller, stand: Stand, answer: Answer) -> Asked | None:
        if answer.status != 200:
            return None
        done = json.loads(answer.body)
        asked = Asked(caller, stand, done["id"], done["conversation"])
        self.asked.append(asked)
        return asked

    def _ask_as_reader(self) -> None:
        """In words of the reader's own, which nobody else is to see."""
        reader, own = self.probing.by_name("a reader"), word()
        stand = self.probing.stands[PLAIN]
        self.probing.words.add(OWN_QUESTIONS, {own: "the words of the question"})
        answer = self.ask(reader, stand, extra=f" And {own}?")
        self.own = self._remember(reader, stand, answer)
        if self.own is None:
            for line in (ASKING, OWN_QUESTIONS):
                self.probing.findings[line].blind.append(f"a reader's own question has no answer ({answer.status})")
            return
        self.probing.words.add(OWN_QUESTIONS, {self.own.question: "question", self.own.conversation: "conversation"})
        page = Request("GET", reverse("question", args=[self.own.question]))
        self.probing.look(reader, page, OWN_QUESTIONS, expects=[OWN_QUESTIONS])

    def _ask_in_the_portal(self, caller: Caller) -> None:
        fields = {"question": f"What is the watchword of {self.probing.stands[PLAIN].canary.clue}?"}
        self.probing.look(caller, Request("POST", reverse("ask-stream"), urlencode(fields), FORM, EVENTS), ASKING)

    # --- what changes, and who loses by it ---

    def change(self, stand: Stand, change: Callable[[Bed], None]) -> None:
        """The change, and at once those who lost by it at every door, and one who did not."""
        before = [caller for caller in self.probing.everybody if self.may_see(caller, stand)]
        change(stand.bed)
        sleep(stand.boundary.takes.total_seconds() * 1.1)
        stand.changed = True
        losing = [caller for caller in before if not self.may_see(caller, stand)]
        for caller in losing:
            self.try_again(caller, stand)
        for caller in [caller for caller in before if caller not in losing][:1]:
            self.open_document(caller, stand)

    def end(self, line: str) -> None:
        """A credential that is worth nothing from now on, at once at every door."""
        ended = end(line, self.probing.plot, self.probing.everybody)
        self.probing.forget_answers()
        for caller in ended:
            self.be_known(caller)
            self.try_again(caller, self.probing.stands[PLAIN])

    def try_again(self, caller: Caller, stand: Stand) -> None:
        self.open_document(caller, stand)
        keys = [self.probing.plot.key(stand.boundary.source)]
        for mode in MODES if caller.is_session else MODES[:1]:
            self.probing.look(caller, _search(stand.canary.clue, mode, keys), stand.name)
        if caller.is_session or caller.ended:
            self.ask(caller, stand, as_stream=True)

    # --- looking back ---

    def look_back(self) -> None:
        """Stored answers, each sentence of which is judged anew; and others at the reader's own question."""
        seen = 0
        for asked in self.asked:
            for door, id in (("question", asked.question), ("api-conversation", asked.conversation)):
                request = Request("GET", reverse(door, args=[id]), typed=(id,))
                answer = self.probing.look(asked.caller, request, OLD_ANSWERS)
                may = self.may_see(asked.caller, asked.stand)
                seen += may and asked.stand.name in self.probing.seen_in(answer, request)
        if not seen:
            self.probing.findings[OLD_ANSWERS].blind.append("no reader saw an answer of theirs again")
        for caller in self.probing.everybody:
            if self.own is not None and not self.probing.may_see(caller, OWN_QUESTIONS):
                self._look_at_the_readers(caller, self.own)
        for stand in self.probing.stands.values():
            self.ask(self.probing.by_name("a stranger"), stand)

    def _look_at_the_readers(self, caller: Caller, asked: Asked) -> None:
        self.probing.look(caller, Request("GET", reverse("api-conversations")), OWN_QUESTIONS)
        pages = [("question", asked.question)] if caller.is_session else []
        for door, id in [*pages, ("api-conversation", asked.conversation)]:
            request, unknown = (
                Request("GET", reverse(door, args=[each]), typed=(each,)) for each in (id, str(NOTHING))
            )
            self.probing.compare(caller, request, self.probing.look(caller, request, OWN_QUESTIONS), unknown)

    def knock_as_slack(self) -> None:
        """What nobody signed is taken by no address of Slack's."""
        clue = self.probing.stands[PLAIN].canary.clue
        event = {"type": "event_callback", "event": {"type": "message", "text": clue, "channel_type": "im"}}
        bodies = ((json.dumps(event), JSON), (urlencode({"command": "/ask", "text": clue, "user_id": "U1"}), FORM))
        for name in ("slack-events", "slack-commands", "slack-interactions"):
            for body, kind in bodies:
                request = Request("POST", reverse(name), body, kind)
                answer = self.probing.look(self.probing.by_name("nobody"), request, SLACK)
                if answer.status not in (401, 404):
                    self.probing.findings[SLACK].leaks.append(f"{request} takes what nobody signed ({answer.status})")


def _list_of(key: str) -> Request:
    return Request("GET", f"{reverse('api-documents')}?{urlencode({'source': key})}", typed=(key,))


def _search(query: str, mode: str, sources: Sequence[str] | None) -> Request:
    fields: dict[str, Any] = {"query": query, "mode": mode, "limit": MOST}
    if sources is not None:
        fields["sources"] = list(sources)
    return Request("POST", reverse("api-search"), json.dumps(fields), JSON)


def _document(door: str, id: UUID) -> Request:
    return Request("GET", reverse(door, args=[id]), typed=(str(id), id.hex))
