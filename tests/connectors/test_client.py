"""The HTTP client of connectors against a real server that misbehaves, and which addresses it may reach."""

import gzip
import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from connectors.kit.system import Answer, Asked, Clock, System
from connectors.sources import client
from connectors.sources.addresses import NotAllowed, NotFound, Reach, is_public
from connectors.sources.base import ConnectorError, SlowDown
from connectors.sources.client import Client, Refused, Reply, Token, TooLarge
from tests.connectors.a_hostile_server import MILLION, Doing, Hostile


def echo(asked: Asked) -> Answer:
    return Answer({"path": asked.path, "query": asked.query})


@pytest.fixture
def system() -> Iterator[System]:
    with System(echo).running() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client_of(system: System, clock: Clock, **settings: Any) -> Client:
    return Client(f"{system.url}/api", a_second=1000, sleep=clock.sleep, **settings)


# --- answers --------------------------------------------------------------------------------------------------------


def test_a_path_stands_below_the_base_and_is_asked_with_the_token(system: System, clock: Clock) -> None:
    reply = client_of(system, clock, auth=Token("secret")).get("/things", {"page": "2"})

    assert reply.json() == {"path": "/api/things", "query": {"page": "2"}}
    assert system.asked[0].headers["authorization"] == "Bearer secret"


def test_what_passes_by_itself_is_tried_again(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=503), Answer({"half": "of it"}, breaks=True), Answer(status=500)]

    assert client_of(system, clock).get("x").status == 200
    assert clock.waited == [1.0, 2.0, 4.0]


def test_after_five_tries_a_sentence_says_what_happened(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=502)] * 9

    with pytest.raises(Refused, match=r"127.0.0.1/api/x has a fault of its own \(502\)") as refused:
        client_of(system, clock).get("x", {"key": "secret"})
    assert len(system.asked) == 5
    assert not refused.value.permanent
    assert "secret" not in str(refused.value)


def test_a_wait_the_system_asks_for_is_kept(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=429, headers={"Retry-After": "17"})]

    client_of(system, clock).get("x")

    assert clock.waited == [17.0]


def test_a_wait_that_is_too_long_ends_the_run(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=429, headers={"Retry-After": "3600"})]

    with pytest.raises(SlowDown, match="3600 seconds") as slow:
        client_of(system, clock).get("x")
    assert slow.value.seconds == 3600
    assert clock.waited == []


def test_a_system_has_its_own_way_to_say_that_it_was_asked_too_much(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=403, headers={"X-RateLimit-Remaining": "0"})]

    def limited(reply: Reply) -> float | None:
        return 5.0 if reply.headers.get("x-ratelimit-remaining") == "0" else None

    assert client_of(system, clock, limited=limited).get("x").status == 200
    assert clock.waited == [5.0]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "sign-in"), (403, "these rights"), (404, "not there"), (418, "418")]
)
def test_what_will_not_pass_is_told_at_once_with_what_the_system_says(
    system: System, clock: Clock, status: int, words: str
) -> None:
    system.faults = [Answer({"message": "The scope repo is missing."}, status)]

    with pytest.raises(Refused, match=words) as refused:
        client_of(system, clock).get("x")
    assert refused.value.permanent and refused.value.status == status
    assert "The scope repo is missing." in str(refused.value)
    assert len(system.asked) == 1


def test_a_status_may_be_an_answer(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=304), Answer(status=404)]
    asked = client_of(system, clock)

    assert asked.get("x", also=(304, 404)).status == 304
    assert asked.get("x", also=(304, 404)).status == 404


def test_a_sign_in_is_renewed_once(system: System, clock: Clock) -> None:
    class Renewed:
        times = 0

        def headers(self) -> dict[str, str]:
            return {"Authorization": f"Bearer {self.times}"}

        def renewed(self) -> bool:
            self.times += 1
            return True

    system.faults = [Answer(status=401)]
    assert client_of(system, clock, auth=Renewed()).get("x").status == 200
    assert [asked.headers["authorization"] for asked in system.asked] == ["Bearer 0", "Bearer 1"]

    system.faults = [Answer(status=401)] * 5
    with pytest.raises(Refused, match="sign-in"):
        client_of(system, clock, auth=Renewed()).get("x")


