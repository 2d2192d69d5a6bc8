"""The addresses Slack is told to call."""

from django.urls import path

from gateway.slack.views import interact, receive

urlpatterns = [
    path("slack/events", receive, name="slack-events"),
    path("slack/commands", receive, name="slack-commands"),
    path("slack/interactions", interact, name="slack-interactions"),
]
