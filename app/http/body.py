"""The body of a request: JSON in UTF-8, read and decompressed within bounds."""

import zlib
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.http.accept import pieces
from app.http.decoding import JSON, LONGEST_CACHED, Headers

_UTF_8 = frozenset(("utf-8", "utf8"))
_GZIP = 31  # zlib's window bits for the gzip format


async def read(receive: Receive, headers: Headers, most: int) -> bytes:
    """The body, decompressed: neither form may have more than `most` bytes.

    Raises HTTPException: 413, 415 for what is not JSON in UTF-8 or in another coding than gzip, 400.
    """
    content_type = headers.get(b"content-type", b"")
    problem = (_cached_problem if len(content_type) <= LONGEST_CACHED else _problem)(content_type)
    if problem:
        raise HTTPException(415, problem)
    if length(headers) > most:
        raise _too_large(most)
    if b"content-encoding" in headers and (codings := _codings(headers)):
        if codings not in (["gzip"], ["x-gzip"]):
            raise HTTPException(
                415, "The body may be compressed by gzip and nothing else.", {"accept-encoding": "gzip"}
            )
        return await _decompressed(receive, most)
    return await _plain(receive, most)


async def _plain(receive: Receive, most: int) -> bytes:
    piece, more = _piece(await receive())
    if len(piece) > most:
        raise _too_large(most)
    if not more:
        return piece
    body = bytearray(piece)
    while more:
        piece, more = _piece(await receive())
        if len(body) + len(piece) > most:
            raise _too_large(most)
        body += piece
    return bytes(body)


async def _decompressed(receive: Receive, most: int) -> bytes:
    """One gzip stream. Both sides are counted, since a stream may go on and on and yield nothing."""
    stream = zlib.decompressobj(_GZIP)
    body, received, more = bytearray(), 0, True
    while more:
        piece, more = _piece(await receive())
        received += len(piece)
        try:
            body += stream.decompress(piece, most + 1 - len(body))
        except zlib.error:
            raise _not_gzip() from None
        if max(received, len(body)) > most:
            raise _too_large(most)
    if not stream.eof or stream.unused_data:
        raise _not_gzip()
    return bytes(body)


def _piece(message: Message) -> tuple[bytes, bool]:
    """A piece of the body, and whether more follow."""
    if message["type"] == "http.disconnect":  # nobody reads the answer, and nothing is wrong
        raise HTTPException(400, "The connection ended before the body did.")
    return message.get("body", b""), message.get("more_body", False)


def _problem(content_type: bytes) -> str | None:
    media_type, *parameters = pieces(content_type.decode("latin-1").lower(), ";") or [""]
    if media_type != JSON:
        return f"The body is JSON: send it with `Content-Type: {JSON}`."
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"').strip() not in _UTF_8:
            return "The body is in UTF-8: send it with `charset=utf-8`, or without `charset`."
    return None


_cached_problem = lru_cache(maxsize=64)(_problem)


def _codings(headers: Headers) -> list[str]:
    """Those that were applied; `identity` is none."""
    codings = pieces(headers[b"content-encoding"].decode("latin-1").lower(), ",")
    return [coding for coding in codings if coding != "identity"]


def length(headers: Headers) -> int:
    """The declared length; 0 where there is none."""
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() else 0


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"The body is over {most} bytes (MAX_BODY_BYTES).")


def _not_gzip() -> HTTPException:
    return HTTPException(400, "The body is not one whole gzip stream, though its `Content-Encoding` says so.")
