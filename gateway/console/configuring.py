"""What a source is: added, its settings and credentials changed, and deleted. For superusers: with some kinds of source
the settings say who reads, so whoever sets them decides about more than how the system runs (P12).
"""

import sys
from collections.abc import Collection, Mapping
from inspect import getdoc
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from connectors import adding, sealing, tasks
from connectors.models import Source
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.registry import PUSH, connector_for, kinds
from gateway.answering.threads import give_back
from gateway.console.staff import superusers_only
from gateway.console.views import record, shown, source_named

LONGEST = 100_000  # characters of a setting: some hold a list of people
SETTING, FORGET = "set-", "forget-"
PLAIN = {"class": "textarea setting w-full", "rows": "1", "autocomplete": "off", "spellcheck": "false"}
LINE = {"class": "input w-full", "autocomplete": "off", "spellcheck": "false"}


class Secret(forms.Textarea):
    """A private key has several lines. What was typed is not sent back, not even to the page it was typed on."""

    def __init__(self) -> None:
        super().__init__(PLAIN | {"class": f"{PLAIN['class']} masked"})

    def format_value(self, value: object) -> str:
        return ""


class SettingsForm(forms.Form):
    """The settings of a kind, each with its sentence. A kept secret is not shown: it is replaced, or forgotten."""

    def __init__(
        self,
        connector: type[Connector] | None,
        data: Mapping[str, Any] | None = None,
        *,
        kept: Mapping[str, str] | None = None,
        sealed: Collection[str] = (),
        fixed: Collection[str] = (),
    ) -> None:
        super().__init__(data, auto_id="%s")
        self.kept, self.settings, self.secrets = kept or {}, connector.settings if connector else {}, frozenset[str]()
        if connector is not None:
            self.secrets = connector.secrets
        for name, sentence in self.settings.items():
            self.fields[SETTING + name] = self.field_for(name, sentence, sealed, fixed)
            if name in self.secrets and name in sealed:
                self.fields[FORGET + name] = forms.BooleanField(required=False, label=f"Forget this {name}")

    def field_for(self, name: str, sentence: str, sealed: Collection[str], fixed: Collection[str]) -> forms.CharField:
        is_secret = name in self.secrets
        sentence = f"{sentence.removesuffix('.')}."
        if name in fixed:
            sentence += " It says which system this is, so it stays as it is once it has been read."
        elif name in sealed:
            sentence += " One is kept and not shown. Leave this empty to keep it."
        return forms.CharField(
            required=False,
            max_length=LONGEST,
            label=name,
            help_text=sentence,
            initial=self.kept.get(name, ""),
            disabled=name in fixed,
            widget=Secret() if is_secret else forms.Textarea(PLAIN),
        )

    def changes(self) -> dict[str, str]:
        """Only what is other than it was; an empty one is forgotten."""
        changed: dict[str, str] = {}
        for name in self.settings:
            value = self.cleaned_data[SETTING + name].replace("\r\n", "\n")
            if name not in self.secrets:
                changed |= {name: value} if value != self.kept.get(name, "") else {}
            elif value or self.cleaned_data.get(FORGET + name):
                changed[name] = value
        return changed


class AddingForm(SettingsForm):
    """And what every source has."""

    key = forms.SlugField(
        max_length=100,
        label="Key",
        help_text="By which programs and addresses name it, for ever: letters, digits, - and _.",
        error_messages={"invalid": "A key is made of letters, digits, - and _, at most 100 of them."},
        widget=forms.TextInput(LINE),
    )
    name = forms.CharField(
        max_length=200, required=False, label="Name", help_text="For people.", widget=forms.TextInput(LINE)
    )
    vouches = forms.BooleanField(
        required=False,
        label="The e-mail addresses it gives are true",
        help_text="They then link its accounts to the people who sign in with them. Only where nobody can choose "
        "an address at the source themselves.",
    )


