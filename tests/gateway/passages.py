"""Passages made by hand, for the tests that need no database."""

from hashlib import sha256
from uuid import uuid4

from connectors.corpus.hits import Hit


def passage(text: str, *, title: str = "", heading: str = "", score: float = 0.0, **metadata: object) -> Hit:
    return Hit(
        passage_id=uuid4(),
        document_id=uuid4(),
        external_id="made-by-hand",
        title=title,
        url="",
        source="made",
        source_name="Made by hand",
        revision=1,
        ordinal=0,
        text=text,
        start=0,
        end=len(text),
        heading=heading,
        page=None,
        modified_at=None,
        language="en",
        digest=sha256(text.encode()).hexdigest(),
        metadata=metadata,
        score=score,
    )
