"""Who may read what of a source, noted twice in one transaction and compared.

Four temporary tables and two views, which go with the transaction. Documents that stood in one place before and
stand in one place after are one class: readers are compared by class, never by document.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from accounts.statements import execute, rows

# Where each document stands, counting new content that waits as if it had been parsed: `place` is a scope, or less
# than 0 for a document that break-glass opens to somebody, or nothing where the document is hidden. An attachment
# stands where the document at the top stands; new content of that is taken to bring the same attachments.
TABLES = """
CREATE TEMPORARY TABLE what_if_stands (
    after boolean, document_id bigint, public_id uuid, external_id text, scope_id bigint, place bigint, waits boolean
) ON COMMIT DROP;
CREATE TEMPORARY TABLE what_if_reach (after boolean, place bigint, user_id bigint) ON COMMIT DROP;
"""
NOTE_PLACES = """
INSERT INTO what_if_stands
WITH RECURSIVE attached(id, top_id) AS (
    SELECT a.id, d.id FROM connectors_document a JOIN connectors_document d ON d.id = a.container_id
    WHERE a.source_id = %s AND d.container_id IS NULL
    UNION ALL
    SELECT a.id, o.top_id FROM attached o JOIN connectors_document a ON a.container_id = o.id
)
SELECT %s, d.id, d.public_id, top.external_id, stands.scope_id,
       CASE WHEN stands.scope_id IS NOT NULL AND top.id IN (
           SELECT b.document_id FROM connectors_breakglass b
           WHERE b.ended_at IS NULL AND b.until > statement_timestamp()
       ) THEN -top.id ELSE stands.scope_id END,
       waiting.document_id IS NOT NULL OR above.document_id IS NOT NULL
FROM connectors_document d
LEFT JOIN attached o ON o.id = d.id
JOIN connectors_document top ON top.id = coalesce(o.top_id, d.id)
LEFT JOIN connectors_content waiting ON waiting.document_id = d.id
LEFT JOIN connectors_content above ON above.document_id = top.id
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.state = 'held' THEN NULL
                WHEN waiting.document_id IS NOT NULL OR d.state = 'live' AND above.document_id IS NOT NULL
                    THEN coalesce(top.next_scope_id, top.scope_id)
                WHEN d.state = 'live' THEN d.scope_id END AS scope_id
) stands
WHERE d.source_id = %s AND d.state <> 'deleted'
"""
NOTE_READERS = """
INSERT INTO what_if_reach
WITH stands AS (SELECT DISTINCT after, scope_id, place FROM what_if_stands WHERE after = %s AND place IS NOT NULL)
SELECT stands.after, stands.place, person.id
FROM accounts_user person
CROSS JOIN LATERAL gatehouse_readable_scopes(person.id, 0) AS readable(scope_id)
JOIN stands USING (scope_id)
WHERE person.is_active AND person.email_verified_at IS NOT NULL
UNION
SELECT stands.after, stands.place, b.user_id
FROM connectors_breakglass b
JOIN stands ON stands.place = -b.document_id
JOIN connectors_scope s ON s.id = stands.scope_id AND s.acl_id IS NOT NULL
WHERE b.ended_at IS NULL AND b.until > statement_timestamp()
  AND s.source_id IN (SELECT gatehouse_open_sources(b.user_id, 0))
  AND EXISTS (SELECT FROM gatehouse_principals(b.user_id))
"""
COMPARE = """
CREATE TEMPORARY TABLE what_if_documents ON COMMIT DROP AS
SELECT dense_rank() OVER (ORDER BY before.place, later.place, later.waits, before.document_id IS NULL) AS class,
       coalesce(before.public_id, later.public_id) AS public_id,
       coalesce(before.external_id, later.external_id) AS external_id,
       before.place AS place_before, later.place AS place_after,
       coalesce(later.waits, false) AS waits, before.document_id IS NULL AS is_new
FROM (SELECT * FROM what_if_stands WHERE NOT after) before
FULL JOIN (SELECT * FROM what_if_stands WHERE after) later USING (document_id);

CREATE TEMPORARY TABLE what_if_changes ON COMMIT DROP AS
WITH classes AS (
    SELECT class, place_before, place_after, waits, is_new, count(*) AS documents
    FROM what_if_documents GROUP BY class, place_before, place_after, waits, is_new
), could AS (SELECT class, user_id FROM classes JOIN what_if_reach ON NOT after AND place = place_before
), will AS (SELECT class, user_id FROM classes JOIN what_if_reach ON after AND place = place_after
), differing AS (
    SELECT coalesce(could.class, will.class) AS class, coalesce(could.user_id, will.user_id) AS user_id,
           could.class IS NULL AS gained
    FROM could FULL JOIN will ON will.class = could.class AND will.user_id = could.user_id
    WHERE could.class IS NULL OR will.class IS NULL
)
SELECT class, user_id, gained, waits, is_new, documents FROM differing JOIN classes USING (class);

