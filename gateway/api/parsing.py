"""Request bodies: strict JSON, or JSON Lines read one at a time; none larger than its address takes."""

from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from rest_framework.parsers import BaseParser

from connectors.strict_json import loads

SMALL = 1024 * 1024
MAX_LINE = 80 * 1024 * 1024  # a 50 MB file in base64, with its record


class StrictJSONParser(BaseParser):
    """One JSON value, at most as long as the view's `max_body`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return loads(_whole(stream, parser_context))


class BytesParser(BaseParser):
    """The body as it came, whatever it says it is, at most as long as the view's `max_body`."""

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return _whole(stream, parser_context)


class LinesParser(BaseParser):
    """JSON Lines: the body's lines as bytes, read as they are asked for; None stands for a line too long."""

    media_type = "application/jsonl"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return lines_of(stream)


class NewlineDelimitedParser(LinesParser):
    """The other name programs have for JSON Lines."""

    media_type = "application/x-ndjson"


def _whole(stream: IO[bytes], parser_context: Mapping[str, Any] | None) -> bytes:
    most = int(getattr((parser_context or {}).get("view"), "max_body", SMALL))
    raw = stream.read(most + 1)
    if len(raw) > most:
        raise RequestDataTooBig
    return raw


def lines_of(stream: IO[bytes], longest: int = MAX_LINE) -> Iterator[bytes | None]:
    while line := stream.readline(longest + 1):
        if len(line) <= longest or line.endswith(b"\n"):
            yield line
            continue
        yield None
        while line and not line.endswith(b"\n"):
            line = stream.readline(longest)
