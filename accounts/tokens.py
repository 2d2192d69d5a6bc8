"""Access tokens: made, shown once, and recognised by their digest (P11)."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import AccessToken, Directory, User

PREFIX = "gh_"
SEEN_EVERY = timedelta(minutes=1)


@transaction.atomic
def issue(
    user: User,
    *,
    verbs: Sequence[str],
    directories: Iterable[Directory] = (),
    all_sources: bool,
    expires_at: datetime | None,
    name: str = "",
) -> tuple[AccessToken, str]:
    """A new token and its secret (256 random bits), which is kept nowhere."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:9],
        digest=digest_of(secret),
        verbs=list(verbs),
        all_sources=all_sources,
        expires_at=expires_at,
    )
    token.directories.set(directories)
    return token, secret


def authenticate(secret: str) -> AccessToken | None:
    """The token of this secret, or None: unknown, expired, revoked, or of a person who may not sign in."""
    token = AccessToken.objects.select_related("user").filter(digest=digest_of(secret)).first()
    now = timezone.now()
    if token is None or not token.is_valid_at(now) or not token.user.may_sign_in:
        return None
    if token.last_used_at is None or now - token.last_used_at > SEEN_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke(token: AccessToken) -> None:
    AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def reaching(token_id: int, directory: int | OuterRef) -> QuerySet[AccessToken]:
    """This token, if it may tell of this directory; or nothing (P11)."""
    return AccessToken.objects.filter(Q(all_sources=True) | Q(directories=directory), pk=token_id)


def digest_of(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
