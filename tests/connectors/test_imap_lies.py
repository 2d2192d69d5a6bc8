"""The imap connector against a server that lies, breaks off, hangs, or sends without end: bounded, and never open."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest

from accounts.reader import Reader
from connectors import adding, ingest, listing, sync
from connectors.corpus.reading import list_documents
from connectors.records import Checkpoint, Deletion, DocumentRecord, Problem, Record, ScopeRecord, State
from connectors.sources import imap
from connectors.sources.base import ConnectorError
from connectors.sources.imap import MAX_MESSAGE, Imap
from connectors.sources.imap_wire import MOST_UIDS, Unclear, ranges, shown, uids, values
from tests.cast import person
from tests.connectors.mail_server import MESSAGE, MailServer, settings


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer().running() as server:
        yield server


class Hurried(Imap):
    patience = 0.5


def read(server: MailServer, since: State | None = None, **more: str) -> list[Record]:
    return list(Hurried(settings(server, **more)).records(since))


def documents(records: list[Record]) -> list[DocumentRecord]:
    return [record for record in records if isinstance(record, DocumentRecord)]


def end(records: list[Record]) -> Checkpoint:
    assert isinstance(records[-1], Checkpoint)
    return records[-1]


def mailbox(records: list[Record]) -> ScopeRecord:
    (found,) = [record for record in records if isinstance(record, ScopeRecord) and "INBOX" in record.name]
    return found


def told(records: list[Record]) -> str:
    return " ".join(record.message for record in records if isinstance(record, Problem))


def content_of(server: MailServer) -> bytes:
    connector = Hurried(settings(server))
    try:
        (document,) = documents(list(connector.records(None)))
        assert callable(document.content)
        return document.content()
    finally:
        connector.close()


def test_the_truth_is_read(mail: MailServer) -> None:
    records = read(mail)
    assert end(records).complete
    assert [document.title for document in documents(records)] == ["The oven"]
    assert {entry.id for entry in mailbox(records).access.grants} == {"user:ann@example.org"}
    assert content_of(mail) == MESSAGE


def test_a_mailbox_in_which_nothing_changed_is_not_opened(mail: MailServer) -> None:
    first = read(mail)
    mail.asked.clear()
    again = read(mail, end(first).state)
    assert documents(again) == []
    assert mail.commands(b"EXAMINE") == []
    assert mail.commands(b"GETACL")


def test_a_listing_that_was_interrupted_goes_on_and_is_complete(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "NOTED", 200)
    mail.messages = {uid: MESSAGE for uid in range(1, 451)}
    records = Hurried(settings(mail)).records(None)
    before: list[Record] = []
    for record in records:
        before.append(record)
        if isinstance(record, Checkpoint) and len(documents(before)) == 200:
            break
    records.close()  # type: ignore[attr-defined]
    after = read(mail, end(before).state)
    assert len({document.id for document in documents(before) + documents(after)}) == 450
    assert len(documents(after)) == 250
    assert end(after).complete


def test_a_listing_that_goes_on_from_an_earlier_note_names_some_messages_twice_and_leaves_none_out(
    mail: MailServer,
) -> None:
    mail.messages = {uid: MESSAGE for uid in range(1, 451)}
    records = Hurried(settings(mail)).records(None)
    before: list[Record] = []
    for record in records:
        before.append(record)
        if isinstance(record, Checkpoint) and len(documents(before)) == 400:
            break
    records.close()  # type: ignore[attr-defined]
    after = read(mail, end(before).state)
    assert len({document.id for document in documents(before) + documents(after)}) == 450
    assert end(after).complete


def test_how_far_a_run_has_come_is_not_written_again_with_every_page(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other message is there, so that their numbers have no short form."""
    monkeypatch.setattr(imap, "NOTED", 1)
    monkeypatch.setattr(imap, "WRITTEN", 4)
    mail.messages = {uid: MESSAGE for uid in range(1, 5_001, 2)}
    records = list(Imap(settings(mail)).records(None))
    states = [record.state for record in records if isinstance(record, Checkpoint)]
    told = [one for one, before in pairwise([*states, {}]) if one is not before]
    assert len(documents(records)) == 2_500
    assert len(states) == 15
    assert sum(len(json.dumps(state)) for state in told) < 3 * len(json.dumps(states[-1]))


