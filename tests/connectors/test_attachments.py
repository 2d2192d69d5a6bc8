"""What is attached to a mail is a document of its own, under exactly the rights of the mail (P9)."""

import itertools
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from unittest import mock
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import principals
from accounts.reader import Audience
from accounts.statements import execute, rows
from connectors import adding, ingest, sync
from connectors.applying import hide
from connectors.corpus import attachments, breaking_glass, documents, history, reach
from connectors.corpus.breaking_glass import NoGlass, Use, break_glass
from connectors.corpus.evidence import holds_evidence, passages_holding
from connectors.corpus.explaining import explain
from connectors.corpus.placing import Places
from connectors.corpus.reading import attached_to, document_text, get_document, list_documents
from connectors.corpus.search import search
from connectors.corpus.soundness import findings
from connectors.corpus.wall import reading_as
from connectors.models import Content, Document, DocumentText, Passage, Source
from connectors.parsing import Attachment, Parsed, ParserProcess
from connectors.parsing.results import TOO_LARGE, TOO_MANY
from connectors.records import Checkpoint, Deletion, DocumentRecord
from connectors.sources import registry
from connectors.what_if import Push, tried
from tests.cast import World, access, person
from tests.connectors.mails import BROKEN, File, MailParser, mail, parse, parse_one, send
from tests.connectors.remembering import later
from tests.leakproof.product import Listed

pytestmark = pytest.mark.django_db

FIGURES = ("figures.txt", b"The walrus sold nine kayaks.")
PLAN = ("plan.txt", b"The narwhal opens a shop.")


@pytest.fixture
def world() -> World:
    """Ann reads what is narrow, Ann and Bob what is wide; Charlie is a stranger."""
    world = World.of("ann", "bob", "charlie")
    world.people["admin"] = person("admin", is_staff=True)
    world.folder("narrow", ["ann"])
    world.folder("wide", ["ann", "bob"])
    return world


@pytest.fixture(autouse=True)
def sound(world: World) -> Iterator[None]:
    """Whatever happened: what must be equal is, and the history has it."""
    yield
    assert findings() == []
    assert history.differences() == 0


def titles(world: World, name: str) -> set[str]:
    """What this person may read, as the list, the search and each page of a document have it, and no way else."""
    reader = world.reader(name)
    listed = list_documents(reader, limit=1000)
    ids = {document.id for document in listed}
    for document in Document.past_the_guard.all():
        is_read = document.public_id in ids
        assert (get_document(reader, document.public_id) is not None) == is_read
        assert (document_text(reader, document.public_id) is not None) == is_read
        named = {each.id for each in attached_to(reader, document.public_id)}
        assert named <= ids
        assert not named or is_read
    for word in ("walrus", "narwhal", "says"):
        for hit in search(reader, query=word, vector=None):
            assert hit.document_id in ids
            assert hit.attached_to is None or hit.attached_to.id in ids
    with reading_as(reader):
        assert {id for (id,) in rows("SELECT public_id FROM connectors_document")} == ids
        assert {
            id
            for (id,) in rows(
                "SELECT d.public_id FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id"
            )
        } <= ids
    return {document.title for document in listed}


def readers(world: World, title: str) -> set[str]:
    return {name for name in world.people if title in titles(world, name)}


def attachment(title: str) -> Document:
    return Document.past_the_guard.exclude(state="deleted").get(title=title, container__isnull=False)


def the_mail(name: str = "mail") -> Document:
    return Document.past_the_guard.exclude(state="deleted").get(external_id=name, container=None)


def hold(world: World) -> None:
    """As the brake does."""
    with transaction.atomic():
        principals.lock(world.source.pk)
        documents.hold(documents.living(world.source.pk), Places(world.source.pk))


# --- documents of their own ---------------------------------------------------------------------------


