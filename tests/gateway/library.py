"""A small library with readers, for the tests of answering: what is pushed is what is readable."""

from datetime import datetime

from accounts.models import User
from accounts.reader import Reader
from connectors.adding import add_source
from connectors.applying import apply_record
from connectors.models import Source
from connectors.records import Access, Deletion, DocumentRecord, Entry, PrincipalRecord

LEAVE = """Employees in Germany receive 26 weeks of parental leave at full pay.
Requests for parental leave are made to Anna Weber before the first of March.
Contractors may not take parental leave."""
TRAVEL = """Trains are booked in second class for trips under four hours.
Hotel rooms may cost up to 140 euros a night in Lisbon."""


class Library:
    """One push source, and the people its lists name."""

    def __init__(self, key: str = "library") -> None:
        self.source: Source = add_source(key, kind="push", name="Library", vouches_for_emails=True)

    def person(self, name: str, **profile: str) -> Reader:
        """A person with an account in the source under their name."""
        address = f"{name}@example.com"
        user = User.objects.create_user(address, "a long enough password", name=name, **profile)
        apply_record(self.source, PrincipalRecord(id=name, kind="user", name=name, email=address, external=False))
        return Reader(user.pk)

    def put(
        self,
        id: str,
        text: str,
        *,
        readers: tuple[str, ...],
        title: str = "",
        mime: str = "",
        modified_at: datetime | None = None,
        **metadata: str,
    ) -> None:
        """A document for these readers and nobody else."""
        access = Access(grants=tuple(Entry(id=reader) for reader in readers))
        record = DocumentRecord(
            id=id,
            title=title or id,
            text=text,
            access=access,
            mime=mime,
            modified_at=modified_at,
            metadata=metadata,
        )
        apply_record(self.source, record)

    def remove(self, id: str) -> None:
        apply_record(self.source, Deletion(kind="document", id=id))
