"""The pages of the portal."""

from django.urls import path

from gateway.portal import asking, documents, profile, questions
from gateway.portal.signing import SignIn, SignOut

urlpatterns = [
    path("", asking.ask_page, name="ask"),
    path("ask/", asking.ask_stream, name="ask-stream"),
    path("recent/", asking.recent, name="recent"),
    path("questions/", questions.questions, name="questions"),
    path("questions/<uuid:id>/", questions.question, name="question"),
    path("questions/<uuid:id>/feedback/", questions.feedback, name="feedback"),
    path("documents/<uuid:id>/", documents.document, name="document"),
    path("me/", profile.me, name="me"),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", SignOut.as_view(), name="sign-out"),
]