@superusers_only
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """The kinds there are; of one, the form; and from that, once its check has nothing to say, the source."""
    kind = (request.POST if request.method == "POST" else request.GET).get("kind", "")
    if kind not in kinds():
        return shown(request, "add_source", {"kinds": described()}, section="sources")
    try:
        connector = connector_for(kind)
    except ConnectorError as error:
        return shown(request, "add_source", {"kinds": described(), "problem": str(error)}, section="sources")
    form = AddingForm(connector, request.POST if request.method == "POST" else None)
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        given = form.changes()
        problems = problems_before(request, kind, given, form.cleaned_data["vouches"])
        if not problems and (added := add_one(request, form, kind, given)) is not None:
            return redirect("console:source", added.key)
    context = {"kind": kind, "about": about(connector), "form": form, "problems": problems}
    return shown(request, "add_source", context, section="sources")


def problems_before(request: HttpRequest, kind: str, given: Mapping[str, str], vouches: bool) -> list[str]:
    """What its check says; nothing for somebody who has read that and wants it all the same."""
    if request.POST.get("regardless") == "yes":
        return []
    give_back()  # none is held while another system answers
    return adding.problems_of(kind, given, vouches_for_emails=vouches)


def add_one(request: HttpRequest, form: AddingForm, kind: str, given: Mapping[str, str]) -> Source | None:
    said = form.cleaned_data
    try:
        with transaction.atomic():
            source = adding.add_source(
                said["key"], kind=kind, name=said["name"], settings=given, vouches_for_emails=said["vouches"]
            )
            record(request, "source.added", source=source.key, source_kind=kind, settings=", ".join(sorted(given)))
    except ConnectorError as error:
        form.add_error(None, str(error))
        return None
    if kind != PUSH:
        tasks.read_at_once(source)
    messages.success(request, f"{source.name} is added{'' if kind == PUSH else ' and read at once'}.")
    return source


def described() -> list[tuple[str, str]]:
    """Every kind with what it reads, by its connector's own word."""
    found = []
    for kind in kinds():
        try:
            found.append((kind, about(connector_for(kind))))
        except ConnectorError as error:
            found.append((kind, str(error)))
    return found


def about(connector: type[Connector] | None) -> str:
    """What a kind reads, as the first words of its module say it."""
    if connector is None:
        return "Programs push its records by the API."
    said = sys.modules[connector.__module__].__doc__ or getdoc(connector) or ""
    return " ".join(said.partition("\n\n")[0].replace("`", "").split())


@superusers_only
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, key: str) -> HttpResponse:
    """Settings are shown, secrets never; both are changed once the check of the new ones has nothing to say."""
    source = source_named(key)
    try:
        connector = connector_for(source.kind)
    except ConnectorError as error:
        return shown(request, "settings", {"source": source, "problems": [str(error)]}, section="sources")
    form = SettingsForm(
        connector,
        request.POST if request.method == "POST" else None,
        kept=source.settings,
        sealed=sealing.names(source),
        fixed=connector.place if connector and source.runs.exists() else (),
    )
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        changes = form.changes()
        wanted = adding.settings_with(source, changes)
        vouches = source.directory.vouches_for_emails
        problems = problems_before(request, source.kind, wanted, vouches) if changes else []
        if not problems and changed(request, source, form, changes):
            return redirect("console:source", key)
    context = {"source": source, "about": about(connector), "form": form, "problems": problems}
    return shown(request, "settings", context, section="sources")


def changed(request: HttpRequest, source: Source, form: SettingsForm, changes: Mapping[str, str]) -> bool:
    """Which settings were changed is audited; what they were and are is not, for some are addresses of people."""
    if not changes:
        messages.info(request, "Nothing was changed.")
        return True
    try:
        with transaction.atomic():
            adding.change_settings(source, changes)
            record(request, "source.settings_changed", source=source.key, settings=", ".join(sorted(changes)))
    except ConnectorError as error:
        form.add_error(None, str(error))
        return False
    if source.enabled and source.kind != PUSH:
        tasks.read_at_once(source)
    messages.success(request, f"{', '.join(sorted(changes))} changed. Everything is read anew with that.")
    return True


@superusers_only
@require_POST
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """The source with everything it brought, if its key was typed to say so."""
    source = source_named(key)
    if request.POST.get("confirm") != key:
        messages.error(request, f"Nothing was deleted. Type {key} to delete this source.")
        return redirect("console:source", key)
    with transaction.atomic():
        adding.delete_source(source)
        record(request, "source.deleted", source=key)
    messages.success(request, f"{source.name} is deleted, with everything it brought.")
    return redirect("console:sources")
