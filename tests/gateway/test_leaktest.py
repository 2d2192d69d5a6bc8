"""The operators' leak test: it finds nothing in a gateway that holds, what is broken in one that does not, and
leaves nothing behind, whatever ends it."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.http import Http404
from django.urls import reverse
from rest_framework.exceptions import PermissionDenied

from accounts.models import AccessToken, Directory, Principal, User
from accounts.statements import execute
from connectors.adding import add_source, delete_source
from connectors.models import Document as DocumentRow
from connectors.models import Source
from gateway import audit
from gateway.api.documents import Document as DocumentView
from gateway.embedded import database_url
from gateway.embedded.sharing import PROJECT
from gateway.leaktest import running
from gateway.leaktest.addresses import addresses
from gateway.leaktest.boundaries import BOUNDARIES, Boundary
from gateway.leaktest.doors import Answer, Door, InProcess, OverHTTP, Pass, Request, Unreachable
from gateway.leaktest.people import ADMINISTRATOR
from gateway.leaktest.planting import NAME, Bed, Plot, only_one, planted_sources, remove
from gateway.leaktest.probing import ASKING, KNOWN, OLD_ANSWERS, OWN_QUESTIONS, TWINS, Probing
from gateway.leaktest.touring import Tour
from gateway.leaktest.walking import walk
from gateway.models import AuditEvent, LeakTest
from tests.gateway.test_up import clean_environment, up
from tests.processes import passable_directory, within

pytestmark = pytest.mark.timeout(900)  # thousands of requests, on a machine that may be busy

DENIED, PLAIN, UNSEEN = "a group in a denied group", BOUNDARIES[0].name, "one its reader cannot see"
TABLES = (
    *("accounts_user", "accounts_principal", "accounts_directory", "accounts_accesstoken", "accounts_identitylink"),
    *("accounts_addressclaim", "accounts_membership", "accounts_closure", "django_session", "connectors_source"),
    *("connectors_scope", "connectors_document", "connectors_documenttext", "connectors_passage"),
    *("connectors_passagevector", "connectors_content", "connectors_acl", "connectors_aclentry"),
    *("connectors_breakglass", "gateway_conversation", "gateway_question", "gateway_answersentence"),
    *("gateway_evidence", "gateway_feedback", "django_admin_log"),
)


# --- what it finds ----------------------------------------------------------------------------------------


def for_nobody(bed: Bed) -> None:
    bed.document(["stranger"])


@contextmanager
def denied_becomes_granted() -> Iterator[None]:
    """Whatever a list denies is stored as granted."""
    execute(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.clause := 1; RETURN NEW; END $$;"
        "CREATE TRIGGER broken BEFORE INSERT ON connectors_aclentry"
        " FOR EACH ROW WHEN (NEW.clause = 0) EXECUTE FUNCTION broken()"
    )
    try:
        yield
    finally:
        execute("DROP FUNCTION broken() CASCADE")


def forbidden_instead_of_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door that says of what is hidden that it is there."""
    original = DocumentView.get

    def get(view: DocumentView, request: Any, id: Any) -> Any:
        try:
            return original(view, request, id)
        except Http404:
            if DocumentRow.past_the_guard.filter(public_id=id).exists():
                raise PermissionDenied from None
            raise

    monkeypatch.setattr(DocumentView, "get", get)


