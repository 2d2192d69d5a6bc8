"""The corpus in the gateway's own tables, written past its connectors: passages and vectors once, rights for a pattern.

Passage n has the id n + 1, document n likewise. Who may read what is written as the gateway writes it: interned
conditions, scopes that keep their effective one, groups with members, users with an identity. A further pattern moves
the documents into its own scopes, as a source does that is arranged anew, and the tables are then laid out afresh.

Imported only when Django has been set up on the Postgres of this size.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from pgvector.psycopg import register_vector

from accounts import principals
from accounts.models import User
from accounts.reader import Reader
from accounts.statements import execute, rows
from benchmarks.retrieval import copying
from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS, Corpus
from benchmarks.retrieval.patterns import Pattern
from benchmarks.retrieval.sharing import Groups
from connectors import calibrating, vectors
from connectors.adding import add_source
from connectors.applying import apply_record
from connectors.corpus import access
from connectors.corpus.conditions import Condition
from connectors.corpus.wall import as_owner
from connectors.models import IndexGeneration, Source
from connectors.records import Access, Entry, PrincipalRecord, ScopeRecord

BASE = Path(settings.BASE_DIR)
MIGRATIONS = BASE / "connectors" / "migrations"
SEARCH = ("0006_words.sql", "0006_search.sql")  # of connectors' migrations; they make functions and nothing else
SOURCE = "made-up"
START = "start"  # the scope of every document until a pattern is laid
MODEL = "made up"
DOCUMENTS = """
INSERT INTO connectors_document (id, source_id, external_id, public_id, scope_id, state, reason, title, titled, url,
    mime, author, language, metadata, file_metadata, version, text_revision)
SELECT n + 1, s.source_id, n::text, gen_random_uuid(), s.id, 'live', '', 'Document ' || n, true, '', '', '', '', '{}',
    '{}', '', 1
FROM generate_series(0, %s) n CROSS JOIN connectors_scope s WHERE s.external_id = %s
"""
PASSAGES = """
INSERT INTO connectors_passage (id, public_id, document_id, scope_id, ordinal, text, start, "end", heading, digest,
    words, lexemes)
SELECT n + 1, gen_random_uuid(), d.id, d.scope_id, n %% %s, 'Passage ' || n, 0, 8 + length(n::text), '',
    sha256(n::text::bytea), 0, ''
FROM generate_series(0, %s) n JOIN connectors_document d ON d.id = n / %s + 1
"""
VECTORS = """
INSERT INTO connectors_passagevector (passage_id, generation_id, document_id, scope_id, embedding)
SELECT p.id, %s, p.document_id, p.scope_id, m.embedding
FROM made_up m JOIN connectors_passage p ON p.id = m.n + 1 ORDER BY p.id
"""
WAITING = """
INSERT INTO connectors_unindexed (generation_id, passage_id)
SELECT generation_id, passage_id FROM connectors_passagevector
"""
SEQUENCES = """
SELECT setval(pg_get_serial_sequence(t, 'id'), %s) FROM unnest('{connectors_document,connectors_passage}'::text[]) t
"""
GROUPS = """
INSERT INTO accounts_principal (directory_id, external_id, kind, name, address, external, introduced)
SELECT %s, name, 'group', name, '', true, true FROM unnest(%s::text[]) name ON CONFLICT DO NOTHING
"""
SCOPES = """
INSERT INTO connectors_scope (source_id, external_id, name, inherits, introduced, own_acl_id, acl_id)
SELECT %s, made.name, made.name, true, true, made.acl, made.acl
FROM unnest(%s::text[], %s::bigint[]) AS made(name, acl)
"""
UNDER = """
UPDATE connectors_scope s SET parent_id = above.id
FROM unnest(%s::text[], %s::text[]) AS under(name, parent)
JOIN connectors_scope above ON above.external_id = under.parent
WHERE s.external_id = under.name
"""
MOVED = """
UPDATE connectors_document d SET scope_id = s.id
FROM placed p JOIN connectors_scope s ON s.external_id = p.scope WHERE d.id = p.document AND d.scope_id <> s.id
"""
LEAVING = "UPDATE connectors_scope SET external_id = 'left-' || id WHERE external_id IS DISTINCT FROM %s"
LEFT_SCOPES = "DELETE FROM connectors_scope WHERE external_id LIKE 'left-%'"
LEFT_CONDITIONS = """
DELETE FROM connectors_acl a
WHERE NOT EXISTS (SELECT FROM connectors_scope s WHERE s.acl_id = a.id OR s.own_acl_id = a.id)
"""
INDEXES_OF_WORDS = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'connectors_passage' AND indexdef LIKE '%%gin%%'
"""
WORDED = """
UPDATE connectors_passage p SET text = w.text, "end" = length(w.text), digest = sha256(w.text::bytea), words = v.words,
    lexemes = v.lexemes
FROM worded w
CROSS JOIN LATERAL (SELECT gatehouse_words('simple', w.text) AS lexemes, array_length(string_to_array(w.text, ' '), 1)
    AS words) v
WHERE p.id = w.id
"""
OF_CONTENT = ("connectors_document", "connectors_passage", "connectors_passagevector")
OF_VECTORS = ("connectors_passagevector", "connectors_vectornode", "connectors_unindexed")
OF_RIGHTS = ("connectors_scope", "connectors_scopesize", "connectors_acl", "connectors_aclentry", "accounts_closure")


