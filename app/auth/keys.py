"""The public keys of an external issuer (JWKS, RFC 7517), from a URL or a file.

They are read anew when they are old, and when a token names a key that isn't among them, but not more often
than every few seconds, whatever tokens come. Without keys no token is taken.
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

_TIMEOUT = 5.0  # seconds
_LARGEST = 1_000_000  # bytes
_PUBLIC_KINDS = frozenset(("RSA", "EC", "OKP"))

_log = structlog.get_logger("lectern")


class Keys:
    """The keys at a location: an https or http URL, or a file's path.

    fresh: for how many seconds they are used without another look; they are used for twice as long where
    that look fails. pause: the seconds between two looks, at least.
    """

    def __init__(self, location: str, *, fresh: float = 600.0, pause: float = 10.0) -> None:
        self._location = location
        self._fresh = fresh
        self._pause = pause
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._looked = self._read = float("-inf")
        self._looking: Task[None] | None = None

    async def key(self, key_id: str | None) -> jwt.PyJWK:
        """The key of an id; without an id the only one there is.

        Raises InvalidTokenError where there is none, IssuerUnavailableError where nobody can tell.
        """
        if self._age() > self._fresh or self._find(key_id) is None:
            looking = self._look()
            if self._age() > 2 * self._fresh or self._find(key_id) is None:  # what is there won't do
                await shield(looking)
        if self._age() > 2 * self._fresh:
            raise IssuerUnavailableError
        if found := self._find(key_id):
            return found
        if self._read < self._looked:  # its issuer may have it by now
            raise IssuerUnavailableError
        raise InvalidTokenError("The token is signed with a key that its issuer doesn't have.")

    def _age(self) -> float:
        return monotonic() - self._read

    def _find(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _look(self) -> Task[None]:
        """The look that is under way, or another; the last one, while it is not long ago."""
        if self._looking is None or (self._looking.done() and monotonic() - self._looked >= self._pause):
            self._looked = monotonic()
            self._looking = create_task(self._replace())
        return self._looking

    async def _replace(self) -> None:
        try:
            async with timeout(2 * _TIMEOUT):
                text = await to_thread(_text, self._location)
            self._keys = _usable(text)
            self._read = monotonic()
        except Exception as error:  # whatever it is, those that are there stay for a while
            _log.error("issuer's keys not read", location=self._location, reason=repr(error))


class _NoRedirects(HTTPRedirectHandler):
    """The setting alone says where keys come from."""

    def redirect_request(self, *_: Any) -> None:
        return None


_http = build_opener(_NoRedirects)


def _text(location: str) -> str:
    if location.startswith(("https://", "http://")):
        request = Request(location, headers={"Accept": "application/json"})  # noqa: S310 # one of the two
        with _http.open(request, timeout=_TIMEOUT) as response:
            return str(response.read(_LARGEST).decode())
    return Path(location).read_text(encoding="utf-8")


def _usable(text: str) -> dict[str | None, jwt.PyJWK]:
    """The keys by their ids. Raises where there is none."""
    keys = [key for told in json.loads(text)["keys"] if (key := _verifying(told))]
    if not keys:
        raise ValueError("none of the keys can verify a signature")
    return {key.key_id: key for key in keys}


def _verifying(told: Any) -> jwt.PyJWK | None:
    """A key that verifies signatures; None for what is none, is secret, or isn't understood."""
    try:
        is_public = told["kty"] in _PUBLIC_KINDS and "d" not in told
        is_for_signatures = told.get("use", "sig") == "sig" and "verify" in told.get("key_ops", ("verify",))
        is_named = isinstance(told.get("kid"), str | None)
        return jwt.PyJWK(told) if is_public and is_for_signatures and is_named else None
    except Exception:  # it may be anything
        return None
