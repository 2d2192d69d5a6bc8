"""Plain text, and every other text that has no reader of its own."""

from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft


def read(content: bytes, draft: Draft) -> None:
    """The text as it is."""
    draft.add(decode(content))
