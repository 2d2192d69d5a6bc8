"""Which addresses a connector may connect to: its own system's, as an administrator chose it, and public ones."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from connectors.sources.base import ConnectorError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Origin = tuple[str, str, int | None]  # scheme, host, and port where it is not the scheme's own
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


class NotAllowed(ConnectorError):
    """The address is none that this source may reach. Does not say what a name resolved to."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is not an address that this source may reach.", permanent=True)


class NotFound(ConnectorError):
    """The name has no address, or none can be asked for now."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} has no address; is the name right, and does this machine reach a name server?")


class Reach:
    """`chosen` hosts may be anywhere, and so may the system's `own` origin; what else its host serves, at other ports,
    is no part of it. All others must be public. Checked is the address that is connected to."""

    def __init__(self, chosen: Iterable[str] = (), *, own: Origin | None = None) -> None:
        self.chosen = frozenset(_plain(host) for host in chosen)
        self.own = own

    def is_chosen(self, host: str) -> bool:
        return _plain(host) in self.chosen

    def may_be_private(self, origin: Origin) -> bool:
        return origin == self.own or self.is_chosen(origin[1])

    async def address_of(self, host: str, port: int) -> str:
        """A public address of the host. Raises NotAllowed if any of its addresses is none, NotFound."""
        addresses = await _resolved(host, port)
        if not addresses:
            raise NotFound(host)
        if not all(is_public(address) for address in addresses):
            raise NotAllowed(host)
        return str(addresses[0])


def is_public(address: IPAddress) -> bool:
    """Whether it stands in the public internet, whatever is wrapped around it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.is_site_local:  # fec0::/10, withdrawn (RFC 3879) and still routed inside
            return False
        if address in NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        within = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if within is not None and not is_public(within):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def _resolved(host: str, port: int) -> list[IPAddress]:
    """As the system's own resolver reads the name: what looks odd (`127.1`, `0x7f000001`) is what it connects to."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
    except (OSError, UnicodeError, ValueError):
        return []


def _plain(host: str) -> str:
    return host.strip().rstrip(".").lower()
