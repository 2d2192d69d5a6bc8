"""What if, with the answers people were given: how many a change would withhold, told by counts."""

import json
from io import StringIO
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from accounts.reader import Reader
from accounts.statements import execute
from connectors import adding
from connectors.corpus.reading import list_documents
from connectors.models import Document
from connectors.records import Access, AccessRecord, Deletion, DocumentRecord, Entry
from connectors.what_if import Change, Push
from gateway import audit, conversations
from gateway.answering.asking import answer
from gateway.models import AuditEvent
from gateway.what_if import WhatIf, Withheld, ask
from tests.gateway.library import LEAVE, TRAVEL, Library
from tests.gateway.test_conversations import BOTH, WEEKS

pytestmark = pytest.mark.django_db

WRONG = ("nan", "inf", "-5", "0", "1e12", "soon")  # seconds


@pytest.fixture
def library(db: None) -> Library:
    """Ann and Bob read of leave, Ann of travel; each has asked."""
    library = Library()
    library.person("ann")
    library.person("bob")
    library.put("leave", LEAVE, readers=("ann", "bob"), title="Parental leave")
    library.put("travel", TRAVEL, readers=("ann",), title="Travel")
    return library


def reader(name: str) -> Reader:
    return Reader(User.objects.get(email=f"{name}@example.com").pk)


def asked(name: str, question: str) -> conversations.ShownAnswer:
    done = async_to_sync(answer)(reader(name), question, door="test")
    shown = conversations.get_question(reader(name), done.question_id)
    assert shown is not None
    assert shown.sentences
    return shown


def would(library: Library, *changes: Change) -> WhatIf:
    return ask(Push.of(library.source, changes), asked_by=None)


def withheld_after(name: str, shown: conversations.ShownAnswer) -> int:
    """How many sentences of this answer are withheld now."""
    again = conversations.get_question(reader(name), shown.id)
    assert again is not None
    return sum(sentence.state == "withheld" for sentence in again.sentences)


def only(*names: str) -> AccessRecord:
    grants = tuple(Entry(id=name) for name in names)
    return AccessRecord(kind="document", id="leave", access=Access(grants=grants))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("writer")
def test_answers_that_would_be_withheld_are_counted_by_their_owner(library: Library) -> None:
    first, second = asked("ann", BOTH), asked("bob", WEEKS)
    found = would(library, only("bob")).withheld
    library.put("leave", LEAVE, readers=("bob",), title="Parental leave")
    (ann,) = found
    assert ann == Withheld(email="ann@example.com", answers=1, sentences=withheld_after("ann", first))
    assert 0 < ann.sentences < len(first.sentences)
    assert withheld_after("bob", second) == 0


def test_a_deleted_document_withholds_from_all_who_could_read_it(library: Library) -> None:
    shown = {"ann": asked("ann", WEEKS), "bob": asked("bob", WEEKS)}
    again = asked("bob", WEEKS)
    found = {
        each.email.partition("@")[0]: each for each in would(library, Deletion(kind="document", id="leave")).withheld
    }
    library.remove("leave")
    assert {name: each.answers for name, each in found.items()} == {"ann": 1, "bob": 2}
    assert found["ann"].sentences == withheld_after("ann", shown["ann"])
    assert found["bob"].sentences == withheld_after("bob", shown["bob"]) + withheld_after("bob", again)


def test_what_is_withheld_already_is_not_counted(library: Library) -> None:
    asked("ann", WEEKS)
    library.put("leave", LEAVE, readers=("bob",), title="Parental leave")
    assert would(library, Deletion(kind="document", id="leave")).withheld == ()


def test_a_sentence_that_rests_on_something_else_that_is_lost_already_is_not_counted(library: Library) -> None:
    """Evidence in another source, paused meanwhile, withholds the sentence today."""
    shown = asked("ann", WEEKS)
    other = Library("other")
    library_ann = library.source
    other.put("beside", "Beside the point.", readers=(), title="Beside")
    beside = Document.past_the_guard.get(external_id="beside")
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO gateway_evidence (sentence_id, n, document, revision, passage, start, "end", digest) '
            "SELECT sentence_id, 99, %s, 1, passage, 0, 1, digest FROM gateway_evidence LIMIT 1",
            [beside.public_id],
        )
    assert withheld_after("ann", shown) == 1
    found = ask(Push.of(library_ann, [Deletion(kind="document", id="leave")]), asked_by=None).withheld
    assert sum(each.sentences for each in found) == len(shown.sentences) - 1


def test_it_is_audited_with_ids_and_counts_and_nothing_else_changes(library: Library) -> None:
    asked("ann", WEEKS)
    leave = str(Document.past_the_guard.get(external_id="leave").public_id)
    carol = User.objects.create_user("carol@example.com", is_staff=True)
    events = AuditEvent.objects.count()
    ask(Push.of(library.source, [only("bob")]), asked_by=carol)
    event = AuditEvent.objects.get(kind="what_if.asked")
    assert AuditEvent.objects.count() == events + 1
    assert event.user_id == carol.pk
    assert event.details == {
        "source": "library",
        "records": 1,
        "people_gaining": 0,
        "people_losing": 1,
        "documents_gained": 0,
        "documents_lost": 1,
        "answers_withheld": 1,
        "people": [reader("ann").user_id],
        "documents": [leave],
        "named": ["leave"],
    }
    assert audit.first_broken() is None
    assert {document.external_id for document in list_documents(reader("ann"))} == {"leave", "travel"}


