"""The guard: content cannot be read without saying who reads.

Every query of a guarded model raises when it is compiled until `visible_to(reader)` was called, so that
sub-queries, unions, `exists`, counts and `explain` raise as well as plain iteration (P18). What it lets through
runs behind the second wall, in a statement that names its reader to the database. What writes content, counts it or
says what break-glass opens goes past the guard, through the manager named `past_the_guard`; a test over the syntax tree
holds where.
"""

from typing import Any, ClassVar, Self, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.lookups import FieldGetDbPrepValueMixin, Lookup
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from accounts.reader import Viewers, is_viewers
from connectors.corpus.wall import reading_as

ModelT = TypeVar("ModelT", bound=models.Model)

SCOPES = "SELECT gatehouse_audience_scopes(%s)"
GLASS_DOCUMENTS = "SELECT gatehouse_glass_documents(%s)"


class UnguardedRead(Exception):
    """Content was about to be read without a reader. This is a defect in the calling code."""


@models.ForeignKey.register_lookup
@models.Field.register_lookup
class Among(FieldGetDbPrepValueMixin, Lookup):
    """`column = ANY((SELECT …)::bigint[])`: asked once a statement, and indexes may be used on the answer."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, of_column = self.process_lhs(compiler, connection)
        asked, of_asked = self.process_rhs(compiler, connection)
        return f"{column} = ANY({asked}::bigint[])", (*of_column, *of_asked)


class WalledCompiler(SQLCompiler):
    """Sends its statement behind the second wall, and has all of the answer before it comes back."""

    query: "GuardedQuery"
    _compiled: tuple[str, tuple[Any, ...]] | None = None

    def execute_sql(self, result_type: str = "multi", chunked_fetch: bool = False, chunk_size: int = 100) -> Any:  # type: ignore[override]
        assert self.query.reader is not None
        try:
            self._compiled = self.as_sql()  # raises for what in it has no reader, before the database is asked
        except EmptyResultSet:
            return super().execute_sql(result_type, False, chunk_size)  # type: ignore[call-overload]
        with reading_as(self.query.reader):
            return super().execute_sql(result_type, False, chunk_size)  # type: ignore[call-overload]

    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        return self._compiled or super().as_sql(*args, **kwargs)


class GuardedQuery(Query):
    """A query that knows for whom it reads, and is not compiled before it does."""

    reader: Viewers | None = None

    def get_compiler(self, *args: Any, **kwargs: Any) -> SQLCompiler:
        if self.reader is None:
            raise UnguardedRead(f"{self.get_meta().label} was queried without visible_to(reader).")
        plain = super().get_compiler(*args, **kwargs)
        return WalledCompiler(self, plain.connection, plain.using, plain.elide_empty)

    def get_aggregation(self, using: Any, aggregate_exprs: Any) -> Any:
        """Some aggregates are computed by a query around this one, which is not guarded itself."""
        if self.reader is None:
            raise UnguardedRead(f"{self.get_meta().label} was queried without visible_to(reader).")
        with reading_as(self.reader):
            return super().get_aggregation(using, aggregate_exprs)

    def combine(self, rhs: Query, connector: str) -> None:
        if self.reader is None or self.reader != getattr(rhs, "reader", None):
            raise UnguardedRead("Queries of different readers, or of none, cannot be combined.")
        super().combine(rhs, connector)

    def chain(self, klass: type[Query] | None = None) -> Any:
        if klass is not None and not issubclass(klass, GuardedQuery):
            raise UnguardedRead("Content is changed through the manager past_the_guard only.")
        return super().chain(klass)


class GuardedQuerySet(models.QuerySet[ModelT]):
    """Reads only what a reader may read; changes nothing."""

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model, query if query is not None else GuardedQuery(model), using, hints)

    def visible_to(self, reader: Viewers) -> Self:
        """Only what this reader, or each of these, may read at the start of the statement (P6, P10, P15)."""
        if not is_viewers(reader):
            raise UnguardedRead("visible_to takes a Reader or an Audience.")
        model: type[GuardedModel] = self.model  # type: ignore[assignment]
        admitting = Q(**{f"{model.scope_field}__among": RawSQL(SCOPES, (reader.text,))})  # noqa: S611  (a parameter)
        if model.document_field:
            opened = RawSQL(GLASS_DOCUMENTS, (reader.text,))  # noqa: S611  (a parameter)
            admitting |= Q(**{f"{model.document_field}__among": opened})
        admitted = self.filter(admitting)
        admitted.query.reader = reader  # type: ignore[attr-defined]
        return admitted

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise UnguardedRead(f"{self.model.__name__} is changed through the manager past_the_guard only.")

    raw = extra = create = bulk_create = bulk_update = update = delete = _refuse
    get_or_create = update_or_create = _update = _insert = _raw_delete = _refuse
    aupdate = adelete = acreate = abulk_create = abulk_update = aget_or_create = aupdate_or_create = _refuse


class GuardedModel(models.Model):
    """A table of content: `scope_field` and `document_field` name the columns that say where a row belongs."""

    scope_field: ClassVar[str] = "scope_id"
    document_field: ClassVar[str] = "document_id"

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Django would delete the row without asking its manager."""
        raise UnguardedRead(f"{type(self).__name__} is changed through the manager past_the_guard only.")
