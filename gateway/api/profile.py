"""`GET` and `PATCH me`: who is asking, as the gateway knows them, and how they like their answers."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import identity
from accounts.models import Principal, Verb
from connectors.strict_json import Fields, invalid
from gateway.api import shapes
from gateway.api.authentication import person_of, token_of
from gateway.api.view import ApiView

FIELDS = ("language", "style", "standing_instructions")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?", re.ASCII)
MAX_STYLE, MAX_INSTRUCTIONS = 200, 2_000


class Me(ApiView):
    verb = Verb.READ

    @extend_schema(operation_id="me", responses=shapes.Profile)
    def get(self, request: Request) -> Response:
        """The profile, the groups the person is in, and the accounts that are theirs."""
        return Response(profile_of(request))

    @extend_schema(operation_id="me_change", request=shapes.ProfileRequest, responses=shapes.Profile)
    def patch(self, request: Request) -> Response:
        """Changes how answers are worded; never what may be read."""
        person = person_of(request)
        changes = changes_of(Fields(request.data, FIELDS))
        for name, value in changes.items():
            setattr(person, name, value)
        person.save(update_fields=list(changes))
        return Response(profile_of(request))


def changes_of(fields: Fields) -> dict[str, str]:
    """The columns to write: only what was sent is changed, and null empties it."""
    changes = {}
    if "language" in fields:
        changes["language"] = _language(fields)
    if "style" in fields:
        changes["answer_style"] = fields.text("style", most=MAX_STYLE)
    if "standing_instructions" in fields:
        changes["standing_instructions"] = fields.text("standing_instructions", most=MAX_INSTRUCTIONS)
    return changes


def _language(fields: Fields) -> str:
    language = fields.required_text("language")
    if LANGUAGE.fullmatch(language) is None:
        raise invalid("language", "must be a language code such as en, de or pt-BR")
    return language


def profile_of(request: Request) -> dict[str, Any]:
    person = person_of(request)
    return {
        "email": person.email,
        "name": person.name,
        "language": person.language,
        "country": person.country,
        "office": person.office,
        "role": person.role,
        "department": person.department,
        "style": person.answer_style,
        "standing_instructions": person.standing_instructions,
        "principals": [_named(group) for group in _within(request, identity.effective_groups(person.pk))],
        "accounts": [_named(account) for account in _within(request, identity.linked_accounts(person.pk))],
    }


def _within(request: Request, principals: list[Principal]) -> list[Principal]:
    """What a token limited to some sources is told of: the organisation's own, and theirs (P11)."""
    token = token_of(request)
    if token is None or token.all_sources:
        return principals
    allowed = {None, *token.directories.values_list("pk", flat=True)}
    return [principal for principal in principals if principal.directory_id in allowed]


def _named(principal: Principal) -> dict[str, Any]:
    directory = principal.directory
    return {"id": principal.external_id, "name": str(principal), "source": directory.key if directory else None}
