"""The s3 connector: rules, hostile answers, refusals and regions, on a store that says what a test wants."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import pytest

from connectors.kit.system import Answer, Asked, System
from connectors.records import (
    Access,
    Checkpoint,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
    State,
)
from connectors.sources import s3
from connectors.sources.base import ConnectorError
from connectors.sources.s3 import EVERYTHING, GATE, MAX_OBJECT, S3, Store, read_rules
from connectors.sources.strict_yaml import InvalidYaml

RULES = "people: {ann: {email: ann@example.org}}\nprefixes: {docs/: {grants: [ann]}}\n"


class Hurried(S3):
    tries = 1
    patience = 1.0


def entry(key: str, size: object = 3, tag: str = '"e1"', more: str = "") -> str:
    """An object as a listing has it."""
    fields = {
        "Key": quote_plus(key, safe="/"),
        "LastModified": "2026-07-01T10:00:00.000Z",
        "ETag": tag,
        "Size": str(size),
    }
    return f"<Contents>{inside(fields)}{more}</Contents>"


def inside(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def page(*entries: str, more: str = "", **said: str) -> bytes:
    """A page of ListObjectsV2. `more`: the token of the next."""
    fields = {
        "Name": "docs",
        "Prefix": "",
        "KeyCount": str(len(entries)),
        "EncodingType": "url",
        "IsTruncated": "true" if more else "false",
        **({"NextContinuationToken": more} if more else {}),
        **said,
    }
    inner = inside({name: value for name, value in fields.items() if value}) + "".join(entries)
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<?xml version="1.0"?><ListBucketResult xmlns="{space}">{inner}</ListBucketResult>'.encode()


def error(status: int, code: str = "", **headers: str) -> Answer:
    return Answer(f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode(), status, headers)


class Shelf(System):
    """A bucket `docs`: its objects, and answers for single requests by their path."""

    def __init__(self) -> None:
        super().__init__(self.said)
        self.objects: dict[str, bytes] = {"a.txt": b"abc"}
        self.pages: list[bytes] = []
        self.answers: dict[str, Answer | Callable[[Asked], Answer]] = {}

    def said(self, asked: Asked) -> Answer:
        given = self.answers.get(asked.path)
        if given is not None:
            return given(asked) if callable(given) else given
        if asked.path == "/docs/":
            return Answer(self.pages.pop(0) if self.pages else page(*map(entry, self.objects)))
        content = self.objects.get(asked.path.removeprefix("/docs/"))
        return error(404, "NoSuchKey") if content is None else Answer(content)

    def settings(self, **more: str) -> dict[str, str]:
        keys = {"access_key_id": "AKIA", "secret_access_key": "s3cret"}
        return {"buckets": "docs", "endpoint": self.url, **keys, "access": RULES, **more}

    def read(self, since: State | None = None, **more: str) -> list[Record]:
        return list(Hurried(self.settings(**more)).records(since))


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf().running() as running:
        yield running


def documents(records: Sequence[Record]) -> dict[str, DocumentRecord]:
    return {record.id: record for record in records if isinstance(record, DocumentRecord)}


def scopes(records: Sequence[Record]) -> dict[str, ScopeRecord]:
    return {record.id: record for record in records if isinstance(record, ScopeRecord)}


def problems(records: Sequence[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Problem)]


def end(records: Sequence[Record]) -> Checkpoint:
    assert isinstance(records[-1], Checkpoint)
    return records[-1]


def content(record: DocumentRecord) -> bytes:
    assert callable(record.content)
    return record.content()


def test_a_bucket_is_read(shelf: Shelf) -> None:
    records = shelf.read()
    (document,) = documents(records).values()
    assert (document.id, document.scope, document.version) == ("docs/a.txt", "docs/", "e1-3")
    assert content(document) == b"abc"
    assert [record.email for record in records if isinstance(record, PrincipalRecord)] == ["ann@example.org"]
    assert end(records).complete
    assert problems(records) == []


# --- rules ------------------------------------------------------------------------------------------------------


def access_of(rules: str, id: str) -> Access:
    regulations = read_rules(rules.encode())
    return {scope.id: scope.access for scope in regulations.scopes()}[regulations.scope_of(id)]


def test_the_longest_prefix_holds_and_inherits_what_is_above() -> None:
    rules = """
