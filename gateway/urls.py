"""Every address of the gateway: one line a door."""

from django.contrib import admin
from django.urls import include, path

from gateway import health

handler404 = "gateway.portal.errors.not_found"

urlpatterns = [
    path("", include("gateway.portal.urls")),
    path("", include("gateway.slack.urls")),
    path("console/", include("gateway.console.urls")),
    path("api/v1/", include("gateway.api.urls")),
    path("admin/", admin.site.urls),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]
