"""What an administrator does to people: activate, deactivate, change an address."""

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts import identity, principals
from accounts.addresses import normalised
from accounts.models import User


def deactivate(user: User) -> None:
    """The person reads nothing from this commit on, through any session, token or running answer (P1)."""
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.is_active = False
    end_sessions(user)


def activate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=True)
    user.is_active = True


def end_sessions(user: User) -> None:
    mine = (
        session
        for session in Session.objects.filter(expire_date__gte=timezone.now()).iterator()
        if session.get_decoded().get("_auth_user_id") == str(user.pk)
    )
    Session.objects.filter(pk__in=[session.pk for session in mine]).delete()


@transaction.atomic
def change_address(user: User, address: str, *, verified: bool) -> None:
    """Give a person another address. Accounts linked by the old one are let go (P13)."""
    principals.lock_addresses()
    before, after = user.email, normalised(address)
    User.objects.filter(pk=user.pk).update(email=after, email_verified_at=timezone.now() if verified else None)
    user.refresh_from_db()
    for changed in sorted({before, after}):
        identity.link_address(changed)
