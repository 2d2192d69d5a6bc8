"""What must be equal and is stored twice for speed, compared anew. Every finding is a defect."""

from accounts import principals
from accounts.statements import rows
from connectors.corpus import access, history
from connectors.models import Source

STRAY_PASSAGES = """
SELECT count(*) FROM connectors_passage p LEFT JOIN connectors_document d ON d.id = p.document_id
WHERE d.id IS NULL OR d.scope_id <> p.scope_id OR d.state NOT IN ('live', 'held')
"""
STRAY_ATTACHMENTS = """
SELECT count(*) FROM connectors_document a JOIN connectors_document d ON d.id = a.container_id
WHERE a.scope_id <> d.scope_id OR a.source_id <> d.source_id
   OR (a.state IN ('live', 'pending') AND d.state <> 'live') OR (a.state <> 'deleted' AND d.state = 'deleted')
"""
MISCOUNTED = """
SELECT count(*) FROM (SELECT scope_id, configuration, passages FROM connectors_scopesize WHERE passages <> 0) s
FULL JOIN (SELECT scope_id, configuration, count(*) AS passages FROM connectors_passage GROUP BY 1, 2) p
    USING (scope_id, configuration)
WHERE s.passages IS DISTINCT FROM p.passages
"""


def findings() -> list[str]:
    """One sentence for each thing that is not as it must be."""
    closure = principals.closure_differences()
    scopes = sum(access.differences(source.pk) for source in Source.objects.all())
    passages: int = rows(STRAY_PASSAGES)[0][0]
    remembered = history.differences()
    counted = (
        (closure, "rows of the closure over groups differ from the memberships."),
        (scopes, "scopes have another condition than their lists lead to."),
        (rows(MISCOUNTED)[0][0], "scopes have another number of passages than is written down."),
        (rows(STRAY_ATTACHMENTS)[0][0], "attachments stand elsewhere than what they came in, or outlast it."),
        (passages, "passages stand elsewhere than their document."),
        (remembered, "facts are not as the history of rights last remembered them."),
    )
    return [f"{count} {what} Please report this as a security defect." for count, what in counted if count]
