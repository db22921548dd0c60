"""Adds header fields to the responses of an ASGI application."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.security_headers import DATA, Fields

_VARY = b"vary"


def adding(fields: Fields, send: Send) -> Send:
    """Returns a function that sends messages with `fields` added to the head of the response.

    `Vary` stays one field: nginx before 1.23 reads only the last one, and would share personal answers.
    """

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = _joined([*message.get("headers", ()), *fields])
        await send(message)

    return add


def _joined(fields: Fields) -> Fields:
    values = [value for name, value in fields if name == _VARY]
    if len(values) < 2:
        return fields
    return [*(field for field in fields if field[0] != _VARY), (_VARY, b", ".join(values))]


class DataByDefault:
    """ASGI middleware that marks a response as data, unless the response has such fields of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(field for field in DATA if field[0] not in own)]
            await send(message)

        await self._app(scope, receive, complete if scope["type"] == "http" else send)