def test_each_attachment_is_a_document_of_its_own_for_the_readers_of_the_mail(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, PLAN), "narrow", url="https://mail.example.org/1")
    assert titles(world, "ann") == set()
    assert sorted(parse()) == ["figures.txt", "mail", "plan.txt"]
    assert titles(world, "ann") == {"Q3 numbers", "figures.txt", "plan.txt"}
    assert titles(world, "bob") == titles(world, "charlie") == set()
    ann = world.reader("ann")
    (hit,) = search(ann, query="walrus kayaks", vector=None)
    assert hit.attached_to is not None
    assert (hit.title, hit.attached_to.title) == ("figures.txt", "Q3 numbers")
    assert hit.attached_to.id == the_mail().public_id
    view = get_document(ann, hit.document_id)
    assert view is not None
    assert (view.url, view.attached_to, view.metadata["size"]) == (
        "https://mail.example.org/1",
        hit.attached_to,
        len(FIGURES[1]),
    )
    assert [each.title for each in attached_to(ann, the_mail().public_id)] == ["figures.txt", "plan.txt"]


def test_evidence_from_an_attachment_names_the_mail(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    (hit,) = search(world.reader("ann"), query="walrus", vector=None)
    pair = (hit.document_id, hit.digest)
    (again,) = passages_holding(world.reader("ann"), [pair]).values()
    assert again.attached_to == hit.attached_to
    assert holds_evidence(world.reader("bob"), [pair]) == {}


def test_a_document_that_is_attached_to_nothing_says_so(world: World) -> None:
    world.document("plan", "narrow")
    (hit,) = search(world.reader("ann"), query="plan", vector=None)
    view = get_document(world.reader("ann"), hit.document_id)
    assert view is not None
    assert hit.attached_to is view.attached_to is None
    assert "attached_to" not in view.as_json()


def test_the_real_parser_takes_a_mail_apart(world: World) -> None:
    table = ("rates.csv", b"City,Rate\nRome,12\n")
    send(world, mail("Rates", table, ("old.eml", mail("The old rates", PLAN))), "narrow")
    ingest.parse_waiting(None, timezone.now().timestamp())  # monotonic time is less: all of it
    assert titles(world, "ann") == {"Rates", "rates.csv", "old.eml", "plan.txt"}
    (hit,) = search(world.reader("ann"), query="Rome", vector=None)
    assert "City: Rome; Rate: 12" in hit.text or "Rome | 12" in hit.text


def test_a_mail_that_is_pushed_as_text_brings_its_attachments_too(world: World) -> None:
    text = mail("Q3 numbers", FIGURES).as_string()
    record = DocumentRecord(id="mail", title="", scope="narrow", text=text, mime="message/rfc822", access=access())
    assert world.push(record).state == "live"
    parse()
    assert titles(world, "ann") == {"Q3 numbers", "figures.txt"}


def test_one_that_cannot_be_read_is_set_aside_alone(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("broken.pdf", BROKEN)), "narrow")
    parse()
    assert titles(world, "ann") == {"Q3 numbers", "figures.txt"}
    assert (attachment("broken.pdf").state, attachment("broken.pdf").reason) == ("quarantined", "corrupt")


def test_what_is_said_of_the_mail_later_is_said_of_its_attachments(world: World) -> None:
    message = mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN)))
    send(world, message, "narrow", url="https://mail.example.org/1")
    parse()
    send(world, message, "narrow", url="https://mail.example.org/2")
    assert parse() == []
    assert {document.url for document in list_documents(world.reader("ann"))} == {"https://mail.example.org/2"}


# --- rights -------------------------------------------------------------------------------------------


def test_a_change_of_the_mails_readers_is_one_of_its_attachments(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN))), grants=["ann"])
    parse()
    for title in ("Q3 numbers", "figures.txt", "old.eml", "plan.txt"):
        assert readers(world, title) == {"ann"}
    world.reshare("document", "mail", None, ["bob"])
    for title in ("Q3 numbers", "figures.txt", "old.eml", "plan.txt"):
        assert readers(world, title) == {"bob"}


def test_a_change_of_a_folder_or_a_group_is_one_for_what_came_in_a_mail(world: World) -> None:
    world.group("team", "ann")
    world.folder("teams", ["team"])
    send(world, mail("Q3 numbers", FIGURES), "teams")
    parse()
    assert readers(world, "figures.txt") == {"ann"}
    world.group("team", "ann", "bob")
    assert readers(world, "figures.txt") == {"ann", "bob"}
    world.folder("teams", ["bob"])
    assert readers(world, "figures.txt") == {"bob"}
    world.folder("teams", ["bob"], deny=["bob"])
    assert readers(world, "figures.txt") == set()


