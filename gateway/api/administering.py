"""What administrators see and start: sources, their runs, people, the audit. Nothing of any document (P12)."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User, Verb
from connectors import tasks
from connectors.models import Source, SyncRun
from gateway import audit
from gateway.api import shapes
from gateway.api.authentication import IsStaff, person_of
from gateway.api.cursors import cursor_after, mark_of
from gateway.api.view import ApiView
from gateway.models import AuditEvent

PAGE = 100
CURSOR = OpenApiParameter("cursor", str)
RowT = TypeVar("RowT", bound=Model)


class AdminView(ApiView):
    verb = Verb.ADMIN
    permission_classes = (IsStaff,)


def page_of(rows: QuerySet[RowT], shown: Callable[[RowT], dict[str, Any]], mark: Callable[[RowT], object]) -> Response:
    """The first rows, and a cursor where there are more."""
    found = list(rows[: PAGE + 1])
    page = found[:PAGE]
    more = len(found) > PAGE
    return Response(
        {"results": [shown(row) for row in page], "next_cursor": cursor_after(mark(page[-1])) if more else None}
    )


class Sources(AdminView):
    @extend_schema(operation_id="sources", responses=shapes.Sources)
    def get(self, request: Request) -> Response:
        """Every source with its state. Its settings are not told: they hold credentials."""
        sources = Source.objects.select_related("directory").order_by("directory__key")
        return Response({"results": [source_json(source) for source in sources]})


def source_json(source: Source) -> dict[str, Any]:
    return {
        "key": source.key,
        "name": source.name,
        "kind": source.kind,
        "enabled": source.enabled,
        "failures": source.failures,
        "next_sync_at": source.next_sync_at,
        "permissions_verified_at": source.permissions_verified_at,
    }


class SyncNow(AdminView):
    @extend_schema(operation_id="sync", request=None, responses={202: shapes.Noted})
    def post(self, request: Request, key: str) -> Response:
        """Makes the source due now."""
        source = Source.objects.filter(directory__key=key, next_sync_at__isnull=False).first()
        if source is None:
            raise Http404
        audit.record("source.sync_requested", user_id=person_of(request).pk, details={"source": key})
        tasks.read_at_once(source)
        return Response({"state": "accepted"}, status=202)


class SyncRuns(AdminView):
    parameters = frozenset({"source", "cursor"})

    @extend_schema(
        operation_id="sync_runs", parameters=[OpenApiParameter("source", str), CURSOR], responses=shapes.SyncRuns
    )
    def get(self, request: Request) -> Response:
        """Runs of every source, or of one, newest first."""
        runs = SyncRun.objects.select_related("source__directory").order_by("-pk")
        source = request.query_params.get("source")
        if source is not None:
            runs = runs.filter(source__directory__key=source)
        before = mark_of(request.query_params.get("cursor"), int)
        if before is not None:
            runs = runs.filter(pk__lt=before)
        return page_of(runs, run_json, lambda run: run.pk)


def run_json(run: SyncRun) -> dict[str, Any]:
    return {
        "source": run.source.key,
        "state": run.state,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "counts": run.counts,
        "problems": run.problems,
    }


class Users(AdminView):
    parameters = frozenset({"cursor"})

    @extend_schema(operation_id="users", parameters=[CURSOR], responses=shapes.Users)
    def get(self, request: Request) -> Response:
        """The people who can sign in, and those who could."""
        users = User.objects.order_by("email")
        after = mark_of(request.query_params.get("cursor"), str)
        if after is not None:
            users = users.filter(email__gt=after)
        return page_of(users, user_json, lambda user: user.email)


def user_json(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "active": user.may_sign_in,
        "staff": user.is_staff,
        "external": user.external,
    }


class Audit(AdminView):
    parameters = frozenset({"cursor"})

    @extend_schema(operation_id="audit", parameters=[CURSOR], responses=shapes.Audit)
    def get(self, request: Request) -> Response:
        """What was asked of the gateway, newest first: ids and digests, never text."""
        asker = User.objects.filter(pk=OuterRef("user_id")).values("email")
        events = AuditEvent.objects.annotate(email=Subquery(asker)).order_by("-pk")
        before = mark_of(request.query_params.get("cursor"), int)
        if before is not None:
            events = events.filter(pk__lt=before)
        return page_of(events, event_json, lambda event: event.pk)


def event_json(event: AuditEvent) -> dict[str, Any]:
    asker: str | None = getattr(event, "email", None)
    return {"at": event.at, "kind": event.kind, "user": asker, "details": event.details, "hash": event.hash}
