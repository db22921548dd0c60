"""Determines the client address of a request that came through proxies.

Each proxy appends to `X-Forwarded-For` the address from which it received the request. Earlier entries came
with that request and might be forged. So the list is read backwards, up to the first address that isn't a
trusted proxy's.
"""

from collections.abc import Awaitable, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDED = frozenset((b"x-forwarded-for", b"x-forwarded-proto"))
_SCHEMES = frozenset((b"http", b"https"))


class Proxies:
    """ASGI middleware that sets the client and scheme of a request from its `X-Forwarded-*` headers.

    trusted: the addresses and networks of trusted proxies. `("*",)` trusts any peer, assuming that the peer
    is the only proxy.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        self.app = app
        self._trusts_anyone = tuple(trusted) == ("*",)
        self._networks = () if self._trusts_anyone else tuple(map(ip_network, trusted))
        self._trusts = lru_cache(maxsize=1024)(self._is_trusted)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        client = scope.get("client")
        if client and (self._trusts_anyone or self._trusts(client[0])):
            self._apply_forwarded(scope)
        return self.app(scope, receive, send)

    def _apply_forwarded(self, scope: Scope) -> None:
        if _FORWARDED.isdisjoint([name for name, _ in scope["headers"]]):
            return
        forwarded: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                forwarded += value.split(b",")
            elif name == b"x-forwarded-proto" and value.strip() in _SCHEMES:
                scope["scheme"] = value.strip().decode()
        if forwarded:
            scope["client"] = self._origin(scope["client"], forwarded)

    def _origin(self, peer: tuple[str, int], forwarded: Iterable[bytes]) -> tuple[str, int]:
        """Reads X-Forwarded-For backwards, and returns the first address that isn't a trusted proxy's.

        Stops at an invalid entry. If all addresses read belong to trusted proxies, returns the one read last.
        If no address was read, returns `peer`.
        """
        origin = peer
        for entry in reversed(list(forwarded)):
            if (address := _address(entry)) is None:
                break
            origin = (address, 0)
            if self._trusts_anyone or not self._trusts(address):
                break
        return origin

    def _is_trusted(self, host: str) -> bool:
        address = _parsed(host)
        return address is not None and any(address in network for network in self._networks)


def _address(entry: bytes) -> str | None:
    """Returns the address in an entry of `X-Forwarded-For`, or None if the entry is invalid.

    An entry can include a port: `192.0.2.1:80`, `[2001:db8::1]:80`.
    """
    host = entry.strip().decode("latin-1")
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    address = _parsed(host)
    return None if address is None else str(address)


def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    """Parses an address, and converts IPv4-mapped IPv6 to IPv4. Returns None if the address is invalid."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
