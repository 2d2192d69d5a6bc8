"""The documents the gateway really holds, read past the guard: under which ids they are asked for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from accounts.models import User
from accounts.statements import rows
from gateway.models import AnswerSentence, Conversation, Evidence, Question
from tests.leakproof.texts import word_of
from tests.made_up import give_vectors

DocumentKey = tuple[str, str]
Pair = tuple[UUID, str]
VECTOR = [0.6, 0.0, 0.8]
DOCUMENTS = """
SELECT d.public_id, d.id, f.key, d.external_id, d.state <> 'deleted',
       (SELECT encode(p.digest, 'hex') FROM connectors_passage p WHERE p.document_id = d.id AND p.ordinal = 0)
FROM connectors_document d JOIN accounts_directory f ON f.id = d.source_id ORDER BY d.id
"""
# A vector of its own for each document; none may wait for a model here.
EMBED = "l2_normalize(('[' || sin(p.document_id) || ',' || cos(p.document_id) || ',1]')::halfvec)"
WITHOUT = "p.id IN (SELECT passage_id FROM connectors_unembedded)"


@dataclass
class Item:
    """A document by the id the outside knows. One that ended keeps its id, under which nothing may be found."""

    id: UUID
    key: DocumentKey
    exists: bool = True
    digests: list[str] = field(default_factory=list)  # of the first passage of each text it had, newest last

    @property
    def word(self) -> str:
        return word_of(*self.key)


@dataclass
class Shelf:
    items: dict[UUID, Item] = field(default_factory=dict)
    current: dict[DocumentKey, UUID] = field(default_factory=dict)
    by_row: dict[int, UUID] = field(default_factory=dict)
    sentences: list[tuple[UUID, ...]] = field(default_factory=list)  # of everyone's old answer, by ordinal
    questions: dict[int, UUID] = field(default_factory=dict)  # by person

    def word(self, id: UUID) -> str:
        return self.items[id].word

    def evidence_of(self, id: UUID, *, newest: bool = False) -> list[Pair]:
        """What answers may rest on of this document: each text it ever had, or the newest alone."""
        digests = self.items[id].digests
        return [(id, digest) for digest in (digests[-1:] if newest else digests)]

    def question_of(self, person: int) -> UUID:
        return self.questions[person]

    def refresh(self, people: Iterable[User]) -> None:
        """Look again at what there is; give passages their vectors and people their answers."""
        give_vectors(EMBED, WITHOUT, dimensions=3)
        self._greet(people)
        there: dict[DocumentKey, UUID] = {}
        new: list[Item] = []
        for id, row, source, document, exists, digest in rows(DOCUMENTS):
            item = self.items.setdefault(id, Item(id, (source, document)))
            self.by_row[row] = id
            if exists:
                there[item.key] = id
            if digest is not None and digest not in item.digests[-1:]:
                new += [] if item.digests else [item]
                item.digests.append(digest)
        self.current = there
        for item in self.items.values():
            item.exists = there.get(item.key) == item.id
        self._quote(new)

    def _greet(self, people: Iterable[User]) -> None:
        """Everyone has asked a question, before they could read anything."""
        for person in people:
            if person.pk not in self.questions:
                conversation = Conversation.objects.create(owner=person)
                question = Question.objects.create(conversation=conversation, text="What is kept?", door="tests")
                self.questions[person.pk] = question.pk
                self._tell(question.pk, list(enumerate(self.sentences)))

    def _quote(self, new: Collection[Item]) -> None:
        """From now on everyone's answer has a sentence made from each new text, as if it had been shown to them."""
        begin = len(self.sentences)
        for item in new:
            earlier = self.sentences[-1][-1:] if self.sentences else ()
            self.sentences += [(item.id,), (*earlier, item.id)] if earlier else [(item.id,)]
        for question in self.questions.values():
            self._tell(question, list(enumerate(self.sentences))[begin:])

    def _tell(self, question: UUID, sentences: list[tuple[int, tuple[UUID, ...]]]) -> None:
        if not sentences:
            return
        stored = AnswerSentence.objects.bulk_create(
            AnswerSentence(question_id=question, ordinal=ordinal, text=f"Sentence {ordinal}.")
            for ordinal, _ in sentences
        )
        Evidence.objects.bulk_create(
            Evidence(
                sentence=sentence,
                n=n,
                document=document,
                revision=1,
                passage=document,
                start=0,
                end=1,
                digest=self.items[document].digests[0],
            )
            for sentence, (_, documents) in zip(stored, sentences, strict=True)
            for n, document in enumerate(documents, start=1)
        )