prefixes:
  docs/hr/: {restrictions: [[hr]]}
  /: {grants: [boss]}
  docs/: {grants: [staff], deny: [guests]}
  docs/hr/open/: {grants: [all], inherits: false}
  docs/hr/open/paid/: {restrictions: [[paid]]}
"""
    assert access_of(rules, "docs/hr/x.txt") == Access(
        grants=(Entry(id="boss"), Entry(id="staff")), restrictions=(("hr",),), deny=("guests",)
    )
    assert access_of(rules, "other/x.txt") == Access(grants=(Entry(id="boss"),))
    assert access_of(rules, "docs/hr/open/paid/x.txt") == Access(grants=(Entry(id="all"),), restrictions=(("paid",),))
    assert read_rules(rules.encode()).scope_of("other/x.txt") == EVERYTHING


def test_a_prefix_is_no_beginning_of_another_name(shelf: Shelf) -> None:
    shelf.objects = {"hr/a.txt": b"a", "hrx/b.txt": b"b", "c.txt": b"c"}
    found = documents(shelf.read(access="prefixes: {docs/hr/: {grants: [everyone]}}"))
    assert {id: record.scope for id, record in found.items()} == {
        "docs/hr/a.txt": "docs/hr/",
        "docs/hrx/b.txt": GATE,
        "docs/c.txt": GATE,
    }


def test_an_object_may_have_rules_of_its_own(shelf: Shelf) -> None:
    shelf.objects = {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}
    records = shelf.read(
        access="""
prefixes: {docs/: {grants: [ann], metadata: {country: Germany, kind: memo}}}
objects:
  docs/a.txt: {restrictions: [[legal]], metadata: {kind: case}}
  docs/b.txt: {grants: [bob], inherits: false}
  docs/none.txt: {grants: [bob]}
