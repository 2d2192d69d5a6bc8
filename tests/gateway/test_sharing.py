"""A conversation shown to somebody else: the questions, and of the answers only what they may read themselves."""

from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import User
from accounts.provisioning import activate, deactivate
from accounts.reader import Reader
from gateway import exporting, sharing
from gateway.answering.asking import answer
from gateway.models import AuditEvent
from tests.gateway.library import LEAVE, TRAVEL, Library

BOTH = "What may contractors not take, parental leave, and how much may a hotel room cost in Lisbon?"


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    for name in ("ann", "bob", "eve"):
        library.person(name)
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    library.put("travel", TRAVEL, readers=("ann", "bob"), title="Travel")
    return library


def reader(name: str) -> Reader:
    return Reader(user(name).pk)


def user(name: str) -> User:
    return User.objects.get(email=f"{name}@example.com")


def asked(question: str = BOTH, conversation: UUID | None = None) -> UUID:
    return async_to_sync(answer)(reader("ann"), question, conversation=conversation, door="test").conversation_id


def shown(id: UUID, name: str = "bob") -> str:
    found = sharing.get_shared(reader(name), id)
    assert found is not None
    return repr(exporting.shared_json(found))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_others_see_the_sentences_whose_every_document_they_may_read_numbered_anew(library: Library) -> None:
    id = asked()
    assert sharing.share(reader("ann"), id, " Bob@Example.com") is True
    found = sharing.get_shared(reader("bob"), id)
    assert found is not None
    [one] = found.answers
    assert one.question == BOTH
    assert {each.citations for each in one.sentences} == {(1,)}
    assert [each.ordinal for each in one.sentences] == list(range(1, len(one.sentences) + 1))
    assert [citation.hit.external_id for citation in one.citations] == ["travel"]
    assert "140 euros" in shown(id)
    assert "Contractors may not" not in shown(id)
    assert "Parental leave" not in shown(id)


def test_what_is_withheld_from_others_cannot_be_told_from_what_never_was(library: Library) -> None:
    withheld = asked("What may contractors not take, parental leave?")
    never = asked("Who painted the Zeppelin?")
    told = []
    for id in (withheld, never):
        sharing.share(reader("ann"), id, "bob@example.com")
        found = sharing.get_shared(reader("bob"), id)
        assert found is not None
        [one] = exporting.shared_json(found)["questions"]
        told.append({name: one[name] for name in one if name not in ("question", "asked_at")})
    assert told == [{"sentences": [], "citations": []}] * 2
    browser = signed_in("bob")
    pages = [browser.get(f"/shared/{id}/").content.decode() for id in (withheld, never)]
    assert all("There is nothing to show you here." in page for page in pages)
    assert len({page.count("<p") for page in pages}) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_rights_gained_and_lost_hold_at_once_and_changed_sentences_are_never_for_others(library: Library) -> None:
    id = asked()
    sharing.share(reader("ann"), id, "bob@example.com")
    library.put("leave", LEAVE, readers=("ann", "bob"), title="Parental leave")
    assert "Contractors may not" in shown(id)
    library.put("travel", TRAVEL, readers=("ann",), title="Travel")
    assert "140 euros" not in shown(id)
    library.put("travel", "Hotels may cost anything.", readers=("ann", "bob"), title="Travel")
    assert "140 euros" not in shown(id)


def test_only_whom_it_is_shared_with_sees_it_until_it_is_taken_back(library: Library) -> None:
    id = asked()
    assert sharing.get_shared(reader("bob"), id) is None
    sharing.share(reader("ann"), id, "bob@example.com")
    assert [line.id for line in sharing.list_shared(reader("bob"))] == [id]
    assert sharing.get_shared(reader("eve"), id) is None
    assert sharing.list_shared(reader("eve")) == []
    assert sharing.take_back(reader("ann"), id, "BOB@example.com") is True
    assert sharing.get_shared(reader("bob"), id) is None
    assert sharing.list_shared(reader("bob")) == []
    kinds = AuditEvent.objects.filter(kind__startswith="conversation.").order_by("id").values_list("kind", "details")
    assert [(kind, details["with"]) for kind, details in kinds] == [
        ("conversation.shared", user("bob").pk),
        ("conversation.taken_back", user("bob").pk),
    ]