def test_ids_in_the_records_are_audited_whether_or_not_anything_would_change(library: Library) -> None:
    twice = Deletion(kind="scope", id="nothing")
    would(library, twice, DocumentRecord(id="guess", title="", text="Ann leaves."), twice)
    assert AuditEvent.objects.get(kind="what_if.asked").details["named"] == ["guess", "nothing"]


def test_it_can_be_asked_by_the_role_of_the_web(library: Library) -> None:
    asked("ann", WEEKS)
    execute("SET ROLE gatehouse_web")
    try:
        found = would(library, Deletion(kind="document", id="leave"))
    finally:
        execute("RESET ROLE")
    assert found.difference.people_losing == 2
    assert [each.email for each in found.withheld] == ["ann@example.com"]


# --- the commands -------------------------------------------------------------------------------------


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_tries_a_file_of_records(library: Library, tmp_path: Path) -> None:
    asked("ann", WEEKS)
    leave = str(Document.past_the_guard.get(external_id="leave").public_id)
    records = tmp_path / "records.jsonl"
    lines = [
        {"type": "access", "kind": "document", "id": "leave", "grants": ["bob"]},
        {"type": "document", "id": "menu", "title": "Menu", "text": "Soup.", "grants": ["bob"]},
        {"type": "nonsense", "id": "x"},
    ]
    records.write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = run("what_if", "library", "--records", str(records))
    assert "1 people would lose 1 documents between them;" in said
    assert "1 would gain 1, of which 1 are new." in said
    assert f"loses {leave}" in said
    assert "gains menu" in said
    assert "Line 3: The field 'type'" in said
    assert "would be withheld from" in said
    assert said.endswith("Nothing was changed.\n")
    assert "Parental leave" not in said
    found = json.loads(run("what_if", "library", "--records", str(records), "--json"))
    assert found["people"] == {"changed": 2, "gaining": 1, "losing": 1}
    assert [change["lost_documents"] for change in found["changes"]] == [[leave], []]
    assert [change["new_documents"] for change in found["changes"]] == [[], ["menu"]]
    assert found["withheld"][0]["email"] == "ann@example.com"
    assert AuditEvent.objects.filter(kind="what_if.asked", user_id=None).count() == 2


def test_the_command_tries_a_change_of_a_group(library: Library) -> None:
    from connectors.applying import apply_record
    from connectors.records import PrincipalRecord

    apply_record(library.source, PrincipalRecord(id="team", kind="group", members=(Entry(id="bob"),)))
    library.put("plan", "The plan of the team.", readers=("team",))
    said = run("what_if", "library", "--joins", "ann", "team")
    assert "1 would gain 1, of which 0 are new." in said
    said = run("what_if", "library", "--leaves", "bob", "team")
    assert "1 people would lose 1 documents between them;" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("what_if", "nothing", "--joins", "a", "b"), "no source"),
        (("what_if", "library", "--joins", "a", "b"), "knows no group"),
        (("what_if", "library", "--records", "/nowhere/at/all"), "cannot be read"),
        (("sync", "library", "--dry-run"), "pushes its records"),
        (("sync", "--json"), "--json tells of the dry run of one source"),
        (("sync", "library", "--seconds", "5"), "--seconds is for a dry run"),
        *((("what_if", "library", "--joins", "a", "b", f"--seconds={x}"), "a number of seconds from") for x in WRONG),
        *((("sync", "library", "--dry-run", f"--seconds={x}"), "a number of seconds from") for x in WRONG),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_told_ends_in_one_line(library: Library, words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        run(*words)


def test_a_dry_run_of_a_sync_counts_what_is_new_and_does_not_name_it(db: None, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("people:\n  ann: {name: Ann, email: ann@example.com}\n")
    (tmp_path / ".access.yaml").write_text("grants: [ann]\n")
    (tmp_path / "zeppelin.txt").write_text("The zeppelin is silver.")
    adding.add_source("files", kind="folder", settings={"path": str(tmp_path)}, vouches_for_emails=True)
    User.objects.create_user("ann@example.com")
    said = run("sync", "files", "--dry-run")
    assert "1 would gain 1, of which 1 are new." in said
    assert "gains 1 more" not in said
    assert "zeppelin" not in said
    assert "zeppelin" not in run("sync", "files", "--dry-run", "--json")
    assert {tuple(event.details["named"]) for event in AuditEvent.objects.all()} == {()}
    assert Document.past_the_guard.count() == 0
    assert run("sync", "--dry-run").startswith("files: ")
