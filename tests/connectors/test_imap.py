"""The imap connector against a real Dovecot with its ACL plug-in, down to who reads what in the product."""

import random
import time
from collections.abc import Iterator

import pytest

from accounts.models import User
from accounts.reader import Reader
from connectors import adding, ingest, listing, sync
from connectors.corpus.reading import document_text, list_documents
from connectors.models import Source, SyncRun
from connectors.records import (
    Access,
    Checkpoint,
    Deletion,
    DocumentRecord,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
    State,
)
from connectors.sources.base import ConnectorError
from connectors.sources.imap import Imap
from tests.cast import person
from tests.conftest import IN_CI
from tests.connectors import dovecot as running
from tests.connectors.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, Dovecot, quoted

USERS = {"ann@example.org": "sales,staff", "bob@example.org": "sales", "carol@example.org": "", "dave": "staff"}
ANN, BOB, CAROL, DAVE = USERS
NEEDED = frozenset("lr")


def mail(subject: str, text: str) -> str:
    return f"From: Ann <ann@example.org>\r\nTo: all@example.org\r\nSubject: {subject}\r\n\r\n{text}\r\n"


@pytest.fixture
def server() -> Iterator[Dovecot]:
    if running.binary() is None:
        (pytest.fail if IN_CI else pytest.skip)(f"There is no Dovecot. {running.INSTALL}")
    with running.dovecot(USERS) as dovecot:
        dovecot.deliver(ANN, "INBOX", mail("The oven", "It is serviced every March by the walrus company."))
        yield dovecot


def settings(server: Dovecot, *accounts: str, **more: str) -> dict[str, str]:
    return {
        "host": "localhost",
        "port": str(server.port),
        "certificate": server.certificate,
        "accounts": ", ".join(accounts or USERS),
        "domain": "example.org",
        "master": MASTER,
        "password": MASTER_PASSWORD,
        "judged_as": "account",
        **more,
    }


def read(server: Dovecot, *accounts: str, since: State | None = None, **more: str) -> list[Record]:
    return list(Imap(settings(server, *accounts, **more)).records(since))


def scopes(records: list[Record]) -> dict[str, ScopeRecord]:
    """Mailboxes by their names."""
    return {
        record.name: record
        for record in records
        if isinstance(record, ScopeRecord) and not record.id.startswith("account:")
    }


def readers(records: list[Record], name: str) -> set[str]:
    return {entry.id for entry in scopes(records)[name].access.grants}


def titles(records: list[Record]) -> list[str]:
    return sorted(record.title for record in records if isinstance(record, DocumentRecord))


def problems(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Problem)]


def end(records: list[Record]) -> Checkpoint:
    assert isinstance(records[-1], Checkpoint)
    return records[-1]


# --- in the product ---------------------------------------------------------------------------------------------


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    return run


def reads(name: str) -> set[str]:
    user = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    return {document.title for document in list_documents(Reader(user.pk))}


def added(server: Dovecot, *accounts: str, **more: str) -> Source:
    return adding.add_source("mail", kind="imap", settings=settings(server, *accounts, **more), vouches_for_emails=True)


@pytest.mark.django_db
def test_owners_read_their_mail_and_strangers_do_not(server: Dovecot) -> None:
    source = added(server)
    run = synced(source)
    assert (run.state, run.problems) == ("succeeded", [])
    assert reads("ann") == {"The oven"}
    assert reads("bob") == reads("charlie") == set()
    (document,) = list_documents(Reader(User.objects.get(email=ANN).pk))
    text = document_text(Reader(User.objects.get(email=ANN).pk), document.id)
    assert text is not None
    assert "walrus" in text.text


@pytest.mark.django_db
def test_an_owner_whose_login_is_written_in_other_letters_reads_their_mail(server: Dovecot) -> None:
    synced(added(server, "Ann@Example.ORG"))
    assert reads("ann") == {"The oven"}


@pytest.mark.django_db
def test_a_share_is_in_force_and_its_end_is_too_although_no_message_changed(server: Dovecot) -> None:
    server.deliver(ANN, "Projects/Oven", mail("The plan", "We buy another oven."))
    source = added(server, ANN)
    synced(source)
    assert (reads("ann"), reads("bob")) == ({"The oven", "The plan"}, set())
    server.allow(ANN, "Projects/Oven", BOB, "lr")
    synced(source)
    assert (reads("bob"), reads("carol")) == ({"The plan"}, set())
    server.forbid(ANN, "Projects/Oven", BOB)
    run = synced(source)
    assert reads("bob") == set()
    assert reads("ann") == {"The oven", "The plan"}
    assert run.counts.get("live", 0) == run.counts.get("pending", 0) == 0  # no message was read again


