"""Buckets of Amazon S3 and of stores that speak its language: objects are documents, rules say who reads which prefix.

ListObjectsV2, GetObject, GetObjectTagging (API of 2006-03-01). A store has no people: who they are, and what each may
read, an administrator writes down, in the source's settings or in an object.
"""

import base64
import binascii
import json
import mimetypes
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, ClassVar
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree  # type: ignore[import-untyped]

from connectors.records import (
    RESERVED_IDS,
    Access,
    Checkpoint,
    DocumentRecord,
    PrincipalRecord,
    Problem,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources.access_files import PEOPLE_KEYS, RULE_KEYS, Metadata, Rules, group, person, rules
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.client import MEGABYTE, NOBODY, Client, Reply, TooLarge
from connectors.sources.s3_signing import Signature, encoded
from connectors.sources.strict_yaml import InvalidYaml, compose, is_clean, line_of, mapping
from connectors.sources.time_limit import LONGEST_RUN, TimeLimit

GATE = "."  # the scope above all: it lets nobody in by itself, and closing it closes everything
EVERYTHING = "/"  # the scope of the rule for all buckets
MAX_OBJECT = 50 * MEGABYTE
MAX_RULES = 1 * MEGABYTE
MAX_PAGE = 8 * MEGABYTE  # a thousand keys of a thousand letters each, encoded
MAX_ID = 1_100  # bytes; ids are indexed
MAX_TAGS = 50_000  # of XML: a listing of a thousand objects has some twenty thousand
LONG_TAG = re.compile(rb"<[^<]{10000}")  # or what stands after one; a key has a thousand letters, encoded
MAX_PAGES = 100_000
MAX_EMPTY = 1_000  # pages without an object, one after the other
MAX_METADATA = 16_384  # characters of one object's metadata and tags; S3 lets them have some four thousand
MAX_KEPT = 16_000_000  # characters that a source keeps of the metadata of all
UNPACKED = 64_000_000
A_SECOND = 100.0  # requests; a bucket takes some thousands for each prefix
OVERLAP = timedelta(hours=1)  # clocks of a store and of this machine may differ by so much
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
TOLD = (301, 307, 400, 401, 403, 404, 410, 416)  # statuses whose body says why
ACCESS_KEYS = PEOPLE_KEYS | {"prefixes", "objects"}
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
IN_A_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")  # without dots, which no certificate covers
REGION = re.compile(r"[a-z]{2,10}(?:-[a-z0-9]{1,20}){1,5}")
CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
SIGN_IN = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
WHY = {
    "AccessDenied": "these keys may not do that",
    "AllAccessDisabled": "the bucket is shut",
    "ExpiredToken": "the session token is over; give a new one, or keys that last",
    "InvalidAccessKeyId": "there is no such access key",
    "InvalidObjectState": "the object is archived",
    "InvalidToken": "the session token is not right",
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "there is no such object",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "SignatureDoesNotMatch": "the secret key is not right",
}


class S3(Connector):
    """Lists every object in every run, which is cheap; reads those that changed."""

    settings: ClassVar = {
        "buckets": "What to read, separated by commas: BUCKET for all of it, or BUCKET/PREFIX/.",
        "access_key_id": "The access key; left out, buckets are asked for as by anybody.",
        "secret_access_key": "The secret that belongs to the access key.",
        "session_token": "The session token of temporary keys; left out for keys that last.",
        "region": "The region the buckets are in; us-east-1 if left out. A wrong one is found out where AWS tells.",
        "endpoint": "The address of a store other than AWS, such as https://minio.example.org:9000.",
        "addressing": "'path' puts the bucket into the path, 'virtual' before the host. AWS: virtual, others: path.",
        "access": "Who reads what: people, groups, prefixes and objects, as YAML or JSON.",
        "access_object": "Or where that stands: BUCKET/KEY of an object that administrators alone may write.",
        "metadata": "'true' also reads metadata and tags of objects, which asks for each object that changed.",
    }
    secrets: ClassVar = frozenset({"secret_access_key", "session_token"})
    place = frozenset({"endpoint"})

    patience: ClassVar = 60.0  # seconds a request may take
    tries: ClassVar = 5
    longest_run: ClassVar = LONGEST_RUN

    def records(self, since: State | None) -> Records:
        plan = self.plan()
        wants_metadata = self.values.get("metadata") == "true"
        yield from Listing(plan, since or {}, TimeLimit(self.longest_run), wants_metadata=wants_metadata).records()

    def check(self) -> list[str]:
        """Lists each bucket, reads a byte of it, and reads the rules."""
        try:
            plan = self.plan()
            sentences = [sentence for store in plan.stores for sentence in store.missing()]
            read_rules(plan.rules())
        except (ConnectorError, InvalidYaml) as error:
            return [str(error)]
        if self.values.get("endpoint", "").strip().lower().startswith("http://"):
            sentences.append("Objects come over http:, where everybody on the way can read them; use https:.")
        return sentences

    def plan(self) -> "Plan":
        """The settings, understood. Raises ConnectorError."""
        text, place = self.values.get("access", ""), self.values.get("access_object", "").strip()
        if bool(text.strip()) == bool(place):
            raise _wrong("Give either 'access', the rules, or 'access_object', the object that holds them.")
        stores = [self.store(bucket, prefix) for bucket, prefix in _places(self.values.get("buckets", ""))]
        if text.strip():
            return Plan(stores, "The setting 'access'", text.encode, "")
        bucket, _, key = place.partition("/")
        if not key or not BUCKET.fullmatch(bucket):
            raise _wrong("The setting 'access_object' must be BUCKET/KEY.")
        return Plan(stores, place, partial(self.store(bucket, "").content, key, MAX_RULES), place)

    def store(self, bucket: str, prefix: str) -> "Store":
        region = self.values.get("region", "").strip() or "us-east-1"
        if not REGION.fullmatch(region):
            raise _wrong(f"The setting 'region' is {region!r}, which is no region such as eu-central-1.")
        key_id, secret = self.values.get("access_key_id", "").strip(), self.values.get("secret_access_key", "").strip()
        if bool(key_id) != bool(secret):
            raise _wrong("Of 'access_key_id' and 'secret_access_key' one is missing.")
        token = self.values.get("session_token", "").strip()
        if not all("!" <= letter <= "~" for letter in key_id + token):
            raise _wrong("A key or token holds characters that none has; set it again.")
        endpoint, addressing = self.values.get("endpoint", "").strip(), self.values.get("addressing", "").strip()
        if addressing not in ("", "path", "virtual"):
            raise _wrong("The setting 'addressing' must be 'path' or 'virtual'.")
        fits = IN_A_HOST.fullmatch(bucket) is not None
        if addressing == "virtual" and not fits:
            raise _wrong(f"The bucket {bucket!r} cannot stand before a host; use 'path' for 'addressing'.")
        virtual = fits and (addressing == "virtual" or not (addressing or endpoint))
        signature = Signature(key_id, secret, token, region) if key_id else None
        return Store(bucket, prefix, endpoint, virtual, region, signature, self.patience, self.tries)


@dataclass(frozen=True)
class Plan:
    """`rules` brings their text, `where` says where they stand; `own` is the id of the object that holds them."""

    stores: Sequence["Store"]
    where: str
    rules: Callable[[], bytes]
    own: str


# --- the rules --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Regulations:
    """Who there is, and who reads what: rules by prefix, the shortest first, and by object."""

    people: Sequence[PrincipalRecord] = ()
    prefixes: Mapping[str, Rules] = field(default_factory=dict)
    objects: Mapping[str, Rules] = field(default_factory=dict)

    def scope_of(self, id: str) -> str:
        """The scope an object stands in: that of the longest prefix with a rule."""
        longest = max((prefix for prefix in self.prefixes if id.startswith(prefix)), key=len, default=None)
        return GATE if longest is None else longest or EVERYTHING

    def above(self, id: str) -> list[Rules]:
        """The rules that hold for it, the widest first."""
        return [rule for prefix, rule in self.prefixes.items() if id.startswith(prefix)]

    def scopes(self) -> Iterator[ScopeRecord]:
        """Each prefix by itself under the gate, with what it inherits written out: the gate then closes them all, also
        those that inherit nothing."""
        for prefix in self.prefixes:
            access = Access()
            for rule in self.above(prefix):
                access = _below(access, rule.access)
            yield ScopeRecord(id=prefix or EVERYTHING, name=prefix or "All buckets", parent=GATE, access=access)

    def metadata_of(self, id: str) -> Metadata:
        found: dict[str, Any] = {}
        for rule in [*self.above(id), *([self.objects[id]] if id in self.objects else [])]:
            found.update(rule.metadata)
        return found


def _below(above: Access, own: Access) -> Access:
    """What a rule and those above it come to (P5)."""
    if not own.inherits:
        return Access(grants=own.grants, restrictions=own.restrictions, deny=own.deny)
    return Access(
        grants=tuple(dict.fromkeys([*above.grants, *own.grants])),
        restrictions=(*above.restrictions, *own.restrictions),
        deny=tuple(dict.fromkeys([*above.deny, *own.deny])),
    )


def read_rules(content: bytes) -> Regulations:
    """Raises InvalidYaml."""
    parts = mapping(compose(content), "the rules", ACCESS_KEYS)
    people, groups, prefixes, objects = (
        mapping(parts[name], name) if name in parts else {} for name in ("people", "groups", "prefixes", "objects")
    )
    for name, node in [*people.items(), *groups.items()]:
        if name in RESERVED_IDS:
            raise InvalidYaml(f"'{name}' is reserved and cannot be introduced", line_of(node))
    for name in people.keys() & groups.keys():
        raise InvalidYaml(f"'{name}' is both a person and a group", line_of(groups[name]))
    for prefix, node in prefixes.items():
        if prefix != EVERYTHING and (not prefix.endswith("/") or prefix.startswith("/")):
            raise InvalidYaml(f"the prefix '{prefix}' must be BUCKET/ or BUCKET/PREFIX/, or '/' for all", line_of(node))
    read = {
        "" if name == EVERYTHING else name: rules(node, mapping(node, f"'{name}'", RULE_KEYS), may_detach=True)
        for name, node in prefixes.items()
    }
    return Regulations(
        people=[*(person(*pair) for pair in people.items()), *(group(*pair) for pair in groups.items())],
        prefixes=dict(sorted(read.items(), key=lambda pair: len(pair[0]))),
        objects={
            name: rules(node, mapping(node, f"'{name}'", RULE_KEYS), may_detach=True) for name, node in objects.items()
        },
    )


# --- one run ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """An object, as a listing describes it."""

    key: str
    tag: str
    size: int
    modified_at: datetime
    storage: str = "STANDARD"

    @property
    def is_archived(self) -> bool:
        return self.storage in ARCHIVED

    @property
    def version(self) -> str:
        return f"{self.tag}-{self.size}" + ("-archived" if self.is_archived else "")


@dataclass
class Looked:
    """The metadata of objects, where they have any, and until when they were looked at."""

    at: datetime | None = None
    metadata: dict[str, Metadata] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State) -> "Looked":
        """Nothing was looked at where it is not as `state` made it."""
        packed, at = state.get("metadata"), _moment(state.get("looked"))
        if at is None or not isinstance(packed, str):
            return cls()
        try:
            content = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), UNPACKED)
            return cls(at, dict(json.loads(content)))
        except (ValueError, TypeError, zlib.error, binascii.Error, RecursionError):
            return cls()

    def state(self) -> State:
        """It stays small: where all of it is too much, it is nothing, and looked at anew each time."""
        if self.at is None:
            return {}
        content = json.dumps(self.metadata, separators=(",", ":")).encode()
        packed = base64.b64encode(zlib.compress(content)).decode() if len(content) <= UNPACKED else ""
        return {"looked": self.at.isoformat(), "metadata": packed} if 0 < len(packed) <= MAX_KEPT else {}


