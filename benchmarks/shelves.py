"""A hundred thousand passages in the scopes below one folder, and a reader of five thousand conditions.

Written past the connectors, as no more of them is wanted than their number; what is measured goes through the door.
"""

from dataclasses import dataclass

from django.db import connection

from accounts import principals
from accounts.models import User
from accounts.statements import execute, rows
from connectors.adding import add_source
from connectors.applying import apply_record
from connectors.corpus import access
from connectors.models import Source
from connectors.records import Access, Entry, PrincipalRecord, ScopeRecord

PASSAGES = 100_000
OWN_READERS = 50  # groups that share the scopes below a folder among them
ROOT = "root"
SCOPES = """
INSERT INTO connectors_scope (source_id, external_id, name, inherits, introduced, parent_id, own_acl_id)
SELECT root.source_id, 's' || n, '', true, true, root.id, own.ids[1 + n %% cardinality(own.ids)]
FROM generate_series(1, %s) n, connectors_scope root,
     (SELECT array_agg(own_acl_id ORDER BY id) AS ids FROM connectors_scope
      WHERE source_id = %s AND external_id LIKE 'like%%') own
WHERE root.source_id = %s AND root.external_id = %s
"""
DOCUMENTS = """
INSERT INTO connectors_document (source_id, external_id, public_id, scope_id, state, reason, title, titled, url, mime,
    author, language, metadata, file_metadata, version, text_revision)
SELECT s.source_id, s.id || '-' || n, gen_random_uuid(), s.id, 'live', '', 'Document', true, '', '', '', '', '{}', '{}',
    '', 1
FROM connectors_scope s CROSS JOIN generate_series(1, %s / 10 / %s) n
WHERE s.source_id = %s AND s.external_id LIKE 's%%'
"""
SPREAD = """
INSERT INTO connectors_passage (public_id, document_id, scope_id, ordinal, text, start, "end", heading, digest, words,
    lexemes)
SELECT gen_random_uuid(), d.id, d.scope_id, n, 'w' || d.id %% 1000, 0, 5, '', '', 1,
    to_tsvector('simple', 'w' || d.id %% 1000)
FROM connectors_document d CROSS JOIN generate_series(0, 9) n WHERE d.source_id = %s
"""


def folder(key: str, scopes: int, *, passages: int = 0) -> Source:
    """A folder with so many scopes below it that inherit; every one has readers of its own beside."""
    source = add_source(key, kind="push")
    for number in range(OWN_READERS):
        apply_record(source, PrincipalRecord(id=f"g{number}", kind="group"))
        apply_record(source, ScopeRecord(id=f"like{number}", access=granted(f"g{number}", f"g{number // 2}")))
    apply_record(source, ScopeRecord(id=ROOT, access=granted("g1", "g2")))
    execute(SCOPES, [scopes, source.pk, source.pk, ROOT])
    root = rows("SELECT id FROM connectors_scope WHERE source_id = %s AND external_id = %s", [source.pk, ROOT])[0][0]
    access.refresh(source.pk, [root])
    if passages:
        execute(DOCUMENTS, [passages, scopes, source.pk])
        execute(SPREAD, [source.pk])
    execute("VACUUM ANALYZE")
    return source


def granted(*ids: str) -> Access:
    return Access(grants=tuple(Entry(id=id) for id in ids))


# --- a reader -----------------------------------------------------------------------------------------------------

GROUPS = 500
CONDITIONS = 25_000
READABLE = 5_000
MET = 500  # further conditions that are met in part and do not admit
OTHERS = 1_500  # groups the reader is not in
DIRECT = 100  # of the groups; each of the others holds one of them

