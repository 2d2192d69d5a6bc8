"""The API described: OpenAPI at `schema/`, pages to try it at `docs/`."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from gateway.api import shapes


class ApiSchema(AutoSchema):
    """Says of every address that its errors have one shape."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is not None:
            error = self.resolve_serializer(shapes.Error(), "response").ref
            content = {"application/json": {"schema": error}}
            operation["responses"]["default"] = {"description": "What went wrong.", "content": content}
        return operation


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.api.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "gateway.api.authentication.PortalSession"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class Schema(SpectacularAPIView):
    schema = None


class Pages(SpectacularSwaggerSplitView):
    http_method_names = ("get", "head")  # the others would have a template to show and none to show it with
    schema = None
    url_name = "api-schema"
    template_name = "api/docs.html"
