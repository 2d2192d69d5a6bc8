"""The one interface a connector fills: settings in, records out. Imports no Django."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from connectors.records import Records, State


class ConnectorError(Exception):
    """A source could not be read. `permanent`: trying again will not help until a person acts. `of_source`: whatever
    else it is asked for will fail as well, so that a run ends here, though one document was asked for."""

    def __init__(self, message: str, *, permanent: bool = False, of_source: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.of_source = of_source


class SlowDown(ConnectorError):
    """The system (`where`) asks to be left alone for longer than a run waits: `seconds` from now."""

    def __init__(self, where: str, seconds: float) -> None:
        self.seconds = seconds
        told = f"{where} asks to be left alone for {seconds:.0f} seconds; the run goes on after that."
        super().__init__(told, of_source=True)


class Connector(ABC):
    """Reads one system. `settings` names each setting with the sentence that explains it; `secrets` those of them that
    are never shown again, `place` those that say which system it is: ids of another one mean something else (P3).

    `last`: the state the last run that came to its end left behind, given also where all is read from its beginning:
    so it is known that this is still the system that was read.
    """

    settings: ClassVar[Mapping[str, str]] = {}
    secrets: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[frozenset[str]] = frozenset()
    last: State = {}  # never changed in place

    def __init__(self, values: Mapping[str, str], *, vouches_for_emails: bool = False) -> None:
        self.values = dict(values)
        self.vouches_for_emails = vouches_for_emails

    @abstractmethod
    def records(self, since: State | None) -> Records:
        """Everything that changed since `since`, or everything there is when it is None."""

    def check(self) -> list[str]:
        """What is missing before this source can be read, one sentence each; empty when nothing is."""
        return []

    def webhook(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether this message, with its headers by lower-case name, is the source's own word that something changed.

        It is only woken by it, so that a message that is lost or repeated does no harm. Raises ConnectorError where the
        signature is not right, and where no messages are taken: both are answered as if there were no such source.
        """
        raise ConnectorError("A source of this kind takes no messages.", permanent=True)
