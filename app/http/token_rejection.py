"""The viewer of a request, or the refusal of its token (RFC 6750)."""

import re

from starlette.exceptions import HTTPException

from app.auth import Authentication, ExpiredTokenError, InvalidTokenError, IssuerUnavailableError
from app.error_codes import TOKEN_EXPIRED
from resolvers.context import Viewer

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


async def viewer_of(authentication: Authentication, authorization: bytes | None, address: str) -> Viewer:
    """Returns the viewer of a request.

    Raises RejectedTokenError; or HTTPException (503) if the token can't be verified at the moment.
    """
    try:
        return await authentication.viewer(authorization, address)
    except ExpiredTokenError as error:
        raise RejectedAsExpiredError(error) from None
    except InvalidTokenError as error:
        raise RejectedTokenError(error) from None
    except IssuerUnavailableError:
        message = "Tokens can't be verified at the moment. Try again later."
        raise HTTPException(503, message, {"retry-after": "10"}) from None
