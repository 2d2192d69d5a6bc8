"""A corpus as a source like any other, read, parsed and embedded the way all sources are."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.reader import Reader
from connectors import ingest
from connectors.adding import add_source
from connectors.applying import apply_record
from connectors.models import DocumentText, Source
from connectors.records import Access, DocumentRecord, Entry, PrincipalRecord, ScopeRecord
from gateway.evaluating.corpora import Corpus, Text
from gateway.evaluating.reports import Reports

SCOPES = 20  # every document is in one of these, by its id
ALL, PART = "all@evaluation.example", "part@evaluation.example"
AT_ONCE = 200


@dataclass(frozen=True)
class Loaded:
    """Two people: who may read it all, and who may read the documents in the first so many of the scopes."""

    source: Source
    everything: Reader
    part: Reader
    ids: frozenset[str]  # of the documents in that part


def load(corpus: Corpus | Reports, *, readable: float) -> Loaded:
    """Read the corpus in, unless it is there already. `readable`: share of the scopes the second person may read."""
    key = f"corpus-{corpus.digest[:12]}"
    source = Source.objects.filter(directory__key=key).first()
    if source is None:
        source = add_source(key, kind="push", name=corpus.name, vouches_for_emails=True)
    open_scopes = round(SCOPES * readable)
    with transaction.atomic():
        for email in (ALL, PART):
            apply_record(source, PrincipalRecord(id=email, kind="user", email=email, external=False))
        for number in range(SCOPES):
            grants = [ALL, PART] if number < open_scopes else [ALL]
            access = Access(grants=tuple(Entry(id=email) for email in grants))
            apply_record(source, ScopeRecord(id=f"{number}", access=access))
    for start in range(0, len(corpus.texts), AT_ONCE):
        _put(source, corpus.texts[start : start + AT_ONCE])
    ingest.drain(source)
    everything, part = (_person(email) for email in (ALL, PART))
    ids = frozenset(text.id for text in corpus.texts if _scope_of(text.id) < open_scopes)
    return Loaded(source, everything, part, ids)


@transaction.atomic
def _put(source: Source, texts: Iterable[Text]) -> None:
    for text in texts:
        contents: dict[str, Any] = {"content": text.content} if text.content else {"text": text.text}
        apply_record(source, DocumentRecord(id=text.id, title=text.title, scope=f"{_scope_of(text.id)}", **contents))


def _scope_of(id: str) -> int:
    return sha256(id.encode()).digest()[0] % SCOPES


def _person(email: str) -> Reader:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    return Reader(user.pk)


def pages(loaded: Loaded) -> dict[tuple[str, int], str]:
    """The texts of the pages of what was loaded, by the id of the document and the number of the page."""
    found = DocumentText.objects.visible_to(loaded.everything).filter(document__source=loaded.source)
    return {
        (id, page["number"]): text[page["start"] : page["end"]]
        for id, text, numbered in found.order_by("document_id").values_list("document__external_id", "text", "pages")
        for page in numbered
    }
