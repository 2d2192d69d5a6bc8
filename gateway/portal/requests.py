"""Requests of people who have signed in, and who reads through them."""

from django.http import HttpRequest

from accounts.models import User
from accounts.reader import Reader


class SignedInRequest(HttpRequest):
    """LoginRequiredMiddleware lets nobody else reach a view of the portal."""

    user: User


def reader_of(request: SignedInRequest) -> Reader:
    return Reader(request.user.pk)
