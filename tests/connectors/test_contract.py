"""Connectors beside what each must hold; and the one that the page for authors builds, as it stands there."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

from connectors.kit.contract import ConnectorContract
from connectors.sources.folder import Folder
from gateway.embedded.sharing import PROJECT

PAGE = PROJECT / "docs" / "connectors" / "writing-one.md"
PEOPLE = "people:\n  ann: {email: ann@example.org}\n  bob: {email: bob@example.org}\n"


def from_the_page() -> ModuleType:
    """The module that stands on the page."""
    [code] = re.findall(r"```python\n(\"\"\"Notebooks.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(code.splitlines()) <= 60
    module = ModuleType("notes")
    sys.modules["notes"] = module
    exec(compile(code, str(PAGE), "exec"), module.__dict__)  # noqa: S102  (our own page)
    return module


class TestNotes(ConnectorContract):
    """The connector of the page."""

    connector = from_the_page().Notes

    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.file = tmp_path / "notes.json"

    def write(self, readers: list[str]) -> None:
        notebook = {"readers": readers, "notes": {"n1": "The oven is serviced every March."}}
        people = {"ann": "ann@example.org", "bob": "bob@example.org"}
        self.file.write_text(json.dumps({"people": people, "notebooks": {"kitchen": notebook}}))

    def system(self) -> Iterator[Mapping[str, str]]:
        self.write(["ann"])
        yield {"file": str(self.file)}

    def take_away(self) -> None:
        self.write([])

    def break_off(self) -> None:
        self.file.write_text('{"people": {"ann": "ann@ex')


class TestFolder(ConnectorContract):
    connector = Folder
    away: ClassVar = "elsewhere"

    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.root = tmp_path / "share"

    def system(self) -> Iterator[Mapping[str, str]]:
        self.root.mkdir()
        (self.root / "people.yaml").write_text(PEOPLE)
        (self.root / ".access.yaml").write_text("grants: [ann]\n")
        (self.root / "oven.md").write_text("# The oven\n\nIt is serviced every March.\n")
        yield {"path": str(self.root)}

    def take_away(self) -> None:
        (self.root / ".access.yaml").write_text("grants: []\n")

    def break_off(self) -> None:
        self.root.rename(self.root.with_name(self.away))
