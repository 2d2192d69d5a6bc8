"""What one run over an organisation on GitHub is to do, and how far it has come."""

from collections.abc import Generator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from connectors.records import Problem, Record, State

T = TypeVar("T")

FORMAT = 1  # of the state
OVERLAP = timedelta(minutes=5)  # that a run looks at again, since what is written last may be seen late
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

    A whole listing keeps in it which repositories are `done`, so that one that is broken off is gone on with.
    """

    def __init__(self, since: State | None) -> None:
        state: dict[str, Any] = deepcopy(dict(since or {}))
        if state.get("format") != FORMAT:
            state = {"format": FORMAT, "repositories": {}, "teams": {}, "accounts": [], "done": [], "partial": False}
        self.state = state
        self.is_whole = "done" in state
        self.partial: bool = state.get("partial", False)  # something was left out: what was not named is not gone
        self.knows_readers = True  # by the listing of this run: what holds rights, and was not named, is gone

    @property
    def teams(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.state["teams"]
        return found

    @property
    def repositories(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.state["repositories"]
        return found

    def left_out(self, message: str, *, of_readers: bool = False) -> Problem:
        self.partial = True
        self.knows_readers = self.knows_readers and not of_readers
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


def heard(records: Generator[Record, None, T]) -> tuple[list[Record], T]:
    """All of it before any of it is told: half of a change of rights may admit whom neither side of it does."""
    said: list[Record] = []
    while True:
        try:
            said.append(next(records))
        except StopIteration as ended:
            return said, ended.value
