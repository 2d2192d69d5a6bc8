"""One probe: asked at a door as somebody, and judged by every canary in what comes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from gateway.leaktest.boundaries import BOUNDARIES, Boundary, documents_of
from gateway.leaktest.canaries import Canary, Words
from gateway.leaktest.doors import Answer, Door, Request
from gateway.leaktest.findings import Findings
from gateway.leaktest.people import RULES, Caller, callers
from gateway.leaktest.planting import Bed, Plot
from gateway.leaktest.telling import differing, told

KNOWN = "whoever knocks is known, or is not"
ASKING = "questions, asked and answered"
OLD_ANSWERS = "answers given before a right was lost"
OWN_QUESTIONS = "somebody else's questions"
TWINS = "hidden, and not there at all"
EVERY_ADDRESS = "lists, searches, and every address there is"
SLACK = "Slack without its signature"
FURTHER = {
    KNOWN: "P1",
    ASKING: "P9 P15",
    OLD_ANSWERS: "P16",
    OWN_QUESTIONS: "P14",
    TWINS: "P14",
    EVERY_ADDRESS: "P9 P14",
    SLACK: "P11",
}
OF_THE_SYSTEM = frozenset({"id", "question"})  # what the audit shows to whoever runs the system: ids, never words


@dataclass
class Stand:
    """A boundary as it stands now."""

    boundary: Boundary
    bed: Bed
    document: UUID
    changed: bool = False

    @property
    def name(self) -> str:
        return self.boundary.name

    @property
    def canary(self) -> Canary:
        return self.bed.canary


@dataclass
class Probing:
    """What is planted, who knocks where, and what was found so far."""

    plot: Plot
    door: Door
    findings: Findings = field(default_factory=Findings)
    words: Words = field(default_factory=Words)
    stands: dict[str, Stand] = field(default_factory=dict)
    everybody: list[Caller] = field(default_factory=list)
    _unknown: dict[tuple[str, str, str], Answer] = field(default_factory=dict)

    def prepare(self, boundaries: Sequence[Boundary] = BOUNDARIES) -> None:
        """Plant a canary at each boundary, and let everybody in. Raises `Unreachable`."""
        for boundary in boundaries:
            self.findings.open(boundary.name, boundary.rules)
        for name, rules in (RULES | FURTHER).items():
            self.findings.open(name, rules)
        self.plot.plant()
        for number, boundary in enumerate(boundaries):
            self._plant(boundary, number)
        self.everybody = callers(self.plot, self.door)

    def _plant(self, boundary: Boundary, number: int) -> None:
        bed = Bed(self.plot, boundary.source, f"b{number}", Canary())
        boundary.plant(bed)
        found = documents_of(bed, "reader").get(bed.document_id)
        stand = Stand(boundary, bed, found or uuid4())  # one that is not found is looked for all the same: blind
        self.stands[boundary.name] = stand
        self.words.add(boundary.name, bed.canary.words | {str(stand.document): "id", stand.document.hex: "id"})

    def by_name(self, name: str) -> Caller:
        return next(caller for caller in self.everybody if caller.name == name)

    # --- who may see what ---

    def may_see(self, caller: Caller, boundary: str) -> bool:
        if boundary == OWN_QUESTIONS:
            return caller.owner == "reader" and caller.is_known
        stand = self.stands[boundary]
        return caller.may_read(stand.boundary, changed=stand.changed)

    def readable(self, caller: Caller, source: str = "") -> list[str]:
        """The boundaries whose document this caller must see now; of one source, or of all."""
        mine = (name for name, stand in self.stands.items() if source in ("", stand.boundary.source))
        return [name for name in mine if self.may_see(caller, name)]

    # --- one probe ---

    def look(self, caller: Caller, request: Request, line: str, expects: Iterable[str] = ()) -> Answer:
        """Ask, and look for every canary in what comes back. `expects`: boundaries that must be seen in it."""
        answer = self.door.answer(request, caller.shown)
        expected = set(expects)
        self.findings.count(line, caller.line or line, *expected)
        seen = self.seen_in(answer, request)
        for boundary, places in seen.items():
            self._judge(caller, request, boundary, places)
        said = f"{request}, by {caller.name}"
        for boundary in expected - seen.keys():
            self.findings[boundary].blind.append(f"{said}: not seen by whom it is for (status {answer.status})")
        if answer.status >= 500:
            self.findings[line].blind.append(f"{said}: status {answer.status}")
        return answer

    def seen_in(self, answer: Answer, request: Request) -> dict[str, set[str]]:
        return self.words.found_in(answer.text, typed=request.typed)

    def _judge(self, caller: Caller, request: Request, boundary: str, places: set[str]) -> None:
        if self.may_see(caller, boundary):
            return
        shown = places - OF_THE_SYSTEM if caller.runs_the_system else places
        if shown:
            line = self.findings[caller.line or boundary]
            line.leaks.append(f"{request}, by {caller.name}: {', '.join(sorted(shown))} of “{boundary}”")

    def compare(self, caller: Caller, foreign: Request, answer: Answer, unknown: Request, line: str = TWINS) -> None:
        """The answer about something hidden must be the one about nothing, which `unknown` asks about (P14)."""
        key = (caller.name, unknown.method, unknown.path)
        if key not in self._unknown:
            self._unknown[key] = self.look(caller, unknown, line)
        other = self._unknown[key]
        if told(answer, foreign) == told(other, unknown):
            return
        again = self.look(caller, unknown, line)  # what differs between two of these is no sign of anything
        noise = differing(again, other)
        if told(answer, foreign, noise) != told(again, unknown, noise):
            self.findings[caller.line or line].leaks.append(f"{foreign}, by {caller.name}: told from what is not there")

    def forget_answers(self) -> None:
        """What somebody is answered about nothing may differ from now on."""
        self._unknown.clear()
