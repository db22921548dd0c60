"""Maps addresses to the networks that identify clients."""

from collections.abc import Mapping
from ipaddress import IPv6Network, ip_address

#: The networks of an IPv6 address for which a limit holds, by the length of their prefix, and the number of
#: times that each may use up the limit of a /64. Providers give a customer a /64, a /56 or a /48. So a
#: customer with a /56 uses at most a quarter of what the other customers in the same /48 share.
SHARES = ((64, 1), (56, 4), (48, 16))


def network_of(address: str) -> str:
    """Returns the address or network that identifies a client: its IPv4 address, or its IPv6 /64 network.

    All addresses in a /64 network belong to the same client. Other texts are returned as they are.
    """
    return _network(address, 64)


def site_of(address: str) -> str:
    """Returns the address or network of a client's site: its IPv4 address, or its IPv6 /48 network.

    Anyone can get 65,536 networks of the size /64, because providers give each customer up to a /48.
    """
    return _network(address, 48)


def shares_of(address: str) -> Mapping[str, int]:
    """Returns the networks of a client for which a limit holds, the smallest first.

    Their values are the number of times that each may use up the limit. An IPv4 address has only itself.
    """
    shares: dict[str, int] = {}
    for prefix, times in SHARES:
        shares.setdefault(_network(address, prefix), times)
    return shares


def _network(address: str, prefix: int) -> str:
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return str(ip.ipv4_mapped or IPv6Network((int(ip), prefix), strict=False))