def test_ids_of_mailboxes_are_used_where_the_server_has_them(mail: MailServer) -> None:
    mail.said[rb"CAPABILITY"] = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN OBJECTID\r\n"
    mail.said[rb"STATUS"] = b"* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 MAILBOXID (F2212ea87-6097))\r\n"
    records = read(mail)
    assert mailbox(records).id == "ann@example.org/id:F2212ea87-6097"
    assert documents(records)[0].id == "ann@example.org/id:F2212ea87-6097/7-1"


def test_an_id_longer_than_any_is_none(mail: MailServer) -> None:
    """Cut short, those of two mailboxes could be one."""
    mail.said[rb"CAPABILITY"] = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN OBJECTID\r\n"
    mail.said[rb"STATUS"] = b"* STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 7 MAILBOXID (%s))\r\n" % (b"F" * 256)
    assert mailbox(read(mail)).id == "ann@example.org/7:INBOX"


def test_a_server_without_any_extension_is_read_by_its_owner(mail: MailServer) -> None:
    mail.said[rb"CAPABILITY"] = b"* CAPABILITY IMAP4rev1\r\n"
    mail.said[rb"UID SEARCH ALL"] = b"* SEARCH 1\r\n"
    mail.said[rb"UID SEARCH DELETED"] = b"* SEARCH\r\n"
    records = read(mail)
    assert [document.title for document in documents(records)] == ["The oven"]
    assert {entry.id for entry in mailbox(records).access.grants} == {"user:ann@example.org"}
    assert mail.commands(b"LOGIN")[0] == b'LOGIN "ann@example.org" "secret"'
    assert any("owners" in sentence for sentence in Hurried(settings(mail)).check())
    again = read(mail, end(records).state)
    assert documents(again) == []
    mail.messages = {}
    mail.said[rb"UID SEARCH ALL"] = b"* SEARCH\r\n"
    assert [record.kind for record in read(mail, end(again).state) if isinstance(record, Deletion)] == ["document"]


# --- rights that cannot be known --------------------------------------------------------------------------------


def test_an_access_list_that_is_refused_closes_the_mailbox(mail: MailServer) -> None:
    mail.refuses = rb"GETACL"
    records = read(mail)
    assert mailbox(records).access.problem
    assert "Nobody is admitted to INBOX" in told(records)


@pytest.mark.parametrize(
    "said",
    [b"* ACL INBOX bob\r\n", b"", b"* ACL INBOX (bob lr)\r\n", b"* ACL INBOX\r\n", b"* ACL INBOX bob lr (\r\n"],
    ids=["half a pair", "nothing", "a list", "empty", "open bracket"],
)
def test_an_access_list_that_cannot_be_understood_closes_the_mailbox(mail: MailServer, said: bytes) -> None:
    mail.said[rb"GETACL"] = said
    assert mailbox(read(mail)).access.problem


def test_rights_that_are_refused_close_the_account(mail: MailServer) -> None:
    mail.refuses = rb"MYRIGHTS"
    records = read(mail)
    closed = {record.id for record in records if isinstance(record, ScopeRecord) and record.access.problem}
    assert "account:ann@example.org" in closed
    assert documents(records) == []
    assert not end(records).complete


def test_a_mailbox_that_cannot_be_looked_at_closes_its_account_and_takes_nothing_as_gone(mail: MailServer) -> None:
    first = read(mail)
    mail.refuses = rb"STATUS"
    for since in (None, end(first).state):
        records = read(mail, since)
        closed = {record.id for record in records if isinstance(record, ScopeRecord) and record.access.problem}
        assert "account:ann@example.org" in closed
        assert not any(isinstance(record, Deletion) for record in records)
        assert not end(records).complete


