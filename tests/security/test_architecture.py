"""There is one way to content, and it asks for a reader: over the source code, and over every model (P18).

The database is never asked here: what has no reader is refused while its SQL is made. A test that would get
past the guard fails because it reaches the database.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core import serializers
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Subquery

from accounts.models import Directory, User
from accounts.reader import Reader
from connectors.corpus.guard import GuardedModel, GuardedQuerySet, UnguardedRead
from connectors.models import Document, Passage, Source

ANN, BOB = Reader(1), Reader(2)
GUARDED: list[type[GuardedModel]] = sorted(GuardedModel.__subclasses__(), key=lambda model: model.__name__)
OF_THE_CORPUS = {"Scope", "Document", "DocumentText", "Passage", "PassageVector", "VectorNode", "Content"}
BESIDE_IT = {
    "Source",
    "SourceSecret",
    "SyncRun",
    "Listed",
    "Unfetched",
    "WorkDone",
    "Acl",
    "AclEntry",
    "BreakGlass",
    "IndexGeneration",
    "Unembedded",
    "Unindexed",
    "ScopeSize",
}  # hold no content: sources, ids, conditions, counts

guarded = pytest.mark.parametrize("model", GUARDED, ids=lambda model: model.__name__)


# --- the source code ----------------------------------------------------------------------------------

WRITERS = {
    "connectors/corpus/access.py",
    "connectors/corpus/attachments.py",
    "connectors/corpus/breaking_glass.py",  # finds what an administrator names, and shows nothing of it
    "connectors/corpus/counting.py",
    "connectors/corpus/documents.py",
    "connectors/corpus/placing.py",
    "connectors/corpus/rereading.py",  # names documents by their ids
    "connectors/corpus/waiting.py",
    "connectors/applying.py",
    "connectors/ingest.py",
    "connectors/vectors.py",
}
# What gets round the guard, and the modules that may: each takes what it reads no further than the corpus.
ALLOWED: dict[str, set[str]] = {
    "past_the_guard": WRITERS,
    "SQL over content": {
        "connectors/corpus/access.py",
        "connectors/corpus/attachments.py",
        "connectors/corpus/breaking_glass.py",
        "connectors/corpus/comparing.py",  # notes who may read what, by ids, for as long as a transaction
        "connectors/corpus/documents.py",
        "connectors/corpus/generations.py",  # queues and clears by numbers
        "connectors/corpus/guard.py",
        "connectors/corpus/history.py",  # tells of documents by id, to explaining and reach alone
        "connectors/corpus/index_state.py",  # counts pages and indexes
        "connectors/corpus/reach.py",  # ids for auditors; titles through the guard
        "connectors/corpus/rereading.py",  # forgets what was known of contents
        "connectors/corpus/search.py",
        "connectors/corpus/soundness.py",  # counts what differs, and names nothing
        "connectors/corpus/waiting.py",  # of which sources something waits
        "connectors/calibrating.py",  # times searches, and shows nothing of them
        "connectors/vectors.py",
    },
    "Manager": {"connectors/models.py"},
    "RawSQL": {"connectors/corpus/guard.py"},
    "GuardedQuery": {"connectors/corpus/guard.py"},
    "GuardedQuerySet": {"connectors/models.py"},
    "get_compiler": {"connectors/corpus/guard.py"},
}
MANAGERS = {"past_the_guard", "_base_manager", "_default_manager", "base_manager", "default_manager"}
ATTRIBUTES = MANAGERS | {"_raw_delete", "get_compiler", "clear_where", "db_table"}
CALLS = {"raw", "extra", "QuerySet", "Manager"}  # a plain QuerySet(Document) knows no guard
CLASSES = {"RawSQL", "RawQuerySet", "GuardedQuery", "GuardedQuerySet"}
CONTENT_IN_SQL = re.compile(
    r"\bconnectors_(scope|document|documenttext|passage|passagevector|vectornode|content|history\w*|$|\{)"
    r"|\bgatehouse_(search|readable_scopes|audience_scopes|glass_\w+|uses_of_glass|scopes_of_\w+)\b",
    re.IGNORECASE,
)
HIDDEN_RELATION = re.compile(r"^-?\+__")  # Django finds a relation without a name under "+"


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(settings.BASE_DIR.glob("*/**/*.py")):
        name = path.relative_to(settings.BASE_DIR).as_posix()
        if name.startswith(("accounts/", "connectors/", "gateway/")) and "/migrations/" not in name:
            yield name, parsed(path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def ways_round(tree: ast.Module) -> Iterator[str]:
    """Each way round the guard that a module uses, by the key it has in ALLOWED."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name):
                yield from {name} & (ATTRIBUTES | CLASSES)
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
                yield from {name} & CALLS
            case ast.Name(id=name) | ast.alias(name=name):
                yield from {name} & CLASSES
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield from ways_in_text(text)