@dataclass
class Listing:
    """One run. `state`: until when metadata were looked at, and what they were where there were any."""

    plan: Plan
    state: State
    limit: TimeLimit
    wants_metadata: bool
    denied: "Denied | None" = None  # a bucket that may not be listed, while others may
    archived: int = 0
    before: Looked = field(init=False)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    kept: int = 0  # characters of them
    asked: int = 0  # objects whose metadata were looked at now

    def __post_init__(self) -> None:
        self.before = Looked.of(self.state)

    def records(self) -> Iterator[Record]:
        began = datetime.now(UTC)
        try:
            regulations = read_rules(self.plan.rules())
        except (InvalidYaml, ConnectorError) as error:
            if isinstance(error, ConnectorError) and not _says_of_the_rules(error):
                raise
            yield from self.closed(f"{self.plan.where}: {error}")
            return
        yield from regulations.people
        yield ScopeRecord(id=GATE, name="All that is read")
        yield from regulations.scopes()
        yield Checkpoint(state=self.state)
        named: set[str] = set()
        for store in self.plan.stores:
            yield from self.objects(store, regulations, named)
        yield from self.problems(regulations, named)
        if self.denied is not None:  # what changed for what it holds was not seen: its rights grow old (P7)
            yield Checkpoint(state=self.state, readers_complete=True)
            raise self.denied
        yield Checkpoint(state=self.looked(began), complete=True)

    def looked(self, now: datetime) -> State:
        """The state after this run. Where nothing was looked at and nothing is gone it is that of the last, so that a
        bucket in which nothing changes is not written again and again."""
        if not self.wants_metadata:
            return {}
        if self.kept > UNPACKED:
            return {}
        same = not self.asked and self.metadata == self.before.metadata
        return self.state if same else Looked(now, self.metadata).state()

    def closed(self, problem: str) -> Iterator[Record]:
        """Nobody is admitted to anything until the rules can be read (P4), and nothing counts as gone."""
        yield ScopeRecord(id=GATE, name="All that is read", access=Access(problem=problem))
        yield Problem(message=f"Nobody is admitted to anything. {problem}")
        yield Checkpoint(state=self.state)

    def objects(self, store: "Store", regulations: Regulations, named: set[str]) -> Iterator[Record]:
        try:
            for page in store.pages():
                for found in page:
                    yield from self.object(store, found, regulations, named)
                self.limit.hold()
                yield Checkpoint(state=self.state)
        except Denied as denied:
            if len(self.plan.stores) == 1 or denied.code in SIGN_IN:
                raise
            self.denied = denied
            yield Problem(message=f"{denied} What is known of it stays as it is, as long as permissions may be old.")

    def object(self, store: "Store", found: Found, regulations: Regulations, named: set[str]) -> Iterator[Record]:
        id = f"{store.bucket}/{found.key}"
        if id == self.plan.own or (found.key.endswith("/") and not found.size):
            return  # the rules themselves, and what stands for a folder
        if reason := refusal(id):
            yield Problem(message=f"{ascii(id)[:200]}: {reason}")
            return
        if id in regulations.objects:
            named.add(id)
        yield self.document(store, id, found, regulations)

    def document(self, store: "Store", id: str, found: Found, regulations: Regulations) -> DocumentRecord:
        own = regulations.objects.get(id, Rules()).access
        unreadable = "unreadable" if found.is_archived else "too_large" if found.size > MAX_OBJECT else ""
        self.archived += found.is_archived
        kind, encoding = mimetypes.guess_type(found.key)
        return DocumentRecord(
            id=id,
            title="",  # its text says it better than its name
            scope=regulations.scope_of(id) if own.inherits else GATE,
            access=_below(Access(), own),
            mime=kind or "" if encoding is None else "",
            content=None if unreadable else partial(store.content, found.key, MAX_OBJECT),
            version=found.version,
            unreadable=unreadable,
            modified_at=found.modified_at,
            metadata={**self.looked_at(store, id, found), **regulations.metadata_of(id)},
        )

    def looked_at(self, store: "Store", id: str, found: Found) -> Metadata:
        """Metadata and tags of an object. Only what changed since they were looked at last is asked for."""
        if not self.wants_metadata or found.is_archived:
            return {}
        if self.before.at is not None and found.modified_at < self.before.at - OVERLAP:
            metadata: Metadata = self.before.metadata.get(id) or {}
        else:
            self.limit.hold()
            self.asked += 1
            metadata = store.metadata(found)
        if metadata and self.kept <= UNPACKED:
            self.metadata[id] = metadata
            self.kept += len(json.dumps([id, metadata]))
        return metadata

    def problems(self, regulations: Regulations, named: set[str]) -> Iterator[Problem]:
        for id, rule in regulations.objects.items():
            if id not in named and self.denied is None:
                where = f", line {rule.line}" if rule.line else ""
                yield Problem(message=f"{self.plan.where}{where}: there is no object {id!r}")
        if self.archived:
            yield Problem(message=f"{self.archived} objects are archived and cannot be read until they are restored.")
        for store in self.plan.stores:
            for sentence, count in store.withheld.items():
                yield Problem(message=f"{count} objects of {store.bucket} could not be read. {sentence}")
            if store.swollen:
                told = (
                    f"{store.swollen} objects of {store.bucket} have more metadata than are read of one: none is kept."
                )
                yield Problem(message=told)


