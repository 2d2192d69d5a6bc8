"""A random world as one reader knows it: sources, folders, groups and documents, and what the reader asked before.

It is made in steps. Between them, and before and after, hidden things may come in; each step draws its ids from a
seed of its own, so that what the reader knows is equal to the last id whatever else there is.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import principals
from accounts.models import User
from accounts.statements import execute, rows
from connectors.adding import add_source
from connectors.applying import apply_page
from connectors.corpus import attachments, documents
from connectors.corpus.documents import Texts, digest_of, prepare, prepared_from
from connectors.models import Content, Document, IndexGeneration, Source, SyncRun
from connectors.records import Access, DocumentRecord, PrincipalRecord, Record, ScopeRecord
from connectors.vectors import store
from gateway.models import AnswerSentence, Conversation, Evidence, Feedback, Question
from tests.cast import access, person
from tests.connectors.mails import MailParser, mail
from tests.security.hidden import ASKED
from tests.twins.meaning import DIMENSIONS, vector_of
from tests.twins.sameness import Dice

SUBJECTS = (
    *("Kestrel tender", "parental leave", "travel budget", "office lease", "test bench", "canteen menu"),
    *("release train", "sick leave", "expense limit", "notice period"),
)
FACTS = (
    *("The {subject} closes on {day}.", "The {subject} lasts {number} weeks.", "Ask {name} about the {subject}."),
    *("Since {day} the {subject} costs {number} euros a week.", "The board agreed on the {subject} on {day}."),
    *("Nobody in {country} may sign the {subject} before {day}.", "{name} wrote down what the {subject} needs."),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
NAMES = ("Ingrid", "Tomas", "Salma", "Wei", "Bruno", "Noor")
COUNTRIES = ("Germany", "Portugal", "France")
QUESTIONS = (
    *(ASKED, "How long does parental leave last?", "What does the travel budget cost a week?"),
    *("Who knows about the office lease?", "When did the board agree on the test bench?", "What is the canteen menu?"),
    *("Who may sign the expense limit in Portugal?", "sick leave notice period Friday board", "Kestrel"),
)
# Where a document of Ann's may stand, and lists of its own that let her in.
PLACES: dict[str, tuple[tuple[str | None, Access], ...]] = {
    "docs": (
        *(("plans", Access()), ("leave", Access()), ("board", Access()), (None, access(["ann"]))),
        ("plans", access(["team"], restrictions=[["staff"]])),
    ),
    "wiki": (("space", Access()), (None, access(["a.nn"]))),
}
MAIL = "message/rfc822"
FILES = ("report.txt", "figures.txt")
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
LOST = UUID("10000000-0000-4000-8000-000000000001")  # a document an old answer rests on, hidden or gone by now
LOST_DIGEST = "5e" * 32

TO_EMBED = """
SELECT p.id, p.public_id, d.author, concat_ws(E'\\n', d.title, p.text)
FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id
WHERE p.id IN (SELECT passage_id FROM connectors_unembedded) ORDER BY p.id
"""
# As if a text were longer: its passages once more, under ids that follow from theirs.
MULTIPLY = """
INSERT INTO connectors_passage (public_id, document_id, scope_id, ordinal, text, start, "end", heading, page, digest,
                                words, lexemes, configuration)
SELECT md5(p.public_id::text || n)::uuid, p.document_id, p.scope_id, p.ordinal + n * 1000, p.text, p.start, p."end",
       p.heading, p.page, p.digest, p.words, p.lexemes, p.configuration
FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id
CROSS JOIN generate_series(1, %s) n
WHERE d.external_id = ANY(%s) AND d.source_id = %s AND p.ordinal < 1000 ORDER BY n, p.id
"""


def text_about(chance: random.Random, subject: str, sentences: int) -> str:
    return " ".join(
        chance.choice(FACTS).format(
            subject=subject,
            day=chance.choice(DAYS),
            number=chance.randrange(2, 40),
            name=chance.choice(NAMES),
            country=chance.choice(COUNTRIES),
        )
        for _ in range(sentences)
    )


@dataclass
class World:
    """What has been made so far. `texts` are split once for both worlds of a pair."""

    dice: Dice
    texts: Texts
    people: dict[str, User] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)

    @property
    def ann(self) -> User:
        return self.people["ann"]

    def add_person(self, name: str, **profile: object) -> User:
        self.people[name] = person(name, **profile)
        return self.people[name]

    def add_source(self, key: str) -> Source:
        self.sources[key] = add_source(key, kind="push", name=key.title(), vouches_for_emails=True)
        return self.sources[key]

    def push(self, key: str, *records: Record) -> None:
        """As a page of a sync."""
        source = self.sources[key]
        for record in records:
            if not isinstance(record, DocumentRecord) or record.text is None:
                continue
            if digest_of(record) not in self.texts:
                self.texts |= texts_of(record)
        page = apply_page(SyncRun(source=source, fence=source.fence), records, self.texts)
        assert not page.problems, page.problems
        if any(isinstance(record, DocumentRecord) and record.mime == MAIL for record in records):
            self._take_apart(source)

    @transaction.atomic
    def _take_apart(self, source: Source) -> None:
        """What came attached is parsed at once."""
        principals.lock(source.pk)
        for waiting in Content.past_the_guard.filter(document__source=source, document__container__isnull=False):
            document = Document.past_the_guard.get(pk=waiting.pk)
            documents.publish(document, self.texts[bytes(waiting.digest)], held=document.state == "held")

    def multiply(self, key: str, documents: Sequence[str], times: int) -> None:
        execute(MULTIPLY, [times, list(documents), self.sources[key].pk])


def texts_of(record: DocumentRecord) -> Texts:
    """Of the document and of what is attached to it, by their digests."""
    if record.mime != MAIL:
        return {digest_of(record): prepare(record)}
    parser = MailParser()
    parsed = parser.parse((record.text or "").encode(), filename="")
    attached = {
        attachments.digest_of(each): prepared_from(
            attachments.digest_of(each), parser.parse(each.content, filename=each.name)
        )
        for each in parsed.attachments
    }
    return {digest_of(record): prepared_from(digest_of(record), parsed)} | attached


Step = Callable[[World], None]


@dataclass
class Known:
    """The part of a world that Ann may read, as steps; drawn from a seed.

    `crowded`: so many passages of the same words that a search must choose among equals.
    """

    seed: int
    crowded: bool
    copies: int = 0  # of each passage, in a crowded world
    staff: bool = False  # Ann runs the system, which gives her no right to read (P12)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"known {self.seed}")
        self.jitter = 0.3 if self.copies else 0.0 if self.crowded else self.chance.choice((0.0, 0.3))
        self.many = self.chance.randrange(60, 90) if self.crowded else 14
        self.documents = [self._document(n) for n in range(self.many)]

    @property
    def steps(self) -> list[Step]:
        half = self.many // 2
        return [
            self.people,
            self.folders,
            lambda world: self.fill(world, self.documents[:half]),
            self.space,
            lambda world: self.fill(world, self.documents[half:]),
            self.old_answer,
        ]

    def texts(self) -> Texts:
        """Split before any dice are thrown: the splitter draws ids of its own."""
        return {digest: text for _, record in self.documents for digest, text in texts_of(record).items()}

    @property
    def external_ids(self) -> set[str]:
        return {record.id for _, record in self.documents}

    def people(self, world: World) -> None:
        world.add_person("ann", country="Germany", office="Berlin", is_staff=self.staff)
        world.add_source("docs")
        world.push(
            "docs",
            PrincipalRecord(id="ann", kind="user", name="Ann", email="ann@example.org", external=False),
            PrincipalRecord(id="team", kind="group", name="Team", members=access(["ann"]).grants),
            PrincipalRecord(id="staff", kind="group", name="Staff", members=access(["team"]).grants),
        )

    def folders(self, world: World) -> None:
        world.push(
            "docs",
            ScopeRecord(id="plans", name="Plans", access=access(["staff"])),
            ScopeRecord(id="leave", name="Leave", parent="plans", access=access(restrictions=[["team"]])),
            ScopeRecord(id="board", name="Board", access=access(["ann"], inherits=False)),
        )

    def space(self, world: World) -> None:
        world.add_source("wiki")
        world.push(
            "wiki",
            PrincipalRecord(id="a.nn", kind="user", name="Ann N.", email="ann@example.org", external=False),
            PrincipalRecord(id="team", kind="group", name="Team", members=access(["a.nn"]).grants),
            ScopeRecord(id="space", name="Space", access=access(["team", "*"])),
        )

    def fill(self, world: World, documents: Sequence[tuple[str, DocumentRecord]]) -> None:
        for key in ("docs", "wiki"):
            records = [record for source, record in documents if source == key]
            if records:
                world.push(key, *records)
                world.multiply(key, [record.id for record in records], self.copies)

    def _document(self, n: int) -> tuple[str, DocumentRecord]:
        chance = self.chance
        subject = SUBJECTS[n % 3] if self.crowded else chance.choice(SUBJECTS)
        key = "wiki" if n >= self.many // 2 and chance.random() < 0.5 else "docs"
        if self.crowded and n % 5:
            text = f"The {subject} closes on Friday. Ask Ingrid about the {subject}."
        else:
            text = text_about(chance, subject, chance.choice((2, 4, 9, 60)))
        mime = ""
        if n % 7 == 3 and not self.crowded:
            files = [(name, text_about(chance, subject, 4).encode()) for name in FILES]
            text, mime = mail(f"The {subject}", *files, body=text).as_string(), MAIL
        scope, own = chance.choice(PLACES[key])
        country = chance.choice((*COUNTRIES, "", ""))
        return key, DocumentRecord(
            id=f"{subject.replace(' ', '-')}/{n}",
            title=f"{subject.title()} {chance.choice(('policy', 'notes', 'plan'))}",
            scope=scope,
            access=own,
            text=text,
            mime=mime,
            url=f"https://intranet.example/{n}",
            author=chance.choice(NAMES),
            metadata={"country": country} if country else {},
            modified_at=FIRST_DAY + timedelta(days=chance.randrange(300)),
        )

    def old_answer(self, world: World) -> None:
        """Ann asked, some days ago; one sentence rests on what she reads, one on what she lost."""
        conversation = Conversation.objects.create(owner=world.ann)
        question = Question.objects.create(conversation=conversation, text=ASKED, door="portal", status="answered")
        before = world.dice.began - timedelta(days=3)
        Conversation.objects.filter(pk=conversation.pk).update(started_at=before)
        Question.objects.filter(pk=question.pk).update(asked_at=before)
        Feedback.objects.create(question=question, verdict="up", comment="Fine.")
        for ordinal, (document, passage, digest) in enumerate([self._quoted(), (LOST, LOST, LOST_DIGEST)], start=1):
            sentence = AnswerSentence.objects.create(question=question, ordinal=ordinal, text=f"Sentence {ordinal}.")
            Evidence.objects.create(
                sentence=sentence, n=1, document=document, revision=1, passage=passage, start=0, end=9, digest=digest
            )

    def _quoted(self) -> tuple[UUID, UUID, str]:
        found = rows(
            "SELECT d.public_id, p.public_id, encode(p.digest, 'hex') FROM connectors_passage p "
            "JOIN connectors_document d ON d.id = p.document_id JOIN accounts_directory a ON a.id = d.source_id "
            "WHERE a.key = %s AND d.external_id = %s AND p.ordinal = 0",  # another source may hide one of this id
            [self.documents[0][0], self.documents[0][1].id],
        )
        [(document, passage, digest)] = found
        return document, passage, digest


def embed(jitter: float, nearer: float, hidden_author: str, chance: random.Random) -> None:
    """Give every passage its vector: by its words, moved a little by its id. Hidden ones: some where a question is."""
    ids, vectors = [], []
    for id, public_id, author, text in rows(TO_EMBED):
        meant = vector_of(text)
        if author == hidden_author and chance.random() < nearer:
            meant = vector_of(chance.choice(QUESTIONS))
            spread = random.Random(chance.random()) if jitter else None
        else:
            spread = random.Random(str(public_id)) if jitter else None
        ids.append(id)
        vectors.append([place + (spread.uniform(-jitter, jitter) / 8 if spread else 0) for place in meant])
    if ids:
        generation = IndexGeneration.objects.filter(state="active").first() or IndexGeneration.objects.create(
            state="active", model="bag of words", dimensions=DIMENSIONS
        )
        store(dict(zip(ids, vectors, strict=True)), generation)
        execute("DELETE FROM connectors_unembedded")