def ways_in_text(text: str) -> Iterator[str]:
    if CONTENT_IN_SQL.search(text):
        yield "SQL over content"
    if HIDDEN_RELATION.match(text):
        yield "a relation by the name '+'"
    yield from {text} & MANAGERS


def uses() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, tree in modules():
        for way in ways_round(tree):
            found.setdefault(way, set()).add(name)
    return found


def test_these_modules_go_round_the_guard_and_no_others() -> None:
    assert uses() == ALLOWED


@pytest.mark.parametrize(
    "code",
    [
        "Document.past_the_guard.all()",
        "getattr(Document, 'past_the_guard').all()",
        "Document._base_manager.all()",
        "Source.objects.raw('SELECT 1')",
        "rows('SELECT text FROM connectors_passage')",
        "rows(f'SELECT text FROM connectors_{table}')",
        "rows('SELECT * FROM gatehouse_search(1, 0)')",
        "Source.objects.extra(tables=['connectors_document'])",
        "Source.objects.filter(**{'+__title': 'x'})",
        "from django.db.models.expressions import RawSQL",
        "Document._meta.db_table",
        "models.QuerySet(Document)",
    ],
)
def test_the_search_for_ways_round_finds_them(code: str) -> None:
    assert list(ways_round(ast.parse(code)))


# --- the models ---------------------------------------------------------------------------------------


def test_every_model_of_the_corpus_is_guarded() -> None:
    in_connectors = {model.__name__ for model in apps.get_app_config("connectors").get_models()}
    assert {model.__name__ for model in GUARDED} == OF_THE_CORPUS
    assert in_connectors - OF_THE_CORPUS == BESIDE_IT


def test_no_relation_of_another_model_leads_into_content() -> None:
    others = [model for model in apps.get_models(include_auto_created=True) if not issubclass(model, GuardedModel)]
    leading_in = [
        field
        for model in others
        for field in model._meta.get_fields(include_hidden=True)
        if field.is_relation and is_guarded(field.related_model) and not getattr(field, "hidden", False)
    ]
    assert leading_in == []


@guarded
def test_relations_of_content_have_no_way_back(model: type[GuardedModel]) -> None:
    keys = [field for field in model._meta.get_fields() if isinstance(field, models.ForeignKey)]
    assert {key.name: key.remote_field.related_name for key in keys} == {key.name: "+" for key in keys}
    assert not model._meta.many_to_many
    assert all(relation.hidden for relation in model._meta.related_objects)


@guarded
def test_the_managers_that_django_itself_uses_are_the_guarded_one(model: type[GuardedModel]) -> None:
    assert model._default_manager is model._base_manager
    assert isinstance(model._base_manager.all(), GuardedQuerySet)
    assert {manager.name for manager in model._meta.managers} == {"objects", "past_the_guard"}


def test_no_content_is_in_the_admin() -> None:
    assert [model for model in admin.site._registry if is_guarded(model)] == []


def rows_of(model: type[GuardedModel]) -> GuardedQuerySet[Any]:
    rows = model._default_manager.all()
    assert isinstance(rows, GuardedQuerySet)
    return rows


def row_of(model: Any) -> models.Model:
    row: models.Model = model(pk=1)
    return row


