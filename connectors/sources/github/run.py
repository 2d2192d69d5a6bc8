"""What one run over an organisation on GitHub is to do, and how far it has come."""

from collections.abc import Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from connectors.records import Problem, Record, State
from connectors.sources.github.api import stamp

T = TypeVar("T")
Mark = dict[str, Any]  # how far one repository was read

FORMAT = 2  # of the state
KEPT = ("organization", "accounts")  # of the state before, where everything is read from its beginning
OVERLAP = timedelta(minutes=5)  # that a run looks at again, since what is written last may be seen late
SETTLED = timedelta(minutes=1)  # after which a change is not of the same second as one that is still to come
FILES, ISSUES, PULLS, DISCUSSIONS = "files", "issues", "pull_requests", "discussions"


class Unreadable(Exception):
    """Part of a repository cannot be read, in words; what was known of it stays as it is."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the settings mean."""

    organization: str
    repositories: tuple[str, ...]
    include: frozenset[str]
    public_readers: str
    email_domain: str
    most_bytes: int
    is_app: bool

    def wants(self, name: str) -> bool:
        return not self.repositories or any(fnmatchcase(name.lower(), pattern) for pattern in self.repositories)


class Progress:
    """The state a run goes on from and leaves behind: of each repository and team, how far it was read.

    A whole listing keeps in it which repositories are `done`, so that one that is broken off is gone on with. `last` is
    the state of the run before it, by which it is known whose organisation that was.
    """

    def __init__(self, since: State | None, last: State | None = None) -> None:
        state: dict[str, Any] = deepcopy(dict(since or {}))
        if state.get("format") != FORMAT:
            kept = {name: value for name, value in (last or {}).items() if name in KEPT}
            state = {"format": FORMAT, "repositories": {}, "teams": {}, **deepcopy(kept), "done": [], "partial": False}
        self.state = state
        self.is_whole = "done" in state
        self.partial: bool = state.get("partial", False)  # something was left out: what was not named is not gone
        self.nameless: list[str] = []  # what holds rights and has nothing to be known by

    @property
    def accounts(self) -> dict[str, str]:
        """The people of the run before, by their numbers, with their names."""
        found = self.state.get("accounts")
        return found if isinstance(found, dict) else {}

    @property
    def teams(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.state["teams"]
        return found

    @property
    def repositories(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.state["repositories"]
        return found

    def left_out(self, message: str) -> Problem:
        self.partial = True
        return Problem(message=message)

    def is_done(self, repository: int) -> bool:
        return repository in self.state.get("done", ())

    def has_done(self, repository: int) -> None:
        if self.is_whole:
            self.state["done"].append(repository)

    def noted(self, *, ended: bool = False) -> State:
        """What the next run goes on from."""
        left = {name: value for name, value in self.state.items() if name not in ("done", "partial")}
        listing = {"done": self.state["done"], "partial": self.partial} if self.is_whole and not ended else {}
        return deepcopy({**left, **listing})


def read_to(before: str, seen: Mapping[str, str], now: datetime) -> Mark:
    """How far a list was read: to the last change in it, with what is known of the time the next run looks at again.

    `now`: the server's time when it answered. What was changed just before may change once more in the same second.
    """
    latest = max([before, *seen.values()])
    edge, settled = earlier(latest), stamp(now - SETTLED)
    return {"since": latest, "recent": {id: at for id, at in seen.items() if edge <= at < settled}}


def earlier(at: str) -> str:
    return stamp(datetime.fromisoformat(at) - OVERLAP) if at else ""


def heard(records: Generator[Record, None, T]) -> tuple[list[Record], T]:
    """All of it before any of it is told: half of a change of rights may admit whom neither side of it does."""
    said: list[Record] = []
    while True:
        try:
            said.append(next(records))
        except StopIteration as ended:
            return said, ended.value