def test_nobody_shares_what_is_not_theirs_not_even_with_whom_it_is_shared(library: Library) -> None:
    id = asked()
    sharing.share(reader("ann"), id, "bob@example.com")
    for name, unknown in (("bob", id), ("eve", id), ("ann", uuid4())):
        assert sharing.share(reader(name), unknown, "eve@example.com") is False
        assert sharing.take_back(reader(name), unknown, "bob@example.com") is False
        assert sharing.shared_with(reader(name), unknown) is None
    assert sharing.get_shared(reader("bob"), id) is not None


def test_an_address_of_nobody_is_told_as_one_of_somebody_and_is_nobodys_later_either(library: Library) -> None:
    id = asked()
    for address in ("bob@example.com", "zoe@example.com"):
        assert sharing.share(reader("ann"), id, address) is True
    assert sharing.shared_with(reader("ann"), id) == ["bob@example.com", "zoe@example.com"]
    library.person("zoe")
    assert sharing.get_shared(reader("zoe"), id) is None


@pytest.mark.parametrize("address", ["", "bob", "bob@", "b b@example.com", f"{'b' * 250}@example.com"])
def test_what_is_no_address_is_refused_in_words(library: Library, address: str) -> None:
    with pytest.raises(sharing.ShareRefused, match="whole e-mail address"):
        sharing.share(reader("ann"), asked("Who is Anna Weber?"), address)


@pytest.mark.parametrize("name", ["ann", "bob"])
def test_it_ends_while_either_of_them_is_deactivated(library: Library, name: str) -> None:
    id = asked()
    sharing.share(reader("ann"), id, "bob@example.com")
    deactivate(user(name))
    assert sharing.get_shared(reader("bob"), id) is None
    assert sharing.list_shared(reader("bob")) == []
    activate(user(name))
    assert sharing.get_shared(reader("bob"), id) is not None


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(user(name))
    return client


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_pages_and_the_api_share_show_and_take_back(library: Library) -> None:
    id = asked()
    ann, bob = signed_in("ann"), signed_in("bob")
    ann.post(f"/conversations/{id}/share/", {"address": "bob@example.com"})
    page = ann.get(f"/conversations/{id}/").content.decode()
    assert "If somebody here has the address bob@example.com" in page
    assert "Take back from bob@example.com" in page
    assert f"/shared/{id}/" in bob.get("/conversations/").content.decode()
    shared = bob.get(f"/shared/{id}/").content.decode()
    assert "140 euros" in shared
    assert "Contractors may not" not in shared
    assert "withheld" not in shared
    for address in (f"/conversations/{id}/", f"/conversations/{id}/markdown/", f"/api/v1/conversations/{id}"):
        assert bob.get(address).status_code == 404
    assert bob.get("/api/v1/shared").json()["results"][0]["id"] == str(id)
    assert "140 euros" in bob.get(f"/api/v1/shared/{id}").content.decode()
    assert ann.get(f"/api/v1/conversations/{id}/shares").json() == {"results": [{"address": "bob@example.com"}]}
    assert ann.delete(f"/api/v1/conversations/{id}/shares?address=bob@example.com").status_code == 204
    foreign, unknown = (bob.get(f"/shared/{each}/") for each in (id, uuid4()))
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    body = {"address": "eve@example.com"}
    assert ann.post(f"/api/v1/conversations/{id}/shares", body, content_type="application/json").status_code == 204
    assert ann.post(f"/api/v1/conversations/{id}/shares", {"address": "eve"}, "application/json").status_code == 400
    ann.post(f"/conversations/{id}/take-back/", {"address": "eve@example.com"})
    assert sharing.shared_with(reader("ann"), id) == []
