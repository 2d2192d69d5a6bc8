"""Every use of break-glass is in the audit, before what was read goes any further (P12)."""

from typing import Any

from accounts.reader import Viewers
from connectors.corpus import breaking_glass
from connectors.corpus.breaking_glass import Use
from gateway import audit


def note(reader: Viewers, uses: list[Use], **_: Any) -> None:
    """One event for each break-glass, with the documents that were read."""
    for glass in sorted({use.glass_id for use in uses}):
        documents = sorted(str(use.document_id) for use in uses if use.glass_id == glass)
        audit.record(
            "break_glass.used",
            user_id=reader.asker.user_id,
            details={"break_glass": glass, "documents": documents, "viewers": reader.text},
        )


breaking_glass.used.connect(note)
