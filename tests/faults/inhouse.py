"""The in-house system as it answers: pages of a listing, then what changed; and it fails, slows, repeats and shuffles.

A listing is of the moment at which it was begun; a page of changes holds each thing once, as it is after all of them.
It also embeds, as a server of OpenAI's API would: each text has a vector of its own.
"""

import json
import random
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from connectors.kit.system import Answer, Asked
from tests.faults.truth import Json, Key, Truth

DIMENSIONS = 8
MISCHIEF = 0.12  # of the answers
REPEATS = 0.25
AT_ONCE = 8  # changes a page
LATE = 4.0  # seconds

Pace = Callable[[float], bool]
BROKEN = Answer({"records": [{"type": "document"}] * 20, "more": False}, breaks=True)
MISHAPS = (
    Answer({"message": "Try later."}, 503, headers={"Retry-After": "0"}),
    Answer({"message": "Too often."}, 429, headers={"Retry-After": "1"}),
    Answer({"message": "A fault."}, 500),
    Answer(b'{"records": [{"type": "doc'),
    Answer({"message": "Not now."}, 403),
    BROKEN,
)


@dataclass
class InHouse:
    """`pace` says whether so great a part of it all may be told now; a page it holds back is answered a little later.

    `faulty`: it fails, slows, repeats and shuffles, as its own chance has it.
    """

    truth: Truth
    page: int = 20  # documents
    faulty: bool = False
    pace: Pace = lambda part: True
    told: Counter[str] = field(default_factory=Counter)
    waiting: float = 2.0  # seconds, at most
    furthest: int = 0  # page of the listing
    changed_at: float = 0.0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.truth.seed + 1)
        self.lock = threading.Lock()
        self.ending = threading.Event()

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/v1/embeddings":
            return self._vectors(asked.json())
        with self.lock:
            self.told["asked"] += 1
            if self.faulty and self.chance.random() < MISCHIEF:
                self.told["failed"] += 1
                return self.chance.choice(MISHAPS)
            answer, part = self._answer(asked.query.get("cursor", ""))
        waited = 0.0
        while waited < self.waiting and not self.pace(part) and not self.ending.wait(0.1):
            waited += 0.1
        self.told["slowed"] += waited > 0
        return answer

    # --- pages ---------------------------------------------------------------------------------------------------

    def _answer(self, cursor: str) -> tuple[Answer, float]:
        """Of a page, and how great a part of it all is told with it: the listing is the first half."""
        kind, moment, place = parsed(cursor) if cursor else ("listing", self.truth.moment, 0)
        if kind == "listing":
            return self._listed(moment, place)
        return self._changes(moment)

    def _listed(self, moment: int, place: int) -> tuple[Answer, float]:
        truth = self.truth
        self.furthest = max(self.furthest, place)
        documents = list(truth.living("document", moment))
        head = [*truth.living("principal", moment), *truth.living("scope", moment)]
        records = head if place == 0 else documents[(place - 1) * self.page : place * self.page]
        more = place * self.page < len(documents)
        earlier = documents[: max(place - 1, 0) * self.page]
        if truth.moment < truth.changes // 3:  # things change meanwhile
            truth.moment += 1
        cursor = f"listing.{moment}.{place + 1}" if more else f"changes.{moment}"
        said = self._said(records, earlier)
        body = {"records": said, "cursor": cursor, "more": more, "complete": not more}
        return Answer(body), 0.5 * place * self.page / max(len(documents), 1)

    def _changes(self, since: int) -> tuple[Answer, float]:
        truth = self.truth
        if since == truth.moment and (self.pace(0.5 + 0.5 * since / truth.changes) or self._is_late()):
            truth.moment = min(truth.moment + AT_ONCE, truth.changes)
            self.changed_at = time.monotonic()
        until = min(truth.moment, since + AT_ONCE)
        keys = dict.fromkeys(truth.changed[since:until])
        records = [self._change(key, since, until) for key in keys]
        past = ((key, self.chance.randint(0, since)) for key in truth.changed[:since])
        earlier = [record for key, then in past if (record := truth.at(key, then)) is not None]
        more = until < truth.moment
        body = {"records": self._said(records, earlier), "cursor": f"changes.{until}", "more": more, "complete": False}
        return Answer(body), 0.0

    def _is_late(self) -> bool:
        """Nothing has changed for so long that something does."""
        return time.monotonic() - self.changed_at > LATE

    def _change(self, key: Key, since: int, until: int) -> Json:
        record = self.truth.at(key, until)
        if record is None:
            return {"type": "deletion", "kind": key[0], "id": key[1], "revision": until + 1}
        if self.truth.only_readers_changed(key, since, until) and key[0] in ("document", "scope"):
            kept = {"id", "revision", "scope", "parent", "inherits", "grants", "restrictions", "deny"}
            return {"type": "access", "kind": key[0]} | {name: record[name] for name in record if name in kept}
        return record

    def _said(self, records: Sequence[Json], earlier: Sequence[Json]) -> list[Json]:
        """With some of what was told before, in any order. Principals and folders stay ahead of what names them."""
        said = list(records)
        if not self.faulty:
            return said
        if earlier and self.chance.random() < REPEATS:
            self.told["repeated"] += 1
            said += self.chance.sample(list(earlier), min(len(earlier), 6))
        self.chance.shuffle(said)
        return said

    # --- vectors -------------------------------------------------------------------------------------------------

    def _vectors(self, asked: Json) -> Answer:
        with self.lock:
            self.told["embedded"] += len(asked["input"])
        data = [{"index": index, "embedding": vector_of(text)} for index, text in enumerate(asked["input"])]
        return Answer({"data": data})


def parsed(cursor: str) -> tuple[str, int, int]:
    """What is told there, since when, and at which page."""
    kind, moment, *place = cursor.split(".")
    return kind, int(moment), int(place[0]) if place else 0


def committed(state: str) -> int:
    """The moment of which a gateway that goes on from here knows: all it holds is of then, or later."""
    cursor = json.loads(state).get("cursor", "") if state else ""
    return parsed(cursor)[1] if cursor else 0


def vector_of(text: str) -> list[float]:
    numbers = struct.unpack(f"{DIMENSIONS}i", sha256(text.encode()).digest())
    return [number / 2**31 for number in numbers]
