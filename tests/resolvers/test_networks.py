"""The networks that identify clients, and the share of a limit that each may use up."""

import pytest

from resolvers.networks import network_of, shares_of, site_of


@pytest.mark.parametrize(
    ("address", "network", "site"),
    [
        ("198.51.100.7", "198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:2ff::/64", "2001:db8:1::/48"),
        ("", "", ""),
        ("a socket", "a socket", "a socket"),
    ],
)
def test_a_client_has_a_network_and_a_site(address: str, network: str, site: str) -> None:
    assert (network_of(address), site_of(address)) == (network, site)


def test_an_ipv6_client_is_in_three_networks() -> None:
    shares = {"2001:db8:1:2ff::/64": 1, "2001:db8:1:200::/56": 4, "2001:db8:1::/48": 16}
    assert list(shares_of("2001:db8:1:2ff:3::4").items()) == list(shares.items())


@pytest.mark.parametrize("address", ["198.51.100.7", "::ffff:198.51.100.7", "", "a socket"])
def test_other_clients_are_in_one(address: str) -> None:
    assert shares_of(address) == {network_of(address): 1}
