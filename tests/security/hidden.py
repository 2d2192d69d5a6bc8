"""A world with a secret in every place a secret can be: Ann may read it, and whoever walks the doors may not.

Each secret is a canary: a random word that stands nowhere else, so that a single sight of it is a leak.
"""

import secrets
from dataclasses import dataclass, field, fields
from datetime import timedelta
from random import randrange
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.models import User
from accounts.reader import Reader
from accounts.statements import rows
from connectors.adding import add_source
from connectors.corpus.breaking_glass import break_glass
from connectors.models import Document, Source
from connectors.records import DocumentRecord, PrincipalRecord, ScopeRecord
from gateway.answering.asking import answer
from gateway.conversations import give_feedback, rename_conversation
from gateway.models import AnswerSentence, Evidence, GeneralParagraph, LeftOut, Question, Report
from gateway.reporting import report
from gateway.sharing import share
from tests.cast import PASSWORD, World, access

ASKED = "When does the Kestrel tender close?"


def canary() -> str:
    return "q" + secrets.token_hex(5)


@dataclass(frozen=True)
class Canaries:
    """One word for each place."""

    text: str = field(default_factory=canary)
    title: str = field(default_factory=canary)
    heading: str = field(default_factory=canary)
    url: str = field(default_factory=canary)
    author: str = field(default_factory=canary)
    metadata: str = field(default_factory=canary)
    external_id: str = field(default_factory=canary)
    scope: str = field(default_factory=canary)
    question: str = field(default_factory=canary)
    answer: str = field(default_factory=canary)
    left_out: str = field(default_factory=canary)
    general: str = field(default_factory=canary)
    title_of_conversation: str = field(default_factory=canary)
    feedback: str = field(default_factory=canary)
    report: str = field(default_factory=canary)
    source: str = field(default_factory=canary)
    profile: str = field(default_factory=canary)


@dataclass(frozen=True)
class Ids:
    """What can be typed into an address or a body: the ids of things that exist, or of nothing."""

    external_id: str
    scope: str
    account: str
    source: str
    document: str
    passage: str
    conversation: str
    question: str
    person: str
    document_row: str
    email: str
    document_type: str
    glass: str  # a break-glass that opens the document to Ann, who may read it anyway
    report: str  # on the document, by Ann, whom its source names as its owner
    pulled: str  # a source that is read, as `source` is one that is pushed to
    own_source: str = "notes"  # the stranger's own; the same in both, like the type and the app
    app: str = "accounts"


@dataclass(frozen=True)
class Hidden:
    """Ann has a secret. Charlie signs in like her, Dan is in the group it is granted to and kept out by a restriction,
    and Root runs the system; none of them may read it."""

    canaries: Canaries
    ann: User
    charlie: User
    dan: User
    root: User
    vault: World
    notes: World
    drive: Source
    foreign: Ids
    unknown: Ids

    @property
    def words(self) -> dict[str, str]:
        """All that gives the secret away, by where it stands."""
        words = {each.name: getattr(self.canaries, each.name) for each in fields(Canaries)}
        ids = ("document", "passage", "conversation", "question")
        return words | {f"id of the {name}": getattr(self.foreign, name) for name in ids}


def hide() -> Hidden:
    canaries = Canaries()
    number_anew("accounts_user", "connectors_document", "connectors_breakglass")
    vault = World.of("ann", "dan", key=f"vault-{canaries.source}")
    drive = add_source(f"drive-{canaries.source}", kind="folder", name="Drive", settings={"path": "/nowhere"})
    notes = World.of("charlie", key="notes")
    notes.document("menu", grants=["charlie"], text="The canteen closes at three.")
    ann, charlie, dan = vault.people["ann"], notes.people["charlie"], vault.people["dan"]
    User.objects.filter(pk=ann.pk).update(standing_instructions=f"Mind {canaries.profile}.")
    root = User.objects.create_superuser("root@example.org", PASSWORD, name="Root")
    foreign = _filled(vault, ann, root, canaries)
    return Hidden(canaries, ann, charlie, dan, root, vault, notes, drive, foreign, _like(foreign))


