"""Sources are added, changed and deleted on the console: by superusers, after their check, and no secret is shown."""

from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from connectors import adding, sealing
from connectors.models import Source, SyncRun
from connectors.sources import registry
from gateway.models import AuditEvent
from tests.cast import World

ADD = "/console/add-source/"


@pytest.fixture
def console(carol: User) -> Client:
    """Carol's browser, now that she is a superuser."""
    User.objects.filter(pk=carol.pk).update(is_superuser=True)
    client = Client()
    client.force_login(carol)
    return client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".access.yaml").write_text("grants: [ann]\n")
    (tmp_path / "people.yaml").write_text("people:\n  ann: {name: Ann, email: ann@example.org}\n")
    return tmp_path


def text(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def test_every_kind_is_offered_and_has_a_form_of_its_settings(db: None, console: Client) -> None:
    offered = text(console.get(ADD))
    for kind in registry.kinds():
        assert f"?kind={kind}" in offered
        connector = registry.connector_for(kind)
        form = text(console.get(ADD, {"kind": kind}))
        for name in connector.settings if connector else ():
            assert f'name="set-{name}"' in form, (kind, name)


def test_a_source_is_added_once_its_check_has_nothing_to_say(db: None, console: Client, folder: Path) -> None:
    filled = {"kind": "folder", "key": "files", "name": "Files", "set-path": str(folder), "vouches": "on"}
    page = text(console.post(ADD, filled, follow=True))
    source = Source.objects.get()
    assert (source.key, source.name, source.kind) == ("files", "Files", "folder")
    assert source.settings == {"path": str(folder)}
    assert source.directory.vouches_for_emails
    assert "Files is added and read at once." in page
    event = AuditEvent.objects.get()
    assert event.kind == "source.added"
    assert event.details == {"source": "files", "source_kind": "folder", "settings": "path"}


def test_what_the_check_says_comes_before_anything_is_saved(db: None, console: Client) -> None:
    filled = {"kind": "folder", "key": "files", "set-path": "/there/is/nothing"}
    page = text(console.post(ADD, filled))
    assert "Nothing is saved yet. The check says:" in page
    assert "/there/is/nothing" in page
    assert not Source.objects.exists()
    assert not AuditEvent.objects.exists()
    console.post(ADD, filled | {"regardless": "yes"})
    assert Source.objects.get().key == "files"


def test_a_push_source_needs_nothing_but_its_key(db: None, console: Client) -> None:
    page = text(console.post(ADD, {"kind": "push", "key": "crm"}, follow=True))
    assert "crm is added." in page
    assert Source.objects.get().next_sync_at is None


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"key": ""}, "This field is required."),
        ({"key": "two words"}, "A key is made of letters, digits, - and _"),
        ({"key": "ü"}, "A key is made of letters, digits, - and _"),
        ({"key": "../x"}, "A key is made of letters, digits, - and _"),
        ({"key": "k" * 101}, "at most 100 characters"),
        ({"key": "docs"}, "There is a source"),
        ({"set-path": "a\0b"}, "Null characters are not allowed."),
        ({"set-path": "x" * 100_001}, "at most 100000 characters"),
        ({"name": "n" * 201}, "at most 200 characters"),
    ],
    ids=[
        "no key",
        "a blank",
        "a letter of elsewhere",
        "a path",
        "too long",
        "taken",
        "NUL",
        "a huge one",
        "a long name",
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    world: World, console: Client, typed: dict[str, str], told: str
) -> None:
    filled = {"kind": "folder", "key": "files", "set-path": "/x", "regardless": "yes"} | typed
    answer = console.post(ADD, filled)
    assert answer.status_code == 200
    assert told in text(answer)
    assert Source.objects.count() == 1


@pytest.mark.parametrize("kind", sorted(registry.KINDS))
@pytest.mark.parametrize("typed", ["", "nonsense", "\u202e<script>", "-1", "{", "http://[", "a: b: c"], ids=repr)
def test_no_nonsense_in_a_setting_breaks_the_check_of_a_kind(db: None, console: Client, kind: str, typed: str) -> None:
    connector = registry.connector_for(kind)
    assert connector is not None
    filled = {f"set-{name}": typed for name in connector.settings}
    answer = console.post(ADD, {"kind": kind, "key": "files"} | filled)
    assert answer.status_code == 200
    assert "The check says:" in text(answer)
    assert "<script>" not in text(answer)


