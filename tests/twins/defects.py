"""Defects with a name that tell of hidden things: a comparison that does not find them proves nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from rest_framework.exceptions import PermissionDenied

from connectors.corpus import reading
from connectors.corpus.wall import as_owner
from connectors.models import Document
from gateway.api import documents
from tests.leakproof.breaking import InSql

WEIGHED = (
    "gatehouse_weighed(text[],integer[],text[],tsquery,bigint[],bigint[],bigint[],bigint[],bigint[],bigint[],integer)"
)
COUNTED = "AND (p.scope_id IN (SELECT unnest(readable)) OR p.document_id = ANY(opened))\n            LIMIT"


def statistics_over_all() -> None:
    """Words are weighed by how often everybody's passages have them; what is found is still only the reader's."""
    InSql(WEIGHED, COUNTED, "LIMIT")()


def a_total() -> Any:
    """The list tells how many documents there are."""
    whole = documents.Documents.get

    def get(self: documents.Documents, request: Any) -> Any:
        response = whole(self, request)
        with as_owner():
            response.data["total"] = Document.past_the_guard.count()
        return response

    return patch.object(documents.Documents, "get", get)


def forbidden() -> Any:
    """What exists and may not be read is said to be forbidden."""
    whole = reading.get_document

    def get_document(reader: Any, id: Any) -> Any:
        with as_owner():
            exists = Document.past_the_guard.filter(public_id=id).exists()
        found = whole(reader, id)
        if found is None and exists:
            raise PermissionDenied
        return found

    return patch.object(reading, "get_document", get_document)


IN_SQL: dict[str, Callable[[], None]] = {"word statistics over all passages": statistics_over_all}
IN_PYTHON: dict[str, Callable[[], Any]] = {"a total in a list": a_total, "403 for what is forbidden": forbidden}
OF_THE_DEFECTS = ("api/v1/documents", "api/v1/search")  # where they show
DEFECTS = (*IN_SQL, *IN_PYTHON)


@contextmanager
def broken(name: str) -> Iterator[Callable[[], None]]:
    """The defect is there inside; what is given back puts it into a database."""
    if name in IN_PYTHON:
        with IN_PYTHON[name]():
            yield lambda: None
    else:
        yield IN_SQL[name]