def number_anew(*tables: str) -> None:
    """Numbers as long as other ids: no row of another table has one of them, and each is found where it is told."""
    for table in tables:
        rows("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, randrange(10**8, 10**9)])


def _filled(vault: World, ann: User, root: User, canaries: Canaries) -> Ids:
    account, scope = f"account-{canary()}", f"plans/{canary()}"
    vault.push(PrincipalRecord(id=account, kind="user", email=ann.email))
    vault.group("planners", account, "dan")
    both = access(["planners"], restrictions=[[account]])
    vault.push(ScopeRecord(id=scope, name=f"Plans {canaries.scope}", access=both))
    vault.push(_document(canaries, scope, owner=account))
    document = Document.past_the_guard.get(external_id=f"kestrel/{canaries.external_id}")
    question, passage = _asked(ann, canaries)
    report(Reader(ann.pk), document.public_id, f"Closed already, says {canaries.report}.")
    soon = timezone.now() + timedelta(hours=1)
    glass = break_glass(user=ann, given_by=root, reason="The tender.", until=soon, document=document.public_id)
    return Ids(
        external_id=document.external_id,
        scope=scope,
        account=account,
        source=vault.source.key,
        document=str(document.public_id),
        passage=passage,
        conversation=str(question.conversation_id),
        question=str(question.pk),
        person=str(ann.pk),
        document_row=str(document.pk),
        email=ann.email,
        document_type=str(ContentType.objects.get_for_model(Document).pk),
        glass=str(glass.pk),
        report=str(Report.objects.get().pk),
        pulled=f"drive-{canaries.source}",
    )


def _document(canaries: Canaries, scope: str, owner: str) -> DocumentRecord:
    return DocumentRecord(
        id=f"kestrel/{canaries.external_id}",
        scope=scope,
        title=f"Kestrel tender {canaries.title}",
        text=f"# Kestrel tender {canaries.heading}\n\nThe Kestrel tender closes on Friday, says {canaries.text}.\n",
        mime="text/markdown",
        url=f"https://intranet.example/{canaries.url}",
        author=f"Author {canaries.author}",
        metadata={"project": canaries.metadata, "owner": owner},
    )


def _asked(ann: User, canaries: Canaries) -> tuple[Question, str]:
    """What Ann asked, was told, and thought of it; and the passage it rests on."""
    done = async_to_sync(answer)(Reader(ann.pk), ASKED, door="portal")
    question = Question.objects.get(pk=done.question_id)
    question.text = f"{ASKED} {canaries.question}"  # asked so, no passage would answer it: none has the word
    question.save()
    evidence = Evidence.objects.filter(sentence__question=question)[0]
    passage = str(evidence.passage)
    evidence.sentence = AnswerSentence.objects.create(question=question, ordinal=99, text=f"So says {canaries.answer}.")
    evidence.pk = None
    evidence.save()
    context = [[str(evidence.document), evidence.digest]]
    LeftOut.objects.create(question=question, sentences=[f"Or so says {canaries.left_out}."], context=context)
    not_found = question.conversation.questions.create(text=ASKED, status=Question.Status.NOT_FOUND, door="portal")
    GeneralParagraph.objects.create(question=not_found, text=f"Kestrels are birds, knows {canaries.general}.")
    rename_conversation(Reader(ann.pk), question.conversation_id, f"Kestrel, {canaries.title_of_conversation}")
    share(Reader(ann.pk), question.conversation_id, ann.email)  # and with nobody else
    give_feedback(Reader(ann.pk), question.pk, "up", f"Thanks, {canaries.feedback}.")
    return question, passage


def _like(foreign: Ids) -> Ids:
    """Ids of the same shape and length that nothing has."""
    return Ids(
        external_id=f"kestrel/{canary()}",
        scope=f"plans/{canary()}",
        account=f"account-{canary()}",
        source=f"vault-{canary()}",
        document=beside(foreign.document),
        passage=beside(foreign.passage),
        conversation=beside(foreign.conversation),
        question=beside(foreign.question),
        person=str(randrange(10**8, 10**9)),
        document_row=str(randrange(10**8, 10**9)),
        email="nna@example.org",
        document_type=foreign.document_type,
        glass=str(randrange(10**8, 10**9)),
        report=beside(foreign.report),
        pulled=f"drive-{canary()}",
    )


def beside(id: str) -> str:
    """The next id but a few: a list that goes on after the one goes on after the other at the same place."""
    return str(UUID(int=UUID(id).int ^ randrange(1, 2**16)))
