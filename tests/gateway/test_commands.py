"""The commands that set a gateway up: what they make, and the one line they end with when they cannot."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import tokens
from accounts.models import AccessToken, User
from accounts.reader import Reader
from connectors.adding import add_source, pause
from connectors.corpus.reading import list_documents
from connectors.corpus.search import search
from connectors.embedding import embed_query
from connectors.models import Source, SyncRun
from connectors.sync import begin

pytestmark = pytest.mark.django_db

GOOD = "a long enough password"


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def refusal(*words: str) -> str:
    """The one line a command ends with."""
    with pytest.raises(CommandError) as caught:
        run(*words)
    assert caught.value.returncode != 0
    line = str(caught.value)
    assert line
    assert "\n" not in line
    return line


def test_a_person_is_added_and_may_sign_in() -> None:
    run("add_user", "Ann@Example.com", "--password", GOOD, "--name", "Ann")
    ann = User.objects.get()
    assert (ann.email, ann.name, ann.is_staff, ann.may_sign_in) == ("ann@example.com", "Ann", False, True)
    assert ann.check_password(GOOD)
    run("add_user", "root@example.com", "--password", GOOD, "--staff")
    assert User.objects.get(email="root@example.com").is_staff
    run("add_user", "vera@example.com", "--password", GOOD, "--auditor")
    assert list(User.objects.filter(is_auditor=True).values_list("email", "is_staff")) == [("vera@example.com", False)]


@pytest.mark.parametrize(
    ("email", "password", "reason"),
    [
        ("ann@example.com", GOOD, "already"),
        ("ANN@example.com", GOOD, "already"),
        ("no address", GOOD, "valid email"),
        ("", GOOD, "valid email"),
        ("bob@example.com", "short", "too short"),
        ("bob@example.com", "password123", "too common"),
    ],
)
def test_a_person_who_cannot_be_added(email: str, password: str, reason: str) -> None:
    User.objects.create_user("ann@example.com")
    assert reason in refusal("add_user", email, "--password", password)
    assert User.objects.count() == 1


def test_a_source_is_added_with_its_settings() -> None:
    run("add_source", "files", "--kind", "folder", "--set", "path=/a=b", "--name", "Files", "--vouches-for-emails")
    files = Source.objects.get()
    assert (files.key, files.name, files.kind, files.settings) == ("files", "Files", "folder", {"path": "/a=b"})
    assert files.directory.vouches_for_emails
    assert files.next_sync_at is not None
    run("add_source", "wiki", "--kind", "push")
    wiki = Source.objects.get(kind="push")
    assert (wiki.name, wiki.directory.vouches_for_emails, wiki.next_sync_at) == ("wiki", False, None)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["files", "--kind", "push"], "already"),
        (["wiki", "--kind", "magic"], "magic"),
        (["wiki", "--kind", "push", "--set", "path=/x"], "path"),
        (["wiki", "--kind", "folder", "--set", "colour=red"], "colour"),
        (["wiki", "--kind", "folder", "--set", "path"], "name=value"),
        (["wiki", "--kind", "folder", "--set", "=x"], "name=value"),
        (["wiki", "--kind", "folder", "--set", "path=/a", "--set", "path=/b"], "twice"),
        (["w i k i", "--kind", "push"], "letters"),
        (["a" * 101, "--kind", "push"], "letters"),
        (["wiki/x", "--kind", "push"], "letters"),
    ],
)
def test_a_source_that_cannot_be_added(words: list[str], reason: str) -> None:
    add_source("files", kind="folder", settings={"path": "/x"})
    assert reason in refusal("add_source", *words)
    assert Source.objects.count() == 1


def test_a_token_is_printed_alone() -> None:
    ann = User.objects.create_user("ann@example.com")
    wiki = add_source("wiki", kind="push")
    secret = run("add_token", "Ann@example.com", "--verbs", "read,ingest", "--sources", "wiki", "--expires", "7")
    assert secret.endswith("\n")
    token = tokens.authenticate(secret[:-1])
    assert token is not None
    assert (token.user, token.verbs, token.all_sources) == (ann, ["ingest", "read"], False)
    assert list(token.directories.all()) == [wiki.directory]
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
    everywhere = tokens.authenticate(run("add_token", "ann@example.com", "--verbs", "ask").strip())
    assert everywhere is not None
    assert (everywhere.verbs, everywhere.all_sources, everywhere.expires_at) == (["ask"], True, None)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["bob@example.com", "--verbs", "read"], "bob@example.com"),
        (["ann@example.com", "--verbs", "write"], "write"),
        (["ann@example.com", "--verbs", ""], "read"),
        (["ann@example.com", "--verbs", "read", "--sources", "nosuch"], "nosuch"),
        (["ann@example.com", "--verbs", "read", "--sources", ""], "no source"),
        (["ann@example.com", "--verbs", "read", "--sources", "wiki,nosuch"], "nosuch"),
        (["ann@example.com", "--verbs", "read", "--expires", "0"], "days"),
        (["ann@example.com", "--verbs", "read", "--expires", "999999999"], "days"),
    ],
)
def test_a_token_that_cannot_be_made(words: list[str], reason: str) -> None:
    User.objects.create_user("ann@example.com")
    add_source("wiki", kind="push")
    assert reason in refusal("add_token", *words)
    assert not AccessToken.objects.exists()


def test_a_source_is_checked(tmp_path: Path) -> None:
    (tmp_path / ".access.yaml").write_text("grants: [everyone]\n")
    (tmp_path / "people.yaml").write_text("people: {}\ngroups: {}\n")
    add_source("good", kind="folder", settings={"path": str(tmp_path)})
    add_source("bad", kind="folder", settings={"path": str(tmp_path / "nothing")})
    add_source("empty", kind="folder")
    add_source("wiki", kind="push")
    assert "good" in run("check_source", "good")
    assert "wiki" in run("check_source", "wiki")
    assert "nothing" in refusal("check_source", "bad")
    assert "path" in refusal("check_source", "empty")
    assert "nosuch" in refusal("check_source", "nosuch")


@pytest.mark.django_db(transaction=True)
def test_when_a_sync_returns_documents_are_found_by_word_and_by_meaning(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("people:\n  ann: {name: Ann, email: ann@example.com}\n")
    (tmp_path / ".access.yaml").write_text("grants: [ann]\n")
    (tmp_path / "leave.md").write_text("# Leave\n\nEmployees have thirty days of annual leave.\n")
    (tmp_path / ".hidden").write_text("not a document")
    reader = Reader(User.objects.create_user("ann@example.com").pk)
    add_source("files", kind="folder", settings={"path": str(tmp_path)}, vouches_for_emails=True)
    assert "files: succeeded" in run("sync", "files")
    assert [document.external_id for document in list_documents(reader)] == ["leave.md"]
    hits = search(reader, query="vacation", vector=embed_query("How much holiday do I get?"), mode="vector")
    assert [hit.external_id for hit in hits] == ["leave.md"]
    (tmp_path / "leave.md").unlink()
    run("sync")
    assert list_documents(reader) == []


@pytest.mark.django_db(transaction=True)
def test_one_source_that_cannot_be_read_stops_no_other_and_is_told(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    add_source("bad", kind="folder", settings={"path": str(bad)})
    add_source("good", kind="folder", settings={"path": str(good)})
    pause(add_source("paused", kind="folder", settings={"path": str(bad)}))
    add_source("wiki", kind="push")
    assert refusal("sync") == "Not synced: bad."
    states = dict(SyncRun.objects.values_list("source__directory__key", "state"))
    assert states == {"bad": "failed", "good": "succeeded"}
    assert "nosuch" in refusal("sync", "nosuch")
    run("sync", "wiki")


@pytest.mark.django_db(transaction=True)
def test_a_sync_waits_for_the_run_that_holds_the_lease(tmp_path: Path) -> None:
    files = add_source("files", kind="folder", settings={"path": str(tmp_path)})
    assert begin(files) is not None
    Source.objects.filter(pk=files.pk).update(lease_until=timezone.now() + timedelta(seconds=0.5))
    run("sync", "files")
    assert list(SyncRun.objects.order_by("pk").values_list("state", flat=True)) == ["failed", "succeeded"]
