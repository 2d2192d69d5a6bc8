"""What every connector must hold, as tests: subclass `ConnectorContract` in a test module and say how its system is.

Needs pytest-django and a database, as the tests of the gateway have them. The system is a real one, or one that answers
over real HTTP (`connectors.kit.system`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest

from accounts.models import User
from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.reading import list_documents
from connectors.models import Source, SyncRun
from connectors.records import RESERVED_IDS, Checkpoint, DocumentRecord, PrincipalRecord, Record, ScopeRecord
from connectors.sources import registry
from connectors.sources.base import Connector, ConnectorError

OWNER, STRANGER = "ann@example.org", "bob@example.org"
LONGEST_ID = 1000  # bytes; ids are indexed


@pytest.mark.django_db
class ConnectorContract(ABC):
    """The system has two accounts, of ann@example.org and bob@example.org, and one document that only Ann may read."""

    connector: ClassVar[type[Connector]]
    vouches_for_emails: ClassVar[bool] = True

    @abstractmethod
    def system(self) -> Iterator[Mapping[str, str]]:
        """Start it, yield the settings it is read with, end it."""

    @abstractmethod
    def take_away(self) -> None:
        """Ann may not read the document any more; the document itself stays untouched."""

    @abstractmethod
    def break_off(self) -> None:
        """From now on a listing fails after some of its records."""

    @pytest.fixture(autouse=True)
    def _running(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setitem(registry.KINDS, "under_test", self.connector)
        for address in (OWNER, STRANGER):
            User.objects.create_user(address)
        running = self.system()
        self.values = dict(next(running))
        yield
        next(running, None)

    # --- the records ------------------------------------------------------------------------------------------

    def test_its_settings_are_explained_and_its_secrets_are_among_them(self) -> None:
        assert self.values.keys() <= self.connector.settings.keys()
        assert self.connector.secrets <= self.connector.settings.keys()
        assert self.connector.place <= self.connector.settings.keys() - self.connector.secrets
        assert all(sentence.strip() for sentence in self.connector.settings.values())

    def test_nothing_is_missing_where_nothing_is(self) -> None:
        assert self._connector().check() == []

    @pytest.mark.parametrize("without", ["all", "each"])
    def test_what_is_missing_is_told_in_sentences(self, without: str) -> None:
        left: list[dict[str, str]] = [{}]
        if without == "each":
            left = [{n: v for n, v in self.values.items() if n != name} for name in self.values]
        for values in left:
            told = self.connector(values, vouches_for_emails=True).check()
            assert all(isinstance(sentence, str) and sentence.endswith((".", "!", "?")) for sentence in told)

    def test_a_whole_listing_ends_with_a_complete_checkpoint(self) -> None:
        records = self._records()
        assert isinstance(records[-1], Checkpoint) and records[-1].complete
        assert not any(record.complete for record in records[:-1] if isinstance(record, Checkpoint))

    def test_ids_are_whole_short_and_each_introduced_once(self) -> None:
        for kind in (PrincipalRecord, ScopeRecord, DocumentRecord):
            ids = [record.id for record in self._records() if isinstance(record, kind)]
            assert len(ids) == len(set(ids)), f"an id comes twice among {ids}"
            assert all(0 < len(id.encode()) <= LONGEST_ID and "\0" not in id for id in ids)
            assert not RESERVED_IDS & set(ids)

    def test_no_secret_stands_in_a_record(self) -> None:
        secrets = [self.values[name] for name in self.connector.secrets & self.values.keys()]
        assert not [secret for secret in secrets if secret and secret in repr(self._records())]

    # --- in the gateway -----------------------------------------------------------------------------------------

    def test_the_owner_sees_their_own_document_and_a_stranger_does_not(self) -> None:
        source = self._source()
        assert self._synced(source).state == SyncRun.State.SUCCEEDED
        assert len(self._reads(OWNER)) == 1
        assert self._reads(STRANGER) == set()

    def test_what_is_taken_away_is_gone_after_the_next_run_though_the_document_is_untouched(self) -> None:
        source = self._source()
        self._synced(source)
        self.take_away()
        self._synced(source)
        assert self._reads(OWNER) == set()

    def test_a_second_run_changes_nothing(self) -> None:
        source = self._source()
        self._synced(source)
        before = self._reads(OWNER)
        counts = self._synced(source).counts
        assert not {state for state, count in counts.items() if count} - {"unchanged"}, counts
        assert self._reads(OWNER) == before

    def test_a_listing_that_breaks_off_lets_nothing_go_and_says_why(self) -> None:
        source = self._source()
        self._synced(source)
        self.break_off()
        run = self._synced(source)
        assert run.state == SyncRun.State.FAILED
        assert run.problems and "log of the worker" not in run.problems[-1]
        assert len(self._reads(OWNER)) == 1

    # --- how --------------------------------------------------------------------------------------------------

    def _connector(self) -> Connector:
        return self.connector(self.values, vouches_for_emails=self.vouches_for_emails)

    def _records(self) -> list[Record]:
        try:
            return list(self._connector().records(None))
        except ConnectorError as error:
            raise AssertionError(f"The system could not be read: {error}") from error

    def _source(self) -> Source:
        return adding.add_source(
            "under-test", kind="under_test", settings=self.values, vouches_for_emails=self.vouches_for_emails
        )

    def _synced(self, source: Source) -> SyncRun:
        run = sync.run_now(source)
        ingest.drain(source)
        return run

    def _reads(self, address: str) -> set[str]:
        return {document.external_id for document in list_documents(Reader(User.objects.get(email=address).pk))}