CREATE TEMPORARY VIEW what_if_gained AS
SELECT user_id, public_id AS document FROM what_if_changes JOIN what_if_documents USING (class) WHERE gained;
CREATE TEMPORARY VIEW what_if_lost AS
SELECT user_id, public_id AS document FROM what_if_changes JOIN what_if_documents USING (class) WHERE NOT gained;

CREATE INDEX ON what_if_documents (class);
CREATE INDEX ON what_if_documents (public_id);
CREATE INDEX ON what_if_changes (user_id);
ANALYZE what_if_documents;
ANALYZE what_if_changes;
"""
TOTALS = """
SELECT coalesce(sum(documents) FILTER (WHERE gained), 0), coalesce(sum(documents) FILTER (WHERE lost), 0),
       coalesce(sum(documents) FILTER (WHERE gained AND is_new), 0)
FROM (SELECT class, min(documents) AS documents, bool_or(gained) AS gained, bool_or(NOT gained) AS lost,
             bool_or(is_new) AS is_new
      FROM what_if_changes GROUP BY class) classes
"""
PEOPLE = """
SELECT person.id, person.email,
       coalesce(sum(c.documents) FILTER (WHERE c.gained), 0) AS gained,
       coalesce(sum(c.documents) FILTER (WHERE c.gained AND c.waits), 0),
       coalesce(sum(c.documents) FILTER (WHERE c.gained AND c.is_new), 0),
       coalesce(sum(c.documents) FILTER (WHERE NOT c.gained), 0) AS lost
FROM what_if_changes c JOIN accounts_user person ON person.id = c.user_id
GROUP BY person.id, person.email ORDER BY lost DESC, gained DESC, person.email
"""
DOCUMENTS = """
SELECT person.user_id, person.gained, found.public_id, found.external_id
FROM (SELECT DISTINCT user_id, gained FROM what_if_changes WHERE user_id = ANY(%s)) person
CROSS JOIN LATERAL (
    SELECT d.public_id, CASE WHEN d.is_new THEN d.external_id END AS external_id
    FROM what_if_changes c JOIN what_if_documents d USING (class)
    WHERE c.user_id = person.user_id AND c.gained = person.gained
    ORDER BY d.is_new, d.public_id LIMIT %s
) found
"""


@dataclass(frozen=True, kw_only=True)
class Person:
    """What one person would gain and lose. The counts are whole; of the documents the first few are named.

    Of those gained, `once_parsed` come when their new content has been parsed; `gained_new` are new, have no id of
    ours yet and go by the source's.
    """

    user_id: int
    email: str
    gained: int
    once_parsed: int
    gained_new: int
    lost: int
    gained_documents: tuple[UUID, ...]
    new_documents: tuple[str, ...]
    lost_documents: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Between before and after: how many people and documents, and the first people, who lose most."""

    people_changed: int
    people_gaining: int
    people_losing: int
    documents_gained: int  # by anybody; a document may be gained by one and lost by another
    documents_new: int  # of those gained
    documents_lost: int
    people: tuple[Person, ...]


def note(source_id: int, *, after: bool) -> None:
    """Keep where documents of the source stand now, and who may read there, as what was before or comes after."""
    if not after:
        execute(TABLES)
    execute(NOTE_PLACES, [source_id, after, source_id])
    execute("ANALYZE what_if_stands")
    execute(NOTE_READERS, [after])
    execute("ANALYZE what_if_reach")


def difference(*, people: int, documents: int) -> Difference:
    """What differs between the two notes; of the people the first few, and of each one's documents."""
    execute(COMPARE)
    all_gained, all_lost, all_new = rows(TOTALS)[0]
    counts = rows(PEOPLE)
    named = counts[:people]
    known, introduced = _documents([id for id, *_ in named], documents)
    return Difference(
        people_gaining=sum(count > 0 for _, _, count, *_ in counts),
        people_losing=sum(count > 0 for *_, count in counts),
        people_changed=len(counts),
        documents_gained=int(all_gained),
        documents_new=int(all_new),
        documents_lost=int(all_lost),
        people=tuple(
            Person(
                user_id=id,
                email=email,
                gained=int(gained),
                once_parsed=int(once_parsed),
                gained_new=int(new),
                lost=int(lost),
                gained_documents=tuple(known[id, True]),
                new_documents=tuple(introduced[id]),
                lost_documents=tuple(known[id, False]),
            )
            for id, email, gained, once_parsed, new, lost in named
        ),
    )


def _documents(people: list[int], most: int) -> tuple[dict[tuple[int, bool], list[UUID]], dict[int, list[str]]]:
    """By person: what each gains or loses of what is known, and what each gains of what is new."""
    known: dict[tuple[int, bool], list[UUID]] = defaultdict(list)
    introduced: dict[int, list[str]] = defaultdict(list)
    for person, is_gained, public_id, new_id in rows(DOCUMENTS, [people, most]):
        if new_id is not None:
            introduced[person].append(new_id)
        else:
            known[person, is_gained].append(public_id)
    return known, introduced
