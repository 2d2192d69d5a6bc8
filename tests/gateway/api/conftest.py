"""The cast of the API's tests: people, a pushed source, and programs that hold their tokens.

pytest reads this file before Django is set up, so what needs Django is imported where it is used.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from accounts.models import User
    from connectors.models import Source
    from tests.gateway.api.programs import Issue, Program, Pusher


@pytest.fixture
def program(db: None) -> "Issue":
    """A program that acts as a person: `program(ann, "read", sources=[wiki])`."""
    from accounts import tokens
    from tests.gateway.api.programs import Program

    def issued(person: "User", *verbs: str, sources: "Iterable[Source] | None" = None) -> "Program":
        directories = [source.directory for source in sources or ()]
        _, secret = tokens.issue(
            person, verbs=verbs, directories=directories, all_sources=sources is None, expires_at=None
        )
        return Program(secret)

    return issued


def person(name: str, **profile: bool) -> "User":
    from accounts.models import User

    return User.objects.create_user(f"{name}@example.com", None, name=name.capitalize(), **profile)


@pytest.fixture
def ann(db: None) -> "User":
    return person("ann")


@pytest.fixture
def bob(db: None) -> "User":
    return person("bob")


@pytest.fixture
def mallory(db: None) -> "User":
    """The stranger: signs in like anyone, and no list names her."""
    return person("mallory")


@pytest.fixture
def root(db: None) -> "User":
    """Runs the system. That is not reading it (P12)."""
    return person("root", is_staff=True, is_superuser=True)


@pytest.fixture
def wiki(db: None) -> "Source":
    from connectors.adding import add_source

    return add_source("wiki", kind="push", name="Wiki", vouches_for_emails=True)


@pytest.fixture
def push(root: "User", wiki: "Source", program: "Issue") -> "Pusher":
    from tests.gateway.api.programs import Pusher

    return Pusher(program(root, "ingest", sources=[wiki]), "wiki")