@pytest.mark.django_db(transaction=True)
def test_what_is_broken_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [each for each in BOUNDARIES if each.name in (PLAIN, DENIED)]
    few.append(Boundary(UNSEEN, "P4", for_nobody, first=frozenset({"reader", "stranger"})))
    short = partial(running.run, boundaries=few, everywhere=False)
    monkeypatch.setattr("gateway.management.commands.leaktest.run", short)
    forbidden_instead_of_missing(monkeypatch)
    out = StringIO()
    with denied_becomes_granted(), pytest.raises(SystemExit) as ended:
        call_command("leaktest", "--in-process", stdout=out)
    assert ended.value.code == 1
    said = out.getvalue()
    kept = LeakTest.objects.get()
    lines = {line["name"]: line for line in kept.boundaries}
    assert {name: lines[name]["state"] for name in (PLAIN, DENIED, TWINS, UNSEEN)} == {
        PLAIN: "ok",
        DENIED: "LEAK",
        TWINS: "LEAK",
        UNSEEN: "blind",
    }
    assert any("by somebody who lost it: author" in leak for leak in lines[DENIED]["leaks"])
    assert any("told from what is not there" in leak for leak in lines[TWINS]["leaks"])
    assert f"LEAK   {DENIED} (P2 P4)" in said
    assert f"blind  {UNSEEN} (P4)" in said
    assert said.endswith(f"{kept.leaks:,} leaks of {kept.probes:,} probes in {kept.seconds:.0f} s\n")
    assert AuditEvent.objects.get(kind="leaktest.run").details["leaks"] == kept.leaks > 0
    assert audit.first_broken() is None
    assert [User.objects.count(), Source.objects.count(), Principal.objects.exclude(kind="everyone").count()] == [0] * 3


class Unanswering(InProcess):
    """The gateway, whose language model is gone."""

    def answer(self, request: Request, shown: Pass) -> Answer:
        asks = request.path == reverse("api-ask")
        return Answer(503, (), "{}") if asks else super().answer(request, shown)


class SigningOut(InProcess):
    """A gateway that ends all sessions where somebody looks at the admin."""

    def answer(self, request: Request, shown: Pass) -> Answer:
        answer = super().answer(request, shown)
        if request == Request("GET", reverse("admin:index")):
            Session.objects.all().delete()
        return answer


def blind(door: Door, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What is not seen, by the boundary: where questions are asked, looked back at, and looked for at two addresses."""
    few = [each for each in addresses() if each.template in ("admin/", "questions/%(id)s/")]
    monkeypatch.setattr("gateway.leaktest.walking.addresses", lambda: few)
    tour = Tour(Probing(Plot(), door))
    tour.probing.prepare(BOUNDARIES[:1])
    tour.ask_first()
    tour.look_back()
    walk(tour)
    assert not tour.probing.findings.leaks
    return {name: line.blind for name, line in tour.probing.findings.lines.items() if line.blind}


@pytest.mark.django_db(transaction=True)
def test_where_nothing_is_answered_questions_are_told_as_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = blind(Unanswering(), monkeypatch)
    assert found.keys() == {ASKING, OWN_QUESTIONS, OLD_ANSWERS}
    for line in (ASKING, OWN_QUESTIONS):
        assert "a reader's own question has no answer (503)" in found[line]


@pytest.mark.django_db(transaction=True)
def test_a_walker_whose_session_an_address_ends_is_told_as_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    found = blind(SigningOut(), monkeypatch)
    assert found[KNOWN] == ["a stranger is not known (status 401)"]
    assert found[ADMINISTRATOR] == ["an administrator is not known (status 401)"]


# --- when it cannot look ------------------------------------------------------------------------------------


def refusal(*words: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command("leaktest", *words, stdout=StringIO())
    return str(caught.value)


@pytest.mark.django_db
def test_where_nobody_answers_nothing_is_planted() -> None:
    said = refusal("--url", "http://127.0.0.1:9")
    assert said.startswith("Nobody answers at http://127.0.0.1:9")
    assert "--in-process" in said
    assert not LeakTest.objects.exists()
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    ["localhost", "http://127.0.0.1:80a0", "http://127.0.0.1:99999", "http://[::1", "http://a host"],
    ids=["no scheme", "no number", "no such port", "half an address", "no such host"],
)
def test_what_is_no_address_is_said(url: str) -> None:
    assert refusal("--url", url).startswith(f"{url!r} is not the address of a web server. ")


@pytest.mark.django_db
def test_a_host_that_cannot_be_one_is_nobody() -> None:
    assert refusal("--url", "http://a..b").startswith("Nobody answers at http://a..b")


class Somebody(BaseHTTPRequestHandler):
    """A web server that is not this installation."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815  (the name the server looks for)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.django_db(transaction=True)
def test_another_web_at_the_address_is_told_and_all_is_removed() -> None:
    with HTTPServer(("127.0.0.1", 0), Somebody) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            with pytest.raises(Unreachable, match="it is another installation"):
                running.run(OverHTTP(f"http://127.0.0.1:{server.server_port}"), BOUNDARIES[:1])
        finally:
            server.shutdown()
            serving.join()
    assert not User.objects.exists()
    assert not Directory.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_a_time_would_remove_each_others_plants() -> None:
    with only_one():
        assert refusal("--in-process") == "Another leak test is under way."
    with only_one():
        pass


@pytest.mark.django_db(transaction=True)
def test_what_an_earlier_run_left_is_removed_even_if_that_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    Plot().plant()
    interrupts = iter([KeyboardInterrupt])

    def interrupted(source: Source) -> None:
        for interrupt in interrupts:
            raise interrupt
        delete_source(source)

    monkeypatch.setattr("gateway.leaktest.planting.delete_source", interrupted)
    assert refusal("--in-process").startswith("Stopped. What was planted is removed")
    assert not planted_sources()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_what_only_looks_like_planted_is_left_alone() -> None:
    add_source("leaktest-notes", kind="push", name="Leak test notes")
    add_source(f"leaktest-{'0' * 16}-main", kind="push", name="Somebody's own")
    add_source("leaktest-x", kind="push", name=NAME)
    ann = User.objects.create_user("ann@example.org")
    Plot().plant()
    assert len(planted_sources()) == 5
    assert remove() == 12
    assert Source.objects.count() == 3
    assert list(User.objects.all()) == [ann]
    assert not AccessToken.objects.exists()


# --- a running installation ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with passable_directory() as directory:
        yield directory


def counts(data_dir: Path) -> dict[str, int]:
    with psycopg.connect(database_url(data_dir)) as connection:
        return {table: _count(connection, table) for table in TABLES}


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


def is_at_rest(data_dir: Path) -> bool:
    """Whether the demo company is synced, parsed and embedded."""
    with psycopg.connect(database_url(data_dir)) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM connectors_syncrun WHERE state = 'succeeded') > 0"
            " AND (SELECT count(*) FROM connectors_content) = 0"
            " AND (SELECT count(*) FROM connectors_unembedded WHERE reason = '') = 0"
        ).fetchone()
    return bool(row and row[0])


