"""Asking a site politely: by its robots.txt, at its pace, and nowhere it should not be possible to get to."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from connectors.sources.addresses import NotAllowed, Reach
from connectors.sources.base import ConnectorError
from connectors.sources.client import Client, Refused, Reply
from connectors.sources.crawling import robots
from connectors.sources.crawling.locations import host_of, location, origin_of, target_of
from connectors.sources.crawling.robots import Robots

MOST_OF_ROBOTS = 4 * 1024 * 1024  # bytes; what is larger is taken for a fault
REDIRECTS = 5  # RFC 9309, 2.3.1.2
LONGEST_DELAY = 120.0  # seconds between two questions; whoever asks for more is not read
SECONDS = 60.0  # an answer may take
TRIES = 2
ACCEPT = "text/html, application/xhtml+xml, application/pdf, text/*;q=0.9, */*;q=0.5"


class NotReadable(ConnectorError):
    """A host whose robots.txt cannot be read, or that is not to be read at all; in words that tell why."""


@dataclass
class Asking:
    """`origins` were named by the administrator. `private`: hosts of them that may stand in the inner network; no
    answer leads to another port of theirs."""

    origins: Collection[str]
    private: Collection[str]
    a_second: float
    sleep: Callable[[float], None]
    _clients: dict[str, Client] = field(default_factory=dict)
    _robots: dict[str, Robots | NotReadable] = field(default_factory=dict)

    def robots(self, origin: str) -> Robots:
        """What robots.txt says, asked for once. Raises NotReadable."""
        if origin not in self._robots:
            try:
                self._robots[origin] = self._asked_robots(origin)
            except NotReadable as told:
                self._robots[origin] = told
        said = self._robots[origin]
        if isinstance(said, NotReadable):
            raise said
        return said

    def allows(self, place: str) -> bool:
        """Raises NotReadable."""
        return self.robots(origin_of(place)).allows(target_of(place))

    def _asked_robots(self, origin: str) -> Robots:
        address = f"{origin}/robots.txt"
        try:
            said = robots.read(self.led(address, most=MOST_OF_ROBOTS).content)
        except robots.TooManyRules:
            raise NotReadable(
                f"{address} has more than {robots.MOST_RULES:,} rules, so nothing is read there."
            ) from None
        except Refused as refused:
            if not 400 <= refused.status < 500 or refused.status == 429:
                raise NotReadable(f"Nothing is read from {origin}: {refused}") from None
            said = robots.EVERYTHING
        except ConnectorError as error:
            raise NotReadable(f"Nothing is read from {origin}: its robots.txt cannot be read. {error}") from None
        if (said.delay or 0) > LONGEST_DELAY:
            raise NotReadable(
                f"{address} asks for {said.delay:.0f} seconds between two questions; that cannot be read."
            )
        if said.delay:
            self._clients[origin] = self._client(origin, min(self.a_second, 1 / said.delay))
        return said

    def get(self, place: str, headers: Mapping[str, str] | None = None, *, most: int) -> Reply:
        """What stands at a location, or that it is elsewhere. Raises ConnectorError."""
        origin = origin_of(place)
        if Reach(self.private).is_chosen(host_of(place)) and origin not in self.origins:
            raise NotAllowed(host_of(place))
        if origin not in self._clients:
            self._clients[origin] = self._client(origin, self.a_second)
        sent = {"Accept": ACCEPT, **(headers or {})}
        return self._clients[origin].get(place, headers=sent, also=(304,), most=most, seconds=SECONDS, follow=False)

    def led(self, place: str, *, most: int) -> Reply:
        """The same for what is no page of the site, wherever it leads. Raises ConnectorError."""
        reply = self.get(place, most=most)
        for _ in range(REDIRECTS):
            if not reply.leads:
                break
            target = location(reply.headers["location"], place)
            if target is None or (place.startswith("https:") and target.startswith("http:")):
                raise Refused(reply.status, place, "it leads to no address that is read")
            place = target
            reply = self.get(place, most=most)
        if reply.status != 200:
            raise Refused(reply.status, place)
        return reply

    def _client(self, origin: str, a_second: float) -> Client:
        return Client(origin, chosen=self.private, trusts_base=False, a_second=a_second, tries=TRIES, sleep=self.sleep)
