"""Reads a request body: JSON in UTF-8, optionally compressed, up to a maximum size."""

import zlib
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.http.accept import pieces
from app.http.decoding import JSON, LONGEST_CACHED, Headers

_UTF_8 = frozenset(("utf-8", "utf8"))
_GZIP = 31  # zlib's window bits for the gzip format


async def read(receive: Receive, headers: Headers, limit: int) -> bytes:
    """Returns the decompressed body.

    Raises HTTPException: 413 if the body is larger than `limit` bytes, compressed or decompressed; 415 if it
    is not declared as JSON in UTF-8, or is compressed with anything other than gzip; 400 if it is incomplete,
    or is declared as gzip but isn't a single gzip stream.
    """
    content_type = headers.get(b"content-type", b"")
    problem = (_cached_problem if len(content_type) <= LONGEST_CACHED else _problem)(content_type)
    if problem:
        raise HTTPException(415, problem)
    if length(headers) > limit:
        raise _too_large(limit)
    if b"content-encoding" in headers and (codings := _codings(headers)):
        if codings not in (["gzip"], ["x-gzip"]):
            raise HTTPException(
                415, "The only supported `Content-Encoding` of the body is gzip.", {"accept-encoding": "gzip"}
            )
        return await _decompressed(receive, limit)
    return await _plain(receive, limit)


async def _plain(receive: Receive, limit: int) -> bytes:
    piece, more = _piece(await receive())
    if len(piece) > limit:
        raise _too_large(limit)
    if not more:
        return piece
    body = bytearray(piece)
    while more:
        piece, more = _piece(await receive())
        if len(body) + len(piece) > limit:
            raise _too_large(limit)
        body += piece
    return bytes(body)


async def _decompressed(receive: Receive, limit: int) -> bytes:
    """Reads and decompresses a gzip stream.

    The compressed size is limited too, because a client could send an endless stream that decompresses to
    nothing.
    """
    stream = zlib.decompressobj(_GZIP)
    body, received, more = bytearray(), 0, True
    while more:
        piece, more = _piece(await receive())
        received += len(piece)
        try:
            body += stream.decompress(piece, limit + 1 - len(body))
        except zlib.error:
            raise _not_gzip() from None
        if max(received, len(body)) > limit:
            raise _too_large(limit)
    if not stream.eof or stream.unused_data:
        raise _not_gzip()
    return bytes(body)


def _piece(message: Message) -> tuple[bytes, bool]:
    """Returns a piece of the body, and whether more pieces follow."""
    if message["type"] == "http.disconnect":
        # The client has gone, so nobody will read this response. An exception that isn't an HTTPException
        # would be reported as a failure of the server.
        raise HTTPException(400, "The connection was closed before the body was complete.")
    return message.get("body", b""), message.get("more_body", False)


def _problem(content_type: bytes) -> str | None:
    """Returns what is wrong with a Content-Type header, or None if it is valid."""
    media_type, *parameters = pieces(content_type.decode("latin-1").lower(), ";") or [""]
    if media_type != JSON:
        return f"The body must be JSON, sent with `Content-Type: {JSON}`."
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"').strip() not in _UTF_8:
            return "The body must be in UTF-8: send it with `charset=utf-8` or without `charset`."
    return None


_cached_problem = lru_cache(maxsize=64)(_problem)


def _codings(headers: Headers) -> list[str]:
    """Returns the content encodings that were applied to the body, except `identity`."""
    codings = pieces(headers[b"content-encoding"].decode("latin-1").lower(), ",")
    return [coding for coding in codings if coding != "identity"]


def length(headers: Headers) -> int:
    """Returns the declared length of the body in bytes; 0 if the request doesn't declare a length."""
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() else 0


class BodyTooLargeError(HTTPException):
    """The body is larger than LECTERN_MAX_BODY_BYTES."""

    limit = "LECTERN_MAX_BODY_BYTES"


def _too_large(limit: int) -> HTTPException:
    return BodyTooLargeError(413, f"The body is larger than {limit} bytes (LECTERN_MAX_BODY_BYTES).")


def _not_gzip() -> HTTPException:
    return HTTPException(
        400, "The `Content-Encoding` is gzip, but the body is not a single, complete gzip stream."
    )
