"""The person's own page: what shapes their answers, and by which accounts and groups they read."""

from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.identity import effective_groups, linked_accounts
from accounts.models import User
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


class ProfileForm(forms.ModelForm[User]):
    """What a person may say about themselves. It changes how they are answered, never what they may read."""

    language = forms.ChoiceField(
        label="Language of your answers", widget=forms.Select(attrs={"class": "select w-full"})
    )

    class Meta:
        model = User
        fields = ("language", "answer_style", "standing_instructions")
        labels = {"answer_style": "Style of your answers", "standing_instructions": "Standing instructions"}
        help_texts = {
            "answer_style": "For example: short, with the exact numbers.",
            "standing_instructions": "What every answer to you should keep in mind.",
        }
        widgets = {
            "answer_style": forms.TextInput(attrs={"class": "input w-full"}),
            "standing_instructions": forms.Textarea(attrs={"class": "textarea w-full", "rows": 4}),
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        current = self.instance.language
        self.fields["language"].choices = list(({current: current} | LANGUAGES).items())  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    user = cast(SignedInRequest, request).user
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
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
    }
    return render(request, "portal/me.html", context)
