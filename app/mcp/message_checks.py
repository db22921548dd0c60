"""Checks an HTTP request with an MCP message before the message is read."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth import Authentication, InvalidTokenError, IssuerUnavailableError
from app.protection import Admission


@dataclass(frozen=True, slots=True)
class MessageChecks:
    """ASGI middleware that refuses requests by status, before the protocol's own errors.

    It refuses a method other than POST (405): without sessions, there is nothing to stream and nothing to
    end. It refuses a page from an origin that CORS doesn't allow (403), as the protocol requires against DNS
    rebinding. It refuses an invalid token (401), so that a client gets a new one. It refuses a message if too
    many requests are waiting (503).

    is_allowed: returns whether pages from an origin may call the API.
    """

    app: ASGIApp
    authentication: Authentication
    admission: Admission
    is_allowed: Callable[[str], bool]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        response = self._refusal(scope["method"], headers.get("origin")) or await self._unauthorized(headers)
        await (response or self.app)(scope, receive, send)

    def _refusal(self, method: str, origin: str | None) -> JSONResponse | None:
        if method != "POST":
            return _refused(405, "Send MCP messages with POST.", {"allow": "POST"})
        if origin is not None and not self.is_allowed(origin):
            return _refused(403, "Pages from this origin may not call the API: see LECTERN_CORS_ORIGINS.")
        try:
            self.admission.check(0)
        except HTTPException as overloaded:
            return _refused(overloaded.status_code, overloaded.detail, dict(overloaded.headers or {}))
        return None

    async def _unauthorized(self, headers: Headers) -> JSONResponse | None:
        try:
            await self.authentication.viewer((headers.get("authorization") or "").encode("latin-1") or None)
        except InvalidTokenError as error:
            return _refused(401, str(error), {"www-authenticate": 'Bearer error="invalid_token"'})
        except IssuerUnavailableError:
            return _refused(503, "Tokens can't be verified at the moment.", {"retry-after": "10"})
        return None


def _refused(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": message}, status, headers)
