"""All a gateway holds of its sources, as text: what is the same is the same to the byte.

Left out is what differs between any two runs and means nothing: ids of rows, random public ids, times of ours, runs,
how often a text was published, names that nothing names any more.
"""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from accounts.models import User
from accounts.reader import Reader
from accounts.statements import rows
from connectors.corpus import access
from connectors.corpus.conditions import Condition
from connectors.corpus.wall import as_owner
from connectors.models import Document

DOCUMENTS = """
SELECT s.key, d.external_id, d.state, d.reason, d.title, d.titled, d.url, d.mime, d.author, d.language, d.metadata,
    d.file_metadata, d.created_at, d.modified_at, d.revision, d.version, encode(d.content_digest, 'hex'),
    encode(sha256(convert_to(t.text, 'UTF8')), 'hex'), t.headings, t.pages, d.scope_id, d.next_scope_id
FROM connectors_document d JOIN accounts_directory s ON s.id = d.source_id
LEFT JOIN connectors_documenttext t ON t.document_id = d.id
WHERE d.state <> 'deleted'
"""
PASSAGES = """
SELECT s.key, d.external_id, p.ordinal, p.start, p."end", p.heading, p.page, encode(p.digest, 'hex'), p.words,
    p.configuration, encode(sha256(convert_to(p.text || p.lexemes::text, 'UTF8')), 'hex'), p.scope_id = d.scope_id,
    (SELECT array_agg(v.embedding::text || (v.scope_id = d.scope_id)) FROM connectors_passagevector v
     WHERE v.passage_id = p.id)
FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id
JOIN accounts_directory s ON s.id = d.source_id
"""
SCOPES = """
SELECT k.key, s.external_id, s.id, s.name, above.external_id, s.inherits, s.revision
FROM connectors_scope s JOIN accounts_directory k ON k.id = s.source_id
LEFT JOIN connectors_scope above ON above.id = s.parent_id
WHERE s.introduced AND s.external_id IS NOT NULL
"""
CONDITIONS = "SELECT id, acl_id, own_acl_id FROM connectors_scope"
NAMES = "SELECT id, external_id FROM accounts_principal"
PRINCIPALS = """
SELECT k.key, p.external_id, p.kind, p.name, p.address, p.external, p.revision
FROM accounts_principal p JOIN accounts_directory k ON k.id = p.directory_id
WHERE p.introduced AND p.deleted_at IS NULL
"""
MEMBERS = """
SELECT k.key, g.external_id, m.external_id, m.introduced, e.until FROM accounts_membership e
JOIN accounts_principal g ON g.id = e.group_id JOIN accounts_principal m ON m.id = e.member_id
JOIN accounts_directory k ON k.id = g.directory_id
"""
CLOSURE = """
SELECT k.key, g.external_id, h.external_id, e.until FROM accounts_closure e
JOIN accounts_principal g ON g.id = e.group_id JOIN accounts_principal h ON h.id = e.holder_id
JOIN accounts_directory k ON k.id = g.directory_id
"""
LINKS = """
SELECT k.key, p.external_id, u.email FROM accounts_identitylink l JOIN accounts_principal p ON p.id = l.account_id
JOIN accounts_directory k ON k.id = p.directory_id JOIN accounts_user u ON u.id = l.user_id WHERE l.ended_at IS NULL
"""
WAITING = """
SELECT (SELECT count(*) FROM connectors_content), (SELECT count(*) FROM connectors_unembedded),
    (SELECT count(*) FROM connectors_passagevector v LEFT JOIN connectors_passage p ON p.id = v.passage_id
     WHERE p.id IS NULL)
"""


def dump() -> str:
    """A line for each thing, in order."""
    with as_owner():
        conditions = _conditions()
        documents = [[*parts, conditions[scope], next is None] for *parts, scope, next in rows(DOCUMENTS)]
        scopes = [[key, id, conditions[row], *parts] for key, id, row, *parts in rows(SCOPES)]
        lines = [
            *_lines("document", documents),
            *_lines("passage", rows(PASSAGES)),
            *_lines("scope", scopes),
            *_lines("principal", rows(PRINCIPALS)),
            *_lines("member", rows(MEMBERS)),
            *_lines("closure", rows(CLOSURE)),
            *_lines("link", rows(LINKS)),
            *_lines("waits", rows(WAITING)),
        ]
    return "\n".join([*sorted(lines), *_reading()]) + "\n"


def _conditions() -> dict[int, list[Any]]:
    """Of each scope its condition and its own lists, by the names of their principals; None admits nobody."""
    found = rows(CONDITIONS)
    names = dict(rows(NAMES))
    known = access.conditions_of({acl for _, *acls in found for acl in acls if acl is not None})
    said = {acl: _said(condition, names) for acl, condition in known.items()}
    return {scope: [said.get(acl), said.get(own)] for scope, acl, own in found}


def _said(condition: Condition, names: dict[int, str]) -> list[Any]:
    def named(entries: Iterable[tuple[int, Any]]) -> list[Any]:
        return sorted([names[principal], str(until or "")] for principal, until in entries)

    restrictions = sorted(map(named, condition.restrictions))
    return [named(condition.grants), restrictions, sorted(names[principal] for principal in condition.deny)]


def _reading() -> Iterator[str]:
    """Who reads what, asked as a person would."""
    for user in User.objects.order_by("email"):
        documents = Document.objects.visible_to(Reader(user.pk)).values_list("external_id", flat=True)
        yield _line("reads", [user.email, *sorted(documents)])


def _lines(kind: str, found: Iterable[Any]) -> Iterator[str]:
    return (_line(kind, each) for each in found)


def _line(kind: str, parts: Iterable[Any]) -> str:
    return f"{kind} {json.dumps(list(parts), default=str, sort_keys=True, ensure_ascii=False)}"


def digest(dumped: str) -> str:
    return sha256(dumped.encode()).hexdigest()


def differences(one: str, other: str, most: int = 12) -> list[str]:
    """Lines that only one of the two has, shortened."""
    first, second = set(one.splitlines()), set(other.splitlines())
    missing = [f"missing: {line[:300]}" for line in sorted(first - second)]
    extra = [f"extra:   {line[:300]}" for line in sorted(second - first)]
    return [*missing[:most], *extra[:most]]
