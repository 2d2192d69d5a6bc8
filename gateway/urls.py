"""Every address of the gateway: one line a door."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, re_path

from gateway import health
from gateway.api.view import NotThere


def no_shortcut(request: HttpRequest, object: str) -> HttpResponse:
    """The stock admin's "view on site" leads nowhere."""
    raise Http404


handler404 = "gateway.portal.errors.not_found"

urlpatterns = [
    path("", include("gateway.portal.urls")),
    path("", include("gateway.slack.urls")),
    path("console/", include("gateway.console.urls")),
    path("api/v1/", include("gateway.api.urls")),
    re_path(r"^api/", NotThere.as_view()),
    path("admin/r/<path:object>", no_shortcut),  # it would look up any object of any table by its number
    path("admin/", admin.site.urls),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]
