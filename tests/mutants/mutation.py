"""One defect on purpose: what it changes in the code, which rule that breaks, and which tests must notice."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)")


class Stale(Exception):
    """The code is no longer what this mutation changes."""


@dataclass(frozen=True)
class Edit:
    """`old` stands in `file` exactly once, and becomes `new`."""

    file: str
    old: str
    new: str

    def changed(self, text: str) -> str:
        """Raises `Stale`."""
        found = text.count(self.old)
        if found != 1:
            raise Stale(f"{self.file} holds {found} times what is to be changed once:\n{self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutation:
    """`tests`: those whose work it is to fail; any other of the suite may do it in their stead."""

    name: str
    rule: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    @contextmanager
    def applied(self, root: Path) -> Iterator[None]:
        """The code below `root` with this defect. Raises `Stale`."""
        before = {edit.file: (root / edit.file).read_text() for edit in self.edits}
        after = dict(before)
        for edit in self.edits:
            after[edit.file] = edit.changed(after[edit.file])
        try:
            for file, text in after.items():
                write(root / file, text)
            yield
        finally:
            for file, text in before.items():
                write(root / file, text)


def mutation(name: str, rule: str, tests: str | tuple[str, ...], *edits: tuple[str, str, str]) -> Mutation:
    return Mutation(
        name=name,
        rule=rule,
        edits=tuple(Edit(*edit) for edit in edits),
        tests=(tests,) if isinstance(tests, str) else tests,
    )


def write(path: Path, text: str) -> None:
    """Without what Python compiled: it tells versions apart by size and second, and two may have both in common."""
    path.write_text(text)
    if path.suffix == ".py":
        Path(cache_from_source(str(path))).unlink(missing_ok=True)


def replaced_later(edit: Edit, root: Path) -> str:
    """The function in SQL that an edit changes, if a later migration defines it anew: the change would do nothing."""
    path = root / edit.file
    text = path.read_text()
    before, _, after = text.partition(edit.old)
    names = FUNCTION.findall(before)
    if path.suffix != ".sql" or not names or is_closed(before):
        return ""
    later = [after, *(other.read_text() for other in sorted(path.parent.glob("*.sql")) if other.name > path.name)]
    return names[-1] if names[-1] in {name for rest in later for name in FUNCTION.findall(rest)} else ""


def is_closed(before: str) -> bool:
    """No function is open at the end of this text."""
    return before.count("$$") % 2 == 0
