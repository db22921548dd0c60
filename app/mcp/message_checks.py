"""Checks an HTTP request with an MCP message before the message is read."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth import Authentication, InvalidTokenError, IssuerUnavailableError
from app.http import AllowedOrigins, rejection
from app.protection import Admission


@dataclass(frozen=True, slots=True)
class MessageChecks:
    """ASGI middleware that refuses requests by status, before the protocol's own errors.

    It refuses a method other than POST (405): without sessions, there is nothing to stream and nothing to
    end. It refuses a page from an origin that CORS doesn't allow (403), as the protocol requires against DNS
    rebinding. It refuses an invalid token (401), so that a client gets a new one. It refuses a message if too
    many requests are waiting (503).

    origins: those whose pages may call the API.
    """

    app: ASGIApp
    authentication: Authentication
    admission: Admission
    origins: AllowedOrigins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope["method"], dict(scope["headers"]).get(b"origin"))
            await self._check_token(dict(scope["headers"]).get(b"authorization"))
        except HTTPException as refusal:
            response = JSONResponse(
                {"error": refusal.detail}, refusal.status_code, dict(refusal.headers or {})
            )
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _check(self, method: str, origin: bytes | None) -> None:
        if method != "POST":
            raise HTTPException(405, "Send MCP messages with POST.", {"allow": "POST"})
        if origin is not None and origin not in self.origins:
            message = "Pages from this origin may not call the API: see LECTERN_CORS_ORIGINS."
            raise HTTPException(403, message)
        self.admission.check(0)

    async def _check_token(self, authorization: bytes | None) -> None:
        try:
            await self.authentication.viewer(authorization)
        except InvalidTokenError as error:
            raise rejection(error) from None
        except IssuerUnavailableError:
            message = "Tokens can't be verified at the moment. Try again later."
            raise HTTPException(503, message, {"retry-after": "10"}) from None
