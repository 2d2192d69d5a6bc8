"""The errors of this floor."""


class RecordRefused(Exception):
    """A record cannot be applied: `code` for programs, the message for a person. Nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RunSuperseded(Exception):
    """A later run of the same source has begun; what this one still had to say is not applied."""
