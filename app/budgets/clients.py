"""Which class a client has, and which of its requests share a budget."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from starlette.exceptions import HTTPException

from app.budget_classes import BudgetClass, ClientKey, by_role, digest_of
from app.error_codes import UNKNOWN_CLIENT_KEY
from resolvers.networks import network_of

# Cached, because parsing an address takes as long as the rest of a charge.
_MOST_CACHED = 4_096


class UnknownClientKeyError(HTTPException):
    """The client sent a key that the settings don't have."""

    code = UNKNOWN_CLIENT_KEY

    def __init__(self) -> None:
        # Not 401, because clients take that for an expired token, and sign their user out.
        super().__init__(
            403, "The key in `X-Lectern-Client-Key` is not known. Send the client's current key, or no key."
        )


class Identified(NamedTuple):
    """A client's class, and a text that its requests have in common."""

    kind: BudgetClass
    client: str


class Clients:
    """The classes and keys of the settings. There is a class `public`.

    identify: `_identify`, whose results are cached.
    """

    def __init__(self, classes: Sequence[BudgetClass], keys: Sequence[ClientKey]) -> None:
        self._classes = {kind.name: kind for kind in classes}
        self._keys = {key.digest: self._classes[key.class_name] for key in keys}
        self.names = tuple(self._classes)
        self.identify = lru_cache(maxsize=_MOST_CACHED)(self._identify)

    def _identify(self, key: bytes | None, roles: frozenset[str], subject: str, address: str) -> Identified:
        """Returns the class and the identity of a client. key: its key; None if it sent none.

        The key decides the class, or else the viewer's role. The identity is the viewer, or else the network
        of the address. So users of an app share no budget, unless they are anonymous and behind one address.

        roles, subject: the viewer's. Raises UnknownClientKeyError.
        """
        digest = ""
        if key is None:
            kind = by_role(self._classes, roles)
        else:
            digest = digest_of(key)
            if (found := self._keys.get(digest)) is None:
                raise UnknownClientKeyError
            kind = found
        who = f"viewer {subject}" if subject else f"address {network_of(address)}"
        return Identified(kind, f"{kind.name} {digest} {who}")
