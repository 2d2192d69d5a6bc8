"""Things Ann may not read and must not notice. What a world hides is drawn anew for each of the two.

Each function hides one kind of thing. Some do so before Ann's documents come, some between, most after.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction

from accounts import principals, tokens
from accounts.models import User
from accounts.statements import execute
from connectors.adding import pause
from connectors.corpus import documents
from connectors.corpus.breaking_glass import break_glass
from connectors.corpus.placing import Places
from connectors.models import Document, Passage, Source, SyncRun
from connectors.records import (
    Access,
    AccessRecord,
    Deletion,
    DocumentRecord,
    PrincipalRecord,
    ScopeRecord,
)
from gateway import audit
from gateway.models import AnswerSentence, Conversation, Evidence, Feedback, Question
from tests.cast import access, until
from tests.connectors.mails import mail
from tests.security.hidden import ASKED
from tests.twins.worlds import FILES, FIRST_DAY, LOST, MAIL, QUESTIONS, Known, World, text_about

NOBODY = "Nobody You Know"  # who wrote what is hidden
Act = Callable[["Hiding", World], None]


@dataclass
class Hiding:
    """All that one of the two worlds hides. `much`: passages of a hidden text are there so many times over."""

    side: str
    known: Known
    much: int = 0
    made: int = 0
    others: list[User] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"hidden {self.side} {self.known.seed}")
        self.nearer = self.chance.choice((0.0, 0.5, 1.0))
        steps = len(self.known.steps)
        drawn = [each for each in ACTS if self.chance.random() < 0.6]
        self.chance.shuffle(drawn)
        wanted = [a_colleague, *drawn, the_lost_document] if self.chance.random() < 0.9 else [a_colleague]
        self.after: dict[int, list[Act]] = {step: [] for step in range(-1, steps)}
        for act in wanted:
            earliest = EARLIEST.get(act, 1)
            self.after[self.chance.randrange(earliest, steps)].append(act)
        self.after[-1].insert(0, a_colleague)

    def do(self, step: int, world: World) -> None:
        for act in self.after[step]:
            world.dice.seed(self.side, self.known.seed, step, self.made)
            self.made += 1
            act(self, world)

    # --- what acts are made of ----------------------------------------------------------------------------

    def ids(self, kind: str) -> UUID:
        """The id of the first thing of this kind that this world hides: it is asked for in both."""
        return id_of_hidden(self.known.seed, self.side, kind)

    def record(self, like: DocumentRecord | None = None, **fields: object) -> DocumentRecord:
        """A document about what Ann's documents are about, often under their title."""
        _, drawn = self.chance.choice(self.known.documents)
        like = like or drawn
        subject = like.id.split("/")[0].replace("-", " ")
        told: dict[str, object] = {
            "id": f"hidden-{self.side}-{uuid4()}",
            "title": like.title if self.chance.random() < 0.7 else f"{like.title} {self.side}",
            "text": text_about(self.chance, subject, self.chance.choice((1, 3, 10, 90))),
            "author": NOBODY,
            "modified_at": FIRST_DAY + timedelta(days=self.chance.randrange(400)),
        }
        return DocumentRecord(**(told | fields))  # type: ignore[arg-type]

    def push(self, world: World, key: str, *records: DocumentRecord) -> None:
        world.push(key, *records)
        if self.much:
            world.multiply(key, [record.id for record in records], self.chance.randrange(self.much))

    def vault(self, world: World) -> str:
        """A source of which Ann knows nothing."""
        key = f"vault-{self.side}"
        if key not in world.sources:
            world.add_source(key)
            world.push(
                key,
                PrincipalRecord(id="bob", kind="user", name="Bob", email=self.others[0].email, external=False),
                PrincipalRecord(id="team", kind="group", name="Team", members=access(["bob"]).grants),
                ScopeRecord(id="plans", name="Plans", access=access(["team"])),
            )
        return key


def id_of_hidden(seed: int, side: str, kind: str) -> UUID:
    return UUID(int=random.Random(f"{kind} {side} {seed}").getrandbits(128), version=4)


# --- people, groups and rights of others -------------------------------------------------------------------


def a_colleague(hiding: Hiding, world: World) -> None:
    """Somebody who reads and asks, too."""
    name = f"{hiding.side}{len(hiding.others)}"
    other = world.add_person(name, country="Portugal", is_staff=hiding.chance.random() < 0.2)
    hiding.others.append(other)
    tokens.issue(other, verbs=["read"], all_sources=True, expires_at=None)


def more_people(hiding: Hiding, world: World) -> None:
    for _ in range(hiding.chance.randrange(1, 5)):
        a_colleague(hiding, world)


def accounts_of_others(hiding: Hiding, world: World) -> None:
    for other in hiding.others:
        world.push("docs", PrincipalRecord(id=f"account {other.pk}", kind="user", email=other.email, name=other.name))


def members_of_ones_group(hiding: Hiding, world: World) -> None:
    names = [f"{hiding.side} {n}" for n in range(hiding.chance.randrange(1, 9))]
    world.push("docs", *(PrincipalRecord(id=name, kind="user", name=name) for name in names))
    world.push("docs", PrincipalRecord(id="team", kind="group", name="Team", members=access(["ann", *names]).grants))


