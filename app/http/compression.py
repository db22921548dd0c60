"""Compresses answers by gzip, for clients that accept it: practically all do."""

import asyncio
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from app.http.accept import takes_gzip
from app.http.decoding import LONGEST_CACHED, Headers

LEAST = 1_400  # bytes: a smaller body is a single packet anyway
INLINE = 32_000  # bytes: compressing more takes longer than waking a thread

_LEVEL = 4  # 6 takes twice the time for answers that are a twentieth smaller
_GZIP = 31  # zlib's window bits for the gzip format

# zlib releases the interpreter's lock while it works, so the event loop keeps running. More threads would
# only take CPU time from it.
_threads = ThreadPoolExecutor(2, "compression")


def is_accepted(headers: Headers) -> bool:
    """Whether the answer to a request may be compressed. headers: the request's."""
    accepted = headers.get(b"accept-encoding")
    if accepted is None:
        return False
    return (_cached if len(accepted) <= LONGEST_CACHED else _is_accepted)(accepted)


async def compressed(parts: Sequence[bytes]) -> list[bytes]:
    """Compresses the parts of a body into one gzip stream, part by part. A large body goes to a thread."""
    if sum(map(len, parts)) <= INLINE:
        return _compressed(parts)
    return await asyncio.get_running_loop().run_in_executor(_threads, _compressed, parts)


def _compressed(parts: Sequence[bytes]) -> list[bytes]:
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    done = [stream.compress(part) for part in parts]
    return [part for part in (*done, stream.flush()) if part]


def _is_accepted(accept_encoding: bytes) -> bool:
    return takes_gzip(accept_encoding.decode("latin-1"))


_cached = lru_cache(maxsize=64)(_is_accepted)
