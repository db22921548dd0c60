"""The compressed size of an answer at each of gzip's levels, and the CPU time of one thread it takes.

python -m benchmarks.compression http://127.0.0.1:8000    # of `lectern dev`
"""

import sys
import time
import urllib.request
import zlib

import orjson

from benchmarks import report

_QUERY = """{ courses(first: 50) { nodes {
  id slug title summary description tags rating { average count } category { name } instructors { name }
  reviews(first: 10) { nodes { id body rating createdAt student { name } } }
} } }"""
_TIMES = 20
_GZIP = 31  # zlib's window bits for the gzip format


def main() -> None:
    answer = _answer(sys.argv[1])
    rows = [(level, *_measured(answer, level)) for level in range(1, 10)]
    print(report.table(("level", f"bytes of {len(answer):,}", "CPU ms"), rows))


def _measured(answer: bytes, level: int) -> tuple[str, str]:
    started = time.thread_time()
    sizes = [_compressed(answer, level) for _ in range(_TIMES)]
    return f"{sizes[0]:,}", f"{(time.thread_time() - started) / _TIMES * 1000:.1f}"


def _answer(url: str) -> bytes:
    request = urllib.request.Request(  # noqa: S310  the address is the caller's
        f"{url}/graphql", orjson.dumps({"query": _QUERY}), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return bytes(answer.read())


def _compressed(answer: bytes, level: int) -> int:
    stream = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return len(stream.compress(answer) + stream.flush())


if __name__ == "__main__":
    main()