def groups_one_is_not_in(hiding: Hiding, world: World) -> None:
    """Of the same name, nested in each other, and with a membership of Ann's that has ended."""
    past = until(world.dice.began - timedelta(hours=1), "ann")
    for n in range(hiding.chance.randrange(1, 4)):
        members = access([past, f"no {n + 1} {hiding.side}"]).grants
        world.push("docs", PrincipalRecord(id=f"no {n} {hiding.side}", kind="group", name="Team", members=members))


def readers_beside_one(hiding: Hiding, world: World) -> None:
    """Ann's folder is shared with more people, and closed to some: another condition, and the same for her."""
    names = [f"guest {n} {hiding.side}" for n in range(hiding.chance.randrange(1, 4))]
    world.push("docs", *(PrincipalRecord(id=name, kind="user", name=name) for name in names))
    lists = access(["staff", *names], deny=names[:1])
    world.push("docs", AccessRecord(kind="scope", id="plans", access=lists))


def glass_for_another(hiding: Hiding, world: World) -> None:
    given_by = world.add_person(f"{hiding.side} giver", is_staff=True)
    end = world.dice.began + timedelta(days=365)
    break_glass(user=hiding.others[0], given_by=given_by, reason="Theft.", until=end, scope=("docs", "board"))


def questions_of_others(hiding: Hiding, world: World) -> None:
    """The first under an id that Ann will type."""
    for n, other in enumerate(hiding.others):
        first = {} if n else {"id": hiding.ids("conversation")}
        conversation = Conversation.objects.create(owner=other, **first)
        asked = {} if n else {"id": hiding.ids("question")}
        question = Question.objects.create(conversation=conversation, text=ASKED, door="portal", **asked)
        sentence = AnswerSentence.objects.create(question=question, ordinal=1, text=f"So says {hiding.side}.")
        Evidence.objects.create(
            sentence=sentence, n=1, document=LOST, revision=1, passage=LOST, start=0, end=9, digest="00" * 32
        )
        Feedback.objects.create(question=question, verdict="down", comment=hiding.side)
        audit.record("answer.context", user_id=other.pk, details={"question": str(question.pk)})


# --- documents in places Ann may not enter -----------------------------------------------------------------


def a_closed_folder(hiding: Hiding, world: World) -> None:
    """Beside Ann's, below it, or below it and detached; the first document under an id that Ann will type."""
    scope = f"closed {hiding.side}"
    key = hiding.chance.choice(["docs", "docs", hiding.vault(world)])
    parent, lists = hiding.chance.choice(
        [
            (None, access(["nobody"])),
            ("plans", access(restrictions=[["nobody"]])),
            ("plans", access(["nobody"], inherits=False)),
            ("leave", access(deny=["ann"])),
        ]
        if key == "docs"
        else [(None, Access()), ("plans", Access())]
    )
    records = [hiding.record(scope=scope) for _ in range(hiding.chance.randrange(1, 14))]
    world.push(key, ScopeRecord(id=scope, name="Plans", parent=parent, access=lists))
    hiding.push(world, key, *records)
    name(world.sources[key], records[0].id, hiding.ids("document"), hiding.ids("passage"))


def name(source: Source, external_id: str, document: UUID, passage: UUID) -> None:
    found = Document.past_the_guard.filter(source=source, external_id=external_id)
    found.update(public_id=document)
    Passage.past_the_guard.filter(document__in=found, ordinal=0).update(public_id=passage)


def a_parent_above(hiding: Hiding, world: World) -> None:
    """A folder Ann may not read comes to hold one that she may, and that does not inherit from it."""
    top = f"top {hiding.side}"
    world.push("docs", ScopeRecord(id=top, name="Top", access=access(["nobody"])))
    hiding.push(world, "docs", hiding.record(scope=top))
    world.push("docs", AccessRecord(kind="scope", id="board", place=top, access=access(["ann"], inherits=False)))


def readers_of_its_own(hiding: Hiding, world: World) -> None:
    """In Ann's folder, with restrictions of their own that keep her out."""
    lists = access(restrictions=[["nobody"]])
    hiding.push(world, "docs", *(hiding.record(scope="plans", access=lists) for _ in range(3)))


def same_ids_elsewhere(hiding: Hiding, world: World) -> None:
    """Ann's documents, with their ids, titles and texts, in a source that is hidden from her."""
    key = hiding.vault(world)
    copies = [
        hiding.record(record, id=record.id, title=record.title, text=record.text, scope="plans")
        for _, record in hiding.known.documents[:10]
    ]
    hiding.push(world, key, *copies)


def a_newer_version(hiding: Hiding, world: World) -> None:
    """Of one of Ann's documents: newer, under its title, where she may not read it."""
    key = hiding.vault(world)
    for _, record in hiding.known.documents[:3]:
        newer = FIRST_DAY + timedelta(days=399)
        hiding.push(world, key, hiding.record(record, title=record.title, scope="plans", modified_at=newer))