def is_guarded(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, GuardedModel)


# --- what has no reader is refused ----------------------------------------------------------------------

Rows = GuardedQuerySet[Any]
READS: dict[str, Callable[[Rows], Any]] = {
    "list": list,
    "bool": bool,
    "len": len,
    "repr": repr,
    "index": lambda all: all[0],
    "slice": lambda all: list(all[:3]),
    "count": lambda all: all.count(),
    "exists": lambda all: all.exists(),
    "contains": lambda all: all.contains(all.model(pk=1)),
    "aggregate": lambda all: all.aggregate(Count("pk")),
    "annotate": lambda all: list(all.annotate(number=Count("pk"))),
    "values": lambda all: list(all.values()),
    "values_list": lambda all: list(all.values_list("pk", flat=True)),
    "only": lambda all: list(all.only("pk")),
    "defer": lambda all: list(all.defer("pk")),
    "distinct": lambda all: list(all.distinct()),
    "reverse": lambda all: list(all.order_by("pk").reverse()),
    "filter": lambda all: list(all.filter(pk=1)),
    "exclude": lambda all: list(all.exclude(pk=1)),
    "using": lambda all: list(all.using("default")),
    "iterator": lambda all: next(iter(all.iterator())),
    "first": lambda all: all.first(),
    "last": lambda all: all.last(),
    "latest": lambda all: all.latest("pk"),
    "earliest": lambda all: all.earliest("pk"),
    "get": lambda all: all.get(pk=1),
    "in_bulk": lambda all: all.in_bulk([1]),
    "in_bulk of all": lambda all: all.in_bulk(),
    "explain": lambda all: all.explain(),
    "str of the query": lambda all: str(all.query),
    "select_for_update": lambda all: list(all.select_for_update()),
    "union": lambda all: list(all.union(all)),
    "union with a reader's": lambda all: list(all.visible_to(ANN).union(all)),
    "a union's other half": lambda all: list(all.union(all.visible_to(ANN))),
    "difference": lambda all: list(all.visible_to(ANN).difference(all)),
    "intersection": lambda all: list(all.visible_to(ANN).intersection(all)),
    "union from another model": lambda all: list(Source.objects.values("pk").union(all.values("pk"))),
    "exists in a filter": lambda all: list(Source.objects.filter(Exists(all.filter(pk=OuterRef("pk"))))),
    "subquery in an annotation": lambda all: list(Source.objects.annotate(x=Subquery(all.values("pk")[:1]))),
    "in": lambda all: list(Source.objects.filter(pk__in=all.values("pk"))),
    "exact": lambda all: list(Source.objects.filter(pk=all.values("pk")[:1])),
    "subquery of a reader's query": lambda all: list(all.visible_to(ANN).filter(pk__in=all.values("pk"))),
    "exists in a reader's query": lambda all: list(all.visible_to(ANN).filter(Exists(all))),
    "or": lambda all: list(all.visible_to(ANN) | all),
    "or, the other way": lambda all: list(all | all.visible_to(ANN)),
    "or with another reader": lambda all: list(all.visible_to(ANN) | all.visible_to(BOB)),
    "and": lambda all: list(all.visible_to(ANN) & all),
    "and with another reader": lambda all: list(all.visible_to(ANN) & all.visible_to(BOB)),
    "xor": lambda all: list(all.visible_to(ANN) ^ all),
    "or with none": lambda all: list(all.none() | all),
    "a prefetch": lambda all: models.prefetch_related_objects(
        [Passage(document_id=1, scope_id=1)], models.Prefetch("document", queryset=Document.objects.all())
    ),
    "a prefetch by name": lambda all: models.prefetch_related_objects([Passage(document_id=1, scope_id=1)], "document"),
    "a sliced union": lambda all: list(all.union(all).order_by("pk")[:1]),
    "serializers": lambda all: serializers.serialize("json", all),
    "asynchronous": lambda all: async_to_sync(all.afirst)(),
    "asynchronous count": lambda all: async_to_sync(all.acount)(),
}
WRITES: dict[str, Callable[[Rows], Any]] = {
    "create": lambda all: all.create(pk=1),
    "get_or_create": lambda all: all.get_or_create(pk=1),
    "update_or_create": lambda all: all.update_or_create(pk=1),
    "bulk_create": lambda all: all.bulk_create([all.model(pk=1)]),
    "bulk_update": lambda all: all.bulk_update([all.model(pk=1)], ["pk"]),
    "update": lambda all: all.update(pk=1),
    "a reader's update": lambda all: all.visible_to(ANN).update(pk=F("pk")),
    "delete": lambda all: all.delete(),
    "a reader's delete": lambda all: all.visible_to(ANN).delete(),
    "raw": lambda all: list(all.raw("SELECT 1 AS id")),
    "extra": lambda all: list(all.visible_to(ANN).extra(where=["true"])),
    "asynchronous create": lambda all: all.acreate(pk=1),
    "asynchronous delete": lambda all: all.adelete(),
    "asynchronous update": lambda all: all.aupdate(pk=1),
}
OF_AN_INSTANCE: dict[str, Callable[[models.Model], Any]] = {
    "refresh_from_db": lambda row: row.refresh_from_db(),
    "a deferred field": lambda row: read_deferred(row),
    "save": lambda row: row.save(),
    "save, forced in": lambda row: row.save(force_insert=True),
    "save, forced over": lambda row: row.save(force_update=True),
    "delete": lambda row: row.delete(),
    "validate_unique": lambda row: row.validate_unique(),
    "forward keys": lambda row: follow_every_key(row),
}


