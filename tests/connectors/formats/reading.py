"""What the tests of all formats ask of a parsed document."""

import pytest

from connectors.parsing import Parsed, ParseFailed, ParserProcess


def headings_of(parsed: Parsed) -> list[tuple[int, str]]:
    """Level and title, after checking that each stands where it says."""
    for heading in parsed.headings:
        assert parsed.text.startswith(heading.title, heading.start)
    return [(heading.level, heading.title) for heading in parsed.headings]


def page_texts(parsed: Parsed) -> dict[str, str]:
    return {page.label: parsed.text[page.start : page.end] for page in parsed.pages}


def reason_of(parser: ParserProcess, content: bytes, filename: str) -> str:
    with pytest.raises(ParseFailed) as failure:
        parser.parse(content, filename=filename)
    return failure.value.reason
