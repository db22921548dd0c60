"""Authentication: determines the viewer from the `Authorization` header.

Tokens are issued by Lectern itself or by an external issuer.
"""

from app.auth.authentication import Authentication
from app.auth.issuer import Claims, Issuer
from app.auth.keys import Keys
from app.auth.session_tokens import SessionTokens
from app.auth.token_errors import ExpiredTokenError, InvalidTokenError, IssuerUnavailableError

__all__ = [
    "Authentication",
    "Claims",
    "ExpiredTokenError",
    "InvalidTokenError",
    "Issuer",
    "IssuerUnavailableError",
    "Keys",
    "SessionTokens",
]