def planted(data_dir: Path) -> set[str]:
    """The keys of the sources that runs have planted."""
    with psycopg.connect(database_url(data_dir)) as connection:
        found = connection.execute("SELECT key FROM accounts_directory WHERE key LIKE 'leaktest-%'").fetchall()
    return {str(key) for (key,) in found}


def is_under_way(data_dir: Path) -> bool:
    """Whether the people of a run have all signed in."""
    return len(planted(data_dir)) == 5 and counts(data_dir)["django_session"] == 7


def leaktest(environment: dict[str, str], *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "leaktest", *words],
        cwd=PROJECT,
        env=clean_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def test_a_running_gateway_leaks_nothing_and_nothing_stays_even_of_a_killed_run(data_dir: Path) -> None:
    port = free_port()
    environment = {"GATEHOUSE_DATA_DIR": str(data_dir), "PORT": str(port)}
    with up(data_dir, port) as gateway:
        gateway.ready()
        assert within(240, lambda: is_at_rest(data_dir))
        before = counts(data_dir)

        killed = leaktest(environment)
        assert within(180, lambda: is_under_way(data_dir))
        killed.kill()
        killed.communicate()
        left = planted(data_dir)
        assert len(left) == 5

        stopped = leaktest(environment)
        assert within(180, lambda: is_under_way(data_dir) and not planted(data_dir) & left)
        stopped.send_signal(signal.SIGTERM)
        assert "What was planted is removed; nothing was proven." in stopped.communicate()[1]
        assert stopped.returncode == 1
        assert counts(data_dir) == before

        ended = leaktest(environment, "--json")
        said, problems = ended.communicate()
        assert ended.returncode == 0, said + problems
        result = json.loads(said)
        assert (result["leaks"], result["blind"]) == (0, 0)
        assert result["probes"] > 2_000
        assert {line["state"] for line in result["boundaries"]} == {"ok"}
        assert len(result["boundaries"]) > len(BOUNDARIES)
        assert counts(data_dir) == before
        gateway.end(signal.SIGTERM)
