"""Files to text, in a child process with limits."""

from connectors.parsing.cleaning import clean
from connectors.parsing.languages import guess_language
from connectors.parsing.process import ParserProcess, parse
from connectors.parsing.report import sandbox_report
from connectors.parsing.results import MAX_BYTES, Attachment, Heading, Page, Parsed, ParseFailed

__all__ = [
    "MAX_BYTES",
    "Attachment",
    "Heading",
    "Page",
    "ParseFailed",
    "Parsed",
    "ParserProcess",
    "clean",
    "guess_language",
    "parse",
    "sandbox_report",
]
