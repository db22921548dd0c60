"""The public keys of an external issuer (JWKS, RFC 7517), from a URL or a file.

They are fetched anew when they are old, and when a token names a key that isn't among them, but not more
often than every few seconds, whatever tokens come. Without keys no token is taken.
"""

from asyncio import Lock, to_thread
from pathlib import Path
from time import monotonic
from urllib.error import URLError
from urllib.request import Request, urlopen

import jwt
import structlog

from app.auth.errors import InvalidTokenError, IssuerUnavailableError

_FRESH = 600.0  # seconds
_AT_MOST_EVERY = 10.0
_TIMEOUT = 5.0
_LARGEST = 1_000_000  # bytes

_log = structlog.get_logger("lectern")


class Keys:
    """The keys at a location: an https or http URL, or a file's path."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._tried = self._read = float("-inf")
        self._one_at_a_time = Lock()

    async def key(self, key_id: str | None) -> jwt.PyJWK:
        """The key of an id; without an id the only one there is.

        Raises InvalidTokenError where there is none, IssuerUnavailableError where there are no keys at all.
        """
        now = monotonic()
        if now - self._read > _FRESH or self._find(key_id) is None:
            await self._refresh()
        if monotonic() - self._read > 2 * _FRESH:
            raise IssuerUnavailableError
        if (found := self._find(key_id)) is None:
            raise InvalidTokenError("The token is signed with a key that its issuer doesn't have.")
        return found

    def _find(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    async def _refresh(self) -> None:
        async with self._one_at_a_time:
            if monotonic() - self._tried < _AT_MOST_EVERY:
                return
            self._tried = monotonic()
            try:
                text = await to_thread(_fetched, self._location)
                self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_json(text).keys}
                self._read = monotonic()
            except (OSError, URLError, ValueError, jwt.PyJWTError) as error:
                _log.error("issuer's keys not read", location=self._location, reason=str(error))


def _fetched(location: str) -> str:
    if location.startswith(("https://", "http://")):
        request = Request(location, headers={"Accept": "application/json"})  # noqa: S310 # one of the two
        with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
            return str(response.read(_LARGEST).decode())
    return Path(location).read_text(encoding="utf-8")