def test_a_mail_that_moves_takes_its_attachments_along(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN))), "wide")
    parse()
    world.reshare("document", "mail", "narrow")
    assert {document.scope_id for document in Document.past_the_guard.all()} == {the_mail().scope_id}
    assert {passage.scope_id for passage in Passage.past_the_guard.all()} == {the_mail().scope_id}
    assert readers(world, "plan.txt") == {"ann"}


def test_an_attachment_that_waits_for_the_parser_appears_under_the_rights_of_then(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse_one()
    world.reshare("document", "mail", "narrow")
    parse()
    assert readers(world, "figures.txt") == {"ann"}


def test_a_list_that_is_not_known_hides_attachments(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse()
    hide(world.source, "document", "mail")
    assert readers(world, "figures.txt") == set()


def test_a_new_text_of_the_mail_never_shows_attachments_to_wider_readers(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, PLAN), "narrow")
    parse()
    new = mail("Q3 numbers", PLAN, ("new.txt", b"What the walrus says."))
    assert send(world, new, "wide") == "pending"
    assert readers(world, "figures.txt") == readers(world, "plan.txt") == {"ann"}
    parse_one()  # the mail, and nothing else yet
    assert readers(world, "figures.txt") == readers(world, "new.txt") == set()
    assert readers(world, "plan.txt") == {"ann", "bob"}
    assert parse() == ["new.txt"]
    assert readers(world, "new.txt") == {"ann", "bob"}


def test_a_new_text_for_others_hides_attachments_until_it_is_there(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), grants=["ann"])
    parse()
    send(world, mail("Q3 numbers, corrected", FIGURES), grants=["bob"])
    assert readers(world, "figures.txt") == set()
    assert parse() == ["mail"]
    assert readers(world, "figures.txt") == {"bob"}


def test_a_paused_source_and_a_person_who_left_read_no_attachment(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    adding.pause(world.source)
    assert readers(world, "figures.txt") == set()
    adding.resume(world.source)
    assert readers(world, "figures.txt") == {"ann"}


def test_the_database_refuses_an_attachment_that_stands_elsewhere(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    with pytest.raises(IntegrityError), transaction.atomic():
        execute(
            "UPDATE connectors_document SET scope_id = (SELECT id FROM connectors_scope WHERE external_id = 'wide') "
            "WHERE container_id IS NOT NULL"
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("UPDATE connectors_document SET container_id = NULL WHERE container_id IS NOT NULL")


# --- live only while the mail is ----------------------------------------------------------------------


def test_a_mail_that_is_deleted_takes_its_attachments_along(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN))), "wide")
    parse()
    (hit,) = search(world.reader("ann"), query="walrus", vector=None)
    world.delete("document", "mail")
    assert titles(world, "ann") == set()
    assert not Passage.past_the_guard.exists()
    assert {(row.state, row.title, row.url) for row in Document.past_the_guard.all()} == {("deleted", "", "")}
    assert holds_evidence(world.reader("ann"), [(hit.document_id, hit.digest)]) == {}
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse()
    assert attachment("figures.txt").public_id != hit.document_id


def test_an_attachment_that_still_waits_is_not_parsed_when_its_mail_is_gone(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse_one()
    waiting = ingest.take()
    assert waiting is not None
    world.delete("document", "mail")
    assert not Content.past_the_guard.exists()
    ingest.work_on(waiting, MailParser())
    assert titles(world, "ann") == set()
    assert not Passage.past_the_guard.exists()


def test_what_came_in_a_mail_is_never_live_without_it(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN))), "wide")
    parse()

    def states() -> set[str]:
        return set(Document.past_the_guard.values_list("state", flat=True))

    for state in ("held", "quarantined", "pending"):
        execute("UPDATE connectors_document SET state = %s WHERE container_id IS NULL", [state])
        assert readers(world, "figures.txt") == set()
        execute("UPDATE connectors_document SET state = 'live' WHERE container_id IS NOT NULL")
        assert states() == {state, "held"}
        execute("UPDATE connectors_document SET state = 'live' WHERE container_id IS NULL")
        assert states() == {"live"}
    assert readers(world, "plan.txt") == {"ann", "bob"}


