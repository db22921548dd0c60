"""Cross-site request forgery (CSRF): which queries by GET are refused because a foreign page sends them.

A POST must have a JSON body, for which a browser first asks by a preflight request whether the page may send
it. A GET needs no preflight request. It has no side effects, and the page can't read the answer, but it takes
time and counts against the limits of whoever has opened the page. So it isn't run if the browser says that it
comes from a page that may not call the API.
"""

from starlette.exceptions import HTTPException

from app.error_codes import CROSS_SITE_REQUEST
from app.http.allowed_origins import AllowedOrigins
from app.http.decoding import Headers

_ORIGIN, _SITE, _MODE, _DEST = b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"
_OWN = frozenset((b"same-origin", b"none"))  # a page of this origin, or the user

# Headers that a page can only send after a preflight request.
_PREFLIGHTED = (b"apollo-require-preflight", b"graphql-preflight", b"x-apollo-operation-name")


class ForgeryError(HTTPException):
    """The browser sends the query for a page that may not call the API."""

    code = CROSS_SITE_REQUEST

    def __init__(self) -> None:
        super().__init__(
            403,
            "A page of another origin sent this query, and may not call the API: allow its origin "
            "in LECTERN_CORS_ORIGINS.",
        )


def require_own(headers: Headers, origins: AllowedOrigins) -> None:
    """Raises ForgeryError if a query by GET comes from a page that may not call the API.

    origins: those whose pages may call the API. Clients other than browsers send none of these headers.
    """
    site, origin = headers.get(_SITE), headers.get(_ORIGIN)
    if site in _OWN or (site is None and origin is None):
        return
    may_read = origins.is_any or (_is_followed_link(headers) if origin is None else origin in origins)
    if not may_read and not any(name in headers for name in _PREFLIGHTED):
        raise ForgeryError


def _is_followed_link(headers: Headers) -> bool:
    """Returns whether the user has followed a link, so that the answer replaces the page."""
    return headers.get(_MODE) == b"navigate" and headers.get(_DEST) == b"document"
