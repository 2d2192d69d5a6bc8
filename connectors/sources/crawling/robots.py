"""What robots.txt allows (RFC 9309)."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.sources.crawling.locations import escaped, matches

READ = 512 * 1024  # bytes of the file; what follows does not count
MOST_RULES = 10_000
NAME = "gatehouse"
PRODUCT = re.compile(r"[a-z_-]+")


class TooManyRules(Exception):
    """More rules than anybody writes."""


@dataclass(frozen=True)
class Robots:
    """The rules for us, as (whether it may be read, pattern). `delay`: seconds between two questions."""

    rules: Sequence[tuple[bool, str]] = ()
    delay: float | None = None
    sitemaps: Sequence[str] = ()

    def allows(self, target: str) -> bool:
        """Whether this path and query may be read: the longest rule that matches decides, and allows if two do."""
        found = [(len(pattern), allowed) for allowed, pattern in self.rules if matches(pattern, target)]
        return target.partition("?")[0] == "/robots.txt" or max(found, default=(0, True))[1]


EVERYTHING = Robots()  # may be read


@dataclass
class _Group:
    agents: set[str] = field(default_factory=set)
    rules: list[tuple[bool, str]] = field(default_factory=list)
    delay: float | None = None


class _Reading:
    """Takes the file line by line."""

    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self.sitemaps: list[str] = []
        self.in_agents = False

    def take(self, key: str, value: str) -> None:
        match key:
            case "user-agent":
                if not self.in_agents:
                    self.groups.append(_Group())
                self.in_agents = True
                self.groups[-1].agents.add(_product(value))
            case "allow" | "disallow":
                self.in_agents = False
                if self.groups and value:
                    self.groups[-1].rules.append((key == "allow", _pattern(value)))
            case "crawl-delay" if self.groups:
                self.groups[-1].delay = _seconds(value)
            case "sitemap" if value:
                self.sitemaps.append(value)


def read(content: bytes) -> Robots:
    """The rules of all groups that name us; if there is none, of those for everybody. Raises TooManyRules."""
    reading = _Reading()
    for line in content[:READ].decode("utf-8-sig", "replace").splitlines():
        key, _, value = line.partition("#")[0].partition(":")
        reading.take(key.strip().lower(), value.strip())
    ours = [group for group in reading.groups if NAME in group.agents]
    ours = ours or [group for group in reading.groups if "*" in group.agents]
    rules = tuple(rule for group in ours for rule in group.rules)
    if len(rules) > MOST_RULES:
        raise TooManyRules
    delays = [group.delay for group in ours if group.delay is not None]
    return Robots(rules, max(delays, default=None), tuple(reading.sitemaps))


def _product(value: str) -> str:
    if value.startswith("*"):
        return "*"
    found = PRODUCT.match(value.lower())
    return found[0] if found else ""


def _pattern(value: str) -> str:
    """Escaped as locations are."""
    plain = "".join(
        letter if letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in value
    )
    return escaped(plain if plain.startswith(("/", "*")) else "/" + plain)


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
