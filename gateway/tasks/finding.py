"""What is found again for a question, for a task that is about its result."""

from uuid import UUID

from accounts.reader import Viewers
from connectors.corpus.hits import Hit
from connectors.corpus.search import NO_FILTERS, Filters
from gateway import retrieval
from gateway.answering.following import EARLIER, said_before
from gateway.conversations import turns_before

MOST = 20  # passages


def found(reader: Viewers, query: str, question_id: UUID | None = None, filters: Filters = NO_FILTERS) -> list[Hit]:
    """What the reader finds now, best first; `question_id`: one of their own, asked after what was said before it.

    What was said before is looked up here, so that its last check is right before its use (P15).
    """
    turns = turns_before(reader, question_id, limit=EARLIER) if question_id else []
    before = said_before([text for turn in turns for text in turn.said])
    return retrieval.retrieve(reader, query, before=before, limit=MOST, filters=filters)
