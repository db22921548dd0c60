"""Session tokens: access tokens (JWT, RFC 7519), refresh tokens and device tokens.

A refresh token is signed and carries its generation number within the session. So no secret is stored, and a
token that was already used can be distinguished from a forged one.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from time import time
from typing import Any, TypeAlias, get_args

import jwt
from bson import ObjectId
from bson.errors import BSONError

from app.auth.token_errors import ExpiredTokenError, InvalidTokenError
from loaders.model import Role
from resolvers.context import AccessToken, RefreshToken, Viewer

ISSUER = AUDIENCE = "lectern"
ACCESS_LASTS = timedelta(minutes=10)
DEVICE_LASTS = timedelta(days=180)

_Json: TypeAlias = Any  # the value of a claim, which can be any JSON

_ALGORITHM = "HS256"
_REFRESH_PAYLOAD = Struct(">12sI")  # a refresh token's contents: session id and generation number
_DEVICE_PAYLOAD = Struct(">12sI")  # a device token's contents: device id and Unix time
_SIGNATURE_SIZE = 24  # size of the signature of a refresh or device token, in bytes
_ROLES = frozenset(get_args(Role))

#: What PyJWT and _viewer raise for a token that isn't acceptable.
_MALFORMED = (jwt.PyJWTError, BSONError, LookupError, TypeError, ValueError)
_NOT_OURS = "The access token was not issued by this gateway: sign in again."
_EXPIRED = (
    "The access token has expired: call refreshSession without an Authorization header to get a new one."
)


class SessionTokens:
    """Issues and verifies session tokens. Gateways with the same secret accept each other's tokens."""

    def __init__(self, secret: bytes) -> None:
        self._access_key = blake2b(secret, person=b"lectern-access", digest_size=32).digest()
        self._refresh_key = blake2b(secret, person=b"lectern-refresh", digest_size=32).digest()
        self._device_key = blake2b(secret, person=b"lectern-device", digest_size=32).digest()
        self._link_key = blake2b(secret, person=b"lectern-link", digest_size=32).digest()

    def access(self, viewer: Viewer, lasts: timedelta = ACCESS_LASTS) -> AccessToken:
        """Issues an access token for a viewer. lasts: the token's lifetime."""
        issued = datetime.now(UTC).replace(microsecond=0)
        expires = issued + lasts
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "iat": issued, "exp": expires, "sub": viewer.subject,
            "roles": sorted(viewer.roles), "student": _text(viewer.student_id),
            "instructor": _text(viewer.instructor_id), "sid": _text(viewer.session_id),
        }  # fmt: skip
        return AccessToken(jwt.encode(claims, self._access_key, _ALGORITHM), expires)

    def viewer(self, token: str) -> Viewer:
        """Returns the viewer for an access token.

        Raises ExpiredTokenError if the token is Lectern's own but has expired, and InvalidTokenError if it
        isn't Lectern's own.
        """
        try:
            return self._verified(token)
        except jwt.ExpiredSignatureError:
            has_expired = self._is_right_but_for_its_age(token)
        except _MALFORMED:
            has_expired = False
        if has_expired:
            raise ExpiredTokenError(_EXPIRED)
        raise InvalidTokenError(_NOT_OURS)

    def _is_right_but_for_its_age(self, token: str) -> bool:
        """Returns whether nothing but its age is wrong with a token. PyJWT checks the age before the rest."""
        try:
            self._verified(token, verify_exp=False)
        except _MALFORMED:
            return False
        return True

    def _verified(self, token: str, *, verify_exp: bool = True) -> Viewer:
        """Returns the viewer for an access token. Raises one of the exceptions in _MALFORMED."""
        # `iat` isn't verified, because the clock of the gateway that issued the token might be ahead.
        options: Any = {"require": ["exp", "sub"], "verify_exp": verify_exp, "verify_iat": False}
        return _viewer(
            jwt.decode(
                token, self._access_key, [_ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=options
            )
        )

    def refresh(self, token: RefreshToken) -> str:
        """Encodes and signs a refresh token."""
        payload = _REFRESH_PAYLOAD.pack(token.session_id.binary, token.generation)
        return urlsafe_b64encode(payload + self._signature(payload)).decode()

    def read_refresh(self, text: str) -> RefreshToken | None:
        """Decodes a refresh token. Returns None if its signature is invalid."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
        except ValueError:
            return None
        payload, signature = raw[: _REFRESH_PAYLOAD.size], raw[_REFRESH_PAYLOAD.size :]
        if not compare_digest(signature, self._signature(payload)):
            return None
        session_id, generation = _REFRESH_PAYLOAD.unpack(payload)
        return RefreshToken(ObjectId(session_id), generation)

    def device(self, password_hash: str, device_id: ObjectId) -> str:
        """Issues a device token for the account whose password has this hash."""
        payload = _DEVICE_PAYLOAD.pack(device_id.binary, int(time()))
        return urlsafe_b64encode(payload + self._device_signature(payload, password_hash)).decode()

    def read_device(self, text: str, password_hash: str) -> ObjectId | None:
        """Returns the id of the device that a device token identifies.

        Returns None if the token is too old, or wasn't issued for this hash.
        """
        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
        except ValueError:
            return None
        payload, signature = raw[: _DEVICE_PAYLOAD.size], raw[_DEVICE_PAYLOAD.size :]
        if not compare_digest(signature, self._device_signature(payload, password_hash)):
            return None
        device_id, issued = _DEVICE_PAYLOAD.unpack(payload)
        return ObjectId(device_id) if time() - issued < DEVICE_LASTS.total_seconds() else None

    def link(self, message_id: ObjectId) -> str:
        """Returns the token of the link in a message: the same whenever, and by whomever, it is sent."""
        digest = blake2b(message_id.binary, key=self._link_key, digest_size=32).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def _device_signature(self, payload: bytes, password_hash: str) -> bytes:
        """Returns the signature of a device token.

        Each hash has a salt of its own, so a token is valid for one account, until its password is changed.
        """
        signed = payload + password_hash.encode()
        return blake2b(signed, key=self._device_key, digest_size=_SIGNATURE_SIZE).digest()

    def _signature(self, payload: bytes) -> bytes:
        return blake2b(payload, key=self._refresh_key, digest_size=_SIGNATURE_SIZE).digest()


def _viewer(claims: Mapping[str, _Json]) -> Viewer:
    """Returns the viewer described by an access token's claims.

    Raises BSONError, LookupError, TypeError or ValueError if the claims are malformed.
    """
    roles = frozenset(claims["roles"])
    if not roles <= _ROLES:
        raise ValueError("unknown roles")
    return Viewer(
        roles=roles,
        student_id=_id(claims["student"]),
        instructor_id=_id(claims["instructor"]),
        subject=claims["sub"],
        session_id=_id(claims["sid"]),
    )


def _text(id: ObjectId | None) -> str | None:
    return None if id is None else str(id)


def _id(text: _Json) -> ObjectId | None:
    return None if text is None else ObjectId(text)