def _says_of_the_rules(error: ConnectorError) -> bool:
    """Whether it is about the object with the rules, and not about the sign-in or the store: then the rules that were
    read before stay in force for as long as they may (P7)."""
    return error.permanent and not (isinstance(error, Denied) and error.code in SIGN_IN)


def refusal(id: str) -> str:
    """Why an object of this name is not read, or ""."""
    if not is_clean(id):
        return "its key holds control characters, so it is not read"
    return f"its key is longer than {MAX_ID} bytes, so it is not read" if len(id.encode()) > MAX_ID else ""


# --- a bucket ---------------------------------------------------------------------------------------------------


class Denied(ConnectorError):
    """The store does not let this be read; `code` is its own word for why."""

    def __init__(self, what: str, status: int, code: str, needed: str) -> None:
        self.code = code
        why = WHY.get(code) or f"it answered with status {status}" + (f" ({code})" if code else "")
        needs = f" It takes {needed}." if code == "AccessDenied" or not code else ""
        super().__init__(f"{what} cannot be read: {why}.{needs}", permanent=True, of_source=code in SIGN_IN)


@dataclass
class Store:
    """One bucket, or what stands below a prefix of it. Its region is corrected once where the store says another."""

    bucket: str
    prefix: str
    endpoint: str
    virtual: bool
    region: str
    signature: Signature | None
    seconds: float
    tries: int
    withheld: dict[str, int] = field(default_factory=dict)  # sentences, and of how many objects they are true
    swollen: int = 0  # objects with more metadata than are read
    _client: Client | None = None
    _moved: bool = False

    def pages(self) -> Iterator[list[Found]]:
        """Every object, in the order of the keys. Raises ConnectorError where the listing does not end properly."""
        token, empty = "", 0
        asked: set[bytes] = set()
        for _ in range(MAX_PAGES):
            page = self.page({"continuation-token": token} if token else {})
            yield page.found
            if not page.more:
                return
            empty = 0 if page.found else empty + 1
            token, mark = page.token, blake2b(page.token.encode(), digest_size=16).digest()
            if not token or mark in asked:
                raise ConnectorError(f"The listing of {self.bucket} said that there is more, and not where.")
            if empty > MAX_EMPTY:
                raise ConnectorError(f"The listing of {self.bucket} held nothing on {MAX_EMPTY:,} pages in a row.")
            asked.add(mark)
        raise ConnectorError(f"The listing of {self.bucket} did not end after {MAX_PAGES:,} pages.")

    def page(self, more: Mapping[str, str]) -> "Page":
        params = {"list-type": "2", "encoding-type": "url", "max-keys": "1000", "prefix": self.prefix, **more}
        reply = self.ask("", params, f"The bucket {self.bucket}", "s3:ListBucket", most=MAX_PAGE)
        return read_page(reply.content, self.bucket, self.prefix)

    def content(self, key: str, most: int) -> bytes:
        """An object's bytes. Raises ConnectorError, and counts why for the end of the run."""
        try:
            return self.ask(key, {}, f"The object {key} of {self.bucket}", "s3:GetObject", most=most).content
        except Denied as denied:
            if denied.code not in ("NoSuchKey", "InvalidObjectState"):
                sentence = str(Denied("They", 0, denied.code, "s3:GetObject"))
                self.withheld[sentence] = self.withheld.get(sentence, 0) + 1
            raise
        except TooLarge:
            raise ConnectorError(f"{key} is larger than {most // MEGABYTE} MB.", permanent=True) from None

    def metadata(self, found: Found) -> Metadata:
        """What its owner wrote about it, and its tags; nothing where that may not be read."""
        first = {"Range": "bytes=0-0"} if found.size else {}
        try:
            reply = self.ask(found.key, {}, "Metadata", "s3:GetObject", headers=first, most=MEGABYTE)
            told = {
                name.removeprefix("x-amz-meta-"): value
                for name, value in reply.headers.items()
                if name.startswith("x-amz-meta-") and is_clean(value)
            }
            if reply.headers.get("x-amz-tagging-count", "0") != "0":
                tags = self.ask(found.key, {"tagging": ""}, "Tags", "s3:GetObjectTagging", most=MEGABYTE)
                told |= read_tags(tags.content)
            if sum(len(name) + len(value) for name, value in told.items()) > MAX_METADATA:
                self.swollen += 1
                return {}
            return told
        except Denied as denied:
            if denied.code != "NoSuchKey":
                self.withheld[str(denied)] = self.withheld.get(str(denied), 0) + 1
            return {}

    def missing(self) -> list[str]:
        """What a run would lack, in words."""
        try:
            page = self.page({})
            readable = [found for found in page.found if found.size and not found.is_archived]
            if readable:
                self.ask(
                    readable[0].key, {}, f"Objects of {self.bucket}", "s3:GetObject", headers={"Range": "bytes=0-0"}
                )
        except ConnectorError as error:
            return [str(error)]
        return []

    # --- one request ------------------------------------------------------------------------------------------

    def ask(
        self,
        key: str,
        params: Mapping[str, str],
        what: str,
        needed: str,
        *,
        headers: Mapping[str, str] | None = None,
        most: int = MEGABYTE,
    ) -> Reply:
        """A whole answer. Raises Denied, ConnectorError."""
        reply = self._asked(key, params, headers or {}, most)
        if reply.status >= 300 and self._goes_to_its_region(reply):
            reply = self._asked(key, params, headers or {}, most)
        if reply.status >= 300:
            raise Denied(what, reply.status, _code(reply), needed)
        return reply

    def _asked(self, key: str, params: Mapping[str, str], headers: Mapping[str, str], most: int) -> Reply:
        client = self.client()
        base = str(client.base).rstrip("/")
        query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sorted(params.items()))
        path = "/".join(_segment(part) for part in key.split("/"))
        url = f"{base}/{path}" + (f"?{query}" if query else "")
        if self.signature is not None:
            self.signature.url = url
        sent = {"Accept": "*/*", **headers}
        return client.get(url, headers=sent, also=TOLD, most=most, seconds=self.seconds, follow=False)

    def client(self) -> Client:
        if self._client is None:
            auth = self.signature or NOBODY
            self._client = Client(self.address(), auth=auth, a_second=A_SECOND, tries=self.tries)
        return self._client

    def address(self) -> str:
        """With the bucket in it, before the host or as the first part of the path."""
        end = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        endpoint = self.endpoint or f"https://s3.{self.region}.{end}"
        if not self.virtual:
            return f"{endpoint.rstrip('/')}/{encoded(self.bucket)}"
        scheme, mark, host = endpoint.partition("://")
        return f"{scheme}{mark}{self.bucket}.{host}"

    def _goes_to_its_region(self, reply: Reply) -> bool:
        """Where the store says that the bucket is in another region, ask there, once. Only the name of the region is
        taken from the answer: which host that is, we say."""
        region = reply.headers.get("x-amz-bucket-region", "") or _told(reply, "Region")
        if self._moved or region == self.region or not REGION.fullmatch(region):
            return False
        self._moved, self.region, self._client = True, region, None
        if self.signature is not None:
            self.signature.region = region
        return True


