"""Why people may read what, for auditors: a form and its answer. Documents go by their id (P12)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar, cast
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.reader import Reader
from connectors.corpus.explaining import OutsideTheHistory, Unknown
from gateway import explaining
from gateway.console.staff import StaffRequest, auditors_only
from gateway.explaining import Asker, Told

MarkT = TypeVar("MarkT")
TEXT = {"class": "input w-full", "autocomplete": "off", "spellcheck": "false"}


class Person(forms.CharField):
    """A person by their address."""

    def clean(self, value: object) -> User:
        found = explaining.person_named(super().clean(value))
        if found is None:
            raise forms.ValidationError("There is no person with this address.")
        return found


class WhyForm(forms.Form):
    user = Person(label="E-mail address of the person", widget=forms.TextInput(TEXT))
    document = forms.UUIDField(
        label="Id of the document",
        error_messages={"invalid": "This is not the id of a document."},
        widget=forms.TextInput(TEXT),
    )
    at = forms.DateTimeField(
        label="Time, in UTC (empty: now)",
        required=False,
        widget=forms.DateTimeInput(
            {"class": "input w-full", "type": "datetime-local", "step": "1"}, "%Y-%m-%dT%H:%M:%S"
        ),
    )

    def __init__(self, data: Mapping[str, str] | None) -> None:
        super().__init__(data, auto_id="%s")

    def clean_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["at"]
        return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


@dataclass(frozen=True)
class Asked:
    """What the form led to."""

    told: Told | None = None
    problem: str = ""


@auditors_only
@require_safe
def access(request: HttpRequest) -> HttpResponse:
    """The form, and once it is filled in the explanation."""
    form = WhyForm(request.GET.dict() if request.GET else None)
    asked = answer(asker_of(request), form) if form.is_bound and form.is_valid() else Asked()
    told = asked.told
    places = [(place, told.name_of(place)) for place in told.explanation.places] if told is not None else []
    return shown(request, "access", {"form": form, "told": told, "places": places, "problem": asked.problem})


def answer(asker: Asker, form: WhyForm) -> Asked:
    given = form.cleaned_data
    try:
        return Asked(told=explaining.explain(asker, given["user"], given["document"], given["at"]))
    except Unknown:
        return Asked(problem="There is no document with this id, and there never was.")
    except OutsideTheHistory as error:
        return Asked(problem=str(error))


@auditors_only
@require_safe
def documents_of(request: HttpRequest) -> HttpResponse:
    """What a person may read now."""
    person = explaining.person_named(request.GET.get("user", ""))
    if person is None:
        raise Http404
    page = explaining.documents_of(asker_of(request), person, after=mark(request, UUID))
    return shown(request, "access_documents", {"person": person, "page": page})


@auditors_only
@require_safe
def readers_of(request: HttpRequest, document: UUID) -> HttpResponse:
    """Who may read a document now."""
    try:
        page = explaining.readers_of(asker_of(request), document, after=mark(request, explaining.row_number) or 0)
    except Unknown:
        raise Http404 from None
    return shown(request, "access_readers", {"document": document, "page": page})


def mark(request: HttpRequest, kind: Callable[[str], MarkT]) -> MarkT | None:
    """Where the page before ended. What nobody was given is no page."""
    after = request.GET.get("after")
    try:
        return kind(after) if after is not None else None
    except ValueError:
        raise Http404 from None


def asker_of(request: HttpRequest) -> Asker:
    return Asker(door="console", reader=Reader(cast(StaffRequest, request).user.pk))


def shown(request: HttpRequest, name: str, context: dict[str, object]) -> HttpResponse:
    return render(request, f"console/{name}.html", {"section": "console", "console_section": "access"} | context)