def source() -> Source:
    return Source.objects.get(directory__key=SOURCE)


def generation() -> IndexGeneration:
    return IndexGeneration.objects.get(state=IndexGeneration.State.ACTIVE)


# --- the installation -------------------------------------------------------------------------------------------------


def made_by() -> tuple[str, str]:
    """What the tables and the functions of the search were made by: a mark of each, to compare with the next time."""
    tables = sorted(path for name in ("accounts", "connectors") for path in (BASE / name / "migrations").glob("0*"))
    functions = [path for path in tables if path.name in SEARCH]
    return _mark([path for path in tables if path not in functions]), _mark(functions)


@transaction.atomic
def functions_anew() -> None:
    """The search as its files say it now, in an installation whose vectors took minutes to make."""
    execute("SELECT '[1]'::halfvec <=> '[1]'")  # pgvector's settings become known
    for name in SEARCH:
        text = (MIGRATIONS / name).read_text()
        for (known,) in rows("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = ANY(%s)", [made_in(text)]):
            execute(f"DROP FUNCTION {known}")
        with connection.cursor() as cursor:
            cursor.execute(text)


def made_in(text: str) -> list[str]:
    """The functions that a file of SQL makes."""
    return re.findall(r"CREATE FUNCTION (\w+)", text)


def _mark(paths: list[Path]) -> str:
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


# --- passages and vectors -------------------------------------------------------------------------------------------


def copied(corpus: Corpus) -> None:
    execute("DROP TABLE IF EXISTS made_up")
    execute(f"CREATE UNLOGGED TABLE made_up (n integer, embedding halfvec({DIMENSIONS}))")
    connection.ensure_connection()
    register_vector(connection.connection)
    numbers = np.arange(corpus.size, dtype=np.int32)
    copying.copy_in(connection.connection, "made_up", [("n", "int4", numbers)], corpus.vectors)


def passages_written(corpus: Corpus) -> None:
    made = add_source(SOURCE, kind="push", vouches_for_emails=True)
    apply_record(made, ScopeRecord(id=START))
    execute(DOCUMENTS, [corpus.documents - 1, START])
    execute(PASSAGES, [A_DOCUMENT, corpus.size - 1, A_DOCUMENT])
    execute(SEQUENCES, [corpus.size + 1])
    execute("ANALYZE")


def vectors_written(corpus: Corpus) -> None:
    state = IndexGeneration.State.ACTIVE
    made = IndexGeneration.objects.create(state=state, model=MODEL, dimensions=DIMENSIONS, vectors=corpus.size)
    execute(VECTORS, [made.pk])
    execute("DELETE FROM connectors_unembedded")
    execute(WAITING)
    execute("DROP TABLE made_up")


def graph_built() -> None:
    vectors.build(generation())


def words_written(texts: Iterable[str]) -> None:
    """Texts for all passages, in order; found by their words from then on."""
    execute("CREATE TEMPORARY TABLE worded (id bigint PRIMARY KEY, text text)")
    with connection.cursor() as cursor, cursor.copy("COPY worded FROM STDIN") as copy:
        for number, text in enumerate(texts):
            copy.write_row([number + 1, text])
    execute("ANALYZE worded")
    with _without_indexes_of_words():
        execute(WORDED)
        execute("VACUUM FULL connectors_passage")
    execute("VACUUM ANALYZE connectors_passage")
    execute("DROP TABLE worded")


# --- rights -----------------------------------------------------------------------------------------------------------


def laid(corpus: Corpus, pattern: Pattern) -> None:
    """The pattern's groups, conditions and scopes; documents in them; nothing of another pattern."""
    to = source()
    with as_owner():
        principals.lock(to.pk)
        execute(LEAVING, [START])
        execute(GROUPS, [to.pk, [group_name(pattern, group) for group in pattern.groups]])
        _scopes(to, pattern)
    _move(corpus, pattern)
    for stratum, readers in pattern.readers.items():
        _introduced(to, pattern, stratum, readers)
    _laid_out_afresh(pattern)
    calibrating.calibrate(generation())


def group_name(pattern: Pattern, group: int) -> str:
    return f"{pattern.name}-g{group}"


