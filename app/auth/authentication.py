"""Determines the viewer of a request from its `Authorization` header."""

from collections.abc import Callable
from dataclasses import dataclass

import jwt

from app.auth.issuer import Issuer
from app.auth.session_tokens import ISSUER, SessionTokens
from app.auth.token_errors import InvalidTokenError
from loaders.mongo import Database
from resolvers.context import PUBLIC, Viewer

_MAX_TOKEN = 8_000  # maximum length of a token, in characters


@dataclass(frozen=True, slots=True)
class Authentication:
    """Verifies bearer tokens.

    tokens: verifies Lectern's own tokens. issuer: verifies the tokens of an external issuer; None if no
    external issuer is configured.
    """

    tokens: SessionTokens
    issuer: Issuer | None
    database: Callable[[], Database]

    async def viewer(self, authorization: bytes | None, address: str = "") -> Viewer:
        """Returns the viewer for an `Authorization` header, or PUBLIC if there is no header.

        address: the client's network address; an empty string if unknown.

        Raises InvalidTokenError if the token is rejected, and IssuerUnavailableError if the token can't be
        verified because the issuer's keys are unavailable.
        """
        if authorization is None:
            return PUBLIC
        scheme, _, token = authorization.decode("latin-1").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            raise InvalidTokenError("The header must have the form `Authorization: Bearer <token>`.")
        if self.issuer and _issuer_of(token) != ISSUER:
            return await self.issuer.viewer(token, self.database(), address)
        return self.tokens.viewer(token)


def _issuer_of(token: str) -> str | None:
    """Returns a token's `iss` claim, or None if the claim can't be read. Doesn't verify the token."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return issuer if isinstance(issuer, str) else None
