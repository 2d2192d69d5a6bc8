"""What a change would do to who reads what, asked before it is made: by ids and counts (P12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.reader import Reader
from connectors.corpus.comparing import Person
from connectors.corpus.reach import titles
from connectors.models import Source
from connectors.what_if import CannotTell, Push, changes_from, membership
from gateway.console.staff import StaffRequest, staff_only
from gateway.console.views import shown
from gateway.what_if import WhatIf, ask

MOST_RECORDS = 1_000
MOST_CHARACTERS = 1_000_000
PEOPLE = 100  # on a page
DOCUMENTS = 20  # of a person


class SourceForm(forms.Form):
    """What both forms ask: of which source the records are."""

    source = forms.ChoiceField(
        error_messages={"required": "Choose a source.", "invalid_choice": "Choose a source."},
        widget=forms.Select({"class": "select w-full"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, auto_id=f"{type(self).__name__.lower()}-%s")
        self.sources = {
            each.key: each for each in Source.objects.select_related("directory").order_by("directory__name")
        }
        cast(forms.ChoiceField, self.fields["source"]).choices = [
            (key, each.name) for key, each in self.sources.items()
        ]

    @property
    def chosen(self) -> Source:
        return self.sources[self.cleaned_data["source"]]


class MemberForm(SourceForm):
    """A member joins or leaves a group, each by the id the source has for it."""

    TEXT = forms.TextInput({"class": "input w-full", "autocomplete": "off", "spellcheck": "false"})

    member = forms.CharField(max_length=1_000, strip=False, label="Member", widget=TEXT)
    change = forms.ChoiceField(
        choices=[("joins", "joins"), ("leaves", "leaves")],
        label="Does",
        widget=forms.Select({"class": "select w-full"}),
    )
    group = forms.CharField(max_length=1_000, strip=False, label="Group", widget=TEXT)

    def plan(self) -> Push:
        group, member = self.cleaned_data["group"], self.cleaned_data["member"]
        joins = self.cleaned_data["change"] == "joins"
        return Push.of(self.chosen, [membership(self.chosen, group=group, member=member, joins=joins)])


class RecordsForm(SourceForm):
    """Records as a program would push them."""

    records = forms.CharField(
        max_length=MOST_CHARACTERS,
        label="Records",
        widget=forms.Textarea({"class": "textarea w-full", "rows": "8", "spellcheck": "false", "autocomplete": "off"}),
    )

    def plan(self) -> Push:
        lines = self.cleaned_data["records"].encode("utf-8", "replace").split(b"\n")
        return Push.of(self.chosen, *changes_from(lines, most=MOST_RECORDS))


@dataclass(frozen=True, kw_only=True)
class Named:
    """A document by its id, and by its title for somebody who may read it themselves."""

    id: UUID
    title: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one person would gain and lose."""

    person: Person
    lost: Sequence[Named]
    gained: Sequence[Named]

    @property
    def lost_unnamed(self) -> int:
        return self.person.lost - len(self.lost)

    @property
    def gained_unnamed(self) -> int:
        return self.person.gained - len(self.gained) - len(self.person.new_documents)


@staff_only
@require_http_methods(["GET", "HEAD", "POST"])
def what_if(request: HttpRequest) -> HttpResponse:
    """The two forms, and below them what was found. Nothing is changed but the audit."""
    member, records = MemberForm(), RecordsForm()
    context: dict[str, Any] = {}
    if request.method == "POST":
        asked: MemberForm | RecordsForm
        if "records" in request.POST:
            asked = records = RecordsForm(request.POST)
        else:
            asked = member = MemberForm(request.POST)
        context = answer(cast(StaffRequest, request), asked)
    return shown(request, "what_if", {"member_form": member, "records_form": records} | context)


def answer(request: StaffRequest, form: MemberForm | RecordsForm) -> dict[str, Any]:
    if not form.is_valid():
        return {"problem": "Fill in the form: the fields that lack something say what."}
    try:
        found = ask(form.plan(), asked_by=request.user, people=PEOPLE, documents=DOCUMENTS)
    except CannotTell as error:
        return {"problem": error.message}
    return {"found": found, "lines": lines_of(found, Reader(request.user.pk)), "names_new": True}


def lines_of(found: WhatIf, reader: Reader) -> list[Line]:
    people = found.difference.people
    known = titles(reader, {id for person in people for id in (*person.lost_documents, *person.gained_documents)})
    return [
        Line(
            person=person,
            lost=[Named(id=id, title=known[id].title if id in known else "") for id in person.lost_documents],
            gained=[Named(id=id, title=known[id].title if id in known else "") for id in person.gained_documents],
        )
        for person in people
    ]