"""
    )
    found = documents(records)
    assert (found["docs/a.txt"].scope, found["docs/a.txt"].access) == ("docs/", Access(restrictions=(("legal",),)))
    assert (found["docs/b.txt"].scope, found["docs/b.txt"].access) == (GATE, Access(grants=(Entry(id="bob"),)))
    assert found["docs/c.txt"].access.is_plain
    assert found["docs/a.txt"].metadata == {"country": "Germany", "kind": "case"}
    assert problems(records) == ["The setting 'access', line 6: there is no object 'docs/none.txt'"]


def test_without_rules_nobody_is_admitted(shelf: Shelf) -> None:
    records = shelf.read(access="people: {ann: {}}")
    assert documents(records)["docs/a.txt"].scope == GATE
    assert scopes(records)[GATE].access.is_plain


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("prefixes: {docs: {}}", "must be BUCKET/"),
        ("prefixes: {/docs/: {}}", "must be BUCKET/"),
        ("prefixes: {docs/: {grant: [a]}}", "'grant' means nothing"),
        ("prefixes: {docs/: {deny: [{id: a, until: 2026-01-01T00:00:00Z}]}}", "only grants and members can end"),
        ("people: {everyone: {}}", "reserved"),
        ("groups: {'*': {}}", "reserved"),
        ("people: {a: {}}\ngroups: {a: {}}", "both a person and a group"),
        ("prefixes: &x {docs/: *x}", "anchors"),
        ("", "empty"),
        ("- a", "not a list of"),
    ],
)
def test_mistakes_in_the_rules_are_told(rules: str, said: str) -> None:
    with pytest.raises(InvalidYaml, match=said):
        read_rules(rules.encode())


def test_rules_that_cannot_be_understood_close_everything_and_take_nothing_as_gone(shelf: Shelf) -> None:
    shelf.answers["/docs/who.yaml"] = Answer(b"prefixes:\n  docs/: {grants: ann}")
    records = shelf.read(access="", access_object="docs/who.yaml")
    assert scopes(records)[GATE].access.problem.startswith("docs/who.yaml: line 2")
    assert problems(records)
    assert not end(records).complete
    assert not documents(records)


@pytest.mark.parametrize(
    "answer",
    [error(404, "NoSuchKey"), error(403, "AccessDenied"), Answer(b"#" * 1_100_000)],
    ids=["gone", "refused", "too large"],
)
def test_rules_that_cannot_be_read_close_everything(shelf: Shelf, answer: Answer) -> None:
    shelf.answers["/docs/who.yaml"] = answer
    records = shelf.read(access="", access_object="docs/who.yaml")
    assert scopes(records)[GATE].access.problem
    assert not end(records).complete


@pytest.mark.parametrize(
    "answer",
    [
        error(403, "ExpiredToken"),
        error(403, "SignatureDoesNotMatch"),
        error(503, "SlowDown"),
        Answer(b"x", breaks=True),
    ],
    ids=["expired", "secret", "busy", "broken"],
)
def test_a_store_that_cannot_be_asked_changes_no_rights(shelf: Shelf, answer: Answer) -> None:
    shelf.answers["/docs/who.yaml"] = answer
    with pytest.raises(ConnectorError):
        shelf.read(access="", access_object="docs/who.yaml")


# --- listings ---------------------------------------------------------------------------------------------------


def test_pages_are_followed_to_the_end(shelf: Shelf) -> None:
    shelf.pages = [page(entry("a"), more="t/1+="), page(entry("b"), more="t2"), page(entry("c"))]
    records = shelf.read()
    assert documents(records).keys() == {"docs/a", "docs/b", "docs/c"}
    assert [asked.query.get("continuation-token") for asked in shelf.asked] == [None, "t/1+=", "t2"]
    assert end(records).complete


BAD_PAGES = {
    "no xml": b"nothing",
    "half of it": page(entry("a"))[:-40],
    "another root": b"<Other/>",
    "an error": b"<Error><Code>SlowDown</Code></Error>",
    "not said whether it ended": page(entry("a"), IsTruncated=""),
    "more and not where": page(entry("a"), IsTruncated="true"),
    "another count": page(entry("a"), KeyCount="2"),
    "another bucket": page(entry("a"), Name="other"),
    "another prefix": page(entry("a"), Prefix="x/"),
    "no size": page(entry("a", size="")),
    "size in words": page(entry("a", size="many")),
    "negative size": page(entry("a", size=-1)),
    "endless size": page(entry("a", size="9" * 400)),
    "no tag": page(entry("a", tag="")),
    "no time": page(entry("a").replace("2026-07-01T10:00:00.000Z", "yesterday")),
    "no key": page(entry("")),
    "an entity": b'<!DOCTYPE a [<!ENTITY x "y">]>' + page(entry("a")).partition(b"?>")[2],
    "a bomb": b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>"
    + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%s;" % (b"%d" % (n - 1) if n else b"") * 10) for n in range(9))
    + b"]><ListBucketResult>&a8;</ListBucketResult>",
    "no utf-8": b"<ListBucketResult>\xff</ListBucketResult>",
    "tags without end": page(entry("a", more="<x/>" * 60_000)),
    "a name space that fills the memory": b"<ListBucketResult xmlns='http://%s>'>" % (b"x>" * 100_000)
    + b"<a/>" * 40_000
    + b"</ListBucketResult>",
}


@pytest.mark.parametrize("content", BAD_PAGES.values(), ids=BAD_PAGES.keys())
def test_a_listing_that_is_not_whole_fails_the_run(shelf: Shelf, content: bytes) -> None:
    shelf.pages = [content]
    with pytest.raises(ConnectorError) as refused:
        shelf.read()
    assert not refused.value.permanent
    shelf.pages = [page(entry("z"), more="t"), content]
    with pytest.raises(ConnectorError):
        shelf.read()


def test_a_listing_that_goes_in_a_circle_fails_the_run(shelf: Shelf) -> None:
    shelf.answers["/docs/"] = Answer(page(entry("a"), more="same"))
    with pytest.raises(ConnectorError, match="said that there is more, and not where"):
        shelf.read()


def test_a_listing_that_goes_in_a_wide_circle_fails_the_run(shelf: Shelf) -> None:
    shelf.pages = [page(entry("a"), more=token) for token in ("one", "two", "three", "one")]
    with pytest.raises(ConnectorError, match="said that there is more, and not where"):
        shelf.read()


def test_pages_that_hold_nothing_without_end_fail_the_run(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "MAX_EMPTY", 3)
    shelf.answers["/docs/"] = lambda asked: Answer(page(more=asked.query.get("continuation-token", "") + "x"))
    with pytest.raises(ConnectorError, match="held nothing on 3 pages in a row"):
        shelf.read()


def test_a_run_has_an_end_however_slowly_it_is_answered(shelf: Shelf) -> None:
    class Impatient(Hurried):
        longest_run = 0.0

    with pytest.raises(ConnectorError, match="took longer than") as ended:
        list(Impatient(shelf.settings()).records(None))
    assert not ended.value.permanent


# --- metadata ---------------------------------------------------------------------------------------------------


def described(**headers: str) -> Answer:
    return Answer(b"a", 206, headers)


def test_what_is_known_of_metadata_is_written_only_when_it_changed(shelf: Shelf) -> None:
    shelf.answers["/docs/a.txt"] = described(**{"x-amz-meta-country": "France"})
    first = end(shelf.read(metadata="true")).state
    shelf.asked.clear()
    again = shelf.read(first, metadata="true")
    assert documents(again)["docs/a.txt"].metadata == {"country": "France"}
    assert shelf.paths() == ["/docs/"]
    assert end(again).state == first

    shelf.objects["b.txt"] = b"abc"
    shelf.answers["/docs/b.txt"] = described()
    shelf.pages = [page(entry("a.txt"), entry("b.txt").replace("2026-07-01", "2099-01-01"))]
    third = shelf.read(first, metadata="true")
    assert documents(third)["docs/a.txt"].metadata == {"country": "France"}
    assert end(third).state["looked"] != first["looked"]


@pytest.mark.parametrize("odd", [{}, 7, "x", "AAAA"], ids=str)
def test_an_odd_state_is_none_and_everything_is_looked_at(shelf: Shelf, odd: object) -> None:
    state: State = {"looked": "2026-01-01T00:00:00+00:00", "metadata": odd}
    shelf.answers["/docs/a.txt"] = described(**{"x-amz-meta-country": "France"})
    assert documents(shelf.read(state, metadata="true"))["docs/a.txt"].metadata == {"country": "France"}


def test_an_object_with_more_metadata_than_any_has_none_and_that_is_told(shelf: Shelf) -> None:
    shelf.answers["/docs/a.txt"] = described(**{f"x-amz-meta-{number}": "x" * 4_000 for number in range(5)})
    records = shelf.read(metadata="true")
    assert documents(records)["docs/a.txt"].metadata == {}
    assert "1 objects of docs have more metadata than are read of one: none is kept." in problems(records)


def test_of_more_metadata_than_are_kept_none_is_and_they_are_looked_at_each_time(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "UNPACKED", 10)
    shelf.answers["/docs/a.txt"] = described(**{"x-amz-meta-country": "France"})
    records = shelf.read(metadata="true")
    assert documents(records)["docs/a.txt"].metadata == {"country": "France"}
    assert end(records) == Checkpoint(state={}, complete=True)


def test_keys_that_cannot_stand_as_ids_are_told_and_left_out(shelf: Shelf) -> None:
    shelf.pages = [
        page(entry("a\0b"), entry("a\nb"), entry("x" * 1200), entry("ok"), entry("a").replace("<Key>a", "<Key>%FF"))
    ]
    records = shelf.read()
    assert documents(records).keys() == {"docs/ok"}
    assert len(problems(records)) == 4
    assert end(records).complete


def test_keys_are_taken_as_they_stand_where_the_store_does_not_encode_them(shelf: Shelf) -> None:
    shelf.pages = [page(entry("X").replace("X", "a+b%20c"), EncodingType="")]
    assert documents(shelf.read()).keys() == {"docs/a+b%20c"}


def test_dots_in_keys_lead_nowhere_else(shelf: Shelf) -> None:
    for key in ("../secret/a", "a/../../b", "./c", "..", "d/."):
        shelf.pages = [page(entry(key))]
        (document,) = documents(shelf.read()).values()
        assert document.id == f"docs/{key}"
        with pytest.raises(ConnectorError):  # there is no such object here
            content(document)
        assert shelf.asked[-1].target.startswith("/docs/")
        assert shelf.asked[-1].path == f"/docs/{key}"


def test_too_large_objects_are_not_asked_for_nor_read_beyond_their_size(shelf: Shelf) -> None:
    shelf.pages = [page(entry("big", size=MAX_OBJECT + 1), entry("liar"))]
    shelf.objects["liar"] = b"x" * (MAX_OBJECT + 1)
    found = documents(shelf.read())
    assert (found["docs/big"].unreadable, found["docs/big"].content) == ("too_large", None)
    with pytest.raises(ConnectorError, match="liar is larger than 50 MB") as refused:
        content(found["docs/liar"])
    assert refused.value.permanent


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(403, "AccessDenied"), "these keys may not do that. It takes s3:ListBucket"),
        (error(403, "InvalidAccessKeyId"), "there is no such access key"),
        (error(403, "SignatureDoesNotMatch"), "the secret key is not right"),
        (error(403, "RequestTimeTooSkewed"), "clock is wrong"),
        (error(400, "ExpiredToken"), "the session token is over"),
        (error(404, "NoSuchBucket"), "there is no such bucket"),
        (error(403), "status 403"),
        (error(403, "<b>x</b>"), "status 403"),
        (Answer(b"\xff\xfe", 403), "status 403"),
    ],
    ids=["rights", "key", "secret", "clock", "token", "bucket", "nothing said", "markup", "bytes"],
)
def test_a_refused_listing_fails_the_run_with_what_to_do(shelf: Shelf, answer: Answer, said: str) -> None:
    shelf.answers["/docs/"] = answer
    with pytest.raises(ConnectorError) as refused:
        shelf.read()
    assert said in str(refused.value)
    assert refused.value.permanent
    assert said in Hurried(shelf.settings()).check()[0]


def test_of_one_bucket_that_is_refused_nothing_is_verified_and_the_others_are_read(shelf: Shelf) -> None:
    """Its objects stand where the rules of an earlier run put them, which only P7 ends."""
    shelf.answers["/other/"] = error(403, "AccessDenied")
    since: State = {"looked": "", "metadata": {}}
    run = Hurried(shelf.settings(buckets="docs, other", metadata="true")).records(since)
    records: list[Record] = []
    with pytest.raises(ConnectorError, match="The bucket other cannot be read"):
        records.extend(run)
    assert documents(records).keys() == {"docs/a.txt"}
    assert "The bucket other cannot be read" in problems(records)[0]
    assert end(records) == Checkpoint(state=since, readers_complete=True), "its metadata are not forgotten either"
    shelf.answers["/other/"] = error(403, "ExpiredToken")
    with pytest.raises(ConnectorError):
        shelf.read(buckets="docs, other")


def test_objects_that_may_not_be_read_are_counted_with_what_it_takes(shelf: Shelf) -> None:
    shelf.objects = {"a.txt": b"a", "b.txt": b"b"}
    shelf.answers["/docs/a.txt"] = error(403, "AccessDenied")
    run = Hurried(shelf.settings()).records(None)
    told: list[Record] = []
    for record in run:  # as the engine does: contents are read before the listing goes on
        told.append(record)
        if isinstance(record, DocumentRecord) and record.id == "docs/a.txt":
            with pytest.raises(ConnectorError, match=r"The object a\.txt of docs cannot be read") as refused:
                content(record)
            assert refused.value.permanent
    assert any("1 objects of docs could not be read" in problem for problem in problems(told))
    assert "s3:GetObject" in Hurried(shelf.settings()).check()[0]


def test_an_object_gone_since_it_was_listed_is_no_reason_to_stop(shelf: Shelf) -> None:
    found = documents(shelf.read())
    shelf.objects.clear()
    with pytest.raises(ConnectorError, match="there is no such object") as refused:
        content(found["docs/a.txt"])
    assert refused.value.permanent


def test_a_busy_store_is_asked_again_with_a_new_signature(shelf: Shelf) -> None:
    class Patient(S3):
        tries = 3

    shelf.faults = [error(503, "SlowDown", **{"Retry-After": "1"})]
    assert documents(list(Patient(shelf.settings()).records(None)))
    first, second = (asked.headers["x-amz-date"] for asked in shelf.asked[:2])
    assert first < second


def test_a_silent_store_ends_the_run_in_time(shelf: Shelf) -> None:
    shelf.answers["/docs/"] = Answer(b"", waits=60)
    began = time.monotonic()
    with pytest.raises(ConnectorError, match="did not answer within 1 seconds") as silent:
        shelf.read()
    assert time.monotonic() - began < 10
    assert not silent.value.permanent


# --- signing in, and regions ------------------------------------------------------------------------------------


def test_requests_are_signed_and_the_secret_never_leaves(shelf: Shelf) -> None:
    shelf.read(session_token="the+token")
    asked = shelf.asked[0]
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
    assert asked.headers["x-amz-security-token"] == "the+token"
    assert "s3cret" not in str(asked)
    assert "s3cret" not in repr(Hurried(shelf.settings()).plan())


def test_without_keys_a_bucket_is_asked_for_as_by_anybody(shelf: Shelf) -> None:
    assert documents(shelf.read(access_key_id="", secret_access_key=""))
    assert "authorization" not in shelf.asked[0].headers


def test_a_bucket_in_another_region_is_asked_for_there(shelf: Shelf) -> None:
    def elsewhere(asked: Asked) -> Answer:
        if "/eu-west-3/s3/" in asked.headers["authorization"]:
            return Answer(page(entry("a.txt")))
        return error(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-west-3"})

    shelf.answers["/docs/"] = elsewhere
    records = shelf.read()
    assert documents(records)
    assert content(documents(records)["docs/a.txt"]) == b"abc"
    assert len(shelf.asked) == 3  # the region is remembered


def test_a_region_named_in_the_body_is_understood(shelf: Shelf) -> None:
    def elsewhere(asked: Asked) -> Answer:
        if "/eu-west-3/s3/" in asked.headers["authorization"]:
            return Answer(page(entry("a.txt")))
        return Answer(b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>", 400)

    shelf.answers["/docs/"] = elsewhere
    assert documents(shelf.read())


@pytest.mark.parametrize("region", ["evil.example/", "eu-west-1.evil.example", "", "x" * 300, "us-east-1"])
def test_what_is_no_region_is_not_followed(shelf: Shelf, region: str) -> None:
    shelf.answers["/docs/"] = error(301, "PermanentRedirect", **{"x-amz-bucket-region": region})
    with pytest.raises(ConnectorError, match="PermanentRedirect"):
        shelf.read()
    assert len(shelf.asked) == 1


def test_a_store_that_leads_elsewhere_is_not_followed(shelf: Shelf) -> None:
    with System(lambda _: Answer(page(entry("a.txt")))).running() as other:
        shelf.answers["/docs/"] = error(307, "TemporaryRedirect", Location=f"{other.url}/docs/")
        with pytest.raises(ConnectorError, match="TemporaryRedirect"):
            shelf.read(session_token="token")
        assert other.asked == []


def test_regions_that_go_in_a_circle_end(shelf: Shelf) -> None:
    regions = iter(["eu-west-3", "eu-west-1", "eu-west-3", "eu-west-1"])
    shelf.answers["/docs/"] = lambda _: error(301, "PermanentRedirect", **{"x-amz-bucket-region": next(regions)})
    with pytest.raises(ConnectorError, match="PermanentRedirect"):
        shelf.read()
    assert len(shelf.asked) == 2


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({}, "https://docs.s3.us-east-1.amazonaws.com"),
        ({"region": "eu-central-1"}, "https://docs.s3.eu-central-1.amazonaws.com"),
        ({"region": "cn-north-1"}, "https://docs.s3.cn-north-1.amazonaws.com.cn"),
        ({"buckets": "my.docs"}, "https://s3.us-east-1.amazonaws.com/my.docs"),
        ({"addressing": "path"}, "https://s3.us-east-1.amazonaws.com/docs"),
        ({"endpoint": "https://minio.example.org:9000/"}, "https://minio.example.org:9000/docs"),
        ({"endpoint": "https://store.example.org", "addressing": "virtual"}, "https://docs.store.example.org"),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_addresses_of_buckets(values: dict[str, str], address: str) -> None:
    (store,) = S3({"buckets": "docs", "access": RULES, **values}).plan().stores
    assert isinstance(store, Store)
    assert store.address() == address


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"buckets": ""}, "'buckets' is missing"),
        ({"buckets": "a b"}, "which is no bucket"),
        ({"buckets": "docs/hr"}, "must end with '/'"),
        ({"access": ""}, "Give either"),
        ({"access_object": "docs/x"}, "Give either"),
        ({"access": "", "access_object": "docs"}, "must be BUCKET/KEY"),
        ({"region": "evil.example"}, "which is no region"),
        ({"secret_access_key": ""}, "one is missing"),
        ({"session_token": "a\nb"}, "holds characters"),
        ({"addressing": "both"}, "'addressing' must be"),
        ({"buckets": "my.docs", "addressing": "virtual"}, "cannot stand before a host"),
        ({"endpoint": "ftp://x"}, "must begin with https"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_wrong_with_a_setting_is_said(values: dict[str, str], said: str) -> None:
    keys = {"access_key_id": "AKIA", "secret_access_key": "secret", "endpoint": "http://127.0.0.1:1"}
    connector = Hurried({"buckets": "docs", "access": RULES, **keys, **values})
    assert said in connector.check()[0]
    with pytest.raises(ConnectorError):
        list(connector.records(None))