def _segment(part: str) -> str:
    """A part of a path; dots alone would be taken for a way up before they are sent."""
    return part.replace(".", "%2E") if part in (".", "..") else encoded(part)


# --- answers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    found: list[Found]
    more: bool
    token: str


def read_page(content: bytes, bucket: str, prefix: str) -> Page:
    """A page of ListObjectsV2. Raises ConnectorError: it is none, or one of something else."""
    root = _xml(content)
    if root is None or _name(root) != "ListBucketResult":
        raise ConnectorError(f"What came as the listing of {bucket} is none.")
    decode = _decoded if _text(root, "EncodingType") == "url" else str
    if _text(root, "Name") not in ("", bucket) or decode(_text(root, "Prefix")) != prefix:
        raise ConnectorError(f"What came as the listing of {bucket} is that of something else.")
    truncated = _text(root, "IsTruncated")
    if truncated not in ("true", "false"):
        raise ConnectorError(f"The listing of {bucket} does not say whether it ended.")
    found = [_found(entry, decode, bucket) for entry in root if _name(entry) == "Contents"]
    count = _text(root, "KeyCount")
    if count and count != str(len(found)):
        raise ConnectorError(f"The listing of {bucket} says that it has {count[:20]} keys, and has {len(found)}.")
    if not all(entry.key.startswith(prefix) for entry in found):
        raise ConnectorError(f"What came as the listing of {bucket} is that of something else.")
    return Page(found, truncated == "true", _text(root, "NextContinuationToken"))


