"""The one who reads. Every function that touches content takes a reader, and None is not one (P18)."""

from dataclasses import dataclass

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