MEMBERSHIPS = """
INSERT INTO accounts_membership (member_id, group_id)
SELECT CASE WHEN n <= %s THEN %s ELSE (%s::bigint[])[1 + n %% %s] END, (%s::bigint[])[n] FROM generate_series(1, %s) n
"""
MADE_CONDITIONS = """
INSERT INTO connectors_acl (source_id, digest, clauses, denies)
SELECT %s, sha256(n::text::bytea),
    CASE WHEN n %% 10 = 0 OR (n > %s AND n <= %s AND n %% 20 <> 3) THEN 2 ELSE 1 END, n %% 20 = 3
FROM generate_series(1, %s) n ORDER BY n
"""
# Of the first %(readable)s + %(met)s conditions every one grants one of the reader's groups and two others; of those
# that admit, the restrictions hold the reader and the deny sets do not.
MADE_ENTRIES = """
WITH made AS (SELECT a.id, a.alone, a.clauses, a.denies, row_number() OVER (ORDER BY a.id) AS n
              FROM connectors_acl a WHERE a.source_id = %(source)s),
mine AS (SELECT id, ordinality - 1 AS n FROM unnest(%(mine)s::bigint[]) WITH ORDINALITY AS m(id, ordinality)),
others AS (SELECT id, ordinality - 1 AS n FROM unnest(%(others)s::bigint[]) WITH ORDINALITY AS m(id, ordinality))
INSERT INTO connectors_aclentry (acl_id, alone, clause, principal_id)
SELECT made.id, made.alone, 1, mine.id FROM made JOIN mine ON mine.n = made.n * 7 %% cardinality(%(mine)s::bigint[])
WHERE made.n <= %(readable)s + %(met)s
UNION ALL
SELECT made.id, made.alone, 1, others.id FROM made CROSS JOIN generate_series(1, 2) k
JOIN others ON others.n = (made.n * 13 + k * 17) %% cardinality(%(others)s::bigint[])
UNION ALL
SELECT made.id, made.alone, 2, coalesce(mine.id, others.id)
FROM made LEFT JOIN mine ON made.n <= %(readable)s AND mine.n = made.n * 11 %% cardinality(%(mine)s::bigint[])
LEFT JOIN others ON made.n > %(readable)s AND others.n = made.n * 11 %% cardinality(%(others)s::bigint[])
WHERE made.clauses = 2
UNION ALL
SELECT made.id, made.alone, 0, coalesce(mine.id, others.id)
FROM made LEFT JOIN mine ON made.n > %(readable)s AND made.n <= %(readable)s + %(met)s
                            AND mine.n = made.n * 3 %% cardinality(%(mine)s::bigint[])
LEFT JOIN others ON mine.id IS NULL AND others.n = made.n * 3 %% cardinality(%(others)s::bigint[])
WHERE made.denies
"""
MADE_SCOPES = """
INSERT INTO connectors_scope (source_id, external_id, name, inherits, introduced, own_acl_id, acl_id)
SELECT a.source_id, 's' || a.id, '', true, true, a.id, a.id FROM connectors_acl a WHERE a.source_id = %s ORDER BY a.id
"""
GROUPS_OF_A_READER = """
INSERT INTO accounts_principal (directory_id, external_id, kind, name, address, external, introduced)
SELECT %s, 'held' || n, 'group', '', '', true, true FROM generate_series(1, %s) n RETURNING id
"""


@dataclass(frozen=True)
class Known:
    """A reader, by the text that names one, and the source of all they may read."""

    viewers: str
    user_id: int


def reader(key: str) -> Known:
    """Somebody in five hundred groups who may read five thousand scopes of twenty-five thousand."""
    source = add_source(key, kind="push", vouches_for_emails=True)
    user = User.objects.create_user("reader@example.com")
    apply_record(source, PrincipalRecord(id="reader", kind="user", email="reader@example.com", external=True))
    account = rows("SELECT id FROM accounts_principal WHERE directory_id = %s AND kind = 'user'", [source.pk])[0][0]
    made = [id for (id,) in rows(GROUPS_OF_A_READER, [source.pk, GROUPS + OTHERS])]
    mine, others = made[:GROUPS], made[GROUPS:]
    execute(MEMBERSHIPS, [DIRECT, account, mine, DIRECT, mine, GROUPS])
    principals.refresh_closure(mine, mine)
    execute(MADE_CONDITIONS, [source.pk, READABLE, READABLE + MET, CONDITIONS])
    parameters = {"source": source.pk, "mine": mine, "others": others, "readable": READABLE, "met": MET}
    with connection.cursor() as cursor:
        cursor.execute(MADE_ENTRIES, parameters)
    execute(MADE_SCOPES, [source.pk])
    execute(DOCUMENTS, [CONDITIONS * 10, CONDITIONS, source.pk])
    execute(SPREAD, [source.pk])
    execute("VACUUM ANALYZE")
    return Known(f"{user.pk}:0", user.pk)
