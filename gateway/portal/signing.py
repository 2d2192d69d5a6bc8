"""Signing in and out."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import LoginView, LogoutView

from accounts.models import User

REFUSED = "This address and password do not belong together, or the account may not sign in. Check both and try again."


class SignInForm(AuthenticationForm):
    """An address and a password. Whatever is wrong, the sentence is the same, so that it tells nothing."""

    error_messages = {"invalid_login": REFUSED, "inactive": REFUSED}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = UsernameField(label="E-mail address", max_length=254, widget=forms.EmailInput)
        self.fields["username"].widget.attrs |= {"autocomplete": "username", "autofocus": True}
        for field in self.fields.values():
            field.widget.attrs["class"] = "input w-full"

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        if not (isinstance(user, User) and user.may_sign_in):
            raise self.get_invalid_login_error()


class SignIn(LoginView):
    """After it, the page that was asked for, if it is one of ours."""

    form_class = SignInForm
    template_name = "portal/sign_in.html"
    redirect_authenticated_user = True


class SignOut(LogoutView):
    """By POST alone."""

    http_method_names = ["post", "options"]