def test_a_mailbox_that_cannot_be_opened_is_told_and_takes_nothing_as_gone(mail: MailServer) -> None:
    first = read(mail)
    mail.refuses = rb"EXAMINE"
    mail.messages[2] = MESSAGE
    for since in (None, end(first).state):
        records = read(mail, since)
        assert "cannot be opened" in told(records)
        assert not any(isinstance(record, Deletion) for record in records)
        assert not end(records).complete


def test_folders_of_others_are_closed_where_the_server_tells_no_rights(mail: MailServer) -> None:
    mail.said[rb"CAPABILITY"] = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN NAMESPACE\r\n"
    mail.said[rb"NAMESPACE"] = b'* NAMESPACE (("" "/")) (("other/" "/")) (("all/" "/"))\r\n'
    mail.said[rb'LIST "" "other'] = b'* LIST () "/" other/bob\r\n'
    mail.said[rb'LIST "" "all'] = b'* LIST () "/" all/news\r\n'
    records = read(mail)
    assert "2 mailboxes of others are not read" in told(records)
    assert len(documents(records)) == 1


# --- lists that are not whole -----------------------------------------------------------------------------------


def test_a_search_that_leaves_messages_out_fails_the_run(mail: MailServer) -> None:
    mail.messages = {1: MESSAGE, 2: MESSAGE}
    mail.said[rb"UID SEARCH RETURN \(ALL\) ALL"] = b'* ESEARCH (TAG "x") UID ALL 1\r\n'
    with pytest.raises(ConnectorError, match="INBOX holds 2 messages, and 1 were named"):
        read(mail)


def test_an_empty_search_of_a_mailbox_that_holds_something_fails_the_run(mail: MailServer) -> None:
    mail.said[rb"UID SEARCH RETURN \(ALL\) ALL"] = b'* ESEARCH (TAG "x") UID\r\n'
    with pytest.raises(ConnectorError, match="holds 1 messages, and 0 were named"):
        read(mail)


def test_a_message_that_is_kept_back_fails_the_run(mail: MailServer) -> None:
    mail.messages = {1: MESSAGE, 2: MESSAGE}
    mail.said[rb"UID FETCH"] = lambda _: mail.fetched(b"FETCH 1 ", 1)
    with pytest.raises(ConnectorError, match="1 messages that the server did not describe"):
        read(mail)


def test_a_message_removed_since_it_was_listed_is_left_out(mail: MailServer) -> None:
    mail.messages = {1: MESSAGE, 2: MESSAGE}

    def removed(command: bytes) -> bytes:
        mail.messages.pop(2, None)
        return mail.truth(command)

    mail.said[rb"UID FETCH"] = removed
    assert len(documents(read(mail))) == 1


def test_numbers_without_end_are_no_messages(mail: MailServer) -> None:
    for numbers in (b"1:4294967295", b"1:2000001,5", b"0:3", b"1:x", b"*", b"1:99999999999"):
        mail.said[rb"UID SEARCH RETURN \(ALL\) ALL"] = b'* ESEARCH (TAG "x") UID ALL %s\r\n' % numbers
        with pytest.raises(ConnectorError, match="cannot be understood"):
            read(mail)


def test_a_mailbox_of_too_many_messages_is_left_and_the_others_are_read(mail: MailServer) -> None:
    mail.mailboxes = {b"Full": 8, b"INBOX": 7}
    mail.said[rb'EXAMINE "Full"'] = b"* %d EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n" % (MOST_UIDS + 1)
    records = read(mail)
    assert len(documents(records)) == 1
    assert "Full of ann@example.org cannot be opened. It holds more than 2,000,000 messages." in told(records)
    assert not end(records).complete


def test_of_more_messages_than_are_read_of_one_source_the_rest_is_left(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "MAX_KNOWN", 0)
    mail.mailboxes = {b"INBOX": 7, b"Sent": 8}
    records = read(mail)
    assert len(documents(records)) == 1
    assert "Sent of ann@example.org cannot be opened. There are more messages than are read" in told(records)
    assert not end(records).complete


def scopes(records: list[Record]) -> dict[str, ScopeRecord]:
    return {record.id: record for record in records if isinstance(record, ScopeRecord)}