@pytest.mark.django_db
def test_mail_that_is_removed_or_marked_as_deleted_is_gone_by_the_next_run(server: Dovecot) -> None:
    for number in range(3):
        server.deliver(ANN, "INBOX", mail(f"Note {number}", f"Note number {number}."))
    source = added(server, ANN)
    synced(source)
    assert reads("ann") == {"The oven", "Note 0", "Note 1", "Note 2"}
    with server.session(ANN) as imap:
        imap.select("INBOX")
        imap.uid("STORE", "2", "+FLAGS", r"(\Deleted)")
        imap.uid("MOVE", "3", quoted("Trash"))
        imap.uid("STORE", "4", "+FLAGS", r"(\Deleted)")
        imap.uid("EXPUNGE", "4")
    synced(source)
    assert reads("ann") == {"The oven"}


@pytest.mark.django_db
def test_an_account_that_is_refused_hides_what_it_brought_and_nothing_else(server: Dovecot) -> None:
    server.deliver(BOB, "INBOX", mail("The van", "It needs tyres."))
    source = added(server, ANN, BOB)
    synced(source)
    assert (reads("ann"), reads("bob")) == ({"The oven"}, {"The van"})
    kept = server.users()
    server.knows("\n".join(line for line in kept.splitlines() if not line.startswith(BOB)) + "\n")
    for _ in range(2):
        run = synced(source)
        assert run.state == "succeeded"
        assert any("does not let bob@example.org sign in" in problem for problem in run.problems)
        assert (reads("ann"), reads("bob")) == ({"The oven"}, set())
        listing.read_whole(source)  # also where the next run reads everything
    server.knows(kept)
    synced(source)
    assert (reads("ann"), reads("bob")) == ({"The oven"}, {"The van"})


# --- who reads --------------------------------------------------------------------------------------------------


def test_what_others_see_of_a_mailbox_is_the_mailbox_of_its_owner(server: Dovecot) -> None:
    server.deliver(ANN, "Projects/Oven", mail("The plan", "We buy another oven."))
    server.allow(ANN, "Projects/Oven", "$sales", "lr")
    records = read(server)
    assert titles(records) == ["The oven", "The plan"]  # once, although two accounts see it
    assert readers(records, f"Projects/Oven of {ANN}") == {f"user:{ANN}", f"user:{BOB}"}
    assert any("'groups' does not describe: sales" in problem for problem in problems(records))
    assert end(records).complete


def test_groups_that_the_settings_describe_read(server: Dovecot) -> None:
    server.deliver(ANN, "Projects", mail("The plan", "We buy another oven."))
    server.allow(ANN, "Projects", "$sales", "lr")
    records = read(server, ANN, groups=f'{{"sales": ["{BOB}", "erin"]}}')
    assert readers(records, f"Projects of {ANN}") == {f"user:{ANN}", "group:sales"}
    assert problems(records) == []
    known = {record.id: record for record in records if isinstance(record, PrincipalRecord)}
    assert [entry.id for entry in known["group:sales"].members] == [f"user:{BOB}", "user:erin"]
    assert known["user:erin"].email == "erin@example.org"


@pytest.mark.parametrize("separator", ["*", "none"])
def test_what_a_master_may_read_nobody_else_may_for_it(server: Dovecot, separator: str) -> None:
    """Lists are judged as the master, who may read everything: that says nothing of the accounts it acts as."""
    server.deliver(ANN, "Secret", mail("The secret", "Nobody knows."))
    server.deliver(ANN, "Shared", mail("The plan", "We buy another oven."))
    server.allow(ANN, "Shared", BOB, "lr")
    for mailbox in ("INBOX", "Secret", "Shared"):
        server.allow(ANN, mailbox, MASTER, "lra")
    server.public("News", f"user={MASTER} lra\nuser=carol@example.org lr\n")
    lines = server.users()
    for account in USERS:
        lines = lines.replace(f"userdb_acl_user={account} ", f"userdb_acl_user={MASTER} ")
    server.knows(lines)
    records = read(server, judged_as="", master_separator=separator)
    assert readers(records, "Public/News") == {f"user:{CAROL}", f"user:{MASTER}"}
    assert any("not open to their owners" in problem for problem in problems(records))
    for record in records:
        if isinstance(record, ScopeRecord) and ANN in record.name:
            let_in = {entry.id for entry in record.access.grants} - {f"user:{MASTER}", f"user:{ANN}"}
            assert let_in <= ({f"user:{BOB}"} if "Shared" in record.name else set())
    assert f"user:{BOB}" in readers(read(server, judged_as="account"), "Public/News")  # what it guards against


