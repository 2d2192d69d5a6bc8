"""What came in, and who may read it: sources and their runs, scopes and their conditions, documents and passages.

Foreign keys here are constraints of the database (migration 0002), with deletion cascading there: Django neither
follows nor collects them.
"""

from datetime import timedelta
from typing import ClassVar, Self, TypeVar
from uuid import uuid4

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from pgvector.django import HalfVectorField

from accounts.models import Directory, Principal, User
from accounts.reader import Viewers
from connectors.corpus.guard import GuardedModel, GuardedQuerySet

LONGEST_AGE = timedelta(days=3650)  # what may be added to any time without passing the end of the calendar


class Source(models.Model):
    """A configured system that documents come from. Shares its primary key with its directory of principals."""

    directory = models.OneToOneField(Directory, models.CASCADE, primary_key=True, related_name="source")
    kind = models.CharField(max_length=30)
    settings = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True, help_text="A paused source is hidden at once (P7).")
    interval = models.PositiveIntegerField(default=300, help_text="Seconds between syncs.")
    next_sync_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it is never read, it pushes.")
    failures = models.PositiveIntegerField(default=0, help_text="Runs that failed since the last that did not.")
    permissions_verified_at = models.DateTimeField(null=True, blank=True)
    max_permission_age = models.DurationField(
        null=True,
        blank=True,
        validators=[MinValueValidator(timedelta(0)), MaxValueValidator(LONGEST_AGE)],
        help_text="Older permissions hide the source (P7). Empty: for sources that push.",
    )
    checkpoint = models.JSONField(
        null=True, blank=True, help_text="How far it has been read: the connector's own words."
    )
    listed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last whole listing began that has ended."
    )
    listing_began = models.DateTimeField(null=True, blank=True, help_text="A whole listing is under way since then,")
    listing_state = models.JSONField(null=True, blank=True, help_text="and has come so far.")
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.BigIntegerField(default=0, help_text="Grows with each run; the commit of an older run is refused.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(max_permission_age=None)
                | Q(max_permission_age__gte=timedelta(0), max_permission_age__lte=LONGEST_AGE),
                name="permissions_age_within_bounds",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def id(self) -> int:
        return self.directory_id

    @property
    def key(self) -> str:
        return self.directory.key

    @property
    def name(self) -> str:
        return self.directory.name


class SourceSecret(models.Model):
    """A setting of a source that nobody is shown again, sealed (connectors/sealing.py)."""

    pk = models.CompositePrimaryKey("source_id", "name")
    source_id = models.BigIntegerField()
    name = models.CharField(max_length=60)
    sealed = models.BinaryField()


class SyncRun(models.Model):
    """One reading of a source, with what it found and what went wrong, in words."""

    class State(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    source = models.ForeignKey(Source, models.DO_NOTHING, related_name="runs", db_constraint=False)
    fence = models.BigIntegerField()
    whole = models.BooleanField(default=True, help_text="Reads everything, or goes on with that; else what changed.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict)
    problems = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["source", "-started_at"], name="runs_of_a_source")]


class Listed(models.Model):
    """An id that the listing under way has named. When it is complete, what it did not name is gone."""

    pk = models.CompositePrimaryKey("source_id", "kind", "external_id")
    source_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    external_id = models.TextField()


class Unfetched(models.Model):
    """A document whose newest content is not here yet. Until it is, the rights of the text that is here and those of
    what is to come hold together (connectors/fetching.py)."""

    document_id = models.BigIntegerField(primary_key=True)
    source_id = models.BigIntegerField()
    tries = models.PositiveIntegerField(default=0, help_text="Runs that ended well and in which it could not be had.")
    again_at = models.DateTimeField(db_default=Now(), help_text="When it is asked for again, if no run does before.")

    class Meta:
        indexes = [models.Index(fields=["source_id"], name="unfetched_of_a_source")]


class WorkDone(models.Model):
    """So many documents were listed or parsed, or passages embedded, at this moment: what a pace is told by. Kept for
    minutes."""

    class Kind(models.TextChoices):
        LISTED = "listed"
        PARSED = "parsed"
        EMBEDDED = "embedded"

    source_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    count = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["source_id", "at"], name="work_done_lately")]


