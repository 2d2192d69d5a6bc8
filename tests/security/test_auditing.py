"""An auditor is told who may read what, and nothing of what it says, where it stands or what was asked of it."""

import pytest
from django.test import Client

from accounts.models import User
from tests.cast import PASSWORD
from tests.security.hidden import Hidden, hide

pytestmark = pytest.mark.django_db

# What an auditor asks by, and is told: which source, which document, and for which question it was read.
TOLD = {"source", "id of the document", "id of the question"}
ADDRESSES = (
    "/api/v1/access/explain?user={email}&document={document}",
    "/api/v1/access/documents?user={email}",
    "/api/v1/access/readers?document={document}",
    "/console/access/?user={email}&document={document}",
    "/console/access/documents/?user={email}",
    "/console/access/readers/{document}/",
)


@pytest.fixture
def hidden(db: None) -> Hidden:
    return hide()


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_auditor_learns_no_word_of_what_they_may_not_read(hidden: Hidden, address: str) -> None:
    vera = User.objects.create_user("vera@example.org", PASSWORD, is_auditor=True)
    at = address.format(email=hidden.ann.email, document=hidden.foreign.document)
    answer = browser(vera).get(at)
    assert answer.status_code == 200
    shown = answer.content.decode().lower()
    assert hidden.foreign.document in shown or "vault" in shown or hidden.ann.email in shown
    assert {place for place, word in hidden.words.items() if word.lower() in shown} <= TOLD


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_an_auditor_may_read_they_are_told_by_name(hidden: Hidden, address: str) -> None:
    """The other side: the words would be seen."""
    User.objects.filter(pk=hidden.ann.pk).update(is_auditor=True)
    at = address.format(email=hidden.ann.email, document=hidden.foreign.document)
    shown = browser(hidden.ann).get(at).content.decode()
    assert (hidden.canaries.title in shown) == ("readers" not in address)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", ["root", "charlie", "ann"])
def test_to_everyone_else_it_does_not_exist(hidden: Hidden, name: str, address: str) -> None:
    who: User = getattr(hidden, name)
    known, unknown = (
        browser(who).get(address.format(email=hidden.ann.email, document=ids.document))
        for ids in (hidden.foreign, hidden.unknown)
    )
    nothing = browser(who).get("/api/v1/nothing" if address.startswith("/api") else "/nothing/")
    assert {answer.status_code for answer in (known, unknown, nothing)} == {404}
    assert known.content == unknown.content == nothing.content