def test_a_public_folder_is_read_by_those_it_is_open_to(server: Dovecot) -> None:
    server.public("News", "group=staff lra\nuser=carol@example.org lr\nuser=bob@example.org l\n")
    server.public("Board", "user=dave lr\n")
    records = read(server)
    assert readers(records, "Public/News") == {f"user:{ANN}", f"user:{CAROL}", "user:dave"}
    assert readers(records, "Public/Board") == {"user:dave"}
    assert scopes(records)["Public/Board"].parent == "account:dave/shared"


def admits(access: Access, account: str, groups: str) -> bool:
    """What an ACL says of an account of the server that belongs to these groups."""
    principals = {f"user:{account}", "*", *(f"group:{group}" for group in groups.split(",") if group)}
    return (
        not access.problem
        and bool(principals & {entry.id for entry in access.grants})
        and not (principals & set(access.deny))
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_is_let_in_whom_the_server_would_not(server: Dovecot, seed: int) -> None:
    """By lists alone, where nobody but the owner signs in; and whoever does sign in is judged as the server does."""
    chance = random.Random(seed)
    identifiers = ["anyone", "authenticated", "$sales", "$staff", BOB, CAROL, DAVE]
    for number in range(8):
        server.deliver(ANN, f"Box{number}", mail(f"Box {number}", "Words."))
        for identifier in chance.sample(identifiers, chance.randint(1, 4)):
            mark = chance.choice(["", "", "", "-"])
            server.allow(ANN, f"Box{number}", mark + identifier, chance.choice(["lr", "l", "r", "lrs", "w"]))
    groups = '{"sales": ["ann@example.org", "bob@example.org"], "staff": ["ann@example.org", "dave"]}'
    by_lists, by_all = read(server, ANN, groups=groups), read(server, groups=groups)
    let_in = 0
    for account in (BOB, CAROL, DAVE):
        with server.session(account) as imap:
            for number in range(8):
                answer = imap.myrights(quoted(f"shared/{ANN}/Box{number}"))
                reads = answer[0] == "OK" and set(answer[1][0].decode().rpartition(" ")[2]) >= NEEDED
                name = f"Box{number} of {ANN}"
                assert reads or not admits(scopes(by_lists)[name].access, account, USERS[account])
                assert reads or not admits(scopes(by_all)[name].access, account, USERS[account])
                assert not reads or f"user:{account}" in readers(by_all, name)
                let_in += admits(scopes(by_lists)[name].access, account, USERS[account])
    assert let_in


# --- what is listed ---------------------------------------------------------------------------------------------


def test_only_what_changed_is_asked_for(server: Dovecot) -> None:
    server.deliver(ANN, "Projects", mail("The plan", "We buy another oven."))
    first = read(server)
    assert end(first).complete
    again = read(server, since=end(first).state)
    assert titles(again) == []
    assert not any(isinstance(record, Deletion) for record in again)
    assert scopes(again).keys() == scopes(first).keys()  # rights are listed whole in every run
    assert not end(again).complete
    server.deliver(ANN, "Projects", mail("The other plan", "We repair it."))
    third = read(server, since=end(again).state)
    assert titles(third) == ["The other plan"]


def test_a_mailbox_made_again_under_its_name_is_another(server: Dovecot) -> None:
    server.deliver(ANN, "Projects", mail("The plan", "We buy another oven."))
    first = read(server, ANN)
    with server.session(ANN) as imap:
        imap.delete("Projects")
    server.deliver(ANN, "Projects", mail("The secret", "Nobody knows."))
    second = read(server, ANN, since=end(first).state)
    before, after = scopes(first)[f"Projects of {ANN}"], scopes(second)[f"Projects of {ANN}"]
    assert before.id != after.id
    gone = {(record.kind, record.id) for record in second if isinstance(record, Deletion)}
    assert ("scope", before.id) in gone
    assert {kind for kind, id in gone if id.startswith(before.id)} == {"scope", "document"}
    assert titles(second) == ["The secret"]


def test_drafts_junk_and_trash_are_left_out_and_what_the_setting_names(server: Dovecot) -> None:
    for name in ("Drafts", "Junk", "Trash", "Spam", "Private/Diary", "Privateer"):
        server.deliver(ANN, name, mail(name, "Words."))
    assert titles(read(server, ANN)) == ["Private/Diary", "Privateer", "The oven"]
    left_out = read(server, ANN, leave_out="private")
    assert titles(left_out) == ["Privateer", "Spam", "The oven"]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Entw&APw-rfe", "Entwürfe"),
        ('Ann "quotes" it', 'Ann "quotes" it'),
        (r"back\slash", r"back\slash"),
        ("[odd] (name)", "[odd] (name)"),
        ("A&-B", "A&B"),
        ("star* %percent", "star* %percent"),
        ("&U,BTFw-", "台北"),
    ],
    ids=["umlaut", "quotes", "backslash", "brackets", "ampersand", "wildcards", "asian"],
)
def test_odd_names_of_mailboxes_are_read(server: Dovecot, name: str, seen: str) -> None:
    try:
        server.deliver(ANN, name, mail("Found", "Words."))
    except AssertionError:
        pytest.skip("this Dovecot makes no mailbox of this name")
    connector = Imap(settings(server, ANN))
    records = list(connector.records(None))
    assert f"{seen} of {ANN}" in scopes(records)
    (document,) = [record for record in records if isinstance(record, DocumentRecord) and record.title == "Found"]
    assert callable(document.content)
    assert b"Words." in document.content()
    connector.close()


