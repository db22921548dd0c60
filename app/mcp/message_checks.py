"""Checks an HTTP request with an MCP message before the protocol's SDK reads the message."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import Authentication
from app.budgets import Budgets, Charge
from app.error_codes import CROSS_SITE_REQUEST, OPERATION_TOO_LARGE
from app.http import (
    AllowedOrigins,
    Headers,
    TimeoutRefusal,
    accepts_json,
    adding,
    body_length,
    code_of,
    header_fields,
    masked,
    read_body,
    viewer_of,
)
from app.mcp.envelope import require_message
from app.observing import Instrumentation, Refused
from app.protection import Admission, TooLargeError
from loaders import mongo
from resolvers.context import Viewer

#: The price of a message, in points: reading and answering it takes 0.4 ms, whatever it asks for. The
#: operation of a tool is paid for by itself.
PRICE = 40

# JSON-RPC's error codes: the first is for a body that isn't a message, the second is reserved for servers.
_INVALID_REQUEST, _SERVER_ERROR = -32600, -32000

_ACCEPTED = (b"accept", b"application/json, text/event-stream")  # what the SDK insists on


class ForeignPageError(HTTPException):
    """The message comes from a page that may not call the API."""

    code = CROSS_SITE_REQUEST

    def __init__(self) -> None:
        super().__init__(403, "Pages from this origin may not call the API: see LECTERN_CORS_ORIGINS.")


class BudgetTooSmallError(HTTPException):
    """The client's budget can never hold the price of a message."""

    code, limit = OPERATION_TOO_LARGE, "LECTERN_BUDGETS"

    def __init__(self) -> None:
        super().__init__(
            403, f"A message costs {PRICE} points, and your budget never holds as many (LECTERN_BUDGETS)."
        )


@dataclass(frozen=True, slots=True)
class MessageChecks:
    """ASGI middleware that refuses requests by status, before the protocol's own errors.

    It refuses a method other than POST (405): without sessions, there is nothing to stream and nothing to
    end. It refuses a page from an origin that CORS doesn't allow (403), as the protocol requires against DNS
    rebinding. It refuses an invalid token (401), so that a client gets a new one. It refuses a message if the
    client's budget is spent (429), if too many requests are waiting (503), or if the body isn't one message.

    origins: those whose pages may call the API. max_body_bytes: the maximum size of a message. timeout: the
    seconds in which its token must be verified, and in which its body must arrive. budgets: the budgets of
    the clients; None if there are none.
    """

    app: ASGIApp
    authentication: Authentication
    admission: Admission
    instrumentation: Instrumentation
    origins: AllowedOrigins
    max_body_bytes: int
    timeout: float
    budgets: Budgets | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = header_fields(scope)
        try:
            self._check(scope["method"], headers)
            viewer = await self._viewer(scope, headers.get(b"authorization"))
            if (charge := self._charge(scope, headers, viewer)) is not None:
                send = _showing(charge, send)
                await _pay(charge)
            body = await self._body(headers, receive)
            await self._admit(len(body))
            require_message(body)
        except HTTPException as refusal:
            await self._refused(refusal)(scope, receive, send)
        except Exception as error:
            await self._failed(error)(scope, receive, send)
        else:
            await self.app(_json_for(scope), _replaying(body, receive), send)

    def _check(self, method: str, headers: Headers) -> None:
        if method != "POST":
            raise HTTPException(405, "Send MCP messages with POST.", {"allow": "POST"})
        if (origin := headers.get(b"origin")) is not None and origin not in self.origins:
            raise ForeignPageError
        if not accepts_json(headers):
            raise HTTPException(406, "The `Accept` header must allow application/json.")
        self.admission.check(body_length(headers))

    async def _viewer(self, scope: Scope, authorization: bytes | None) -> Viewer:
        commands = mongo.Scope(
            monotonic() + self.timeout,
            on_command=self.instrumentation.command_sent,
            on_late=self.instrumentation.late_write,
            on_misfit=self.instrumentation.misfit,
            on_transaction=self.instrumentation.transaction,
        )
        outer = mongo.current_scope.set(commands)
        try:
            return await viewer_of(self.authentication, authorization, _address(scope))
        finally:
            mongo.current_scope.reset(outer)

    def _charge(self, scope: Scope, headers: Headers, viewer: Viewer) -> Charge | None:
        if self.budgets is None:
            return None
        return self.budgets.charge(headers.get(b"x-lectern-client-key"), viewer, _address(scope))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self.timeout):
                return await read_body(receive, headers, self.max_body_bytes)
        except TimeoutError:
            message = "The body took too long to arrive."
            raise TimeoutRefusal(408, message, {"connection": "close"}) from None

    async def _admit(self, size: int) -> None:
        """Waits until admission control permits parsing a message, as it does for documents."""
        texts = self.admission.texts
        if not texts.enter(size):
            await texts.wait(size, size)
        asyncio.get_running_loop().call_soon(texts.leave, size)

    def _failed(self, error: Exception) -> JSONResponse:
        """Returns the response to a message that failed unexpectedly."""
        shown, status, headers = masked(error)
        message, data = shown["message"], shown["extensions"]
        if self.instrumentation.refused is not None:
            self.instrumentation.refused(Refused(data["code"], message, status))
        return _response(_SERVER_ERROR, message, data, status, headers)

    def _refused(self, refusal: HTTPException) -> JSONResponse:
        """Returns the response to a refused message: an error of JSON-RPC, so that clients show its text."""
        code, headers = code_of(refusal), dict(refusal.headers or {})
        if self.instrumentation.refused is not None:
            limit = getattr(refusal, "limit", "")
            self.instrumentation.refused(Refused(code, refusal.detail, refusal.status_code, limit))
        data: dict[str, object] = {"code": code} if code else {}
        if seconds := headers.get("retry-after"):
            data["retryAfter"] = int(seconds)
        number = _INVALID_REQUEST if refusal.status_code == 400 else _SERVER_ERROR
        return _response(number, refusal.detail, data, refusal.status_code, headers)


def _response(
    code: int, message: str, data: Mapping[str, object], status: int, headers: Mapping[str, str]
) -> JSONResponse:
    error = {"code": code, "message": message} | ({"data": data} if data else {})
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, status, headers)


async def _pay(charge: Charge) -> None:
    try:
        await charge.take(PRICE)
    except TooLargeError:
        raise BudgetTooSmallError from None
    charge.settle(PRICE)


def _showing(charge: Charge, send: Send) -> Send:
    """Returns a function that sends messages with the state of the budget in the head of the response."""

    async def show(message: Message) -> None:
        await adding(charge.fields(), send)(message)

    return show


def _address(scope: Scope) -> str:
    """Returns the client's network address, or an empty string if it is unknown."""
    address, _ = scope.get("client") or ("", 0)
    return str(address)


def _json_for(scope: Scope) -> Scope:
    """Returns the scope for the SDK, which refuses clients that accept JSON alone, or don't say."""
    return {**scope, "headers": [*(line for line in scope["headers"] if line[0] != b"accept"), _ACCEPTED]}


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Returns a function that receives the body, and then whatever follows it."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
