"""Maps addresses to the networks that identify clients."""

from ipaddress import IPv6Network, ip_address


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


def _network(address: str, prefix: int) -> str:
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return str(ip.ipv4_mapped or IPv6Network((int(ip), prefix), strict=False))
