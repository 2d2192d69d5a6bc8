"""What the gateway remembers: questions, the sentences that answered them with their evidence, and the audit."""

from uuid import uuid4

from django.conf import settings
from django.db import models

from connectors.models import Source


class Conversation(models.Model):
    """Questions one person asked in a row. Nobody else reads it but whom they share it with."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    started_at = models.DateTimeField(auto_now_add=True)
    title = models.CharField(max_length=200, blank=True, default="", help_text="The owner's own words, if any.")

    class Meta:
        indexes = [models.Index(fields=["owner", "-started_at"], name="conversations_of_a_person")]


class Share(models.Model):
    """A conversation that its owner lets one more person see, of whom it keeps what the owner wrote.

    An address that was nobody's when it was written stays nobody's: then `reader` is empty (P13, P14).
    """

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="shares")
    address = models.CharField(max_length=254)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    shared_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["address"]
        constraints = [models.UniqueConstraint("conversation", "address", name="one_share_of_an_address")]


class Question(models.Model):
    """What was asked, in the asker's own words, and how it ended."""

    class Status(models.TextChoices):
        ANSWERING = "answering"
        ANSWERED = "answered"
        PARTIAL = "partial"
        NOT_FOUND = "not_found"
        AMBIGUOUS = "ambiguous"
        STOPPED = "stopped"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="questions")
    text = models.TextField()
    task = models.CharField(max_length=7, blank=True, default="", help_text="What is done; empty: it is answered.")
    asked_at = models.DateTimeField(auto_now_add=True)
    language = models.CharField(max_length=10, default="en")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ANSWERING)
    model = models.CharField(max_length=200, blank=True)
    notice = models.CharField(max_length=20, blank=True, default="", help_text="Why no model wrote it, as a code.")
    missing = models.JSONField(default=list, blank=True, help_text="Parts of it that were not found, word for word.")
    door = models.CharField(max_length=20)

    class Meta:
        indexes = [models.Index(fields=["conversation", "asked_at"], name="questions_of_a_conversation")]


class AnswerSentence(models.Model):
    """A sentence that was shown. It is shown again only after its evidence was checked again (P16)."""

    question = models.ForeignKey(Question, models.CASCADE, related_name="sentences")
    ordinal = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        ordering = ["ordinal"]
        constraints = [models.UniqueConstraint("question", "ordinal", name="one_sentence_of_an_ordinal")]


class Evidence(models.Model):
    """Where a sentence comes from: plain ids, never a relation, so that no query reaches content from here.

    Offsets are Unicode code points into the document's text at `revision`; `digest` is the SHA-256 of
    the passage's text, in hex.
    """

    sentence = models.ForeignKey(AnswerSentence, models.CASCADE, related_name="evidence")
    n = models.PositiveIntegerField()
    document = models.UUIDField()
    revision = models.BigIntegerField()
    passage = models.UUIDField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["n"]
        constraints = [models.UniqueConstraint("sentence", "n", name="one_passage_of_a_number")]


class RowEvidence(models.Model):
    """What a sentence was made from besides passages: SQL over approved views, and a digest of the rows it gave.

    The rows themselves are not kept: they are asked for again. `source` is a plain number, as all of evidence is.
    """

    sentence = models.OneToOneField(AnswerSentence, models.CASCADE, primary_key=True, related_name="rows")
    source = models.BigIntegerField()
    sql = models.TextField()
    digest = models.CharField(max_length=64)
    context = models.JSONField(default=list, help_text="Document and digest of each passage its writer was shown.")


class LeftOut(models.Model):
    """What a model wrote and no passage supports: no part of the answer, shown apart to who asks for it (P16).

    It rests on all that its writer was given: `context` has document and digest of each of these passages.
    """

    question = models.OneToOneField(Question, models.CASCADE, primary_key=True, related_name="left_out")
    sentences = models.JSONField()
    context = models.JSONField()


