"""Signing in by password."""

from django.contrib.auth.backends import ModelBackend

from accounts.models import User


class VerifiedBackend(ModelBackend):
    """A person whose address is not verified is not active: neither signing in nor an older session works (P2)."""

    def user_can_authenticate(self, user: User | None) -> bool:  # type: ignore[override]
        return user is not None and user.may_sign_in
