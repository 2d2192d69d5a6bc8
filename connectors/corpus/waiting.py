"""Contents that wait for a parser: the work queue of every worker."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models.functions import Now

from accounts.statements import rows
from connectors.models import Content, Document

# The sources with a content that is due, those first from which fewest are being worked on, then in turn. One step of
# an index for each source, however much of it waits.
SOURCES_IN_TURN = """
WITH RECURSIVE waiting(source_id) AS (
    SELECT min(source_id) FROM connectors_content
    UNION ALL
    SELECT (SELECT min(c.source_id) FROM connectors_content c WHERE c.source_id > w.source_id)
    FROM waiting w WHERE w.source_id IS NOT NULL
)
SELECT w.source_id FROM waiting w
WHERE EXISTS (SELECT FROM connectors_content c
              WHERE c.source_id = w.source_id AND c.due_at <= statement_timestamp())
ORDER BY (SELECT count(*) FROM connectors_content c
          WHERE c.source_id = w.source_id AND c.due_at > statement_timestamp()),
         w.source_id <= %s, w.source_id
"""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What came in for a document and is still to be parsed."""

    document: Document
    data: bytes
    filename: str
    digest: bytes


def wait_for_parser(contents: Iterable[Waiting]) -> None:
    """Each in place of what waited for its document before."""
    Content.past_the_guard.bulk_create(
        [
            Content(
                document=each.document,
                source_id=each.document.source_id,
                data=each.data,
                filename=each.filename,
                digest=each.digest,
                attempts=0,
                due_at=Now(),
            )
            for each in contents
        ],
        update_conflicts=True,
        unique_fields=["document"],
        update_fields=["data", "filename", "digest", "attempts", "due_at"],
    )


def sources_in_turn(last: int) -> list[int]:
    """Sources that have work, in the order to look at them by who did some of the source `last` (0: of none yet).

    Two workers so keep to different sources, and a small source is not behind all of a large one.
    """
    return [source_id for (source_id,) in rows(SOURCES_IN_TURN, [last])]
