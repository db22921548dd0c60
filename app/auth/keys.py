"""The public keys of an external issuer (JWKS, RFC 7517), cached from a URL or a file.

The keys are refreshed when they are stale, and when a token names an unknown key. Refreshes are at least a
few seconds apart, however many such tokens arrive. Without any keys, no token is accepted.

PyJWT's PyJWKClient is not used, because it blocks, can't read files, and serves no stale keys when a refresh
fails.
"""

import json
from asyncio import Task, create_task, shield, timeout, to_thread
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt
import structlog

from app.auth.token_errors import InvalidTokenError, IssuerUnavailableError
from app.observing import redacted, without_secrets

_TIMEOUT = 5.0  # timeout of each network operation while the keys are fetched, in seconds
_MAX_SIZE = 1_000_000  # maximum size of a JWKS from a URL, in bytes
_PUBLIC_KEY_TYPES = frozenset(("RSA", "EC", "OKP"))

_log = structlog.get_logger("lectern")


class Keys:
    """The keys at a location: an https or http URL, or the path of a file.

    fresh: seconds after which the keys are stale and are refreshed. If refreshes fail, the keys remain in use
    until they are twice `fresh` seconds old. pause: minimum seconds between two refreshes.
    """

    def __init__(self, location: str, *, fresh: float = 600.0, pause: float = 10.0) -> None:
        self._location = location
        self._fresh = fresh
        self._pause = pause
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._tried_at = self._read_at = float("-inf")
        self._refreshing: Task[None] | None = None

    async def key(self, key_id: str | None) -> jwt.PyJWK:
        """Returns the key with the given id, or the only key if the id is None.

        Raises InvalidTokenError if the issuer has no such key, and IssuerUnavailableError if its current keys
        can't be read.
        """
        if self._age() > self._fresh or self._find(key_id) is None:
            refreshing = self._refresh()
            # Waits only if the cached keys can't be used.
            if self._age() > 2 * self._fresh or self._find(key_id) is None:
                await shield(refreshing)
        if self._age() > 2 * self._fresh:
            raise IssuerUnavailableError
        if key := self._find(key_id):
            return key
        if self._read_at < self._tried_at:  # the refresh failed, so the cached keys might be outdated
            raise IssuerUnavailableError
        raise InvalidTokenError("The token is signed with a key that doesn't belong to its issuer.")

    def _age(self) -> float:
        return monotonic() - self._read_at

    def _find(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _refresh(self) -> Task[None]:
        """Starts a refresh unless one is running or was started recently.

        Returns the task of the latest refresh.
        """
        is_due = monotonic() - self._tried_at >= self._pause
        if self._refreshing is None or (self._refreshing.done() and is_due):
            self._tried_at = monotonic()
            self._refreshing = create_task(self._read())
        return self._refreshing

    async def _read(self) -> None:
        try:
            async with timeout(2 * _TIMEOUT):
                text = await to_thread(_text, self._location)
            self._keys = _usable(text)
            self._read_at = monotonic()
        except Exception as error:  # after any exception, the cached keys stay in use for a while
            location = without_secrets(self._location)
            _log.error("can't read the issuer's keys", location=location, reason=redacted(error))


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirects, so that keys come only from the configured location."""

    def redirect_request(self, *_: object) -> None:
        return None


_http = build_opener(_NoRedirects)


def _text(location: str) -> str:
    """Reads the JWKS at a URL or file path. Blocks."""
    if location.startswith(("https://", "http://")):
        request = Request(location, headers={"Accept": "application/json"})  # noqa: S310 # http or https only
        with _http.open(request, timeout=_TIMEOUT) as response:
            return str(response.read(_MAX_SIZE).decode())
    return Path(location).read_text(encoding="utf-8")


def _usable(text: str) -> dict[str | None, jwt.PyJWK]:
    """Returns the usable keys in a JWKS, by id. Raises ValueError if there are none."""
    keys = [key for jwk in json.loads(text)["keys"] if (key := _verification_key(jwk))]
    if not keys:
        raise ValueError("none of the keys can be used to verify signatures")
    return {key.key_id: key for key in keys}


def _verification_key(jwk: Any) -> jwt.PyJWK | None:  # any JSON that the issuer sends
    """Returns the key if it can verify signatures; None if it has another use, is secret, or is malformed."""
    try:
        is_public = jwk["kty"] in _PUBLIC_KEY_TYPES and "d" not in jwk
        is_for_signatures = jwk.get("use", "sig") == "sig" and "verify" in jwk.get("key_ops", ("verify",))
        is_named = isinstance(jwk.get("kid"), str | None)
        return jwt.PyJWK(jwk) if is_public and is_for_signatures and is_named else None
    except Exception:  # catch every exception, because the JSON can have any shape
        return None
