"""One parser for the tests of all formats."""

from collections.abc import Iterator

import pytest

from connectors.parsing import ParserProcess


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    with ParserProcess() as process:
        yield process
