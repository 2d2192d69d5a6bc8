"""SQL without the guard shows nothing: row-level security for the role that reads (P15, P18, decision 0014)."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction

from accounts.reader import Audience, Reader
from accounts.statements import execute, rows
from connectors.corpus.guard import GuardedModel, GuardedQuerySet, UnguardedRead
from connectors.corpus.reading import list_documents
from connectors.corpus.search import search
from connectors.corpus.wall import WEB_ROLE, as_owner, reading_as
from connectors.models import Document, Scope
from tests.cast import World
from tests.made_up import give_vectors
from tests.processes import on_this_database

GUARDED = sorted(model._meta.db_table for model in GuardedModel.__subclasses__())
READ = [
    "connectors_scope",
    "connectors_document",
    "connectors_documenttext",
    "connectors_passage",
    "connectors_passagevector",
]
UNREAD = ["connectors_content", "connectors_vectornode"]
OF_RIGHTS = ["connectors_acl", "connectors_aclentry", "connectors_breakglass", "accounts_closure"]
ALTERNATIONS = 10_000


@pytest.fixture
def world(db: None) -> World:
    """Ann's document in her folder, Bob's in his, one below the other."""
    world = World.of("ann", "bob")
    world.folder("anns", ["ann"])
    world.folder("bobs", ["bob"], parent="anns", inherits=False)
    world.document("ann", "anns", text="A secret of Ann's.")
    world.document("bob", "bobs", text="A secret of Bob's.")
    execute(
        "INSERT INTO connectors_content (document_id, source_id, data, filename, digest, attempts, due_at) "
        "SELECT id, source_id, 'x', '', 'x', 0, now() FROM connectors_document"
    )
    give_vectors()
    execute(
        "INSERT INTO connectors_vectornode (passage_id, generation_id, embedding) "
        "SELECT passage_id, generation_id, embedding FROM connectors_passagevector"
    )
    return world


@pytest.fixture
def as_web(world: World) -> Iterator[None]:
    """What follows is asked as the web asks it: under its role, for nobody in particular."""
    execute(f"SET LOCAL ROLE {WEB_ROLE}")
    yield
    execute("SET LOCAL ROLE NONE")


# --- how it is built ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_table_of_content_has_row_level_security() -> None:
    bound = rows("SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relrowsecurity ORDER BY 1", [GUARDED])
    assert [name for (name,) in bound] == GUARDED == sorted([*READ, *UNREAD])


@pytest.mark.django_db
def test_the_role_can_neither_sign_in_nor_pass_over_the_policies() -> None:
    found = rows(
        "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s",
        [WEB_ROLE],
    )
    assert found == [(False, False, False, False, False)]


@pytest.mark.django_db
def test_the_role_writes_nothing_that_is_content_or_makes_rights() -> None:
    writing = rows(
        "SELECT t, p FROM unnest(%s::text[]) t, unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) p "
        "WHERE has_table_privilege(%s, t, p)",
        [[*GUARDED, *OF_RIGHTS], WEB_ROLE],
    )
    assert writing == []


@pytest.mark.django_db
def test_functions_have_a_fixed_path_and_those_with_the_owners_rights_are_not_for_everybody() -> None:
    functions = rows(
        "SELECT proname, proconfig, prosecdef AND prorettype <> 'trigger'::regtype, "
        "has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc "
        "WHERE proname LIKE 'gatehouse%%' AND provolatile <> 'i' AND (prosecdef OR prorettype <> 'trigger'::regtype)"
    )
    assert sum(is_definer for _, _, is_definer, _ in functions) >= 5
    path = "search_path=pg_catalog, public, pg_temp"
    assert [name for name, settings, _, _ in functions if path not in (settings or ())] == []
    assert [name for name, _, is_definer, by_everybody in functions if is_definer and by_everybody] == []


# --- what is seen -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [*READ, *UNREAD])
def test_sql_without_a_reader_sees_no_row(as_web: None, table: str) -> None:
    assert rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert rows(f"SELECT t.* FROM {table} t") == []


@pytest.mark.parametrize("table", READ)
def test_sql_with_a_reader_sees_what_the_reader_may_read(world: World, table: str) -> None:
    for viewers in (world.reader("ann"), world.reader("bob"), Audience(world.reader("ann"))):
        with reading_as(viewers):
            assert rows(f"SELECT count(*) FROM {table}") == [(1,)]
    with reading_as(Audience(world.reader("ann"), frozenset({world.reader("bob")}))):
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)]


@pytest.mark.parametrize("table", UNREAD)
def test_bytes_and_vectors_are_read_by_nobody(world: World, table: str) -> None:
    with reading_as(world.reader("ann")):
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_without_the_guard_the_wall_still_stands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfiltered(queryset: Any, reader: Reader) -> Any:
        marked = queryset.all()
        marked.query.reader = reader
        return marked

    monkeypatch.setattr(GuardedQuerySet, "visible_to", unfiltered)
    assert set(Document.objects.visible_to(world.reader("ann")).values_list("title", flat=True)) == {"Ann"}
    assert {document.title for document in list_documents(world.reader("bob"))} == {"Bob"}


def test_a_search_that_found_too_much_shows_what_may_be_read(world: World) -> None:
    """The function is made to find every passage; what it found is still read behind the wall."""
    execute("DROP FUNCTION gatehouse_search")
    execute(
        "CREATE FUNCTION gatehouse_search(text, bigint, halfvec, text, integer, double precision, jsonb, jsonb) "
        "RETURNS TABLE (passage bigint, similarity double precision, keywords double precision, "
        "score double precision) LANGUAGE sql STABLE SECURITY DEFINER AS "
        "'SELECT id, 1::float8, 1::float8, 1::float8 FROM connectors_passage'"
    )
    assert {hit.title for hit in search(world.reader("ann"), query="secret", vector=None)} == {"Ann"}


def test_keys_between_scopes_lead_no_further_than_the_reader_may(world: World) -> None:
    followed: list[Any] = list(Scope.objects.visible_to(world.reader("bob")).values_list("name", "parent__name"))
    assert followed == [("bobs", None)]


def test_a_relation_without_a_name_leads_nowhere(as_web: None) -> None:
    relations = ((model, model._meta.fields_map.get("+")) for model in apps.get_models())
    ends = ((model, relation.related_model) for model, relation in relations if relation is not None)
    leading = [model for model, end in ends if isinstance(end, type) and issubclass(end, GuardedModel)]
    assert leading
    for model in leading:
        with suppress(UnguardedRead, ProgrammingError), transaction.atomic():  # the guard's word, or the database's
            assert {key for (key,) in model._base_manager.values_list("+__pk")} <= {None}, model


# --- what is written ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE connectors_document SET state = 'live'",
        "DELETE FROM connectors_passage",
        "INSERT INTO connectors_aclentry (acl_id, clause, principal_id, alone) VALUES (1, 1, 1, true)",
        "UPDATE connectors_scope SET acl_id = 1",
        "SELECT * FROM connectors_aclentry",
        "INSERT INTO accounts_closure (holder_id, group_id) VALUES (1, 1)",
        "INSERT INTO accounts_membership (member_id, group_id) VALUES (1, 1)",
        "CREATE TEMP TABLE forged (member_id bigint, group_id bigint, until timestamptz);"
        " CREATE TRIGGER remember AFTER INSERT ON forged REFERENCING NEW TABLE AS after_it"
        " FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_membership()",
        "ALTER TABLE connectors_document DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE public.mine (id int)",
    ],
)
def test_the_web_may_not(as_web: None, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
        execute(statement)


def test_what_writes_takes_the_owners_role_and_gives_it_back(as_web: None) -> None:
    with as_owner():
        assert rows("SELECT count(*) FROM connectors_document") == [(2,)]
    assert rows("SELECT current_user, count(*) FROM connectors_document") == [(WEB_ROLE, 0)]


@pytest.mark.parametrize("around", [reading_as, lambda reader: as_owner()], ids=["reading", "writing"])
def test_an_error_gives_the_role_back(world: World, around: Callable[[Reader], Any]) -> None:
    owner = rows("SELECT current_user")
    with pytest.raises(ZeroDivisionError), transaction.atomic(), around(world.reader("ann")):
        _ = 1 / 0
    assert rows("SELECT current_user") == owner
    assert rows("SELECT coalesce(current_setting('gatehouse.reader', true), '')") == [("",)]


# --- one connection, two people, again and again --------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_two_people_alternate_on_one_pooled_connection() -> None:
    """On committed data, in a real web process with a pool of one, with errors and cancellations in between."""
    world = World.of("ann", "bob")
    world.document("ann", grants=["ann"], text="A secret of Ann's.")
    world.document("bob", grants=["bob"], text="A secret of Bob's.")
    connection.close()
    people = [str(world.people[name].pk) for name in ("ann", "bob")]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.security.alternating", str(ALTERNATIONS), *people],
        env=on_this_database("web") | {"GATEHOUSE_DB_POOL": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["wrong"] == []
    assert found["role"] == WEB_ROLE
    counts = found["counts"]
    assert counts["looks"] == counts["on the one connection"] == ALTERNATIONS
    assert min(counts.get(name, 0) for name in ("an_error", "a_cancellation", "an_exception", "an_error_deeper")) > 100
