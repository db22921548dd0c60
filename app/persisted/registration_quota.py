"""How many texts each network may register."""

from collections import OrderedDict
from math import ceil
from time import monotonic

from resolvers.networks import site_of

#: The maximum number of characters of a text that counts as one.
LONGEST = 2_000

_PERIOD = 3_600.0  # seconds
_MOST_SITES = 10_000  # maximum number of networks whose registrations are counted


class RegistrationQuota:
    """Counts the texts that each network registers in an hour, in this process.

    A network is an IPv4 address or an IPv6 /48, because nobody gets many of those. most: the maximum number
    of texts of LONGEST characters; 0 for no limit. A longer text counts as several.
    """

    def __init__(self, most: int) -> None:
        self._most, self._ends = most, 0.0
        self._taken: OrderedDict[str, int] = OrderedDict()

    def take(self, address: str, length: int) -> bool:
        """Counts a text from an address. Returns False, and counts nothing, if its network has reached
        the limit."""
        if not self._most:
            return True
        if monotonic() >= self._ends:
            self._ends = monotonic() + _PERIOD
            self._taken.clear()
        site = site_of(address)
        taken = self._taken.get(site, 0) + ceil(length / LONGEST)
        if taken > self._most:
            return False
        self._taken[site] = taken
        if len(self._taken) > _MOST_SITES:
            self._taken.popitem(last=False)
        return True
