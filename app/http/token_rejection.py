"""The refusal of a request whose token is rejected (RFC 6750)."""

import re

from starlette.exceptions import HTTPException

from app.auth import ExpiredTokenError, InvalidTokenError
from app.error_codes import TOKEN_EXPIRED

#: Matches the characters that RFC 6750 doesn't allow in an error_description.
_FORBIDDEN = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


class RejectedTokenError(HTTPException):
    """Raised if a request's token is not accepted. The challenge in `WWW-Authenticate` says why."""

    def __init__(self, error: InvalidTokenError) -> None:
        description = _FORBIDDEN.sub("'", str(error))
        challenge = f'Bearer error="invalid_token", error_description="{description}"'
        super().__init__(401, str(error), {"www-authenticate": challenge})


class RejectedAsExpiredError(RejectedTokenError):
    """Raised if a request's token has expired, and nothing else is wrong with it.

    Its code tells the client to refresh its session instead of asking its user to sign in.
    """

    code = TOKEN_EXPIRED


def rejection(error: InvalidTokenError) -> RejectedTokenError:
    """Returns the refusal for a rejected token."""
    kind = RejectedAsExpiredError if isinstance(error, ExpiredTokenError) else RejectedTokenError
    return kind(error)
