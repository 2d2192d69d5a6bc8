"""The one who reads, or all of those who do. What touches content takes them, and None is neither (P18)."""

from dataclasses import dataclass
from typing import TypeAlias

NO_TOKEN = 0


@dataclass(frozen=True)
class Reader:
    """A person, or a person through one of their access tokens, which narrows what they read (P11).

    Names only: whether the person is active, what they are a member of and what the token allows is
    judged by the database in the statement that reads (P15).
    """

    user_id: int
    token_id: int = NO_TOKEN

    def __post_init__(self) -> None:
        for value in (self.user_id, self.token_id):
            if type(value) is not int:
                raise TypeError("A reader is named by whole numbers.")
        if self.user_id <= 0 or self.token_id < 0:
            raise ValueError("A reader names a user.")

    @property
    def asker(self) -> "Reader":
        """Who asks, of those who see the answer."""
        return self

    @property
    def text(self) -> str:
        """As the database's functions take it."""
        return f"{self.user_id}:{self.token_id}"


@dataclass(frozen=True)
class Audience:
    """Everyone who can see what a surface shows: it holds only what each of them may read (P10).

    `unidentified`: somebody is there of whom only this is known, that they belong to the organisation.
    `outside`: somebody is there who does not; then nothing may be shown.
    """

    asker: Reader
    others: frozenset[Reader] = frozenset()
    unidentified: bool = False
    outside: bool = False

    def __post_init__(self) -> None:
        if any(type(reader) is not Reader for reader in (self.asker, *self.others)):
            raise TypeError("An audience is of readers.")

    @property
    def text(self) -> str:
        """As the database's functions take it."""
        members = sorted(reader.text for reader in {self.asker, *self.others})
        return ",".join([*members, *["?"] * self.unidentified, *["!"] * self.outside])


Viewers: TypeAlias = Reader | Audience


def is_viewers(value: object) -> bool:
    """Exactly one of the two: what merely looks like a reader is none (P18)."""
    return type(value) in (Reader, Audience)
