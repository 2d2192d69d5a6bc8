"""`conversations` and `questions`: what this person asked, and the answers as they may be shown now (P15, P16)."""

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Verb
from connectors.strict_json import Fields
from gateway import conversations
from gateway.api import shapes
from gateway.api.authentication import reader_of
from gateway.api.view import ApiView

FEEDBACK_FIELDS = ("verdict", "comment")
VERDICTS = ("up", "down")
MAX_COMMENT = 2_000
