"""The person's own page: what shapes their answers, and by which accounts and groups they read."""

from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.identity import effective_groups, linked_accounts
from accounts.models import User
from accounts.reader import Reader
from gateway import reporting
from gateway.portal.requests import SignedInRequest

LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "it": "Italiano",
    "nl": "Nederlands",
    "pl": "Polski",
}


class ProfileForm(forms.Form):
    """What a person may say about themselves. It changes how they are answered, never what they may read."""

    language = forms.ChoiceField(
        label="Language of your answers", widget=forms.Select(attrs={"class": "select w-full"})
    )
    answer_style = forms.CharField(
        label="Style of answers",
        help_text="For example: short, with the exact numbers.",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input w-full"}),
    )
    standing_instructions = forms.CharField(
        label="Standing instructions",
        help_text="What every answer to you should keep in mind.",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"class": "textarea w-full", "rows": 4}),
    )

    def __init__(self, data: QueryDict | None, user: User) -> None:
        super().__init__(data, initial={name: getattr(user, name) for name in self.base_fields})
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = list(({user.language: user.language} | LANGUAGES).items())

    def save(self, user: User) -> None:
        """Writes these three and nothing else of the person, who may have been changed meanwhile."""
        User.objects.filter(pk=user.pk).update(**self.cleaned_data)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def me(request: HttpRequest) -> HttpResponse:
    user = cast(SignedInRequest, request).user
    form = ProfileForm(request.POST if request.method == "POST" else None, user)
    if form.is_valid():
        form.save(user)
        messages.success(request, "Your profile was saved.")
        return redirect("me")
    context = {
        "section": "me",
        "form": form,
        "fixed": [
            ("Name", user.name),
            ("E-mail address", user.email),
            ("Country", user.country),
            ("Office", user.office),
            ("Role", user.role),
            ("Department", user.department),
        ],
        "accounts": linked_accounts(user.pk),
        "groups": effective_groups(user.pk),
        "reported": reporting.on_ones_own(Reader(user.pk)),
    }
    return render(request, "portal/me.html", context)
