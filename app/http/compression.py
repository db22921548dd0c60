"""Compresses responses with gzip for clients that accept it, which is practically all clients."""

import asyncio
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

from app.http.accept import takes_gzip
from app.http.decoding import LONGEST_CACHED, Headers
from loaders.mongo import without_lock

LEAST = 1_400  # bytes; smaller bodies are not compressed, because they fit into a single packet anyway
INLINE = 32_000  # size in bytes above which compressing a body takes longer than waking up a thread

_LEVEL = 4  # level 6 takes twice as long, for responses that are only 5% smaller
_GZIP = 31  # zlib's window bits for the gzip format

# zlib releases the interpreter's lock (GIL) while it works, so the event loop keeps running. More threads
# would only take CPU time away from the event loop.
_threads = ThreadPoolExecutor(2, "compression")


def is_accepted(headers: Headers) -> bool:
    """Returns whether the client accepts a response compressed with gzip. headers: the request headers."""
    accepted = headers.get(b"accept-encoding")
    if accepted is None:
        return False
    return (_cached if len(accepted) <= LONGEST_CACHED else _is_accepted)(accepted)


async def compressed(parts: Sequence[bytes]) -> list[bytes]:
    """Compresses the parts of a body into one gzip stream. A large body is compressed in a thread."""
    if sum(map(len, parts)) <= INLINE:
        return _compressed(parts)
    work = partial(_compressed, parts)
    return await asyncio.get_running_loop().run_in_executor(_threads, without_lock, work)


def _compressed(parts: Sequence[bytes]) -> list[bytes]:
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    done = [stream.compress(part) for part in parts]
    return [part for part in (*done, stream.flush()) if part]


def _is_accepted(accept_encoding: bytes) -> bool:
    return takes_gzip(accept_encoding.decode("latin-1"))


_cached = lru_cache(maxsize=64)(_is_accepted)
