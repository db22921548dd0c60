"""The tokens of a session: access tokens (JWT, RFC 7519) and refresh tokens.

A refresh token is signed, and tells the how manyth it is of its session: so nothing secret is stored, and an
old one is told from one that never was.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import Any, get_args

import jwt
from bson import ObjectId
from bson.errors import BSONError

from app.auth.token_errors import InvalidTokenError
from loaders.model import Role
from resolvers.context import AccessToken, RefreshToken, Viewer

ISSUER = AUDIENCE = "lectern"
ACCESS_LASTS = timedelta(minutes=10)

_ALGORITHM = "HS256"
_REFRESH = Struct(">12sI")
_SIGNATURE = 24  # bytes
_ROLES = frozenset(get_args(Role))


class SessionTokens:
    """Makes and reads the tokens of one secret. Gateways with the same secret take each other's."""

    def __init__(self, secret: bytes) -> None:
        self._access_key = blake2b(secret, person=b"lectern-access", digest_size=32).digest()
        self._refresh_key = blake2b(secret, person=b"lectern-refresh", digest_size=32).digest()

    def access(self, viewer: Viewer, lasts: timedelta = ACCESS_LASTS) -> AccessToken:
        issued = datetime.now(UTC).replace(microsecond=0)
        expires = issued + lasts
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "iat": issued, "exp": expires, "sub": viewer.subject,
            "roles": sorted(viewer.roles), "student": _text(viewer.student_id),
            "instructor": _text(viewer.instructor_id), "sid": _text(viewer.session_id),
        }  # fmt: skip
        return AccessToken(jwt.encode(claims, self._access_key, _ALGORITHM), expires)

    def viewer(self, token: str) -> Viewer:
        """Whose access token it is.

        Raises InvalidTokenError for one that is not ours, or no longer good.
        """
        try:
            return _viewer(
                jwt.decode(
                    token,
                    self._access_key,
                    [_ALGORITHM],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    # The clock of the gateway that issued it may be ahead of this one's.
                    options={"require": ["exp", "sub"], "verify_iat": False},
                )
            )
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError(
                "The access token has expired: get another with refreshSession, without this header."
            ) from None
        except (jwt.PyJWTError, BSONError, LookupError, TypeError, ValueError):
            raise InvalidTokenError("The access token is not one of this gateway's: sign in again.") from None

    def refresh(self, token: RefreshToken) -> str:
        payload = _REFRESH.pack(token.session_id.binary, token.generation)
        return urlsafe_b64encode(payload + self._signature(payload)).decode()

    def read_refresh(self, text: str) -> RefreshToken | None:
        """None for what is no refresh token of ours."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
        except ValueError:
            return None
        payload, signature = raw[: _REFRESH.size], raw[_REFRESH.size :]
        if not compare_digest(signature, self._signature(payload)):
            return None
        session_id, generation = _REFRESH.unpack(payload)
        return RefreshToken(ObjectId(session_id), generation)

    def _signature(self, payload: bytes) -> bytes:
        return blake2b(payload, key=self._refresh_key, digest_size=_SIGNATURE).digest()


def _viewer(claims: Mapping[str, Any]) -> Viewer:
    """Raises BSONError, LookupError, TypeError or ValueError for claims that are not as `access` has them."""
    roles = frozenset(claims["roles"])
    if not roles <= _ROLES:
        raise ValueError("roles that are none")
    return Viewer(
        roles=roles,
        student_id=_id(claims["student"]),
        instructor_id=_id(claims["instructor"]),
        subject=claims["sub"],
        session_id=_id(claims["sid"]),
    )


def _text(id: ObjectId | None) -> str | None:
    return None if id is None else str(id)


def _id(text: Any) -> ObjectId | None:
    return None if text is None else ObjectId(text)
