"""The gateway's side of a world: each operation through the entry point that people and programs use.

An operation is a plain dictionary (`worlds` makes them), so that a run is a list that can be saved and repeated.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from time import sleep
from typing import Any, ClassVar
from unittest import mock
from urllib.parse import quote

from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import identity, principals, provisioning, tokens
from accounts.models import AccessToken, IdentityLink, User
from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.applying import apply_record, hide
from connectors.corpus import documents
from connectors.corpus.breaking_glass import break_glass, end
from connectors.corpus.placing import Places
from connectors.errors import RecordRefused
from connectors.models import BreakGlass, Document, Source
from connectors.parsing import Parsed, ParseFailed, ParserProcess
from connectors.records import Access, Checkpoint, DocumentRecord, Record, Records, ScopeRecord, State
from connectors.sources import registry
from connectors.sources.base import Connector
from connectors.strict_json import InvalidJSON
from connectors.wire import ReadersUnreadable, WireRecord, record_of
from tests.leakproof.texts import DAMAGED

Operation = dict[str, Any]
Moment = Callable[[], datetime]
PULLED = "listed"
PATHS = {"principal": "principals", "scope": "scopes", "document": "documents"}
HOST = {"Host": "localhost"}


class Listed(Connector):
    """A connector that says what it was told to say."""

    says: ClassVar[Sequence[Record]] = ()

    def records(self, since: State | None) -> Records:
        yield from self.says


class PlainParser(ParserProcess):
    """Reads plain text in this process: starting the real parser costs more than making a whole world."""

    def parse(self, content: bytes, *, filename: str, mime: str = "") -> Parsed:
        if content.startswith(DAMAGED):
            raise ParseFailed("corrupt")
        return Parsed(text=content.decode(), mime="text/plain")


@dataclass
class Product:
    """Who and what the operations so far have made, by the names they use."""

    people: dict[str, User] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    tokens: dict[str, AccessToken] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # of tokens, by name
    pushers: dict[str, str] = field(default_factory=dict)  # of programs that push, by source
    glasses: dict[str, BreakGlass] = field(default_factory=dict)

    @cached_property
    def robot(self) -> User:
        """Whom the programs that push belong to, and who gives others break-glass."""
        return User.objects.create_user("robot@elsewhere.example", name="Robot")

    def apply(self, operation: Operation) -> None:
        """Times in the operation are moments by now. What the gateway refuses is refused."""
        with mock.patch.dict(registry.KINDS, {PULLED: Listed}):
            getattr(self, f"_{operation['do']}")(operation)

    def reader(self, name: str) -> Reader:
        """The person of this name, or the one behind the token of this name."""
        if name in self.tokens:
            return Reader(self.tokens[name].user_id, self.tokens[name].pk)
        return Reader(self.people[name].pk)

    # --- people ---------------------------------------------------------------------------------------

    def _add_user(self, told: Operation) -> None:
        profile = {} if told["verified"] else {"email_verified_at": None}
        self.people[told["name"]] = User.objects.create_user(
            told["address"], name=told["name"], external=told["external"], is_active=told["active"], **profile
        )

    def _set_active(self, told: Operation) -> None:
        change = provisioning.activate if told["active"] else provisioning.deactivate
        change(self.people[told["name"]])

    def _set_external(self, told: Operation) -> None:
        """As the stock admin does."""
        person = User.objects.get(pk=self.people[told["name"]].pk)
        person.external = told["external"]
        person.save()

    def _change_address(self, told: Operation) -> None:
        person = User.objects.get(pk=self.people[told["name"]].pk)
        provisioning.change_address(person, told["address"], verified=told["verified"])

    def _confirm_address(self, told: Operation) -> None:
        identity.confirm_address(told["address"], self.people[told["user"]])

    def _revoke_link(self, told: Operation) -> None:
        link = IdentityLink.objects.filter(
            account__directory=self.sources[told["source"]].pk,
            account__external_id=told["account"],
            account__deleted_at=None,
            user=self.people[told["user"]],
            ended_at=None,
        ).first()
        if link is not None:
            identity.revoke(link)

    # --- tokens ---------------------------------------------------------------------------------------

    def _add_token(self, told: Operation) -> None:
        named = [self.sources[key].directory for key in told["sources"] or () if key in self.sources]
        self.tokens[told["name"]], self.secrets[told["name"]] = tokens.issue(
            self.people[told["user"]],
            verbs=["read", "ask"],
            directories=named,
            all_sources=told["sources"] is None,
            expires_at=None,
        )

    def _end_token(self, told: Operation) -> None:
        token = self.tokens[told["name"]]
        if told["how"] == "revoked":
            tokens.revoke(token)
        else:  # as time would
            AccessToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    def _add_audience(self, told: Operation) -> None:
        """Who is in a room together: the gateway keeps no record of it."""

    # --- sources --------------------------------------------------------------------------------------

    def _add_source(self, told: Operation) -> None:
        source = adding.add_source(told["key"], kind=told["kind"], vouches_for_emails=told["vouches"])
        self.sources[told["key"]] = source
        _, self.pushers[told["key"]] = tokens.issue(
            self.robot, verbs=["ingest"], directories=[source.directory], all_sources=False, expires_at=None
        )

    def _pause(self, told: Operation) -> None:
        adding.pause(self.sources[told["source"]])

    def _resume(self, told: Operation) -> None:
        adding.resume(self.sources[told["source"]])

    def _set_vouching(self, told: Operation) -> None:
        identity.set_vouching(self.sources[told["source"]].directory, vouches=told["vouches"])

    def _set_max_age(self, told: Operation) -> None:
        age = None if told["hours"] is None else timedelta(hours=told["hours"])
        Source.objects.filter(pk=self.sources[told["source"]].pk).update(max_permission_age=age)

    def _verified(self, told: Operation) -> None:
        """Permissions were last seen complete at this moment: as an ended run, and time, would have it."""
        moment = datetime.fromisoformat(told["at"])
        Source.objects.filter(pk=self.sources[told["source"]].pk).update(permissions_verified_at=moment)

    def _delete_source(self, told: Operation) -> None:
        adding.delete_source(self.sources.pop(told["source"]))

    # --- records --------------------------------------------------------------------------------------

    def _push(self, told: Operation) -> None:
        match told["door"]:
            case "put":
                self._put(told["source"], told["record"])
            case "batch":
                self._push_lines(told["source"], [told["record"]])
            case _:
                self._write(told["source"], told["record"])

    def _write(self, key: str, told: Mapping[str, Any]) -> None:
        """What both doors below do with a record."""
        source = self.sources[key]
        try:
            apply_record(source, record_of(told))
        except ReadersUnreadable as unreadable:
            hide(source, unreadable.kind, unreadable.id)
        except (InvalidJSON, RecordRefused):
            pass

    def _batch(self, told: Operation) -> None:
        self._push_lines(told["source"], told["records"])

    def _put(self, key: str, told: Mapping[str, Any]) -> None:
        record = dict(told)
        type_, id = record.pop("type"), record.pop("id")
        if type_ not in ("deletion", *PATHS):
            self._push_lines(key, [told])
            return
        kind = record.pop("kind") if type_ == "deletion" else type_
        client = self._program(key)
        path = f"/api/v1/sources/{key}/{PATHS[kind]}/{quote(id, safe='')}"
        if type_ == "deletion":
            revision = record.get("revision")
            answer = client.delete(path + ("" if revision is None else f"?revision={revision}"))
        else:
            answer = client.put(path, data=json.dumps(record), content_type="application/json")
        assert answer.status_code in (200, 204, 400, 409), (answer.status_code, answer.content)

    def _push_lines(self, key: str, told: Sequence[Mapping[str, Any]]) -> None:
        path, lines = f"/api/v1/sources/{key}/batch", "".join(json.dumps(each) + "\n" for each in told)
        answer = self._program(key).post(path, data=lines, content_type="application/jsonl")
        assert answer.status_code == 200, (answer.status_code, answer.content)

    def _program(self, key: str) -> Client:
        return Client(headers=HOST | {"Authorization": f"Bearer {self.pushers[key]}"})

    def _page(self, told: Operation) -> None:
        """A run that reads these records, and ends well if it is told so."""
        source = Source.objects.get(pk=self.sources[told["source"]].pk)
        run = sync.begin(source)
        assert run is not None
        Listed.says = [*map(_listed, told["records"]), Checkpoint(complete=told["complete"])]
        sync.Reading(run).read()
        sync.end(run, "" if told["ends"] else "It was cut short.")

    def _parse(self, told: Operation) -> None:
        """Everything that waits to be parsed is."""
        while (job := ingest.take()) is not None:
            ingest.work_on(job, PlainParser())

    # --- holding --------------------------------------------------------------------------------------

    @transaction.atomic
    def _hold(self, told: Operation) -> None:
        """As the brake does with what a listing left out."""
        source = self.sources[told["source"]]
        principals.lock(source.pk)
        places = Places(source.pk)
        unnamed = documents.living(source.pk).filter(external_id=told["document"])
        documents.hold(unnamed, places)
        places.settle(refuse_cycles=False)

    def _release_held(self, told: Operation) -> None:
        sync.release_held(self.sources[told["source"]])

    def _delete_held(self, told: Operation) -> None:
        sync.delete_held(self.sources[told["source"]])

    # --- break-glass ----------------------------------------------------------------------------------

    def _break_glass(self, told: Operation) -> None:
        source = self.sources[told["source"]]
        if told["kind"] == "document":
            found = Document.past_the_guard.exclude(state=Document.State.DELETED)
            document = found.get(source=source.pk, external_id=told["id"])
            place: dict[str, Any] = {"document": document.public_id}
        else:
            place = {"scope": (told["source"], told["id"])}
        self.glasses[told["name"]] = break_glass(
            user=self.people[told["user"]],
            given_by=self.robot,
            reason="A test.",
            until=datetime.fromisoformat(told["until"]),
            **place,
        )

    def _end_glass(self, told: Operation) -> None:
        end(self.glasses[told["name"]])

    # --- time -----------------------------------------------------------------------------------------

    def _wait(self, told: Operation) -> None:
        ahead = (datetime.fromisoformat(told["moment"]) - datetime.now(UTC)).total_seconds()
        sleep(max(ahead, 0) + 0.01)


def _listed(told: Mapping[str, Any]) -> WireRecord:
    """A record as a connector yields it: one whose readers cannot be read says so."""
    plain = {name: value for name, value in told.items() if name != "unreadable"}
    record = record_of(plain)
    if told.get("unreadable"):
        assert isinstance(record, ScopeRecord | DocumentRecord)
        return replace(record, access=Access(inherits=record.access.inherits, problem="It cannot be read."))
    return record
