"""The addresses under `/api/v1/`. Ids of a source may hold any character, `/` too."""

from uuid import UUID

from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from gateway.api import (
    administering,
    asking,
    conversations,
    describing,
    documents,
    explaining,
    profile,
    pushing,
    searching,
    sharing,
    tasks,
)
from gateway.api.ids import public_id
from gateway.api.view import NotThere


class SourceId(StringConverter):
    """An id as the source has it: the rest of the address, whatever it holds."""

    regex = r"[\s\S]+"


class PublicId(StringConverter):
    """An id of the gateway's own, or what somebody takes for one."""

    def to_python(self, value: str) -> UUID:  # type: ignore[override]
        return public_id(value)


register_converter(SourceId, "source_id")
register_converter(PublicId, "public_id")

urlpatterns = [
    path("ask", asking.Ask.as_view(), name="api-ask"),
    path("search", searching.Search.as_view(), name="api-search"),
    path("summaries", tasks.Summaries.as_view(), name="api-summaries"),
    path("facts", tasks.Facts.as_view(), name="api-facts"),
    path("documents", documents.Documents.as_view(), name="api-documents"),
    path("documents/<public_id:id>", documents.Document.as_view(), name="api-document"),
    path("documents/<public_id:id>/reports", documents.Reports.as_view(), name="api-document-reports"),
    path("documents/<public_id:id>/text", documents.DocumentText.as_view(), name="api-document-text"),
    path("conversations", conversations.Conversations.as_view(), name="api-conversations"),
    path("conversations/<public_id:id>", conversations.Conversation.as_view(), name="api-conversation"),
    path("conversations/<public_id:id>/markdown", conversations.Markdown.as_view(), name="api-conversation-markdown"),
    path("conversations/<public_id:id>/shares", sharing.Shares.as_view(), name="api-shares"),
    path("shared", sharing.SharedWithMe.as_view(), name="api-shared"),
    path("shared/<public_id:id>", sharing.SharedOne.as_view(), name="api-shared-conversation"),
    path("questions/<public_id:id>/feedback", conversations.Feedback.as_view(), name="api-feedback"),
    path("me", profile.Me.as_view(), name="api-me"),
    path("sources", administering.Sources.as_view(), name="api-sources"),
    path("sources/<slug:key>/sync", administering.SyncNow.as_view(), name="api-sync"),
    path("sources/<slug:key>/notify", pushing.Notify.as_view(), name="api-notify"),
    path("sources/<slug:key>/webhook", pushing.Webhook.as_view(), name="api-webhook"),
    path("sources/<slug:key>/batch", pushing.Batch.as_view(), name="api-batch"),
    path("sources/<slug:key>/principals/<source_id:id>", pushing.PushPrincipal.as_view(), name="api-principal"),
    path("sources/<slug:key>/scopes/<source_id:id>", pushing.PushScope.as_view(), name="api-scope"),
    path("sources/<slug:key>/documents/<source_id:id>", pushing.PushDocument.as_view(), name="api-push-document"),
    path("sync-runs", administering.SyncRuns.as_view(), name="api-sync-runs"),
    path("users", administering.Users.as_view(), name="api-users"),
    path("audit", administering.Audit.as_view(), name="api-audit"),
    path("access/explain", explaining.Explain.as_view(), name="api-explain"),
    path("access/documents", explaining.DocumentsOf.as_view(), name="api-documents-of"),
    path("access/readers", explaining.ReadersOf.as_view(), name="api-readers-of"),
    path("schema/", describing.Schema.as_view(), name="api-schema"),
    path("docs/", describing.Pages.as_view(), name="api-docs"),
    re_path(r"^[\s\S]*$", NotThere.as_view(), name="api-unknown"),
]