@pytest.mark.parametrize("deed", [*READS, *WRITES])
def test_without_a_reader_content_is_neither_read_nor_changed(deed: str) -> None:
    for model in GUARDED:
        with pytest.raises(UnguardedRead):
            (READS | WRITES)[deed](rows_of(model))


@pytest.mark.parametrize("deed", OF_AN_INSTANCE)
def test_a_row_made_by_hand_leads_to_no_content(deed: str) -> None:
    for model in GUARDED:
        with pytest.raises(UnguardedRead):
            OF_AN_INSTANCE[deed](row_of(model))


def read_deferred(row: models.Model) -> None:
    last = row._meta.concrete_fields[-1].attname
    names = [field.attname for field in row._meta.concrete_fields if field.attname != last]
    getattr(type(row).from_db("default", names, [1] * len(names)), last)


def follow_every_key(row: models.Model) -> None:
    """Raises if every key into content does; a model without one raises for itself."""
    into_content = [
        field for field in row._meta.concrete_fields if field.is_relation and is_guarded(field.related_model)
    ]
    for key in into_content:
        setattr(row, key.attname, 1)
        with pytest.raises(UnguardedRead):
            getattr(row, key.name)
    raise UnguardedRead


@pytest.mark.parametrize("nobody", [None, 1, "ann", User(pk=1), (1, 0)], ids=repr)
def test_only_a_reader_reads(nobody: Any) -> None:
    for model in GUARDED:
        with pytest.raises(UnguardedRead):
            rows_of(model).visible_to(nobody)


@pytest.mark.parametrize("named", [0, -1, None, "1", True, 1.0])
def test_a_reader_is_a_user_by_number(named: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Reader(named)


@pytest.mark.parametrize("token", [-1, None, "1", True])
def test_a_readers_token_is_a_number_too(token: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Reader(1, token)


@pytest.mark.django_db
@guarded
def test_with_a_reader_it_is_read(model: type[GuardedModel]) -> None:
    """The other side: nothing above raises for any other reason than the reader that is missing."""
    visible = rows_of(model).visible_to(ANN)
    assert list(visible) == list(visible.values("pk")) == []
    assert (visible.count(), visible.exists(), visible.first()) == (0, False, None)
    assert list(visible | visible) == list(visible & visible) == list(visible.union(visible)) == []
    assert not Directory.objects.filter(pk__in=visible.values("pk")).exists()
    assert visible.explain()
