"""Who reads what, asked all the while by another connection: never what the source let nobody read (P15).

A reader may see of a document what the source let them see at some moment between what is known to be committed here
and now; and words only if the source let them see these words at some moment.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import DatabaseError, connection
from django.db.models.functions import Substr

from accounts.models import User
from accounts.reader import Reader
from accounts.statements import rows
from connectors.models import DocumentText
from tests.faults.inhouse import committed
from tests.faults.truth import Truth

EDITION = re.compile(r"Edition (\d+) of")
EVERY = 0.15  # seconds
COMMITTED = "SELECT coalesce(listing_state, checkpoint)::text FROM connectors_source WHERE directory_id = %s"

Seen = tuple[str, str, int]  # a reader, a document, which edition of it


@dataclass
class Watch:
    """What was asked, and what was seen that should not have been."""

    truth: Truth
    source: int
    looks: int = 0
    seen: int = 0
    away: int = 0  # looks at a moment when the database did not answer
    known: int = 0  # moment of the truth that has been committed; it never goes back
    wrong: list[str] = field(default_factory=list)

    def look(self) -> None:
        for id, email in User.objects.values_list("id", "email"):
            found = rows(COMMITTED, [self.source])  # before the statement that reads
            self.known = max(self.known, committed(found[0][0] or "") if found else 0)
            self._judge(list(seen_by(Reader(id), email.partition("@")[0])))
            self.looks += 1

    def everybody(self) -> Iterator[tuple[str, list[Seen]]]:
        """Each reader, and what they see now."""
        for id, email in User.objects.values_list("id", "email"):
            name = email.partition("@")[0]
            yield name, list(seen_by(Reader(id), name))

    def _judge(self, seen: Iterable[Seen]) -> None:
        until = self.truth.moment  # after it: what was read is of then at the latest
        moments = range(self.known, until + 1)
        for reader, document, edition in seen:
            self.seen += 1
            if document in self.truth.readable(until)[reader] and self.truth.edition(document, until) == edition:
                continue
            if not any(self.truth.may_read(reader, document, moment) for moment in moments):
                self.wrong.append(f"{reader} reads {document} at {self.known}..{until}, which nobody lets them.")
            elif not self._was_theirs(reader, document, edition, until):
                self.wrong.append(f"{reader} reads edition {edition} of {document}, which was never for them.")

    def _was_theirs(self, reader: str, document: str, edition: int, until: int) -> bool:
        """Where it stood while it had these words, by the groups and the folders of then or of any time since."""
        versions = self.truth.versions[("document", document)]
        stood = [v.record for v in versions if v.record is not None and v.record["metadata"]["edition"] == edition]
        moments = range(edition, until + 1)
        return any(self.truth.judged(moment).admits(reader, record) for record in stood for moment in moments)

    @contextmanager
    def watching(self) -> Iterator["Watch"]:
        stopped = threading.Event()

        def keep_looking() -> None:
            while not stopped.wait(EVERY) and len(self.wrong) < 10:
                try:
                    self.look()
                except DatabaseError:  # it was killed, and is up again soon
                    self.away += 1
                    connection.close()
                    stopped.wait(0.2)
            connection.close()

        thread = threading.Thread(target=keep_looking, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stopped.set()
            thread.join()


def seen_by(reader: Reader, name: str) -> Iterator[Seen]:
    texts = DocumentText.objects.visible_to(reader).annotate(beginning=Substr("text", 1, 200))
    for document, beginning in texts.values_list("document__external_id", "beginning"):
        edition = EDITION.search(beginning)
        yield name, document, int(edition.group(1)) if edition else -1