class Acl(models.Model):
    """One distinct condition on a reader, shared by all scopes that put it. Never changed once made."""

    source = models.ForeignKey(Source, models.DO_NOTHING, related_name="+", db_constraint=False)
    digest = models.BinaryField(max_length=32)
    clauses = models.PositiveIntegerField(help_text="The grants and each restriction: a reader must meet them all.")
    denies = models.BooleanField(help_text="Has a deny set, so it admits only people the source recognises (P4).")
    alone = models.GeneratedField(
        expression=Q(clauses=1, denies=False),  # type: ignore[arg-type]  # the stubs know of no conditions here
        output_field=models.BooleanField(),
        db_persist=True,
        help_text="Asks for nothing but one grant: meeting any of its entries is enough.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "digest"], name="interned_acl")]


class AclEntry(models.Model):
    """A principal in a clause: 0 is the deny set, 1 the grants, 2 and up the restrictions."""

    acl = models.ForeignKey(Acl, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    alone = models.BooleanField(help_text="As its condition says; the database keeps it equal.")
    clause = models.PositiveIntegerField()
    principal = models.ForeignKey(Principal, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["acl", "clause", "principal"], name="one_acl_entry")]
        indexes = [
            models.Index(fields=["principal"], name="acl_entries_of_a_principal"),
            # What a reader meets is found in these alone, without a look at the table.
            models.Index(fields=["principal"], include=["acl", "until"], condition=Q(alone=True), name="met_alone"),
            models.Index(
                fields=["principal"],
                include=["acl", "clause", "until"],
                condition=Q(alone=False),
                name="met_in_clauses",
            ),
        ]


class Scope(GuardedModel):
    """Whatever holds permissions. `acl` is the effective condition; empty, the scope admits nobody.

    A scope without an external id is made by the gateway: for documents with permissions of their own under
    `parent`, or to hold to two scopes at once (`parent` and `also`) while new text waits to be parsed.
    """

    scope_field: ClassVar[str] = "id"
    document_field: ClassVar[str] = ""

    source = models.ForeignKey(Source, models.DO_NOTHING, related_name="+", db_constraint=False)
    external_id = models.TextField(null=True)
    name = models.TextField(blank=True, default="")
    parent = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    also = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    inherits = models.BooleanField(default=True)
    own_acl = models.ForeignKey(Acl, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    acl = models.ForeignKey(Acl, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False)
    introduced = models.BooleanField(default=False)
    revision = models.BigIntegerField(null=True)

    objects = GuardedQuerySet["Scope"].as_manager()
    past_the_guard: ClassVar[models.Manager["Scope"]] = models.Manager()

    class Meta(GuardedModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_scope_of_an_id"),
            models.UniqueConstraint(
                fields=["source", "parent", "also", "own_acl", "inherits"],
                condition=Q(external_id=None),
                nulls_distinct=False,
                name="interned_scope",
            ),
        ]
        indexes = [
            models.Index(fields=["parent"], name="scopes_below"),
            models.Index(fields=["also"], condition=Q(also__isnull=False), name="scopes_also_below"),
            models.Index(fields=["acl"], include=["id", "source"], name="scopes_of_an_acl"),
        ]


class DocumentQuerySet(GuardedQuerySet["Document"]):
    def visible_to(self, reader: Viewers) -> Self:
        """What this reader may read, of what is live (P6)."""
        return super().visible_to(reader).filter(state=Document.State.LIVE)


class Document(GuardedModel):
    """A document of a source. `public_id` is what the outside knows; it is random and never used again.

    One that came attached to another stands in its scope and is live only while that is: the database sees to it.
    """

    document_field: ClassVar[str] = "id"

    class State(models.TextChoices):
        PENDING = "pending"  # new, its text is still to be parsed
        LIVE = "live"
        QUARANTINED = "quarantined"
        HELD = "held"  # unnamed by a listing that left out too many: hidden until a person says which
        DELETED = "deleted"

    source = models.ForeignKey(Source, models.DO_NOTHING, related_name="+", db_constraint=False)
    external_id = models.TextField()
    public_id = models.UUIDField(default=uuid4, unique=True)
    container = models.ForeignKey(
        "self",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="What it is attached to.",
    )
    scope = models.ForeignKey(Scope, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    next_scope = models.ForeignKey(Scope, models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    state = models.CharField(max_length=11, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=60, blank=True, default="", help_text="Why it is quarantined, as a code.")
    title = models.TextField()
    titled = models.BooleanField(default=True, help_text="The source gave the title; otherwise its text does.")
    url = models.TextField(blank=True, default="")
    mime = models.TextField(blank=True, default="")
    author = models.TextField(blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    metadata = models.JSONField(default=dict, help_text="As the source gave it.")
    file_metadata = models.JSONField(default=dict, help_text="As its content gave it: author, dates, front matter.")
    created_at = models.DateTimeField(null=True)
    modified_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField(null=True, help_text="The source's; a lower one changes nothing.")
    version = models.TextField(blank=True, default="", help_text="The source's mark of this content.")
    content_digest = models.BinaryField(max_length=32, null=True)
    text_revision = models.PositiveIntegerField(default=0, help_text="Grows each time new text is published.")

    objects = DocumentQuerySet.as_manager()
    past_the_guard: ClassVar[models.Manager["Document"]] = models.Manager()

    class Meta(GuardedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(state="deleted") & Q(container=None),
                name="one_living_document_of_an_id",
            ),
            models.UniqueConstraint(
                fields=["container", "external_id"],
                condition=~Q(state="deleted") & Q(container__isnull=False),
                name="one_living_attachment_of_an_id",
            ),
        ]
        indexes = [
            models.Index(fields=["source", "external_id"], name="documents_of_an_id"),
            models.Index(fields=["scope"], name="documents_of_a_scope"),
            models.Index(fields=["container"], condition=Q(container__isnull=False), name="attachments_of_a_document"),
        ]


PartT = TypeVar("PartT", bound=models.Model)


class PartQuerySet(GuardedQuerySet[PartT]):
    """Of what belongs to a document: nothing of one that is not live, wherever it stands (P6, P9)."""

    def visible_to(self, reader: Viewers) -> Self:
        return super().visible_to(reader).filter(document__state=Document.State.LIVE)


class DocumentText(GuardedModel):
    """The normalised text of a document, once, and where its headings and pages begin."""

    scope_field: ClassVar[str] = "document__scope_id"

    document = models.OneToOneField(
        Document, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    text = models.TextField()
    headings = models.JSONField(default=list)
    pages = models.JSONField(default=list)

    objects = PartQuerySet["DocumentText"].as_manager()
    past_the_guard: ClassVar[models.Manager["DocumentText"]] = models.Manager()


class Passage(GuardedModel):
    """A piece of a document that can be retrieved, shown and cited. `scope_id` is kept equal by the database."""

    public_id = models.UUIDField(default=uuid4, unique=True)
    document = models.ForeignKey(Document, models.DO_NOTHING, related_name="+", db_constraint=False)
    scope_id = models.BigIntegerField()
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    heading = models.TextField(blank=True, default="")
    page = models.PositiveIntegerField(null=True)
    digest = models.BinaryField(max_length=32)
    words = models.PositiveIntegerField(help_text="Lexemes, for BM25.")
    lexemes = SearchVectorField()
    configuration = models.SmallIntegerField(
        db_default=1, help_text="What its lexemes were made by: a place in `gatehouse_configurations()`."
    )

    objects = PartQuerySet["Passage"].as_manager()
    past_the_guard: ClassVar[models.Manager["Passage"]] = models.Manager()

    class Meta(GuardedModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["document", "ordinal"], name="passages_in_order", deferrable=models.Deferrable.DEFERRED
            )
        ]
        indexes = [
            GinIndex(fields=["lexemes"], name="passage_lexemes", fastupdate=False),
        ]


class IndexGeneration(models.Model):
    """The vectors of one embedding model. Questions are embedded by the active one; another may be in the making."""

    class State(models.TextChoices):
        BUILDING = "building"
        ACTIVE = "active"
        RETIRED = "retired"

    state = models.CharField(max_length=10, choices=State.choices, default=State.BUILDING)
    model = models.CharField(max_length=200)
    base_url = models.TextField(blank=True, default="")
    class_path = models.TextField(blank=True, default="")
    dimensions = models.PositiveIntegerField()
    vectors = models.BigIntegerField(default=0, help_text="How many there are, about: it chooses ways, never results.")
    graph = models.BooleanField(default=False, help_text="The approximate index is built.")
    exact_limit = models.PositiveIntegerField(default=20_000, help_text="Up to so many permitted passages: exactly.")
    measured = models.JSONField(default=dict, help_text="What the limit was chosen by, in milliseconds.")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=~Q(state="retired"), name="one_generation_in_a_state")
        ]


class PassageVector(GuardedModel):
    """The vector of a passage in one generation. It stands where its document stands, which the database keeps so.

    Of more numbers than an index entry holds, `embedding` is the beginning, at unit length, and `whole` has them all.
    """

    passage = models.ForeignKey(Passage, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    generation = models.ForeignKey(
        IndexGeneration, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    document = models.ForeignKey(Document, models.DO_NOTHING, related_name="+", db_constraint=False)
    scope_id = models.BigIntegerField()
    embedding = HalfVectorField()
    whole = HalfVectorField(null=True)

    objects = PartQuerySet["PassageVector"].as_manager()
    past_the_guard: ClassVar[models.Manager["PassageVector"]] = models.Manager()


class VectorNode(GuardedModel):
    """A copy of a vector that carries the approximate index, so that a change of rights never touches that."""

    scope_field: ClassVar[str] = "passage__scope_id"
    document_field: ClassVar[str] = "passage__document_id"

    passage = models.ForeignKey(Passage, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    generation = models.ForeignKey(
        IndexGeneration, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    embedding = HalfVectorField()

    objects = GuardedQuerySet["VectorNode"].as_manager()
    past_the_guard: ClassVar[models.Manager["VectorNode"]] = models.Manager()

    class Meta(GuardedModel.Meta):
        constraints = [models.UniqueConstraint(fields=["passage", "generation"], name="one_node_a_generation")]


class Unembedded(models.Model):
    """A passage that waits for its vector, or for which none could be made. Keys into content are plain numbers."""

    passage_id = models.BigIntegerField(primary_key=True)
    queued_at = models.DateTimeField()
    reason = models.CharField(max_length=60, blank=True, default="", help_text="Why it has none, as a code.")

    class Meta:
        indexes = [models.Index(fields=["queued_at", "passage_id"], condition=Q(reason=""), name="passages_to_embed")]


class Unindexed(models.Model):
    """A vector that is not in the approximate index yet, and is searched exactly."""

    pk = models.CompositePrimaryKey("generation_id", "passage_id")
    generation_id = models.BigIntegerField()
    passage_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["passage_id"], name="unindexed_passages")]


class ScopeSize(models.Model):
    """How many passages stand in a scope, by what their lexemes were made by; a trigger counts."""

    pk = models.CompositePrimaryKey("scope_id", "configuration")
    scope_id = models.BigIntegerField()
    configuration = models.SmallIntegerField()
    passages = models.BigIntegerField()


class Content(GuardedModel):
    """The bytes of a document that wait to be parsed: the work queue of every worker. Nobody reads from it."""

    scope_field: ClassVar[str] = "document__scope_id"

    document = models.OneToOneField(
        Document, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    source_id = models.BigIntegerField()
    data = models.BinaryField()
    filename = models.TextField(blank=True, default="")
    digest = models.BinaryField(max_length=32)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()

    objects = PartQuerySet["Content"].as_manager()
    past_the_guard: ClassVar[models.Manager["Content"]] = models.Manager()

    class Meta(GuardedModel.Meta):
        indexes = [models.Index(fields=["source_id", "due_at"], name="content_due_of_a_source")]


class BreakGlass(models.Model):
    """One person may read one document, or one scope and what inherits from it, until an end, for a reason (P12).

    Kept apart from what sources send. The keys into content are plain numbers, so that no query follows them.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    document_id = models.BigIntegerField(null=True)
    scope_id = models.BigIntegerField(null=True)
    reason = models.TextField()
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    given_at = models.DateTimeField(auto_now_add=True)
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(document_id=None, scope_id__isnull=False) | Q(document_id__isnull=False, scope_id=None),
                name="break_glass_is_for_one_thing",
            ),
            models.CheckConstraint(condition=~Q(user=F("given_by")), name="break_glass_is_given_by_another"),
            models.CheckConstraint(condition=~Q(reason=""), name="break_glass_has_a_reason"),
        ]
        indexes = [models.Index(fields=["user"], condition=Q(ended_at=None), name="break_glass_in_force")]


class Language(models.TextChoices):
    """Text search configurations by ISO 639-1 code; any other language is searched by its plain words."""

    ENGLISH = "en", "english"
    GERMAN = "de", "german"
    FRENCH = "fr", "french"
    SPANISH = "es", "spanish"
    PORTUGUESE = "pt", "portuguese"
    ITALIAN = "it", "italian"
    DUTCH = "nl", "dutch"