def test_of_too_many_mailboxes_the_first_are_read_and_the_others_are_closed(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.mailboxes = {b"A": 6, b"B": 8, b"INBOX": 7}
    first = read(mail)
    assert len(documents(first)) == 3
    monkeypatch.setattr(imap, "MAX_MAILBOXES", 2)
    again = read(mail, end(first).state)

    assert "ann@example.org sees 3 mailboxes. The first 2 of them, by their names, are read" in told(again)
    assert scopes(again)["ann@example.org/7:INBOX"].access.problem
    assert not scopes(again)["ann@example.org/6:A"].access.problem
    assert not [record for record in again if isinstance(record, Deletion)]
    assert (end(again).complete, end(again).readers_complete) == (False, True)
    assert "ann@example.org/7:INBOX" in end(again).state["mailboxes"]  # type: ignore[operator]

    whole = read(mail)
    assert len(documents(whole)) == 2
    assert (end(whole).complete, end(whole).readers_complete) == (False, True)

    monkeypatch.setattr(imap, "MAX_MAILBOXES", 3)
    back = read(mail, end(again).state)
    assert not scopes(back)["ann@example.org/7:INBOX"].access.problem
    assert not end(back).readers_complete


@pytest.mark.django_db
def test_what_stands_beyond_the_mailboxes_that_are_read_is_read_by_nobody_until_it_is_read_again(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a listing of everything, which does not know what earlier runs read."""
    mail.mailboxes = {b"A": 6, b"INBOX": 7}
    source = adding.add_source("mail", kind="imap", settings=settings(mail), vouches_for_emails=True)
    ann = Reader(person("ann").pk)

    def read_by_ann(most: int, *, anew: bool) -> int:
        monkeypatch.setattr(imap, "MAX_MAILBOXES", most)
        if anew:
            listing.read_whole(source)
        run = sync.run_now(source)
        ingest.parse_waiting(None, time.monotonic() + 60)
        assert run.state == "succeeded"
        return len(list(list_documents(ann)))

    assert read_by_ann(2, anew=False) == 2
    assert read_by_ann(1, anew=False) == 1
    assert read_by_ann(2, anew=False) == 2
    assert read_by_ann(1, anew=True) == 1
    assert read_by_ann(2, anew=True) == 2


def test_of_a_login_that_sees_mailboxes_without_end_nothing_is_read_and_others_are(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "MAX_LISTED", 2)
    mail.mailboxes = {b"A": 6, b"B": 8, b"INBOX": 7}
    records = read(mail)
    assert documents(records) == []
    assert "sees more than 2 mailboxes, so none of them is read" in told(records)
    assert scopes(records)["account:ann@example.org"].access.problem
    assert not end(records).complete


def test_access_lists_are_read_as_long_as_all_of_them_are_not_too_much(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "MAX_LISTS", 400)
    mail.mailboxes = {b"A": 6, b"INBOX": 7}
    records = read(mail)
    assert not scopes(records)["ann@example.org/6:A"].access.problem
    assert "hold more than is read of them" in scopes(records)["ann@example.org/7:INBOX"].access.problem


def test_an_access_list_without_end_closes_its_mailbox(mail: MailServer) -> None:
    mail.said[rb'GETACL "INBOX"'] = b"* ACL INBOX" + b" x lr" * 300_000 + b"\r\n"
    records = read(mail)
    assert "larger than it may be" in mailbox(records).access.problem
    assert end(records).complete


def test_a_run_has_an_end_however_slowly_it_is_answered(mail: MailServer) -> None:
    class Impatient(Imap):
        longest_run = 0.0

    with pytest.raises(ConnectorError, match="took longer than") as ended:
        list(Impatient(settings(mail)).records(None))
    assert not ended.value.permanent


@pytest.mark.parametrize(
    "letters",
    [b"[" * 900_000, b"[a" * 450_000, b'"' + b"\\\\" * 400_000, b"(" * 900_000, b"x" * 900_000],
    ids=["brackets", "open brackets", "a string without end", "lists", "an atom"],
)
def test_an_answer_made_to_hurt_is_read_as_fast_as_it_is_long(letters: bytes) -> None:
    began = time.monotonic()
    with suppress(Unclear):
        values([letters])
    assert time.monotonic() - began < 3


def test_who_signs_in_as_a_master_shows_nothing_of_a_mailbox_whose_list_it_may_not_see(mail: MailServer) -> None:
    """What the master may read says nothing of the account: without its list nobody knows who does."""
    mail.said[rb"MYRIGHTS"] = lambda command: b"* MYRIGHTS %s lr\r\n" % command.partition(b" ")[2]
    records = read(mail, master="gatehouse")
    assert mailbox(records).access.grants == ()
    assert "not open to their owners" in told(records)
    judged = read(mail, master="gatehouse", judged_as="account")
    assert {entry.id for entry in mailbox(judged).access.grants} == {"user:ann@example.org"}
    mail.said[rb"CAPABILITY"] = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN ESEARCH\r\n"
    without_lists = read(mail, master="gatehouse")
    assert {entry.id for entry in mailbox(without_lists).access.grants} == {"user:ann@example.org"}


def test_a_mailbox_made_anew_between_two_commands_ends_the_run(mail: MailServer) -> None:
    mail.said[rb"EXAMINE"] = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n"
    with pytest.raises(ConnectorError, match="made anew"):
        read(mail)


# --- messages ---------------------------------------------------------------------------------------------------


def test_a_message_that_says_it_is_too_large_is_not_asked_for(mail: MailServer) -> None:
    mail.said[rb"UID FETCH"] = (
        b"* 1 FETCH (UID 1 RFC822.SIZE %d BODY[HEADER.FIELDS (SUBJECT)]<0> {16}\r\nSubject: Big\r\n\r\n)\r\n"
        % (MAX_MESSAGE + 1)
    )
    (document,) = documents(read(mail))
    assert (document.title, document.unreadable, document.content) == ("Big", "too_large", None)


def test_a_message_that_is_larger_than_it_said_is_given_up(mail: MailServer) -> None:
    mail.said[rb"UID FETCH 1 \(UID BODY.PEEK\[\]"] = b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n"
    with pytest.raises(ConnectorError, match="larger than it may be") as refused:
        content_of(mail)
    assert refused.value.permanent


@pytest.mark.parametrize("kind", ["hangs", "breaks"])
def test_a_message_the_server_never_brings_is_given_up_while_the_others_are_read(mail: MailServer, kind: str) -> None:
    setattr(mail, kind, rb"UID FETCH 1 \(UID BODY.PEEK\[\]")
    with pytest.raises(ConnectorError, match="A message of INBOX cannot be read") as refused:
        content_of(mail)
    assert refused.value.permanent


def test_a_message_that_is_gone_is_no_reason_to_stop(mail: MailServer) -> None:
    mail.said[rb"UID FETCH 1 \(UID BODY.PEEK\[\]"] = b""
    with pytest.raises(ConnectorError, match="not there any more") as refused:
        content_of(mail)
    assert refused.value.permanent


def test_a_server_that_is_gone_while_a_message_is_read_ends_the_run(mail: MailServer) -> None:
    mail.breaks = rb"UID FETCH 1 \(UID BODY.PEEK\[\]|EXAMINE"
    connector = Hurried(settings(mail))
    mail.breaks = b""
    (document,) = documents(list(connector.records(None)))
    mail.breaks = rb"UID FETCH 1 \(UID BODY.PEEK\[\]|EXAMINE"
    assert callable(document.content)
    with pytest.raises(ConnectorError) as broken:
        document.content()
    connector.close()
    assert not broken.value.permanent


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: =?utf-8?b?////?=\r\n\r\n",
        b"Subject: =?nonsense?q?x?=\r\nDate: yesterday\r\n\r\n",
        b"From: \xff\xfe<\r\nSubject: \xe4\r\n\r\n",
        b"Subject: " + b"=?utf-8?q?x?= " * 400 + b"\r\n\r\n",
        b"\0\0\0\r\n\r\n",
        b"From: " + b"(" * 4000 + b"\r\nDate: Fri, 99 Jul 99999 10:00:00 +9999\r\n\r\n",
    ],
    ids=["no utf-8", "no charset", "bytes", "many words", "nul", "brackets"],
)
def test_a_malformed_header_is_no_reason_to_stop(mail: MailServer, header: bytes) -> None:
    mail.messages = {1: header + b"Words."}
    (document,) = documents(read(mail))
    assert document.title
    assert len(document.title) <= 500


# --- the conversation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [rb"CAPABILITY", rb"LIST", rb"GETACL", rb"UID SEARCH", rb"UID FETCH", rb"EXAMINE"])
def test_a_server_that_falls_silent_ends_the_run_in_time(mail: MailServer, command: bytes) -> None:
    mail.hangs = command
    began = time.monotonic()
    with pytest.raises(ConnectorError) as silent:
        read(mail)
    assert time.monotonic() - began < 10
    assert not silent.value.permanent


def test_a_server_that_never_greets_ends_the_run_in_time(mail: MailServer) -> None:
    mail.greeting = b""
    began = time.monotonic()
    with pytest.raises(ConnectorError, match="cannot be asked for mail"):
        read(mail)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "said",
    [
        b"* LIST (((((((((((((((((((((((((((((((((\r\n",
        b"* LIST )\r\n",
        b'* LIST () "/" "never closed\r\n',
        b"* LIST () / (a)\r\n",
        b"* LIST\r\n",
        b"nothing that is IMAP\r\n",
        b"* LIST () / {notanumber}\r\n",
        b"* LIST () / {" + b"9" * 5000 + b"}\r\n",
        b"* LIST () / {99999999999}\r\n",
        b"* BYE going home\r\n",
        b"\xff\xfe\x00\r\n",
        b"* LIST () / x" + b"y" * 40_000_000 + b"\r\n",
        b"* LIST () / a\r\n" * 400_000,
        b"x1 OK not yours\r\n",
    ],
    ids=[
        "deep", "closed too early", "open quote", "list for name", "empty", "no imap", "no number", "endless number",
        "endless literal", "bye", "bytes", "endless line", "endless lines", "other tag",
    ],
)  # fmt: skip
def test_answers_that_are_no_answers_end_the_run_with_a_sentence(mail: MailServer, said: bytes) -> None:
    mail.said[rb"LIST"] = said
    began = time.monotonic()
    with pytest.raises(ConnectorError) as refused:
        read(mail)
    assert time.monotonic() - began < 20
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (rb"STATUS", b"* STATUS INBOX (UIDVALIDITY 0)\r\n"),
        (rb"STATUS", b"* STATUS INBOX (UIDVALIDITY)\r\n"),
        (rb"STATUS", b""),
        (rb"MYRIGHTS", b"* MYRIGHTS INBOX\r\n"),
        (rb"NAMESPACE", b"* NAMESPACE NIL\r\n"),
        (rb"NAMESPACE", b"* NAMESPACE ((x)) NIL NIL\r\n"),
        (rb"EXAMINE", b"* OK nothing\r\n"),
        (rb"UID FETCH", b"* 1 FETCH (UID 1 RFC822.SIZE x)\r\n"),
        (rb"UID FETCH", b"* 1 FETCH (UID)\r\n"),
    ],
)
def test_answers_with_half_of_what_was_asked_end_the_run(mail: MailServer, words: bytes, said: bytes) -> None:
    mail.said[words] = said
    with pytest.raises(ConnectorError):
        read(mail)


def test_names_that_cannot_be_shown_or_are_too_long_are_told_and_left_out(mail: MailServer) -> None:
    mail.said[rb"LIST"] = (
        b'* LIST () "/" INBOX\r\n* LIST () "/" "%s"\r\n* LIST () "/" {4}\r\na\r\nb\r\n* LIST () "/" "\xff"\r\n'
        % (b"x" * 500)
    )
    records = read(mail)
    assert len(documents(records)) == 1
    assert "longer than 400 bytes" in told(records)
    assert told(records).count("not plain text") == 2
    assert end(records).complete


def test_a_state_that_is_none_is_refused(mail: MailServer) -> None:
    for state in ({"mailboxes": 1}, {"other": 1}, {"mailboxes": {"a": {"gate": 1}}}):
        with pytest.raises(ConnectorError, match="state of the last run"):
            read(mail, state)


def test_a_sign_in_that_may_pass_later_is_no_refusal(mail: MailServer) -> None:
    mail.said[rb"AUTHENTICATE"] = b""
    mail.refuses = rb"AUTHENTICATE"
    with pytest.raises(ConnectorError, match=r"does not let ann@example\.org sign in") as refused:
        read(mail)
    assert refused.value.permanent


@pytest.mark.parametrize("name", ["From", "Subject", "Date"])
@pytest.mark.parametrize("letters", ['"', "(", ",", ".", "a ", "=?utf-8?q?a?= "])
def test_a_header_made_to_hurt_is_read_soon(name: str, letters: str) -> None:
    header = imap.Header(f"{name}: {letters * (8_000 // len(letters))}\r\n\r\n".encode())
    began = time.thread_time()
    assert len(header.text(name)) <= imap.LONGEST_TEXT
    assert header.moment() is None
    assert time.thread_time() - began < 1


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"accounts": ""}, "'accounts' is missing"),
        ({"accounts": "a b"}, "which is no login"),
        ({"host": ""}, "'host'"),
        ({"host": "http://x"}, "'host'"),
        ({"port": "70000"}, "'port'"),
        ({"host": "mail.example.org"}, "Without TLS only a mail server on this machine"),
        ({"password": ""}, "no password for ann@example.org"),
        ({"accounts": "a@x.org, b@x.org"}, "no password for a@x.org"),
        ({"passwords": "[]"}, "'passwords' must be a JSON object"),
        ({"groups": '{"a": "b"}'}, "'groups' must give a list"),
        ({"master": "m", "password": ""}, "that of the master"),
        ({"tls": "", "certificate": "nonsense"}, "no certificate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_wrong_with_a_setting_is_said(given: dict[str, str], said: str) -> None:
    connector = Imap({**settings(MailServer(port=1)), **given})
    assert said in connector.check()[0]
    with pytest.raises(ConnectorError):
        list(connector.records(None))


# --- the words of the wire --------------------------------------------------------------------------------------


def test_answers_become_values() -> None:
    assert values([b'(\\A "b \\"c\\"" NIL) "" x']) == [[b"\\A", b'b "c"', None], b"", b"x"]
    assert values([(b"1 (UID 2 BODY[] {3}", b"a)b"), b" FLAGS (\\Seen))"]) == [
        b"1",
        [b"UID", b"2", b"BODY[]", b"a)b", b"FLAGS", [b"\\Seen"]],
    ]
    assert values([b"(BODY[HEADER.FIELDS (SUBJECT FROM)]<0> x)"]) == [[b"BODY[HEADER.FIELDS (SUBJECT FROM)]<0>", b"x"]]
    assert values([b"[Gmail]/All a[b"]) == [b"[Gmail]/All", b"a[b"]


def test_sequence_sets_are_read_and_written() -> None:
    assert uids(b"1:3,7,9:8") == {1, 2, 3, 7, 8, 9}
    assert ranges({1, 2, 3, 7, 9, 8}) == "1:3,7:9"
    assert ranges([]) == ""
    assert uids(b"") == set()


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        (b"Entw&APw-rfe", "Entwürfe"),
        (b"A&-B", "A&B"),
        (b"&U,BTFw-", "台北"),
        (b"&AAA", "&AAA"),
        (b"&!!-", "&!!-"),
        (b"&2AA-", "&2AA-"),
        ("Entwürfe".encode(), "Entwürfe"),
    ],
    ids=["umlaut", "ampersand", "asian", "open", "no base64", "half a pair", "utf-8"],
)
def test_names_are_shown_as_a_mail_program_does(name: bytes, seen: str) -> None:
    assert shown(name) == seen