def test_an_unknown_kind_leads_to_the_list_of_those_there_are(db: None, console: Client) -> None:
    assert "?kind=folder" in text(console.get(ADD, {"kind": "nothing"}))
    assert "?kind=folder" in text(console.post(ADD, {"kind": "nothing", "key": "x"}))


# --- settings -------------------------------------------------------------------------------------------


@pytest.fixture
def code(db: None) -> Source:
    return adding.add_source("code", kind="github", settings={"organization": "acme", "token": "github_pat_of_old"})


def change(console: Client, **settings: str) -> str:
    filled = {"regardless": "yes", "set-organization": "acme"} | {f"set-{k}": v for k, v in settings.items()}
    return text(console.post("/console/sources/code/settings/", filled, follow=True))


def test_secrets_are_kept_replaced_and_forgotten_and_never_shown(console: Client, code: Source) -> None:
    page = text(console.get("/console/sources/code/settings/"))
    assert "One is kept and not shown." in page
    assert "acme" in page
    assert "github_pat_of_old" not in page
    change(console, include="issues")
    assert sealing.read(code) == {"token": "github_pat_of_old"}
    assert "github_pat_new" not in change(console, include="issues", token="github_pat_new")
    assert sealing.read(code) == {"token": "github_pat_new"}
    filled = {"regardless": "yes", "set-organization": "acme", "set-include": "issues", "forget-token": "on"}
    console.post("/console/sources/code/settings/", filled)
    assert sealing.read(code) == {}
    details = AuditEvent.objects.order_by("pk").values_list("details__settings", flat=True)
    assert list(details) == ["include", "token", "token"]


def test_a_secret_that_was_typed_is_not_sent_back_when_the_check_fails(console: Client, code: Source) -> None:
    filled = {"set-organization": "acme", "set-token": "github_pat_typed", "set-base_url": "not an address"}
    page = text(console.post("/console/sources/code/settings/", filled))
    assert "The check says:" in page
    assert "github_pat_typed" not in page
    assert "type it again" in page
    assert sealing.read(code) == {"token": "github_pat_of_old"}


def test_a_key_of_several_lines_is_kept_as_it_is(console: Client, code: Source) -> None:
    change(console, private_key="-----BEGIN KEY-----\r\nabc\r\n-----END KEY-----")
    assert sealing.read(code)["private_key"] == "-----BEGIN KEY-----\nabc\n-----END KEY-----"


def test_what_says_which_system_it_is_stays_once_it_was_read(console: Client, code: Source) -> None:
    SyncRun.objects.create(source=code, fence=1, state="succeeded")
    assert "it stays as it is once it has been read" in text(console.get("/console/sources/code/settings/"))
    change(console, organization="other", include="issues")
    code.refresh_from_db()
    assert code.settings == {"organization": "acme", "include": "issues"}


def test_nothing_changed_reads_nothing_anew(console: Client, code: Source) -> None:
    assert "Nothing was changed." in change(console)
    before = code.fence
    code.refresh_from_db()
    assert code.fence == before
    assert not AuditEvent.objects.exists()


def test_a_source_that_is_pushed_to_has_nothing_to_set(world: World, console: Client) -> None:
    assert "has no settings" in text(console.get("/console/sources/docs/settings/"))


def test_a_source_whose_kind_is_gone_says_so(world: World, console: Client) -> None:
    Source.objects.update(kind="wiki")
    page = text(console.get("/console/sources/docs/settings/"))
    assert "There is no kind of source called" in page


# --- its end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", "Docs", "docs ", "yes"])
def test_a_source_is_not_deleted_unless_its_key_is_typed(world: World, console: Client, typed: str) -> None:
    page = text(console.post("/console/sources/docs/delete/", {"confirm": typed}, follow=True))
    assert "Nothing was deleted. Type docs to delete this source." in page
    assert world.reads("ann") == {"zeppelin plan"}


def test_a_source_is_deleted_with_everything_it_brought(world: World, console: Client) -> None:
    page = text(console.post("/console/sources/docs/delete/", {"confirm": "docs"}, follow=True))
    assert "Docs is deleted, with everything it brought." in page
    assert not Source.objects.exists()
    assert world.reads("ann") == set()
    assert AuditEvent.objects.get().kind == "source.deleted"