def mails_with_files(hiding: Hiding, world: World) -> None:
    """In Ann's folder for others, in a hidden source, and in her folder but held: files of the names that hers have."""
    key = hiding.vault(world)
    nobodys = a_mail(hiding, "plans", access(restrictions=[["nobody"]]))
    hers = a_mail(hiding, "plans")
    world.push("docs", nobodys, hers)
    world.push(key, a_mail(hiding, "plans"))
    hold(world, hers)


def a_mail(hiding: Hiding, scope: str, lists: Access = Access()) -> DocumentRecord:  # noqa: B008  (it is frozen)
    record = hiding.record()
    files = [(name, (hiding.record().text or "").encode()) for name in FILES]
    text = mail(record.title, *files, body=record.text or "").as_string()
    return hiding.record(scope=scope, access=lists, text=text, mime=MAIL)


def the_lost_document(hiding: Hiding, world: World) -> None:
    """What an old answer of Ann's rests on: in one of the worlds it is still there."""
    if hiding.chance.random() < 0.5:
        record = hiding.record()
        key = hiding.vault(world)
        hiding.push(world, key, DocumentRecord(id=record.id, title="Lost", text=record.text, author=NOBODY))
        name(world.sources[key], record.id, LOST, uuid4())


# --- documents that are not there, in places Ann may enter ---------------------------------------------------


def deleted(hiding: Hiding, world: World) -> None:
    records = [hiding.record(scope=scope) for scope in ("plans", "leave", "board")]
    hiding.push(world, "docs", *records)
    world.push("docs", *(Deletion(kind="document", id=record.id) for record in records))


def deleted_with_readers_of_its_own(hiding: Hiding, world: World) -> None:
    """A place like those of Ann's own documents was there before, for something that is gone."""
    record = hiding.record(access=access(["ann"]))
    hiding.push(world, "docs", record)
    world.push("docs", Deletion(kind="document", id=record.id))


def quarantined(hiding: Hiding, world: World) -> None:
    record = hiding.record(scope="plans")
    hiding.push(world, "docs", record)
    world.push("docs", hiding.record(id=record.id, scope="plans", text=None, unreadable="encrypted"))


def pending(hiding: Hiding, world: World) -> None:
    hiding.push(world, "docs", hiding.record(scope="plans", text=None, content=hiding.side.encode()))


def held(hiding: Hiding, world: World) -> None:
    record = hiding.record(scope="plans")
    hiding.push(world, "docs", record)
    hold(world, record)


def hold(world: World, record: DocumentRecord) -> None:
    source = world.sources["docs"]
    with transaction.atomic():
        principals.lock(source.pk)
        places = Places(source.pk)
        documents.hold(documents.living(source.pk).filter(external_id=record.id), places)
        places.settle(refuse_cycles=False)


def a_paused_source(hiding: Hiding, world: World) -> None:
    key = f"paused-{hiding.side}"
    open_to_all(hiding, world, key)
    pause(world.sources[key])


def a_stale_source(hiding: Hiding, world: World) -> None:
    key = f"stale-{hiding.side}"
    open_to_all(hiding, world, key)
    Source.objects.filter(pk=world.sources[key].pk).update(
        max_permission_age=timedelta(hours=1), permissions_verified_at=world.dice.began - timedelta(days=2)
    )


def open_to_all(hiding: Hiding, world: World, key: str) -> None:
    world.add_source(key)
    hiding.push(world, key, *(hiding.record(access=access(["everyone"])) for _ in range(3)))


def runs_that_failed(hiding: Hiding, world: World) -> None:
    for source in world.sources.values():
        SyncRun.objects.create(source=source, fence=1, state="failed", problems=[f"{QUESTIONS[0]} {hiding.side}"])


def numbers_taken(hiding: Hiding, world: World) -> None:
    """Rows that were there and are gone: the next ones have other numbers."""
    for table in ("document", "passage", "scope"):
        execute(
            f"SELECT setval('connectors_{table}_id_seq', nextval('connectors_{table}_id_seq') + %s)",
            [hiding.chance.randrange(10_000)],
        )


ACTS: tuple[Act, ...] = (
    *(more_people, accounts_of_others, members_of_ones_group, groups_one_is_not_in, readers_beside_one),
    *(glass_for_another, questions_of_others, a_closed_folder, a_parent_above, readers_of_its_own),
    *(
        mails_with_files,
        same_ids_elsewhere,
        a_newer_version,
        deleted,
        deleted_with_readers_of_its_own,
        quarantined,
        pending,
        held,
    ),
    *(a_paused_source, a_stale_source, runs_that_failed, numbers_taken),
)
# After which step of what Ann knows each can come, where it is not the second: before any, there is no source.
EARLIEST: dict[Act, int] = {
    **dict.fromkeys((more_people, questions_of_others, same_ids_elsewhere, a_newer_version, the_lost_document), -1),
    **dict.fromkeys((a_paused_source, a_stale_source, runs_that_failed, numbers_taken, a_colleague), -1),
    **dict.fromkeys((accounts_of_others, members_of_ones_group, groups_one_is_not_in), 0),
    deleted_with_readers_of_its_own: 0,
}