def test_no_answer_is_larger_than_it_may_be_even_packed(system: System, clock: Clock) -> None:
    packed = gzip.compress(b"0" * 30_000_000)
    system.faults = [Answer(packed, headers={"Content-Encoding": "gzip"})]

    with pytest.raises(TooLarge, match="larger than 1 MB"):
        client_of(system, clock).get("x", most=1024 * 1024)


def test_an_answer_that_is_packed_twice_is_not_unpacked(system: System, clock: Clock) -> None:
    """64 KB of the outer packing could be 64 GB of the inner one before anybody counts them."""
    packed = gzip.compress(gzip.compress(b"0" * 1_000))
    system.faults = [Answer(packed, headers={"Content-Encoding": "gzip, gzip"})]

    with pytest.raises(ConnectorError, match="more than once"):
        client_of(system, clock).get("x")


@pytest.mark.parametrize("packing", ["br", "zstd", "compress", "x-unknown"])
def test_an_answer_packed_in_a_way_that_was_not_asked_for_is_not_unpacked(
    system: System, clock: Clock, packing: str
) -> None:
    """Whatever libraries are installed: 64 KB of Brotli can be many gigabytes."""
    system.faults = [Answer(b"x" * 100, headers={"Content-Encoding": packing})]

    with pytest.raises(ConnectorError, match="in a way that was not asked for"):
        client_of(system, clock).get("x")
    assert system.asked[0].headers["accept-encoding"] == "gzip, identity"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_of_an_answer_that_is_none_only_the_beginning_is_read(clock: Clock, status: int) -> None:
    with Hostile({"/api/x": endlessly(status)}).running() as server:
        with pytest.raises(ConnectorError):
            Client(f"{server.url}/api", a_second=1000, tries=1, sleep=clock.sleep).get("x", seconds=20.0)
        with suppress(ConnectorError):
            Client(f"{server.url}/api", a_second=1000, tries=1, sleep=clock.sleep).get("x", seconds=20.0, follow=False)
        assert server.sent < 40_000_000  # what lies in the sockets' own buffers


def endlessly(status: int) -> Doing:
    def deed(server: Hostile, connection: socket.socket) -> None:
        head = f"HTTP/1.1 {status} No\r\nLocation: /api/x\r\nContent-Length: 10000000000\r\n\r\n"
        server.send(connection, head.encode())
        for _ in range(10_000):
            server.send(connection, MILLION)

    return deed


def test_a_client_tries_as_often_as_it_is_told(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=500)] * 5

    with pytest.raises(Refused):
        client_of(system, clock, tries=2).get("x")
    assert len(system.asked) == 2


def test_a_silent_system_does_not_hold_a_run(system: System, clock: Clock) -> None:
    system.faults = [Answer(waits=30)] * 5

    with pytest.raises(ConnectorError, match="did not answer within"):
        client_of(system, clock).get("x", seconds=0.2)


def test_no_cookie_is_kept(system: System, clock: Clock) -> None:
    system.faults = [Answer({}, headers={"Set-Cookie": "who=them; Path=/"})]
    asked = client_of(system, clock)
    asked.get("x")
    asked.get("y")

    assert "cookie" not in system.asked[1].headers


def test_what_is_no_json_is_told(system: System, clock: Clock) -> None:
    system.faults = [Answer(b"<html>"), Answer(b"[" * 100_000)]
    asked = client_of(system, clock)

    for _ in range(2):
        with pytest.raises(ConnectorError, match="not JSON"):
            asked.get("x").json()


def test_the_next_page_is_named_by_a_header(system: System, clock: Clock) -> None:
    link = '</api/x?page=2>; rel="next", </api/x?page=9>; rel="last"'
    system.faults = [Answer([], headers={"Link": link})]

    reply = client_of(system, clock).get("x")

    assert reply.link("next") == f"{system.url}/api/x?page=2"
    assert reply.link("prev") is None


def test_questions_keep_their_pace(system: System, clock: Clock) -> None:
    pace = client.Pace(a_second=20)
    began = time.monotonic()
    for _ in range(5):
        pace.wait()

    assert time.monotonic() - began >= 0.2


# --- redirects ------------------------------------------------------------------------------------------------------


