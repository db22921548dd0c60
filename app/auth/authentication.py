"""Who sends a request."""

from collections.abc import Callable
from dataclasses import dataclass

import jwt

from app.auth.issuer import Issuer
from app.auth.session_tokens import ISSUER, SessionTokens
from app.auth.token_errors import InvalidTokenError
from loaders.mongo import Database
from resolvers.context import PUBLIC, Viewer

_LONGEST = 8_000  # characters


@dataclass(frozen=True, slots=True)
class Authentication:
    """tokens: Lectern's own. issuer: an external one, if there is one."""

    tokens: SessionTokens
    issuer: Issuer | None
    database: Callable[[], Database]

    async def viewer(self, authorization: bytes | None) -> Viewer:
        """The viewer of an `Authorization` header; without one, the public.

        Raises InvalidTokenError for a token that is not taken, IssuerUnavailableError where nobody can tell.
        """
        if authorization is None:
            return PUBLIC
        scheme, _, token = authorization.decode("latin-1").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST:
            raise InvalidTokenError("The header takes `Authorization: Bearer` and a token.")
        if self.issuer and _issuer_of(token) != ISSUER:
            return await self.issuer.viewer(token, self.database())
        return self.tokens.viewer(token)


def _issuer_of(token: str) -> str | None:
    """Who a token says it is from, unverified."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        return None
    return issuer if isinstance(issuer, str) else None