def _found(entry: Element, decode: Callable[[str], str], bucket: str) -> Found:
    key, tag, size = decode(_text(entry, "Key")), _text(entry, "ETag"), _text(entry, "Size")
    modified = _moment(_text(entry, "LastModified"))
    if not key or not tag or not (size.isascii() and size.isdigit()) or len(size) > 15 or modified is None:
        raise ConnectorError(f"The listing of {bucket} describes an object without its key, tag, size or time.")
    return Found(key, tag.strip('"'), int(size), modified, _text(entry, "StorageClass") or "STANDARD")


def read_tags(content: bytes) -> dict[str, str]:
    root = _xml(content)
    tags = [tag for tag in root.iter() if _name(tag) == "Tag"] if root is not None else []
    told = ((_text(tag, "Key"), _text(tag, "Value")) for tag in tags)
    return {name: value for name, value in told if name and is_clean(name) and is_clean(value)}


def _xml(content: bytes) -> Element | None:
    """None where it is none, or one made to hurt: of entities, which could unfold without end, of a name space so long
    that it fills the memory when it is written out at each of many tags."""
    if content.count(b"<") > MAX_TAGS or LONG_TAG.search(content):
        return None
    try:
        root: Element = ElementTree.fromstring(content, forbid_dtd=True)
        return root
    except (DefusedXmlException, ParseError, ValueError, LookupError):
        return None


