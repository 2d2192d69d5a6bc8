"""The page for what is not there or not for this person: one page, one status, one set of headers (P14)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same bytes and headers whether an address is unknown, foreign, or for other roles."""
    response = render(request, "404.html", status=404)
    patch_vary_headers(response, ["Cookie"])  # views that looked at the session say so; so must those that did not
    return response
