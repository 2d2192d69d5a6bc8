"""The guard: content cannot be read without saying who reads.

Every query of a guarded model raises when it is compiled until `visible_to(reader)` was called, so that
sub-queries, unions, `exists`, counts and `explain` raise as well as plain iteration (P18). Sync alone goes past
it, through the manager named `past_the_guard`; a test over the syntax tree holds that.
"""

from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from accounts.reader import Reader

ModelT = TypeVar("ModelT", bound=models.Model)

READABLE_SCOPES = "SELECT gatehouse_readable_scopes(%s, %s)"


class UnguardedRead(Exception):
    """Content was about to be read without a reader. This is a defect in the calling code."""


class GuardedQuery(Query):
    """A query that knows for whom it reads, and is not compiled before it does."""

    reader: Reader | None = None

    def get_compiler(self, *args: Any, **kwargs: Any) -> SQLCompiler:
        if self.reader is None:
            raise UnguardedRead(f"{self.get_meta().label} was queried without visible_to(reader).")
        compiler: SQLCompiler = super().get_compiler(*args, **kwargs)
        return compiler

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

    def visible_to(self, reader: Reader) -> Self:
        """Only what this reader may read at the start of the statement (P6, P15)."""
        if type(reader) is not Reader:
            raise UnguardedRead("visible_to takes a Reader.")
        scope_field = getattr(self.model, "scope_field")  # noqa: B009  (mypy: an attribute of guarded models)
        scopes = RawSQL(READABLE_SCOPES, (reader.user_id, reader.token_id))  # noqa: S611  (parameters, not text)
        admitted = self.filter(**{f"{scope_field}__in": scopes})
        admitted.query.reader = reader  # type: ignore[attr-defined]
        return admitted

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise UnguardedRead(f"{self.model.__name__} is changed through the manager past_the_guard only.")

    raw = extra = create = bulk_create = bulk_update = update = delete = _refuse
    get_or_create = update_or_create = _update = _insert = _raw_delete = _refuse
    aupdate = adelete = acreate = abulk_create = abulk_update = aget_or_create = aupdate_or_create = _refuse


class GuardedModel(models.Model):
    """A table of content. `scope_field` names the column that says in which scope a row stands."""

    scope_field: ClassVar[str] = "scope_id"

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Django would delete the row without asking its manager."""
        raise UnguardedRead(f"{type(self).__name__} is changed through the manager past_the_guard only.")