def _name(element: Element) -> str:
    """Stores differ in whether they give a name space."""
    return str(element.tag).rpartition("}")[2]


def _text(element: Element, name: str) -> str:
    return next((child.text or "" for child in element if _name(child) == name), "")


def _told(reply: Reply, name: str) -> str:
    root = _xml(reply.content[:65_536])
    return _text(root, name) if root is not None and _name(root) == "Error" else ""


def _code(reply: Reply) -> str:
    """The store's own word for what is wrong, if it is one."""
    code = _told(reply, "Code")
    return code if CODE.fullmatch(code) else ""


def _decoded(text: str) -> str:
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        return unquote_plus(text, errors="surrogateescape")  # refused by its name


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


# --- settings ---------------------------------------------------------------------------------------------------


def _places(text: str) -> list[tuple[str, str]]:
    """Buckets and prefixes, without those that stand below another."""
    parts = sorted({part.strip() for part in text.replace("\n", ",").split(",") if part.strip()})
    if not parts:
        raise _wrong("The setting 'buckets' is missing: name what to read.")
    places: list[tuple[str, str]] = []
    for bucket, _, prefix in (part.partition("/") for part in parts):
        if not BUCKET.fullmatch(bucket):
            raise _wrong(f"The setting 'buckets' names {bucket!r}, which is no bucket.")
        if prefix and not prefix.endswith("/"):
            raise _wrong(f"The setting 'buckets' names '{bucket}/{prefix}': a prefix must end with '/'.")
        if not any(bucket == known and prefix.startswith(above) for known, above in places):
            places.append((bucket, prefix))
    return places


def _wrong(sentence: str) -> ConnectorError:
    return ConnectorError(sentence, permanent=True)
