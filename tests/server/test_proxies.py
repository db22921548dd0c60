"""The client address and scheme of a request behind proxies."""

from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.server.proxies import Proxies

PEER = "10.0.0.1"


async def forwarded_scope(trusted: tuple[str, ...], *headers: tuple[bytes, bytes], peer: str = PEER) -> Scope:
    """The scope that the application receives."""
    received: dict[str, Any] = {}  # an ASGI scope

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        received.update(scope)

    scope = {"type": "http", "scheme": "http", "client": (peer, 50_000), "headers": list(headers)}
    await Proxies(application, trusted)(scope, None, None)  # type: ignore[arg-type] # receive and send are not called
    return received


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ((PEER,), "192.0.2.1", "192.0.2.1"),
        ((PEER,), "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ((PEER, "192.0.2.0/24"), "203.0.113.9, 192.0.2.1", "203.0.113.9"),
        ((PEER, "192.0.2.0/24"), "198.51.100.1, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
        ((PEER, "192.0.2.0/24"), "192.0.2.1", "192.0.2.1"),
        (("*",), "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        (("*",), "192.0.2.1", "192.0.2.1"),
        (("192.0.2.0/24",), "203.0.113.9", PEER),
        ((), "203.0.113.9", PEER),
        ((PEER,), "", PEER),
        ((PEER,), "unknown", PEER),
        ((PEER,), "203.0.113.9, <script>", PEER),
        ((PEER, "192.0.2.0/24"), "203.0.113.9, unknown, 192.0.2.1", "192.0.2.1"),
        ((PEER,), "192.0.2.1:8080", "192.0.2.1"),
        ((PEER,), "2001:DB8::1", "2001:db8::1"),
        ((PEER,), "[2001:db8::1]:8080", "2001:db8::1"),
        ((PEER,), "::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
async def test_the_client_is_the_last_address_that_is_not_a_proxy(
    trusted: tuple[str, ...], forwarded: str, client: str
) -> None:
    scope = await forwarded_scope(trusted, (b"x-forwarded-for", forwarded.encode()))
    assert scope["client"][0] == client


async def test_several_headers_are_one_list() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"192.0.2.1")]
    assert (await forwarded_scope((PEER,), *headers))["client"][0] == "192.0.2.1"


async def test_a_proxy_may_connect_over_ipv6() -> None:
    header = (b"x-forwarded-for", b"192.0.2.1")
    assert (await forwarded_scope((PEER,), header, peer=f"::ffff:{PEER}"))["client"][0] == "192.0.2.1"


@pytest.mark.parametrize(("trusted", "scheme"), [((PEER,), "https"), (("192.0.2.1",), "http")])
async def test_the_scheme_is_taken_from_trusted_proxies(trusted: tuple[str, ...], scheme: str) -> None:
    assert (await forwarded_scope(trusted, (b"x-forwarded-proto", b"https")))["scheme"] == scheme


async def test_an_invalid_scheme_is_ignored() -> None:
    assert (await forwarded_scope((PEER,), (b"x-forwarded-proto", b"javascript")))["scheme"] == "http"
