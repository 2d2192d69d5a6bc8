"""Break-glass: given by one administrator to another person, ended, and every use of it shown (P12)."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.addresses import normalised
from accounts.models import User
from connectors.corpus import breaking_glass
from connectors.corpus.breaking_glass import NoGlass
from connectors.corpus.explaining import origin_of
from connectors.models import BreakGlass, Source
from gateway.console.staff import StaffRequest, staff_only
from gateway.console.views import PAGE, record, shown
from gateway.models import AuditEvent

TEXT = forms.TextInput({"class": "input w-full", "autocomplete": "off", "spellcheck": "false"})
LONGEST = 72  # hours
USES = 20  # shown of each here; all are on the audit's page


class GlassForm(forms.Form):
    """Who reads what, why, and for how long: one document by its id, or a scope by its source and its id there."""

    person = forms.EmailField(label="Person", help_text="Their address.", widget=TEXT)
    document = forms.UUIDField(
        required=False, label="Document", help_text="Its id here. Or leave it empty and name a scope.", widget=TEXT
    )
    source = forms.ChoiceField(
        required=False, label="Or: source of the scope", widget=forms.Select({"class": "select w-full"})
    )
    scope = forms.CharField(
        required=False,
        max_length=1_000,
        strip=False,
        label="Scope",
        help_text="Its id at the source. What inherits from it is opened too; what is detached below it is not.",
        widget=TEXT,
    )
    reason = forms.CharField(max_length=500, label="Reason", help_text="Kept and shown.", widget=TEXT)
    hours = forms.IntegerField(
        min_value=1,
        max_value=LONGEST,
        initial=1,
        label="Hours",
        help_text=f"It ends by itself. At most {LONGEST}.",
        widget=forms.NumberInput({"class": "input w-full"}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="glass-%s")
        sources = Source.objects.select_related("directory").order_by("directory__name")
        cast(forms.ChoiceField, self.fields["source"]).choices = [("", "–"), *((s.key, s.name) for s in sources)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("source")) != bool(cleaned.get("scope")):
            raise forms.ValidationError("A scope is named by its source and its id there.")
        return cleaned

    def clean_person(self) -> User:
        found = User.objects.filter(email=normalised(self.cleaned_data["person"])).first()
        if found is None:
            raise forms.ValidationError("Nobody here has this address.")
        return found

    def give(self, given_by: User) -> BreakGlass:
        wanted = self.cleaned_data
        return breaking_glass.break_glass(
            user=wanted["person"],
            given_by=given_by,
            reason=wanted["reason"],
            until=timezone.now() + timedelta(hours=wanted["hours"]),
            document=wanted["document"],
            scope=(wanted["source"], wanted["scope"]) if wanted["scope"] else None,
        )

    def opened(self) -> dict[str, str]:
        """By its ids, for the audit: the row goes with what it opens."""
        document: UUID | None = self.cleaned_data["document"]
        if document is not None:
            return {"source": origin_of(document).key, "document": str(document)}
        return {name: self.cleaned_data[name] for name in ("source", "scope")}


@dataclass(frozen=True)
class Use:
    at: datetime
    documents: Sequence[str]  # public ids


@dataclass(frozen=True)
class Given:
    """A break-glass with what was read while it covered it: how often, and the last times."""

    glass: BreakGlass
    opens: str
    used: int
    uses: Sequence[Use]

    @property
    def in_force(self) -> bool:
        return self.glass.ended_at is None and self.glass.until > timezone.now()


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    form = GlassForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and given(request, form):
        return redirect("console:break-glass")
    page = Paginator(BreakGlass.objects.select_related("user", "given_by").order_by("-pk"), PAGE).get_page(
        request.GET.get("page")
    )
    return shown(request, "break_glass", {"form": form, "page": page, "lines": lines_of(list(page.object_list))})


def given(request: HttpRequest, form: GlassForm) -> bool:
    by = cast(StaffRequest, request).user
    try:
        with transaction.atomic():
            glass = form.give(by)
            told = {"break_glass": str(glass.pk), "until": glass.until.isoformat(), **form.opened()}
            record(request, "break_glass.given", person=glass.user.email, **told)
    except NoGlass as refused:
        form.add_error(None, str(refused))
        return False
    messages.success(request, f"{glass.user} may read it until {glass.until:%Y-%m-%d %H:%M} UTC.")
    return True


@staff_only
@require_POST
def end(request: HttpRequest, id: int) -> HttpResponse:
    glass = get_object_or_404(BreakGlass.objects.select_related("user"), pk=id)
    with transaction.atomic():
        breaking_glass.end(glass)
        record(request, "break_glass.ended", person=glass.user.email, break_glass=str(glass.pk))
    return redirect("console:break-glass")


def lines_of(glasses: Sequence[BreakGlass]) -> list[Given]:
    used: Counter[int] = Counter()
    last: dict[int, list[Use]] = defaultdict(list)
    for event in last_uses(glasses):
        glass_id = event.details["break_glass"]
        used[glass_id] = event.of_all
        last[glass_id].append(Use(event.at, event.details["documents"]))
    opens = breaking_glass.opens(glasses)
    return [Given(glass, opens[glass.pk], used[glass.pk], last[glass.pk]) for glass in glasses]


def last_uses(glasses: Sequence[BreakGlass]) -> QuerySet[Any]:
    """Of each, newest first, with the number `of_all`."""
    of_one = F("details__break_glass")
    events = AuditEvent.objects.filter(
        kind="break_glass.used", details__break_glass__in=[glass.pk for glass in glasses]
    ).annotate(
        of_all=Window(Count("*"), partition_by=of_one),
        rank=Window(RowNumber(), partition_by=of_one, order_by=F("pk").desc()),
    )
    return events.filter(rank__lte=USES).order_by("-pk")
