"""The s3 connector against moto's store over HTTP, signed as botocore signs, down to who reads what in the product."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3  # type: ignore[import-not-found,import-untyped,unused-ignore]
import httpx
import pytest
from botocore.auth import S3SigV4Auth  # type: ignore[import-not-found,import-untyped,unused-ignore]
from botocore.awsrequest import AWSRequest  # type: ignore[import-not-found,import-untyped,unused-ignore]
from botocore.credentials import Credentials  # type: ignore[import-not-found,import-untyped,unused-ignore]
from moto.server import ThreadedMotoServer  # type: ignore[import-not-found,import-untyped,unused-ignore]

from accounts.models import User
from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.reading import document_text, list_documents
from connectors.models import Source, SyncRun
from connectors.records import Checkpoint, DocumentRecord, Problem, Record, ScopeRecord, State
from connectors.sources.s3 import S3
from connectors.sources.s3_signing import Signature, encoded
from tests.cast import person

RULES = """
people:
  ann: {name: Ann, email: Ann@example.org}
  bob: {name: Bob, email: bob@example.org}
groups:
  staff: {members: [ann, bob]}
  legal: {members: [ann]}
prefixes:
  docs/: {grants: [staff]}
  docs/legal/: {restrictions: [[legal]]}
"""


@dataclass
class Shelf:
    """A store with one bucket."""

    url: str
    s3: Any

    def put(self, key: str, text: str = "Words.", **more: Any) -> None:
        self.s3.put_object(Bucket="docs", Key=key, Body=text.encode(), **more)

    def settings(self, **more: str) -> dict[str, str]:
        keys = {"access_key_id": "AKIA", "secret_access_key": "secret"}
        return {"buckets": "docs", "endpoint": self.url, **keys, "access": RULES, **more}

    def read(self, since: State | None = None, **more: str) -> list[Record]:
        return list(S3(self.settings(**more)).records(since))


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    s3 = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="AKIA", aws_secret_access_key="secret"
    )
    httpx.post(f"{url}/moto-api/reset").raise_for_status()  # what another test left in this process
    s3.create_bucket(Bucket="docs")
    try:
        yield Shelf(url, s3)
    finally:
        s3.close()
        server.stop()


def documents(records: list[Record]) -> dict[str, DocumentRecord]:
    return {record.id: record for record in records if isinstance(record, DocumentRecord)}


def problems(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Problem)]


def end(records: list[Record]) -> Checkpoint:
    assert isinstance(records[-1], Checkpoint)
    return records[-1]


def content(record: DocumentRecord) -> bytes:
    assert callable(record.content)
    return record.content()


# --- in the product ---------------------------------------------------------------------------------------------


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    return run


def reads(name: str) -> set[str]:
    user = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    return {document.external_id for document in list_documents(Reader(user.pk))}


@pytest.mark.django_db
def test_those_the_rules_name_read_and_strangers_do_not(shelf: Shelf) -> None:
    shelf.put("handbook.md", "# Handbook\n\nThe office opens at eight.\n")
    shelf.put("legal/case.md", "# The case\n\nThe walrus settled in May.\n")
    source = adding.add_source("shelf", kind="s3", settings=shelf.settings(), vouches_for_emails=True)
    run = synced(source)
    assert (run.state, run.problems) == ("succeeded", [])
    assert reads("ann") == {"docs/handbook.md", "docs/legal/case.md"}
    assert reads("bob") == {"docs/handbook.md"}
    assert reads("charlie") == set()


@pytest.mark.django_db
def test_a_change_of_the_rules_alone_is_in_force_by_the_next_run(shelf: Shelf) -> None:
    shelf.put("handbook.md", "The office opens at eight.")
    shelf.s3.create_bucket(Bucket="rules")
    shelf.s3.put_object(Bucket="rules", Key="who.yaml", Body=RULES.encode())
    settings = shelf.settings(access="", access_object="rules/who.yaml")
    source = adding.add_source("shelf", kind="s3", settings=settings, vouches_for_emails=True)
    synced(source)
    assert reads("bob") == {"docs/handbook.md"}
    shelf.s3.put_object(Bucket="rules", Key="who.yaml", Body=RULES.replace("[staff]", "[legal]").encode())
    run = synced(source)
    assert (reads("ann"), reads("bob")) == ({"docs/handbook.md"}, set())
    assert "pending" not in run.counts  # nothing was read again
    shelf.s3.delete_object(Bucket="rules", Key="who.yaml")
    run = synced(source)
    assert reads("ann") == set()
    assert "Nobody is admitted to anything" in run.problems[0]
    shelf.s3.put_object(Bucket="rules", Key="who.yaml", Body=RULES.encode())
    synced(source)
    assert reads("bob") == {"docs/handbook.md"}


@pytest.mark.django_db
def test_new_text_is_found_and_what_is_removed_is_gone(shelf: Shelf) -> None:
    shelf.s3.put_bucket_versioning(Bucket="docs", VersioningConfiguration={"Status": "Enabled"})
    shelf.put("a.txt", "The first words.")
    shelf.put("b.txt", "Other words.")
    source = adding.add_source("shelf", kind="s3", settings=shelf.settings(), vouches_for_emails=True)
    synced(source)
    shelf.put("a.txt", "The second words.")
    shelf.s3.delete_object(Bucket="docs", Key="b.txt")  # a marker: the version stays
    synced(source)
    assert reads("ann") == {"docs/a.txt"}
    ann = Reader(User.objects.get(email="ann@example.org").pk)
    text = document_text(ann, list_documents(ann)[0].id)
    assert text is not None
    assert "second" in text.text


# --- what is listed ---------------------------------------------------------------------------------------------


def test_more_keys_than_a_page_holds_are_all_listed(shelf: Shelf) -> None:
    for number in range(1_100):
        shelf.put(f"note-{number:04}.txt", "x")
    records = shelf.read()
    assert len(documents(records)) == 1_100
    assert end(records).complete
    assert sum(isinstance(record, Checkpoint) for record in records) == 4


ODD = {
    "spaces": "a b  c.txt",
    "plus and percent": "1+1=100%.txt",
    "question and hash": "what?#now&then.txt",
    "umlaut": "Öfen/größe.txt",
    "asian": "台北.txt",
    "emoji": "🦭.txt",
    "encoded already": "a%20b%2Fc.txt",
    "quotes": "\"quoted\" 'here'.txt",
    "angles": "<b>&amp;.txt",
    "two slashes": "a//b.txt",
    "scheme": "http://example.org/x.txt",
    "brackets": "a[1]{2}(3)*!~^`|\\.txt",
    "colon and at": "a:b@c,d;e$.txt",
}


@pytest.mark.parametrize("key", ODD.values(), ids=ODD.keys())
def test_keys_with_odd_letters_are_read(shelf: Shelf, key: str) -> None:
    shelf.put(key, f"Words of {key}.")
    (document,) = documents(shelf.read()).values()
    assert document.id == f"docs/{key}"
    assert content(document) == f"Words of {key}.".encode()


def test_folders_archived_objects_and_the_rules_are_no_documents_to_read(shelf: Shelf) -> None:
    shelf.put("folder/", "")
    shelf.put("folder/.access.yaml", RULES)
    shelf.put("old.txt", StorageClass="GLACIER")
    shelf.put("older.txt", StorageClass="DEEP_ARCHIVE")
    shelf.put("cool.txt", StorageClass="GLACIER_IR")
    records = shelf.read(access="", access_object="docs/folder/.access.yaml")
    found = documents(records)
    assert found.keys() == {"docs/old.txt", "docs/older.txt", "docs/cool.txt"}
    assert {id for id, record in found.items() if record.unreadable} == {"docs/old.txt", "docs/older.txt"}
    assert problems(records) == ["2 objects are archived and cannot be read until they are restored."]
    assert content(found["docs/cool.txt"]) == b"Words."
    before = found["docs/old.txt"].version
    shelf.put("old.txt")  # as a restored copy that replaces it
    after = documents(shelf.read())["docs/old.txt"]
    assert (after.unreadable, after.version == before) == ("", False)


def test_only_what_stands_below_the_prefixes_is_read(shelf: Shelf) -> None:
    shelf.s3.create_bucket(Bucket="other")
    for key in ("hr/a.txt", "hr/b/c.txt", "hrx/d.txt", "it/e.txt"):
        shelf.put(key)
    shelf.s3.put_object(Bucket="other", Key="f.txt", Body=b"x")
    records = shelf.read(buckets="docs/hr/, docs/hr/b/, other")
    assert documents(records).keys() == {"docs/hr/a.txt", "docs/hr/b/c.txt", "other/f.txt"}
    assert end(records).complete


def test_metadata_and_tags_are_read_where_that_is_wanted_and_only_once(shelf: Shelf) -> None:
    shelf.put("a.txt", Metadata={"country": "Germany", "owner": "ann"}, Tagging="team=legal&year=2026")
    shelf.put("b.txt", "")
    assert documents(shelf.read())["docs/a.txt"].metadata == {}
    rules = RULES.replace("[staff]", "[staff], metadata: {owner: company}")
    first = shelf.read(metadata="true", access=rules)
    expected = {"country": "Germany", "owner": "company", "team": "legal", "year": "2026"}
    assert documents(first)["docs/a.txt"].metadata == expected
    state = {**end(first).state, "looked": "2999-01-01T00:00:00+00:00"}
    shelf.put("a.txt", Metadata={"country": "France"})  # longer ago than the last look: it is not asked again
    again = shelf.read(state, metadata="true", access=rules)
    assert documents(again)["docs/a.txt"].metadata == expected
    assert documents(shelf.read(metadata="true", access=rules))["docs/a.txt"].metadata["country"] == "France"


def test_check_says_what_is_missing(shelf: Shelf) -> None:
    shelf.put("a.txt")
    (http,) = S3(shelf.settings()).check()
    assert "use https:" in http
    (missing,) = S3(shelf.settings(buckets="nothing")).check()[:1]
    assert missing == "The bucket nothing cannot be read: there is no such bucket."
    (rules,) = S3(shelf.settings(access="people: [")).check()
    assert "not YAML" in rules
    (absent,) = S3(shelf.settings(access="", access_object="docs/none.yaml")).check()
    assert "there is no such object" in absent


def test_scopes_stand_below_one_that_can_close_them_all(shelf: Shelf) -> None:
    scopes = {record.id: record for record in shelf.read() if isinstance(record, ScopeRecord)}
    assert {id: scope.parent for id, scope in scopes.items()} == {".": None, "docs/": ".", "docs/legal/": "."}
    legal = scopes["docs/legal/"].access
    assert ([entry.id for entry in legal.grants], legal.restrictions) == (["staff"], (("legal",),))


# --- signatures -------------------------------------------------------------------------------------------------

URLS = {
    "list": "https://docs.s3.eu-central-1.amazonaws.com/?encoding-type=url&list-type=2&prefix=a%2F%20b%2B%26",
    "key": "https://s3.us-east-1.amazonaws.com/docs/" + encoded("Öfen/a b+c%20d!'()*~.txt", but="/"),
    "port": "http://127.0.0.1:9000/docs/a//b.txt",
    "tagging": "https://docs.s3.eu-central-1.amazonaws.com/a.txt?tagging=",
    "token": "https://docs.s3.eu-central-1.amazonaws.com/?continuation-token=1%2Fx%3D%3D&list-type=2",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
@pytest.mark.parametrize("token", ["", "a+session/token=="], ids=["lasting", "temporary"])
def test_signatures_are_those_botocore_makes(url: str, token: str) -> None:
    ours = Signature("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", token, "eu-central-1", url).headers()
    made = datetime.strptime(ours["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    parts = urlsplit(url)
    request = AWSRequest(
        "GET", parts._replace(query="").geturl(), params=dict(parse_qsl(parts.query, keep_blank_values=True))
    )
    request.headers["X-Amz-Content-SHA256"] = ours["x-amz-content-sha256"]
    auth = S3SigV4Auth(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", token or None), "s3", "eu-central-1")
    request.context = {"timestamp": ours["x-amz-date"], "payload_signing_enabled": True}
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    text = auth.canonical_request(request)
    expected = auth.signature(auth.string_to_sign(request, text), request)
    assert ours["authorization"].endswith(f"Signature={expected}")
    assert made <= datetime.now(UTC)
