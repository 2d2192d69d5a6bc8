"""A source that says what a test tells it to: each run its own lines, with failures where they are wanted."""

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from connectors.records import Record, Records, State
from connectors.sources.base import Connector

Line = Record | Exception
Script = Callable[[State | None], Iterable[Line]]


class Scripted(Connector):
    """A subclass from `scripted` reads by its script. `asked` holds what each run was to go on from."""

    script: ClassVar[Script]
    asked: ClassVar[list[State | None]]

    def records(self, since: State | None) -> Records:
        type(self).asked.append(since)
        return _said(type(self).script(since))


def scripted(script: Script) -> type[Scripted]:
    """A kind of source for one test. An exception among the lines is raised when it is reached."""
    return type("ScriptedHere", (Scripted,), {"script": staticmethod(script), "asked": []})


def in_turn(*runs: Iterable[Line]) -> Script:
    """A script whose first run says the first lines, whose second the second, and so on; the last ones for ever."""
    left = [list(lines) for lines in runs]

    def script(since: State | None) -> Iterable[Line]:
        return left.pop(0) if len(left) > 1 else left[0]

    return script


def _said(lines: Iterable[Line]) -> Iterator[Record]:
    for line in lines:
        if isinstance(line, Exception):
            raise line
        yield line
