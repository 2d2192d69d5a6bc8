"""Who knocks: planted people by their sessions and tokens, and somebody nobody knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts import provisioning, tokens
from accounts.models import AccessToken
from gateway.leaktest.boundaries import Boundary
from gateway.leaktest.doors import Door, Pass, bearer, signed_in
from gateway.leaktest.planting import Plot, database_now

READS = ("read", "ask")
EVERY_VERB = ("read", "ask", "ingest", "admin")


@dataclass
class Caller:
    """One credential. What it may see is its owner's, within its own limits, until it ends."""

    name: str
    owner: str  # "" for nobody
    shown: Pass
    is_session: bool = False
    sources: frozenset[str] | None = None  # None: all
    reads: bool = True  # it has the verb
    line: str = ""  # where what is wrong with this credential is told; "": at the boundary that was crossed
    token: AccessToken | None = None
    ended: bool = False

    @property
    def is_known(self) -> bool:
        """Whether a door that tells who one is tells it to this credential."""
        return bool(self.owner) and self.reads and not self.ended

    @property
    def runs_the_system(self) -> bool:
        return self.owner == "administrator"

    def may_read(self, boundary: Boundary, *, changed: bool) -> bool:
        reaches = self.sources is None or boundary.source in self.sources
        return self.is_known and reaches and self.owner in boundary.readers(changed=changed)


def callers(plot: Plot, door: Door) -> list[Caller]:
    """All of them, each person signed in once. Raises `Unreachable`."""

    def session(owner: str, name: str, line: str = "") -> Caller:
        person = plot.people[owner]
        return Caller(name, owner, signed_in(door, person.user.email, person.password), is_session=True, line=line)

    def token(
        owner: str, name: str, line: str = "", *, verbs: Sequence[str] = READS, sources: Sequence[str] | None = None
    ) -> Caller:
        issued, secret = plot.token(owner, verbs, sources)
        within = None if sources is None else frozenset(sources)
        return Caller(name, owner, bearer(secret), sources=within, reads="read" in verbs, line=line, token=issued)

    other = ("other",)
    return [
        session("reader", "a reader"),
        token("reader", "a reader's token"),
        session("loser", "somebody who lost it"),
        token("loser", "a token of somebody who lost it"),
        session("stranger", "a stranger"),
        token("stranger", "a stranger's token", verbs=("read", "ask", "ingest"), sources=other),
        session("guest", "an external person"),
        session("unlinked", "somebody whose account was let go"),
        session("leaver", "somebody deactivated", LEAVER),
        token("leaver", "a token of somebody deactivated", LEAVER),
        token("reader", "a reader's token for another source", ANOTHER_SOURCE, sources=other),
        token("reader", "a reader's token without the verb", NO_VERB, verbs=("ingest",)),
        token("reader", "a reader's expired token", EXPIRED),
        token("reader", "a reader's revoked token", REVOKED),
        session("administrator", "an administrator", ADMINISTRATOR),
        token("administrator", "an administrator's token", ADMINISTRATOR, verbs=EVERY_VERB),
        Caller("nobody", "", Pass(), line=NOBODY),
    ]


LEAVER = "a person who is deactivated"
ANOTHER_SOURCE = "a token for another source"
NO_VERB = "a token without the verb"
EXPIRED = "a token that expires"
REVOKED = "a token that is revoked"
ADMINISTRATOR = "an administrator without rights"
NOBODY = "nobody signed in"
RULES = {
    LEAVER: "P1",
    ANOTHER_SOURCE: "P11",
    NO_VERB: "P11",
    EXPIRED: "P11",
    REVOKED: "P11",
    ADMINISTRATOR: "P12",
    NOBODY: "P18",
}


def end(line: str, plot: Plot, everybody: Sequence[Caller]) -> list[Caller]:
    """What ends the credentials of this line; they are worth nothing from that commit on."""
    ended = [caller for caller in everybody if caller.line == line]
    for caller in ended:
        if line == LEAVER:
            provisioning.deactivate(plot.people[caller.owner].user)
        elif line == EXPIRED and caller.token is not None:
            AccessToken.objects.filter(pk=caller.token.pk).update(expires_at=database_now())
        elif line == REVOKED and caller.token is not None:
            tokens.revoke(caller.token)
        caller.ended = True
    return ended


ENDING = (LEAVER, EXPIRED, REVOKED)
