"""The pages of the portal."""

from django.urls import path

from gateway.portal import asking, conversations, documents, facts, profile, questions, summaries
from gateway.portal.signing import SignIn, SignOut

urlpatterns = [
    path("", asking.ask_page, name="ask"),
    path("ask/", asking.ask_stream, name="ask-stream"),
    path("recent/", asking.recent, name="recent"),
    path("questions/", questions.questions, name="questions"),
    path("questions/<uuid:id>/", questions.question, name="question"),
    path("questions/<uuid:id>/feedback/", questions.feedback, name="feedback"),
    path("questions/<uuid:id>/summary/", summaries.of_question, name="question-summary"),
    path("questions/<uuid:id>/facts/", facts.of_question, name="question-facts"),
    path("questions/<uuid:id>/facts/csv/", facts.of_question_as_csv, name="question-facts-csv"),
    path("conversations/", conversations.conversations, name="conversations"),
    path("conversations/delete/", conversations.delete_all, name="delete-conversations"),
    path("conversations/<uuid:id>/", conversations.conversation, name="conversation"),
    path("conversations/<uuid:id>/title/", conversations.rename, name="rename-conversation"),
    path("conversations/<uuid:id>/delete/", conversations.delete, name="delete-conversation"),
    path("conversations/<uuid:id>/markdown/", conversations.markdown, name="conversation-markdown"),
    path("conversations/<uuid:id>/json/", conversations.json, name="conversation-json"),
    path("conversations/<uuid:id>/share/", conversations.share, name="share"),
    path("conversations/<uuid:id>/take-back/", conversations.take_back, name="take-back"),
    path("shared/<uuid:id>/", conversations.shared, name="shared"),
    path("documents/<uuid:id>/", documents.document, name="document"),
    path("documents/<uuid:id>/summary/", summaries.of_document, name="document-summary"),
    path("documents/<uuid:id>/facts/", facts.of_document, name="document-facts"),
    path("documents/<uuid:id>/facts/csv/", facts.of_document_as_csv, name="document-facts-csv"),
    path("documents/<uuid:id>/report/", documents.report, name="report"),
    path("reports/<uuid:id>/done/", documents.seen_to, name="report-done"),
    path("me/", profile.me, name="me"),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", SignOut.as_view(), name="sign-out"),
]