def scope_name(pattern: Pattern, scope: int) -> str:
    return f"{pattern.name}-s{scope}"


def granted(pattern: Pattern, groups: Iterable[int], *, inherits: bool = True) -> Access:
    return Access(inherits=inherits, grants=tuple(Entry(id=group_name(pattern, group)) for group in groups))


def own_groups(pattern: Pattern, scope: int) -> Groups:
    """What the scope itself grants, beside what it inherits."""
    above = pattern.parents[scope]
    inherited = () if above < 0 else pattern.groups_of[above]
    return tuple(group for group in pattern.groups_of[scope] if group not in inherited)


def _scopes(to: Source, pattern: Pattern) -> None:
    ids = principals.named(to.pk, [group_name(pattern, group) for group in pattern.groups])
    wanted = [
        Condition.of({ids[group_name(pattern, group)]: None for group in own_groups(pattern, scope)})
        for scope in range(len(pattern.groups_of))
    ]
    interned = access.intern(to.pk, set(wanted))
    names = [scope_name(pattern, scope) for scope in range(len(wanted))]
    execute(SCOPES, [to.pk, names, [interned[condition] for condition in wanted]])
    under = [(scope, parent) for scope, parent in enumerate(pattern.parents) if parent >= 0]
    if under:
        below, above = zip(*under, strict=True)
        execute(UNDER, [[names[scope] for scope in below], [names[scope] for scope in above]])
        tops = [names[scope] for scope, parent in enumerate(pattern.parents) if parent < 0]
        found = rows("SELECT id FROM connectors_scope WHERE external_id = ANY(%s)", [tops])
        access.refresh(to.pk, [id for (id,) in found])


def _move(corpus: Corpus, pattern: Pattern) -> None:
    execute("CREATE TEMPORARY TABLE placed (document bigint, scope text)")
    with connection.cursor() as cursor, cursor.copy("COPY placed FROM STDIN") as copy:
        for document, scope in enumerate(pattern.scope_of.tolist()):
            copy.write_row([document + 1, scope_name(pattern, scope)])
    execute("ANALYZE placed")
    with _without_indexes_of_words():
        execute(MOVED)
    execute("DROP TABLE placed")
    with connection.cursor() as cursor:
        cursor.execute(LEFT_SCOPES)
    execute(LEFT_CONDITIONS)


def _introduced(to: Source, pattern: Pattern, stratum: str, readers: list[Groups]) -> None:
    """Accounts and users; each is put into their groups."""
    for number in range(len(readers)):
        name = reader_name(pattern, stratum, number)
        if not User.objects.filter(email=name).exists():
            User.objects.create_user(name)
        apply_record(to, PrincipalRecord(id=name, kind="user", email=name, external=False))
    held: dict[int, list[str]] = {}
    for number, groups in enumerate(readers):
        for group in groups:
            held.setdefault(group, []).append(reader_name(pattern, stratum, number))
    pairs = [(name, group_name(pattern, group)) for group, names in held.items() for name in names]
    with as_owner():
        principals.lock(to.pk)
        execute(
            "INSERT INTO accounts_membership (member_id, group_id) SELECT m.id, g.id "
            "FROM unnest(%s::text[], %s::text[]) AS pair(member, held) "
            "JOIN accounts_principal m ON m.external_id = pair.member AND m.directory_id = %s "
            "JOIN accounts_principal g ON g.external_id = pair.held AND g.directory_id = %s ON CONFLICT DO NOTHING",
            [[name for name, _ in pairs], [group for _, group in pairs], to.pk, to.pk],
        )


@contextmanager
def _without_indexes_of_words() -> Iterator[None]:
    """A passage that is written anew would be put into them word by word; making them anew at the end is quicker."""
    found = rows(INDEXES_OF_WORDS)
    for name, _ in found:
        execute(f"DROP INDEX {name}")
    yield
    for _, definition in found:
        execute(definition)


def reader_name(pattern: Pattern, stratum: str, number: int) -> str:
    return f"{pattern.name}-{stratum}-{number}@example.com"


def reader(pattern: Pattern, stratum: str, number: int) -> Reader:
    return Reader(User.objects.get(email=reader_name(pattern, stratum, number)).pk)


def _laid_out_afresh(pattern: Pattern) -> None:
    """As after a first sync: rows that were moved away leave no room behind, and statistics are those of now."""
    for table in OF_CONTENT:
        execute(f"VACUUM FULL {table}")
    for table in (*OF_CONTENT, *OF_VECTORS, *OF_RIGHTS, "accounts_membership", "accounts_principal"):
        execute(f"VACUUM ANALYZE {table}")


def bytes_of(tables: Iterable[str]) -> int:
    size: int = rows("SELECT sum(pg_total_relation_size(t::regclass)) FROM unnest(%s::text[]) t", [list(tables)])[0][0]
    return int(size)