def test_a_redirect_on_the_same_host_is_followed_signed_in(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=302, headers={"Location": "/api/elsewhere"})]

    assert client_of(system, clock, auth=Token("secret")).get("x").json()["path"] == "/api/elsewhere"
    assert system.asked[1].headers["authorization"] == "Bearer secret"


def test_the_sign_in_stays_with_its_own_host(system: System, clock: Clock) -> None:
    with System(echo).running() as other:
        system.faults = [Answer(status=302, headers={"Location": f"{other.url}/there"})]
        client_of(system, clock, auth=Token("secret"), chosen=["127.0.0.1"]).get("x")
        client_of(system, clock, auth=Token("secret"), chosen=["127.0.0.1"]).get(f"{other.url}/there")

        assert all("authorization" not in asked.headers for asked in other.asked)
        assert len(other.asked) == 2


def test_a_private_system_is_trusted_at_its_own_port_alone(system: System, clock: Clock) -> None:
    with System(echo).running() as other:
        system.faults = [Answer(status=302, headers={"Location": f"{other.url}/there"})]
        with pytest.raises(NotAllowed):
            client_of(system, clock).get("x")
        with pytest.raises(NotAllowed):
            client_of(system, clock).get(f"{other.url}/there")
        assert other.asked == []


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest", "http://localhost.:1/", "http://2130706433/", "http://[::ffff:10.0.0.1]/"],
)
def test_a_redirect_does_not_lead_inside(system: System, clock: Clock, location: str) -> None:
    system.faults = [Answer(status=302, headers={"Location": location})]

    with pytest.raises((NotAllowed, NotFound)):
        client_of(system, clock).get("x")
    assert len(system.asked) == 1


def test_that_an_answer_leads_elsewhere_may_be_all_that_was_asked(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=302, headers={"Location": "/api/elsewhere"})]

    reply = client_of(system, clock).get("x", follow=False)

    assert (reply.status, reply.headers["location"], len(system.asked)) == (302, "/api/elsewhere", 1)


@pytest.mark.parametrize("location", ["http://[::1/", "http://xn--a/", "http://example.com:99999/", "https://\xff/"])
def test_a_redirect_to_no_address_is_told(system: System, clock: Clock, location: str) -> None:
    system.faults = [Answer(status=302, headers={"Location": location})] * 9

    with pytest.raises(ConnectorError):
        client_of(system, clock).get("x")


def test_a_circle_of_redirects_ends(system: System, clock: Clock) -> None:
    system.faults = [Answer(status=302, headers={"Location": "/api/x"})] * 20

    with pytest.raises(Refused, match="more than 5 times"):
        client_of(system, clock).get("x")


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "gopher://x/", "http://", "https://a:b@c/", "no address", "http://xn--a/"]
)
def test_what_is_no_address_of_a_system_is_refused(address: str) -> None:
    with pytest.raises(ConnectorError):
        Client(address)


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("fec0::2", False),  # withdrawn, and what QEMU calls the machine it runs on
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_public_is_what_stands_in_the_internet(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "0",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "localhost",
        "localhost.",
        "[::1]",
        "[::]",
        "127。0。0。1",
    ],
)
def test_odd_spellings_lead_nowhere_inside(host: str, clock: Clock) -> None:
    with pytest.raises(ConnectorError):
        Client("https://example.com", sleep=clock.sleep).get(f"http://{host}:9/")


def test_the_connection_goes_to_the_address_that_was_checked(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says something public first and loopback afterwards: the second word is never asked for."""
    port = int(system.url.rpartition(":")[2])
    told: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, *rest: Any, **named: Any) -> Any:
        if host != "rebinding.example":
            return real(host, *rest, **named)
        told.append("public" if not told else "inside")
        address = "192.0.2.1" if len(told) > 1 else "93.184.216.34"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(client, "CONNECT", 0.2)

    with pytest.raises(ConnectorError, match=r"cannot be reached|did not answer"):
        Client("https://example.com", tries=1).get(f"http://rebinding.example:{port}/", seconds=1.0)
    assert told == ["public"]
    assert system.asked == []


def test_a_host_is_chosen_whatever_its_case_and_its_last_dot() -> None:
    reach = Reach(["Wiki.Example.COM."])

    assert reach.is_chosen("wiki.example.com")
    assert not reach.is_chosen("evil-wiki.example.com")
