"""What came back, to the byte, and how two answers differ."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from itertools import zip_longest

from tests.security.walking import Answered, Asked, Door
from tests.twins.asking import LIST, next_page
from tests.twins.forcing import Nearest
from tests.twins.sameness import Dice


@dataclass(frozen=True)
class Answer:
    """A response as it went out: status, headers, cookies and body, with nothing left out."""

    asked: Asked
    status: int
    headers: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        return b"%d\r\n%s\r\n\r\n%s" % (self.status, self.headers, self.body)


class Window(Door):
    """A door whose answers are kept as they are: nothing of what was typed, drawn or timed is taken out."""

    def _answered(self, asked: Asked) -> Answered:
        response, content = self._read(asked)
        headers = tuple(sorted((name.lower(), value) for name, value in response.items()))
        return Answered(asked, response.status_code, headers, response.cookies.output(), content.decode("latin-1"))

    def look(self, asked: Asked) -> Answer:
        seen = self.answer(asked)
        headers = "\r\n".join([*(f"{name}: {value}" for name, value in seen.headers), seen.cookies])
        return Answer(asked, seen.status, headers.encode("latin-1", "replace"), seen.body.encode("latin-1"))


def answers(door: Window, wanted: Iterable[Asked], dice: Dice, credential: str) -> list[Answer]:
    """Each request under dice and a clock of its own; a list to its last page."""
    found: list[Answer] = []
    for number, asked in enumerate(wanted):
        following: Asked | None = asked
        while following is not None:
            dice.seed("asking", credential, number, after=timedelta(seconds=number))
            found.append(door.look(following))
            is_page = asked.route == LIST and asked.method == "GET" and found[-1].status == 200
            following = next_page(asked, found[-1].body) if is_page else None
    return found


@dataclass(frozen=True)
class Difference:
    """One request that was not answered alike."""

    asked: Asked
    one: bytes
    other: bytes

    @property
    def bytes(self) -> int:
        return sum(a != b for a, b in zip_longest(self.one, self.other))

    def __str__(self) -> str:
        at = next((n for n, (a, b) in enumerate(zip_longest(self.one, self.other)) if a != b), 0)
        near = slice(max(at - 60, 0), at + 60)
        return f"{self.asked}\n    one:   …{self.one[near]!r}\n    other: …{self.other[near]!r}"


def differences(one: Iterable[Answer], other: Iterable[Answer]) -> list[Difference]:
    """Where the two worlds can be told apart."""
    found = []
    for a, b in zip_longest(one, other):
        if a is None or b is None:
            present = a or b
            found.append(Difference(present.asked, a.whole if a else b"", b.whole if b else b""))
        elif a.asked != b.asked or a.whole != b.whole:
            found.append(Difference(a.asked, a.whole, b.whole))
    return found


@dataclass
class Tally:
    """What a run has seen so far. `pairs`: whose answers were compared; forced ones are among them."""

    pairs: int = 0
    requests: int = 0
    compared: int = 0  # pairs of answers that must be equal
    bytes: int = 0  # compared, of one of the worlds
    differing: int = 0  # bytes
    statuses: Counter[int] = field(default_factory=Counter)
    routes: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)
    forced: int = 0  # pairs in which the approximate index answers
    searches: int = 0  # by it, in both worlds
    recalls: list[float] = field(default_factory=list)  # in one world, a search each
    recalls_of_the_other: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)  # share of rows, a search each
    wrong: list[str] = field(default_factory=list)

    def add(self, one: list[Answer], other: list[Answer]) -> None:
        self.requests += len(one) + len(other)
        self.compared += max(len(one), len(other))
        self.bytes += sum(len(answer.whole) for answer in one)
        self.statuses.update(answer.status for answer in one)
        self.routes.update(answer.asked.route for answer in one)
        self.wrong += [f"{answer.asked}: {answer.status}" for answer in (*one, *other) if answer.status == 500]
        found = differences(one, other)
        self.differing += sum(difference.bytes for difference in found)
        self.differences += found

    def add_forced(self, one: list[Nearest], other: list[Nearest]) -> None:
        """What the approximate index found: it may differ, by permitted passages only, and finds ten of ten."""
        self.forced += 1
        self.searches += len(one) + len(other)
        self.recalls += [found.recall for found in one]
        self.recalls_of_the_other += [found.recall for found in other]
        self.wrong += [wrong for found in (*one, *other) for wrong in found.wrong]
        self.changed += [a.changed(b) for a, b in zip(one, other, strict=True)]

    def merge(self, other: "Tally") -> None:
        for each in fields(self):
            mine, others = getattr(self, each.name), getattr(other, each.name)
            setattr(self, each.name, mine | others if isinstance(mine, set) else mine + others)
