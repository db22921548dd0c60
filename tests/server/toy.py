"""A toy application on Lectern's server: `python -m tests.server.toy WORKERS [PORT]`.

`/` echoes the body of the request. `/?seconds=2` waits before it reads the body, and `/?bytes=1000` answers
with that many bytes. `/until-gone` waits until the client disconnects. `/client` answers with the client's
address, and `/readyz` with 503 while the process is draining. `/work` answers at once, and leaves a second of
background work.
"""

import asyncio
import sys
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from app.observing import logs
from app.server import CannotStartError, server, workers
from app.server.drain import is_leaving
from app.server.server import Server
from app.settings import Settings
from loaders.mongo import detached


async def toy(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    query = dict(parse_qsl(scope["query_string"].decode()))
    await asyncio.sleep(float(query.get("seconds", 0)))
    status, body = 200, b"x" * int(query.get("bytes", 0))
    if scope["path"] == "/client":
        body = scope["client"][0].encode()
    elif scope["path"] == "/readyz":
        status = 503 if is_leaving() else 200
    elif scope["path"] == "/until-gone":
        await _body(receive)
        await receive()
        print("the client is gone", file=sys.stderr, flush=True)
        return
    elif scope["path"] == "/work":
        detached.start_detached(_work())
    elif "bytes" not in query:
        body = await _body(receive)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _work() -> None:
    await asyncio.sleep(1)
    print("the work is done", file=sys.stderr, flush=True)


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _make() -> Server:
    if Path("broken").exists():
        raise CannotStartError("it is broken")
    return server.make_server(lambda: toy, Settings())


def main() -> None:
    count, port, *_ = [*map(int, sys.argv[1:]), 0]
    settings, listening = Settings(), server.bound_socket("127.0.0.1", port)
    logs.configure_logs(settings)
    workers.run_workers(
        _make,
        listening,
        count,
        patience=settings.drain_delay + settings.drain_seconds,
        on_started=lambda: print(
            f"at http://127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True
        ),
    )


if __name__ == "__main__":
    main()
