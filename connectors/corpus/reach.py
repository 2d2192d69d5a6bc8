"""What a person may read, and who may read a document, page by page and without totals. For auditors (P12).

Ids alone; what they stand for is told to an auditor by their own right to read it, as to anybody else.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Directory
from accounts.reader import Reader
from accounts.statements import rows
from connectors.corpus.breaking_glass import shown
from connectors.corpus.wall import as_owner
from connectors.models import Document, Scope

PAGE = 50
ROUNDS = 4  # of candidates examined for one page: one that few may read may come half empty

# Everyone who could be let in by the grants or by break-glass, whatever else stands against it.
CANDIDATES = """
WITH granted AS (
    SELECT e.principal_id AS id
    FROM connectors_document d JOIN connectors_scope s ON s.id = d.scope_id
    JOIN connectors_aclentry e ON e.acl_id = s.acl_id AND e.clause = 1
    WHERE d.public_id = %s
), groups AS (
    SELECT id FROM granted
    UNION
    SELECT c.holder_id FROM granted JOIN accounts_closure c ON c.group_id = granted.id
), members AS MATERIALIZED (
    SELECT id FROM groups
    UNION
    SELECT m.member_id FROM groups JOIN accounts_membership m ON m.group_id = groups.id
)
SELECT u.id FROM accounts_user u
WHERE u.id > %s AND u.is_active AND u.email_verified_at IS NOT NULL AND (
    u.principal_id IN (SELECT id FROM members)
    OR u.id IN (SELECT l.user_id FROM members JOIN accounts_identitylink l ON l.account_id = members.id
                WHERE l.ended_at IS NULL)
    OR (NOT u.external AND EXISTS (
        SELECT FROM members JOIN accounts_principal p ON p.id = members.id
        WHERE p.directory_id IS NULL AND p.kind = 'everyone'))
    OR u.id IN (SELECT b.user_id FROM connectors_breakglass b WHERE b.ended_at IS NULL))
ORDER BY u.id LIMIT %s
"""
# By the functions that the guard and the second wall ask, person by person.
READING = """
SELECT u.id
FROM unnest(%s::bigint[]) u(id) JOIN connectors_document d ON d.public_id = %s AND d.state = 'live'
WHERE d.scope_id = ANY(gatehouse_audience_scopes(u.id || ':0'))
   OR d.id = ANY(gatehouse_glass_documents(u.id || ':0'))
ORDER BY u.id
"""


@dataclass(frozen=True, kw_only=True)
class ReadableDocument:
    id: UUID
    source: str  # the key


@dataclass(frozen=True, kw_only=True)
class Readers:
    """Some of the people who may read a document, and after whom to go on."""

    people: tuple[int, ...]
    after: int | None  # None: these were the last


def documents_of(
    user_id: int, sources: QuerySet[Directory], *, after: UUID | None = None, limit: int = PAGE
) -> list[ReadableDocument]:
    """What of these sources this person may read now, by the ids in order. Telling of it is no use of break-glass."""
    found = Document.objects.visible_to(Reader(user_id)).filter(source__directory__in=sources).order_by("public_id")
    if after is not None:
        found = found.filter(public_id__gt=after)
    page = found.values_list("public_id", "source__directory__key")[:limit]
    return [ReadableDocument(id=id, source=key) for id, key in page]


def readers_of(document: UUID, *, after: int = 0, limit: int = PAGE) -> Readers:
    """Who may read this document now, in the order of their numbers."""
    found: list[int] = []
    with as_owner():
        for _ in range(ROUNDS):
            candidates = [id for (id,) in rows(CANDIDATES, [document, after, limit])]
            found += [id for (id,) in rows(READING, [candidates, document])]
            if len(found) > limit:
                return Readers(people=tuple(found[:limit]), after=found[limit - 1])
            if len(candidates) < limit:
                return Readers(people=tuple(found), after=None)
            after = candidates[-1]
    return Readers(people=tuple(found), after=after)


@dataclass(frozen=True, kw_only=True)
class Titled:
    """What a document is called, for one who may read it."""

    external_id: str
    title: str
    url: str


def titles(reader: Reader, ids: Collection[UUID]) -> dict[UUID, Titled]:
    """Of those of these documents that this reader may read."""
    found = Document.objects.visible_to(reader).filter(public_id__in=ids)
    columns = found.values_list("public_id", "external_id", "title", "url")
    return shown(
        reader,
        lambda: {
            id: Titled(external_id=external_id, title=title, url=url) for id, external_id, title, url in columns.all()
        },
        dict.keys,
    )


def names_of_scopes(reader: Reader, numbers: Collection[int]) -> dict[int, str]:
    """Of those of these scopes that this reader may read."""
    found = Scope.objects.visible_to(reader).filter(pk__in=numbers, external_id__isnull=False)
    return {id: name or external_id or "" for id, name, external_id in found.values_list("pk", "name", "external_id")}
