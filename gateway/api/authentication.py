"""Who is asking, and what their credential lets them do."""

from typing import TYPE_CHECKING

from django.http import Http404
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import tokens
from accounts.models import AccessToken, User, Verb
from accounts.reader import NO_TOKEN, Reader

if TYPE_CHECKING:  # the framework's views import this module
    from rest_framework.views import APIView

SCHEME = "bearer"
SESSION_VERBS = frozenset({Verb.READ, Verb.ASK})
STAFF_VERBS = SESSION_VERBS | {Verb.ADMIN}


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer <token>`: reads as the token's owner, within the token's limits (P11)."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        token = tokens.authenticate(secret.strip())
        if token is None:
            raise AuthenticationFailed
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return SCHEME.capitalize()


class PortalSession(SessionAuthentication):
    """The portal's session cookie; a request that changes something needs the CSRF token beside it."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        user = request._request.user
        if not isinstance(user, User) or not user.may_sign_in:
            return None
        self.enforce_csrf(request)
        return user, None

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(str(error.detail), code="csrf_failed") from None


class HasVerb(BasePermission):
    """The credential lets its bearer do what the view does. Judged before anything is looked up."""

    message = "This access token does not allow that."
    code = "verb_missing"

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, User):
            return False
        return verb_of(view) in verbs_of(request)


class IsStaff(HasVerb):
    """For administrators. To everyone else the address does not exist."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        allowed = super().has_permission(request, view)
        if isinstance(request.user, User) and not request.user.is_staff and (allowed or request.auth is None):
            raise Http404
        return allowed


def verb_of(view: "APIView") -> Verb:
    verb = getattr(view, "verb", None)
    if not isinstance(verb, Verb):
        raise TypeError(f"{type(view).__name__} does not say which verb it needs.")
    return verb


def verbs_of(request: Request) -> frozenset[str]:
    """What this credential may do. People sign in to read and ask; only tokens ingest."""
    if isinstance(request.auth, AccessToken):
        return frozenset(request.auth.verbs)
    return STAFF_VERBS if person_of(request).is_staff else SESSION_VERBS


def person_of(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def token_of(request: Request) -> AccessToken | None:
    return request.auth if isinstance(request.auth, AccessToken) else None


def reader_of(request: Request) -> Reader:
    """The reader behind this request: the person, narrowed by their token (P11)."""
    token = token_of(request)
    return Reader(person_of(request).pk, token.pk if token else NO_TOKEN)