def test_a_message_is_described_by_its_header(server: Dovecot) -> None:
    server.deliver(
        ANN,
        "Described",
        "From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\r\nSubject: =?utf-8?b?w5ZmZW4=?=\r\n kaputt\r\n"
        "Date: Fri, 17 Jul 2026 10:00:00 +0200\r\n\r\nWords.\r\n",
    )
    server.deliver(ANN, "Described", "X-Nothing: here\r\n\r\nWords.\r\n")
    found = {
        record.title: record
        for record in read(server, ANN)
        if isinstance(record, DocumentRecord) and record.metadata["mailbox"] == "Described"
    }
    assert found.keys() == {"Öfen kaputt", "(no subject)"}
    described = found["Öfen kaputt"]
    assert described.author == "Jörg <j@example.org>"
    assert str(described.created_at) == "2026-07-17 08:00:00+00:00"
    assert described.modified_at is not None
    assert described.mime == "message/rfc822"


# --- signing in -------------------------------------------------------------------------------------------------


def test_each_account_may_sign_in_itself(server: Dovecot) -> None:
    passwords = f'{{"{ANN}": "{PASSWORD}", "dave": "{PASSWORD}"}}'
    assert titles(read(server, ANN, "dave", master="", password="", passwords=passwords)) == ["The oven"]
    assert titles(read(server, ANN, master="", password=PASSWORD)) == ["The oven"]
    assert titles(read(server, ANN, master_separator="none")) == ["The oven"]


def test_check_says_what_is_missing(server: Dovecot) -> None:
    assert Imap(settings(server)).check() == []
    (told,) = Imap(settings(server, password="wrong")).check()[:1]
    assert "does not let ann@example.org sign in" in told
    (told,) = Imap({**settings(server), "certificate": ""}).check()
    assert "certificate" in told
    (told,) = Imap({**settings(server), "host": "127.0.0.2"}).check()
    assert "127.0.0.2 cannot be asked for mail" in told


def test_when_every_account_is_refused_the_run_fails(server: Dovecot) -> None:
    with pytest.raises(ConnectorError, match=r"does not let ann@example\.org sign in") as refused:
        read(server, password="wrong")
    assert refused.value.permanent


def test_a_master_whom_access_lists_do_not_see_as_the_account_is_told_so(server: Dovecot) -> None:
    server.knows(server.users().replace(f"userdb_acl_user={ANN}", f"userdb_acl_user={MASTER}"))
    records = read(server, ANN, BOB)
    assert any("acl_user" in problem for problem in problems(records))
    closed = [record for record in records if isinstance(record, ScopeRecord) and record.access.problem]
    assert {record.id for record in closed} == {f"account:{ANN}", f"account:{ANN}/shared"}
    assert not end(records).complete
