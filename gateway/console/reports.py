"""What readers say is wrong: how much of it, by source; which document only to staff who may read it (P12)."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.reader import Reader
from gateway import reporting
from gateway.console.staff import StaffRequest, staff_only
from gateway.console.views import shown


@staff_only
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    context = {
        "counts": reporting.open_by_source(),
        "objections": reporting.objections(),
        "reported": reporting.for_staff(reader_of(request)),
    }
    return shown(request, "reports", context)


@staff_only
@require_POST
def done(request: HttpRequest, id: UUID) -> HttpResponse:
    reader = reader_of(request)
    if not reporting.mark_done(reader, id, reporting.for_staff(reader)):
        raise Http404
    messages.success(request, "The report is marked as done.")
    return redirect("console:reports")


def reader_of(request: HttpRequest) -> Reader:
    return Reader(cast(StaffRequest, request).user.pk)
