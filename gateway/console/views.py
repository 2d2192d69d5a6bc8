"""The console's pages: all sources, runs, people and the audit; and what is done to a source every day."""

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.db.models.fields.json import KT
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST, require_safe

from accounts.identity import effective_groups, linked_accounts
from accounts.models import User
from accounts.provisioning import activate, deactivate
from connectors import adding, sync, tasks
from connectors.corpus.counting import waiting_to_be_embedded, waiting_to_be_parsed
from connectors.models import Source, SyncRun
from gateway import audit
from gateway.console.audit_lines import lines_of
from gateway.console.sources import card_of, cards
from gateway.console.staff import StaffRequest, staff_only
from gateway.models import AuditEvent, LeakTest

PAGE = 50


@staff_only
@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    context = {
        "cards": cards(),
        "leak_test": LeakTest.objects.first(),
        "to_parse": waiting_to_be_parsed(),
        "to_embed": waiting_to_be_embedded(),
    }
    return shown(request, "sources", context)


@staff_only
@require_POST
def pause(request: HttpRequest, key: str) -> HttpResponse:
    """Hides the source from everyone from this commit on (P7)."""
    changed = source_named(key)
    with transaction.atomic():
        adding.pause(changed)
        record(request, "source.paused", source=key)
    return source_card(request, source_named(key))


@staff_only
@require_POST
def resume(request: HttpRequest, key: str) -> HttpResponse:
    changed = source_named(key)
    with transaction.atomic():
        adding.resume(changed)
        record(request, "source.resumed", source=key)
    return source_card(request, source_named(key))


@staff_only
@require_POST
def sync_now(request: HttpRequest, key: str) -> HttpResponse:
    woken = source_named(key)
    record(request, "source.sync_requested", source=key)
    tasks.read_at_once(woken)
    return source_card(request, source_named(key))


@staff_only
@require_POST
def keep_held(request: HttpRequest, key: str) -> HttpResponse:
    """A person says that the documents a listing left out are still there: they are shown again."""
    with transaction.atomic():
        kept = sync.release_held(source_named(key))
        record(request, "source.held_kept", source=key, documents=str(kept))
    return source_card(request, source_named(key))


@staff_only
@require_POST
def delete_held(request: HttpRequest, key: str) -> HttpResponse:
    """A person says that the documents a listing left out are gone."""
    with transaction.atomic():
        deleted = sync.delete_held(source_named(key))
        record(request, "source.held_deleted", source=key, documents=str(deleted))
    return source_card(request, source_named(key))


@staff_only
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, newest first, or those of one source."""
    wanted = request.GET.get("source", "")
    found = SyncRun.objects.select_related("source__directory").order_by("-started_at")
    if wanted:
        found = found.filter(source__directory__key=wanted)
    return shown(request, "runs", {"page": Paginator(found, PAGE).get_page(request.GET.get("page")), "wanted": wanted})


@staff_only
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("search", "").strip()
    found = User.objects.order_by("email")
    if search:
        found = found.filter(Q(email__icontains=search) | Q(name__icontains=search))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return shown(request, "people", {"page": page, "search": search})


@staff_only
@require_safe
def person(request: HttpRequest, id: int) -> HttpResponse:
    """By which accounts and groups a person reads; not what."""
    looked_at = get_object_or_404(User, pk=id)
    context = {"person": looked_at, "groups": effective_groups(id), "accounts": linked_accounts(id)}
    return shown(request, "person", context, section="people")


@staff_only
@require_POST
def set_active(request: HttpRequest, id: int) -> HttpResponse:
    """Activates or deactivates a person; nobody deactivates themselves by a slip of the hand."""
    changed = get_object_or_404(User, pk=id)
    wanted = request.POST.get("active")
    if wanted == "no" and changed == request.user:
        messages.error(request, "You cannot deactivate yourself. Ask another administrator.")
    elif wanted == "no":
        with transaction.atomic():
            deactivate(changed)
            record(request, "user.deactivated", person=changed.email)
        messages.success(request, f"{changed} reads nothing from now on.")
    elif wanted == "yes":
        with transaction.atomic():
            activate(changed)
            record(request, "user.activated", person=changed.email)
        messages.success(request, f"{changed} may sign in again.")
    return redirect("console:person", id)


@staff_only
@require_safe
def audit_list(request: HttpRequest) -> HttpResponse:
    """All of it, newest first, or what is about one break-glass."""
    wanted = request.GET.get("break_glass", "")
    found = AuditEvent.objects.order_by("-id")
    if wanted:
        if not wanted.isdecimal():
            raise Http404
        found = found.annotate(glass=KT("details__break_glass")).filter(glass=wanted)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return shown(request, "audit", {"page": page, "lines": lines_of(list(page.object_list)), "wanted": wanted})


def source_named(key: str) -> Source:
    return get_object_or_404(Source.objects.select_related("directory"), directory__key=key)


def source_card(request: HttpRequest, source: Source) -> HttpResponse:
    """The card alone for the overview, which asks by htmx; the source's own page for whoever came from there."""
    if not is_fragment(request):
        return redirect("console:source", source.key)
    return fragment(request, "_source", {"card": card_of(source)})


def fragment(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """A part of a page without blanks around it, which would add up where it is put in again and again."""
    return HttpResponse(render_to_string(f"console/{name}.html", context, request).strip())


def is_fragment(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def record(request: HttpRequest, kind: str, **details: str) -> None:
    audit.record(kind, user_id=cast(StaffRequest, request).user.pk, details=details)


def shown(request: HttpRequest, name: str, context: dict[str, Any], *, section: str = "") -> HttpResponse:
    return render(request, f"console/{name}.html", {"section": "console", "console_section": section or name} | context)
