"""Cross-origin requests (https://fetch.spec.whatwg.org/#http-cors-protocol): which pages may call the API.

The CORS middleware wraps the entire application, so that refusals and failures have CORS headers too. Without
these headers, a browser would hide the response from the page. Credentials are not allowed, because Lectern
does not use cookies.
"""

from collections.abc import Sequence
from typing import TypeAlias

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.http import decoding
from app.http.accept import pieces
from app.http.added_fields import adding
from app.http.allowed_origins import AllowedOrigins
from app.http.decoding import Headers
from app.observing import Throttled

#: The request headers that GraphQL clients and tracing libraries send by default.
HEADERS = (
    "accept",
    "accept-language",
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "baggage",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "graphql-client-name",
    "graphql-client-version",
    "graphql-preflight",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "x-apollo-operation-id",
    "x-apollo-operation-name",
    "x-lectern-client-key",
    "x-lectern-cost",
    "x-lectern-trace",
    "x-request-id",
    "x-requested-with",
)

_METHODS = "GET, HEAD, POST"
_MAX_AGE = 600  # seconds for which a browser caches the response to a preflight request
_LONGEST_LOGGED = 200  # maximum length of an unknown origin or header name in the log, in characters

_Fields: TypeAlias = tuple[tuple[bytes, bytes], ...]

_ALLOWED = "access-control-allow-origin"
_EXPOSED = (
    b"access-control-expose-headers",
    b"ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id",
)
_VARY = {"vary": "origin, access-control-request-headers"}
_REFUSED = "Pages from this origin may not call the API: the origin is not in LECTERN_CORS_ORIGINS."

_NO_ONE: _Fields = ((b"vary", b"origin"),)
_ANYONE: _Fields = (_EXPOSED, (_ALLOWED.encode(), b"*"))


class CORS:
    """ASGI middleware that responds to preflight requests, and adds CORS headers to every other response.

    origins: the allowed origins (see AllowedOrigins).
    headers: the request headers that a page may send in addition to HEADERS.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str], headers: Sequence[str]) -> None:
        self._app = app
        self._origins = AllowedOrigins(origins)
        self._names = frozenset((*HEADERS, *headers))
        self._allowance = {
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": ", ".join(sorted(self._names)),
            "access-control-max-age": str(_MAX_AGE),
        }
        self._refused_origin = Throttled("a page was refused: its origin is not in LECTERN_CORS_ORIGINS")
        self._refused_header = Throttled(
            "a page's request header was refused: it is not in LECTERN_CORS_HEADERS"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            headers = decoding.headers(scope)
            if b"origin" in headers and b"access-control-request-method" in headers:
                await self._preflight(headers)(scope, receive, send)
                return
        if self._origins:
            send = adding(self._marks(scope), send)
        await self._app(scope, receive, send)

    def _preflight(self, headers: Headers) -> Response:
        """Returns the response to a preflight request.

        An allowed origin always gets a successful response that lists the headers a page may send. If a page
        tries to send any other header, the browser blocks the request, and names that header in its console.
        """
        origin = headers[b"origin"].decode("ascii", "replace")
        if headers[b"origin"] not in self._origins:
            self._refused_origin.warning(origin=origin[:_LONGEST_LOGGED])
            return PlainTextResponse(_REFUSED, 403, _VARY)
        requested = headers.get(b"access-control-request-headers", b"").decode("ascii", "replace").lower()
        unknown = set(pieces(requested, ",")) - self._names
        if unknown and "*" not in self._names:
            self._refused_header.warning(header=min(unknown)[:_LONGEST_LOGGED])
        return Response(
            None, 204, {_ALLOWED: "*" if self._origins.is_any else origin, **self._allowance, **_VARY}
        )

    def _marks(self, scope: Scope) -> _Fields:
        """Returns the CORS header fields to add to the response to a request."""
        if self._origins.is_any:
            return _ANYONE
        # Repeated fields are joined, as in `decoding.headers`, and then match no origin.
        origin = b", ".join(value for name, value in scope["headers"] if name == b"origin")
        if origin not in self._origins:
            return _NO_ONE
        return (*_NO_ONE, _EXPOSED, (_ALLOWED.encode(), origin))