def test_what_is_held_hides_its_attachments_until_it_is_released(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN))), "wide")
    parse()
    hold(world)
    assert set(Document.past_the_guard.values_list("state", flat=True)) == {"held"}
    assert titles(world, "ann") == set()
    assert sync.release_held(world.source) == 1
    assert readers(world, "plan.txt") == readers(world, "figures.txt") == {"ann", "bob"}


def test_an_attachment_parsed_while_its_mail_is_held_appears_when_that_is_released(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, PLAN), "wide")
    parse_one()
    parse_one()
    hold(world)
    assert len(parse()) == 1
    assert titles(world, "bob") == set()
    sync.release_held(world.source)
    assert titles(world, "bob") == {"Q3 numbers", "figures.txt", "plan.txt"}


def test_a_mail_parsed_while_it_is_held_shows_its_attachments_when_it_is_released(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse()
    send(world, mail("Q3 numbers", FIGURES, PLAN), "narrow")
    hold(world)
    parse()
    assert titles(world, "ann") == set()
    sync.release_held(world.source)
    assert titles(world, "ann") == {"Q3 numbers", "figures.txt", "plan.txt"}
    assert titles(world, "bob") == set()


def test_what_is_held_and_then_said_to_be_gone_takes_its_attachments_along(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse()
    hold(world)
    assert sync.delete_held(world.source) == 1
    assert set(Document.past_the_guard.values_list("state", flat=True)) == {"deleted"}


def test_what_is_held_and_named_again_shows_its_attachments(world: World) -> None:
    message = mail("Q3 numbers", FIGURES)
    send(world, message, "wide")
    parse()
    hold(world)
    assert send(world, message, "narrow") == "live"
    assert readers(world, "figures.txt") == {"ann"}


def test_a_mail_that_can_be_read_no_longer_takes_its_attachments_along(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse()
    record = DocumentRecord(id="mail", title="Q3", scope="wide", content=BROKEN, mime="", access=access())
    world.push(record)
    assert readers(world, "figures.txt") == {"ann", "bob"}
    parse()
    assert titles(world, "ann") == set()
    assert not Passage.past_the_guard.exists()
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse()
    assert titles(world, "bob") == {"Q3 numbers", "figures.txt"}


def anything(world: World, chance: random.Random) -> Iterator[None]:
    """Whatever may happen to two mails, one thing after the other, forever."""
    files: list[File] = [FIGURES, PLAN, ("old.eml", mail("The old numbers", PLAN, FIGURES))]

    def sent(name: str) -> None:
        some = chance.sample(files, chance.randrange(len(files) + 1))
        send(world, mail(name, *some), chance.choice(["narrow", "wide", None]), name=name)

    def broken(name: str) -> None:
        world.push(DocumentRecord(id=name, title=name, scope="wide", content=BROKEN, access=access()))

    def moved(name: str) -> None:
        world.reshare("document", name, chance.choice(["narrow", "wide"]), chance.choice([[], ["charlie"]]))

    def one_parsed(name: str) -> None:
        if Content.past_the_guard.exists():
            parse_one()

    happenings: list[Callable[[str], object]] = [
        *(sent, sent, broken, moved, one_parsed, one_parsed),
        lambda name: hide(world.source, "document", name),
        lambda name: world.delete("document", name),
        lambda name: hold(world),
        lambda name: sync.release_held(world.source),
        lambda name: parse(),
    ]
    while True:
        chance.choice(happenings)(chance.choice(["one", "other"]))
        yield


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_to_a_mail_who_reads_it_reads_what_is_attached(world: World, seed: int) -> None:
    for _ in itertools.islice(anything(world, random.Random(seed)), 40):
        living = {row.pk: row for row in Document.past_the_guard.exclude(state="deleted")}
        have_text = set(DocumentText.past_the_guard.values_list("pk", flat=True))
        for name in ("ann", "bob", "charlie"):
            listed = {document.id for document in list_documents(world.reader(name), limit=1000)}
            for row in living.values():
                if row.container_id is not None:
                    may = living[row.container_id].public_id in listed and row.pk in have_text
                    assert (row.public_id in listed) == may
        assert findings() == []
    for name in ("ann", "bob", "charlie"):
        titles(world, name)


# --- the source has no word in it ---------------------------------------------------------------------


def test_no_record_of_the_source_reaches_an_attachment(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    id = attachment("figures.txt").external_id
    assert world.reshare("document", id, "narrow").state == "unknown"
    assert world.reshare("document", id, None, ["bob"]).state == "unknown"
    world.push(Deletion(kind="document", id=id, revision=7))
    hide(world.source, "document", id)
    assert readers(world, "figures.txt") == {"ann"}
    world.document(id, "wide")
    assert readers(world, "figures.txt") == {"ann"}
    assert readers(world, id.title()) == {"ann", "bob"}
    world.reshare("document", id, None, ["charlie"])
    assert readers(world, "figures.txt") == {"ann"}
    world.delete("document", id)
    assert readers(world, "figures.txt") == {"ann"}
    send(world, mail("Q3 numbers", FIGURES, PLAN), "narrow")
    parse()
    assert titles(world, "ann") == {"Q3 numbers", "figures.txt", "plan.txt"}


def test_a_document_of_the_source_may_have_the_id_that_an_attachment_would_get(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    id = attachment("figures.txt").external_id
    world.delete("document", "mail")
    world.document(id, "wide", text="What is public.")
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    assert titles(world, "bob") == {id.title()}
    assert titles(world, "ann") == {id.title(), "Q3 numbers", "figures.txt"}


def listing(world: World, *messages: EmailMessage) -> list[str]:
    """A complete listing of these mails, by their subjects; what the run said."""
    Source.objects.filter(pk=world.source.pk).update(kind="listed")
    records = [
        DocumentRecord(
            id=str(message["Subject"]),
            title=str(message["Subject"]),
            scope="wide",
            content=message.as_bytes(),
            mime="message/rfc822",
            access=access(),
        )
        for message in messages
    ]
    scope_and_people = mock.patch("accounts.principals.unnamed", return_value=[])
    with mock.patch.dict(registry.KINDS, {"listed": Listed}), scope_and_people:
        Listed.says = [*records, Checkpoint(state={"at": "the end"}, complete=True)]
        problems: list[str] = sync.run_now(Source.objects.get(pk=world.source.pk)).problems
        return problems


def test_a_complete_listing_names_no_attachment_and_lets_none_go(world: World) -> None:
    world.folder("wide", ["ann", "bob"])
    few = [mail(f"Mail {n}", (f"{n}.txt", f"The walrus {n}.".encode())) for n in range(5)]
    assert listing(world, *few) == []
    parse()
    assert listing(world, *few) == []
    assert Document.past_the_guard.filter(state="live").count() == 10


def test_the_brake_counts_no_attachments(world: World) -> None:
    """Of 40 mails 12 are left out: less than a third, however many files they have."""
    files = [(f"{n}.txt", f"The walrus {n}.".encode()) for n in range(4)]
    many = [mail(f"Mail {n}", *(files if n < 12 else ())) for n in range(40)]
    listing(world, *many)
    parse()
    assert listing(world, *many[12:]) == []
    assert Document.past_the_guard.filter(state="live").count() == 28


def test_the_source_that_is_deleted_takes_everything_along(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN))), "wide")
    parse()
    adding.delete_source(world.source)
    assert not Document.past_the_guard.exists()


# --- again, and how much ------------------------------------------------------------------------------


def test_an_attachment_that_is_as_it_was_is_not_parsed_again_and_keeps_its_id(world: World) -> None:
    old = ("old.eml", mail("The old numbers", PLAN))
    send(world, mail("Q3 numbers", FIGURES, old), "narrow")
    parse()
    before = {document.title: document.id for document in list_documents(world.reader("ann"))}
    send(world, mail("Q3 numbers", ("first.txt", b"New."), old, FIGURES, body="Corrected."), "narrow")
    assert parse() == ["mail", "first.txt"]
    after = {document.title: document.id for document in list_documents(world.reader("ann"))}
    assert after | before == after


def test_an_attachment_that_changed_is_another_document(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    before = attachment("figures.txt").public_id
    send(world, mail("Q3 numbers", ("figures.txt", b"The walrus sold ten.")), "narrow")
    parse()
    assert titles(world, "ann") == {"Q3 numbers", "figures.txt"}
    assert attachment("figures.txt").public_id != before
    assert get_document(world.reader("ann"), before) is None


def test_a_content_that_was_forgotten_is_parsed_again_in_its_place(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("broken.pdf", BROKEN)), "narrow")
    parse()
    before = {document.title: document.public_id for document in Document.past_the_guard.all()}
    Document.past_the_guard.update(content_digest=b"forgotten")
    send(world, mail("Q3 numbers", FIGURES, ("broken.pdf", BROKEN)), "narrow")
    with mock.patch("tests.connectors.mails.BROKEN", b"is read by now"):
        assert sorted(parse()) == ["broken.pdf", "figures.txt", "mail"]
    assert titles(world, "ann") == {"Q3 numbers", "figures.txt", "broken.pdf"}
    assert {document.title: document.public_id for document in Document.past_the_guard.all()} == before


def test_the_same_file_twice_is_one_and_one_name_for_two_is_two(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, FIGURES, ("figures.txt", b"The walrus sold ten.")), "narrow")
    parse()
    found = list_documents(world.reader("ann"))
    assert sorted(document.title for document in found) == ["Q3 numbers", "figures.txt", "figures.txt"]


def test_a_mail_within_three_others_is_the_last_whose_files_are_taken(world: World) -> None:
    message = mail("Innermost", PLAN)
    for depth in range(4):
        message = mail(f"Outer {depth}", (f"{depth}.eml", message), (f"{depth}.txt", b"The walrus."))
    send(world, message, "narrow")
    parse()
    assert titles(world, "ann") == {"Outer 3", "3.eml", "3.txt", "2.eml", "2.txt", "1.eml", "1.txt"}
    told = Document.past_the_guard.get(title="1.eml").file_metadata["attachments_left_out"]
    assert told == "0.eml (in a message within 3 others), 0.txt (in a message within 3 others)"


def test_beneath_one_mail_is_room_for_so_many_files_and_bytes(world: World) -> None:
    inner = ("inner.eml", mail("Inner", FIGURES, ("large.txt", b"x" * 2000), ("last.txt", b"The end.")))
    with (
        mock.patch.object(attachments, "MAX_ATTACHMENTS", 4),
        mock.patch.object(attachments, "MAX_ATTACHED_BYTES", 5000),
    ):
        send(world, mail("Outer", PLAN, inner), "narrow")
        parse()
    assert titles(world, "ann") == {"Outer", "plan.txt", "inner.eml", "figures.txt", "last.txt"}
    told = Document.past_the_guard.get(title="inner.eml").file_metadata["attachments_left_out"]
    assert told == f"large.txt ({TOO_LARGE})"
    with mock.patch.object(attachments, "MAX_ATTACHMENTS", 3):
        send(world, mail("Another", PLAN, ("inner.eml", mail("Inner", FIGURES, PLAN))), "narrow", name="another")
        parse()
    [told] = [
        row.file_metadata["attachments_left_out"]
        for row in Document.past_the_guard.filter(title="inner.eml", container__external_id="another")
    ]
    assert told == f"plan.txt ({TOO_MANY})"


def test_what_the_parser_left_out_is_told_beside_it(world: World) -> None:
    class Parser(ParserProcess):
        def parse(self, content: bytes, *, filename: str, mime: str = "") -> Parsed:
            file = Attachment("a\0b\ud800/c\n.txt", "text/plain\0", b"The walrus.")
            return Parsed(text="A mail.", metadata={"attachments_left_out": "big.bin (too large)"}, attachments=(file,))

    send(world, mail("Q3"), "narrow")
    job = ingest.take()
    assert job is not None
    with mock.patch.object(attachments, "DEEPEST", 0):
        ingest.work_on(job, Parser())
    told = the_mail().file_metadata["attachments_left_out"]
    assert told == "big.bin (too large), ab-c .txt (in a message within 3 others)"


# --- break-glass, explaining, what if -------------------------------------------------------------------


def opened(world: World, document: UUID) -> None:
    break_glass(
        user=world.people["charlie"],
        given_by=world.people["admin"],
        reason="An incident.",
        until=timezone.now() + timedelta(hours=1),
        document=document,
    )


def test_break_glass_for_a_mail_opens_what_is_attached_and_its_use_is_told(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES, ("old.eml", mail("The old numbers", PLAN))), "narrow")
    send(world, mail("Another", ("another.txt", b"The other walrus.")), "narrow", name="another")
    parse()
    opened(world, the_mail().public_id)
    assert titles(world, "charlie") == {"Q3 numbers", "figures.txt", "old.eml", "plan.txt"}
    assert world.people["charlie"].pk in reach.readers_of(attachment("plan.txt").public_id).people
    told: list[Use] = []

    def hear(uses: list[Use], **_: object) -> None:
        told.extend(uses)

    breaking_glass.used.connect(hear)
    try:
        search(world.reader("charlie"), query="narwhal", vector=None)
    finally:
        breaking_glass.used.disconnect(hear)
    assert {use.document_id for use in told} == {attachment("plan.txt").public_id, attachment("old.eml").public_id}
    why = explain(world.people["charlie"].pk, attachment("plan.txt").public_id)
    assert (why.admitted, why.disagrees, len(why.glass)) == (True, False, 1)
    adding.pause(world.source)
    assert titles(world, "charlie") == set()


