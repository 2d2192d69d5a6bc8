"""The page of one source: how far it has come, what it could not read, and reading it again."""

from threading import Lock
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.reader import Reader
from connectors import adding, tasks
from connectors.corpus.counting import waiting_to_be_embedded, waiting_to_be_parsed
from connectors.corpus.rereading import PAGE, set_aside
from connectors.models import Source
from connectors.parsing.results import REASONS
from connectors.progress import LATEST_RUNS, progress_of, took
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.registry import PUSH, connector_for
from connectors.what_if import CannotTell, Sync
from gateway.console.explaining import mark
from gateway.console.sources import findings_of
from gateway.console.staff import StaffRequest, staff_only
from gateway.console.views import fragment, is_fragment, record, shown, source_card, source_named
from gateway.console.what_if import DOCUMENTS, PEOPLE, lines_of
from gateway.what_if import ask

LONGEST_CODE = 60
BUSY = "Another dry run is being made. Ask again when it has ended, or on the command line: manage.py sync --dry-run."
reading = Lock()  # a dry run keeps a connection to the database for as long as it reads


@staff_only
@require_safe
def source(request: HttpRequest, key: str) -> HttpResponse:
    """The page; to the overview, which asks by htmx while a run goes on, the card."""
    found = source_named(key)
    if is_fragment(request):
        return source_card(request, found)
    return shown(request, "source", live(found) | fixed(found), section="sources")


@staff_only
@require_safe
def progress(request: HttpRequest, key: str) -> HttpResponse:
    """What of the page changes by itself."""
    found = source_named(key)
    if not is_fragment(request):
        return redirect("console:source", key)
    return fragment(request, "_progress", live(found))


def live(source: Source) -> dict[str, Any]:
    runs = source.runs.order_by("-started_at")[:LATEST_RUNS]
    return {
        "source": source,
        "progress": progress_of(source),
        "runs": [(run, took(run), findings_of(run)) for run in runs],
        "all_to_parse": waiting_to_be_parsed(),
        "all_to_embed": waiting_to_be_embedded(),
    }


def fixed(source: Source) -> dict[str, Any]:
    pulled = source.kind != PUSH
    return {
        "pulled": pulled,
        "notify": settings.PUBLIC_URL + reverse("api-notify", args=[source.key]) if pulled else "",
        "webhook": settings.PUBLIC_URL + reverse("api-webhook", args=[source.key]) if takes_messages(source) else "",
    }


def takes_messages(source: Source) -> bool:
    """Whether its system can be told to send a message when something changes."""
    try:
        connector = connector_for(source.kind)
    except ConnectorError:  # the package that brought the kind is gone
        return False
    return connector is not None and connector.webhook is not Connector.webhook


@staff_only
@require_POST
def read_anew(request: HttpRequest, key: str) -> HttpResponse:
    """Everything is listed from its beginning; if asked, every content is fetched and parsed again too."""
    found = source_named(key)
    contents = request.POST.get("contents") == "yes"
    with transaction.atomic():
        adding.read_anew(found, contents=contents)
        record(request, "source.read_anew", source=key, contents="yes" if contents else "no")
    if found.enabled and found.next_sync_at is not None:
        tasks.read_at_once(found)
    messages.success(request, f"{found.name} is read from its beginning{', with all contents' if contents else ''}.")
    return redirect("console:source", key)


@staff_only
@require_POST
def retry(request: HttpRequest, key: str) -> HttpResponse:
    """What could not be read is fetched and parsed again: one document, all of one reason, or all."""
    found = source_named(key)
    reason, document = reason_in(request.POST), document_in(request)
    with transaction.atomic():
        count = adding.try_again(found, reason=reason, document=document)
        record(request, "source.retried", source=key, reason=reason or "", documents=str(document or count))
    if count and found.enabled and found.next_sync_at is not None:
        tasks.read_at_once(found)
    messages.success(request, told_of_retry(found, count))
    return redirect("console:source", key)


def reason_in(typed: QueryDict) -> str | None:
    """A code, or what cannot be one and fits nothing."""
    reason = typed.get("reason")
    return reason.replace("\0", "")[:LONGEST_CODE] if reason is not None else None


def document_in(request: HttpRequest) -> UUID | None:
    typed = request.POST.get("document")
    try:
        return UUID(typed) if typed is not None else None
    except ValueError:
        raise Http404 from None


def told_of_retry(source: Source, count: int) -> str:
    if not count:
        return "There is nothing left of that to try again."
    documents = "1 document" if count == 1 else f"{count:,} documents"
    if source.kind == PUSH:
        return f"{documents} will be read again when they are pushed again, even if they are the same."
    return f"{documents} will be fetched again by the run that begins now."


@staff_only
@require_safe
def quarantined(request: HttpRequest, key: str) -> HttpResponse:
    """What could not be read for one reason, by the ids; the folder stands beside it where one may read that (P12)."""
    found, reason = source_named(key), reason_in(request.GET) or ""
    reader = Reader(cast(StaffRequest, request).user.pk)
    documents = set_aside(found, reason, reader, after=mark(request, UUID), limit=PAGE + 1)
    context = {
        "source": found,
        "reason": reason,
        "text": REASONS.get(reason, reason),
        "documents": documents[:PAGE],
        "after": documents[PAGE - 1].id if len(documents) > PAGE else None,
    }
    return shown(request, "quarantined", context, section="sources")


@staff_only
@require_POST
def dry_run(request: HttpRequest, key: str) -> HttpResponse:
    """What a sync would change now. New documents are counted and not named: nobody has read them yet (P12)."""
    found, user = source_named(key), cast(StaffRequest, request).user
    context: dict[str, Any] = {"source": found}
    if not reading.acquire(blocking=False):
        return shown(request, "dry_run", context | {"problem": BUSY}, section="sources")
    try:
        would = ask(Sync.of(found), asked_by=user, people=PEOPLE, documents=DOCUMENTS)
        context |= {"found": would, "lines": lines_of(would, Reader(user.pk)), "names_new": False}
    except CannotTell as error:
        context["problem"] = error.message
    finally:
        reading.release()
    return shown(request, "dry_run", context, section="sources")
