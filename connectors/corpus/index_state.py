"""How the search stands: whose vectors there are, which way is taken up to where, and what slows it down."""

from accounts.statements import rows
from connectors.corpus import generations
from connectors.corpus.generations import graph_name
from connectors.models import IndexGeneration, Unembedded, Unindexed

VISIBLE = 0.9  # of the pages of the vectors; fewer, and exact scans read the table beside its index
PAGES = """
SELECT relpages, relallvisible, pg_indexes_size(oid) + pg_table_size('connectors_vectornode') +
       pg_indexes_size('connectors_vectornode'), pg_size_bytes(current_setting('shared_buffers'))
FROM pg_class WHERE oid = 'connectors_passagevector'::regclass
"""
INVALID = (
    "SELECT count(*) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname = %s AND i.indisvalid"
)


def described() -> list[str]:
    """A line for each thing worth knowing."""
    lines = [_generation(generation) for generation in IndexGeneration.objects.order_by("state")]
    waiting, refused = (Unembedded.objects.filter(reason="").count(), Unembedded.objects.exclude(reason="").count())
    if waiting:
        lines.append(f"{waiting:,} passages wait for their vector; their words find them.")
    if refused:
        lines.append(
            f"The model made no vector of {refused:,} passages; their words find them. Try again: reindex --retry"
        )
    pages, visible, size, buffers = rows(PAGES)[0]
    if pages > 1_000 and visible < VISIBLE * pages:
        lines.append("Vectors have changed much since the last VACUUM; exact searches are slower until the next one.")
    if size > buffers:
        lines.append(
            f"The indexes over vectors have {size >> 20:,} MB, and shared_buffers {buffers >> 20:,} MB: the first "
            "searches after a start read from disk. manage.py reindex --warm reads them all."
        )
    return lines


def problems() -> list[str]:
    """What has to be put right, a sentence each."""
    generation = generations.active()
    if generation is None or not generation.graph or rows(INVALID, [graph_name(generation)])[0][0]:
        return []
    return [
        "the approximate index over vectors is missing or broken, and searches are slow. Run: python manage.py reindex"
    ]


def _generation(generation: IndexGeneration) -> str:
    said = f"Vectors: {generation.vectors:,} by {generation.model}, {generation.dimensions:,} numbers each"
    if generation.state != IndexGeneration.State.ACTIVE:
        return f"{said}, {'in the making' if generation.state == 'building' else 'to be cleared away'}"
    if not generation.graph:
        return f"{said}; all are searched exactly"
    measured = ", ".join(f"{name} {value:g}" for name, value in generation.measured.items())
    unindexed = Unindexed.objects.filter(generation_id=generation.pk).count()
    late = f"; {unindexed:,} are not in the index yet" if unindexed else ""
    return f"{said}; up to {generation.exact_limit:,} permitted passages are searched exactly ({measured}){late}"