def test_break_glass_is_not_given_for_an_attachment_alone(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    with pytest.raises(NoGlass, match=str(the_mail().public_id)):
        opened(world, attachment("figures.txt").public_id)


def test_why_somebody_may_read_an_attachment_is_why_they_may_read_the_mail(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    id = attachment("figures.txt").public_id
    before = later()
    world.reshare("document", "mail", None, ["bob"])
    for name in ("ann", "bob", "charlie"):
        now = explain(world.people[name].pk, id)
        then = explain(world.people[name].pk, id, before)
        assert (now.admitted, then.admitted) == (name == "bob", name == "ann")
        assert not now.disagrees
        assert now.reasons[-1].rule == "P9"
        assert str(the_mail().public_id) in now.reasons[-1].text
        assert now.reasons[:-1] == explain(world.people[name].pk, the_mail().public_id).reasons
    hold(world)
    assert explain(world.people["bob"].pk, id).state == "held"


def test_what_would_change_for_a_mail_would_for_its_attachments(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "narrow")
    parse()
    both = {the_mail().public_id, attachment("figures.txt").public_id}
    moved = DocumentRecord(
        id="mail",
        title="Q3 numbers",
        scope="wide",
        content=mail("Q3 numbers", FIGURES, body="Corrected.").as_bytes(),
        mime="message/rfc822",
        access=access(),
    )
    with tried(Push.of(world.source, [moved])) as result:
        pass
    (bob,) = result.difference.people
    assert (bob.email, set(bob.gained_documents), bob.once_parsed) == ("bob@example.org", both, 2)
    with tried(Push.of(world.source, [Deletion(kind="document", id="mail")])) as result:
        pass
    (ann,) = result.difference.people
    assert (ann.email, set(ann.lost_documents)) == ("ann@example.org", both)
    opened(world, the_mail().public_id)
    with tried(Push.of(world.source, [Deletion(kind="document", id="mail")])) as result:
        pass
    lost = {each.email: set(each.lost_documents) for each in result.difference.people}
    assert lost == {"ann@example.org": both, "charlie@example.org": both}


def test_several_people_are_shown_an_attachment_only_if_each_may_read_the_mail(world: World) -> None:
    send(world, mail("Q3 numbers", FIGURES), "wide")
    parse()
    ann, bob, charlie = (world.reader(name) for name in ("ann", "bob", "charlie"))
    assert len(search(Audience(ann, frozenset({bob})), query="walrus", vector=None)) == 1
    for audience in (
        Audience(ann, frozenset({charlie})),
        Audience(ann, unidentified=True),
        Audience(ann, outside=True),
    ):
        assert search(audience, query="walrus", vector=None) == []
        assert attached_to(audience, the_mail().public_id) == []