class PartRead(models.Model):
    """Of a summary: that only the first `read` of the `of` passages of its document were read."""

    question = models.OneToOneField(Question, models.CASCADE, primary_key=True, related_name="part_read")
    read = models.PositiveIntegerField()
    of = models.PositiveIntegerField()


class GeneralParagraph(models.Model):
    """What a model said of its own accord where nothing was found: it rests on no document, and nobody checked it."""

    question = models.OneToOneField(Question, models.CASCADE, primary_key=True, related_name="general")
    text = models.TextField()


class HoldsFor(models.Model):
    """Of an answer: that it holds for its asker's country, office or role. `context` has document and digest of a
    passage that says so, and of one for others: it is told while both may be read.
    """

    question = models.OneToOneField(Question, models.CASCADE, primary_key=True, related_name="holds_for")
    kind = models.CharField(max_length=7)
    name = models.CharField(max_length=100)
    context = models.JSONField()


class Feedback(models.Model):
    """What the asker thought of an answer."""

    class Verdict(models.TextChoices):
        UP = "up"
        DOWN = "down"

    class Reason(models.TextChoices):
        WRONG = "wrong", "It is wrong"
        INCOMPLETE = "incomplete", "It is incomplete"
        OUT_OF_DATE = "out_of_date", "It is out of date"
        NOT_ASKED = "not_asked", "It is not what I asked"
        NOT_FOR_ME = "not_for_me", "It should not be visible to me"

    question = models.OneToOneField(Question, models.CASCADE, related_name="feedback")
    verdict = models.CharField(max_length=4, choices=Verdict.choices)
    reason = models.CharField(max_length=11, choices=Reason.choices, blank=True, default="")
    comment = models.TextField(max_length=2000, blank=True)
    given_at = models.DateTimeField(auto_now=True)


class Report(models.Model):
    """That a document is out of date, from somebody who could read it. Plain ids, as evidence has.

    Its text is for its writer, for its author as the source names them, and for staff, while they may read the
    document.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    document = models.UUIDField()
    source = models.BigIntegerField()
    writer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    text = models.TextField(max_length=1000, blank=True)
    reported_at = models.DateTimeField(auto_now=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "writer"],
                condition=models.Q(done_at=None),
                name="one_open_report_of_a_document_by_a_person",
            )
        ]


class LeakTest(models.Model):
    """What one `manage.py leaktest` found. `boundaries`: a line each, with whatever was wrong in words."""

    at = models.DateTimeField(auto_now_add=True)
    door = models.CharField(max_length=300)
    seconds = models.FloatField()
    probes = models.PositiveIntegerField()
    leaks = models.PositiveIntegerField()
    blind = models.PositiveIntegerField(help_text="Boundaries not seen even by those they are open to.")
    boundaries = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]

    @property
    def sentence(self) -> str:
        return f"{self.leaks:,} leaks of {self.probes:,} probes in {self.seconds:.0f} s"


class ModelPolicy(models.Model):
    """Which language models the text of a source may be sent to, where an administrator has said it; else to any."""

    class Open(models.TextChoices):
        ANY = "any"
        LOCAL = "local"  # those on the organisation's own premises
        NONE = "none"

    source = models.OneToOneField(Source, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False)
    open_to = models.CharField(max_length=5, choices=Open.choices)


class Spending(models.Model):
    """Tokens of language models, and calls, by day (UTC) and person; person 0 is the whole organisation.

    A plain number: what was spent stays spent when its person is gone.
    """

    ORGANISATION = 0

    pk = models.CompositePrimaryKey("day", "person")
    day = models.DateField()
    person = models.BigIntegerField()
    tokens = models.BigIntegerField()
    calls = models.PositiveIntegerField()


class AuditEvent(models.Model):
    """One link of the audit chain, written by `gateway.audit` alone and never changed.

    The migration makes the table and the triggers that refuse UPDATE, DELETE and TRUNCATE; it is
    unmanaged so that `flush` does not try. `user_id` is a plain number: the row outlives the person.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=50)
    user_id = models.BigIntegerField(null=True)
    details = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        managed = False
        db_table = "gateway_auditevent"
        ordering = ["id"]
