"""A receiver of webhooks: a real HTTP server, which a test can have fail or go away."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook as Verifier

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class Post:
    """A request that came to the receiver. The names of headers are in lower case."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        """The event, whose signature is checked as a receiver does it."""
        event: dict[str, Any] = Verifier(SECRET).verify(self.body, dict(self.headers))
        assert event == json.loads(self.body)
        return event


@dataclass(frozen=True)
class Reply:
    """What the receiver answers. body: sent after the head, in pieces."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Iterator[bytes]] = lambda: iter(())


class Receiver:
    """Takes posts on a port of its own. reply: decides what is answered to a post."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.reply: Callable[[Post], Reply] = lambda _: Reply()
        self._server = self._serve(0)
        self.port = int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [post.event for post in list(self.posts)]

    def go_away(self) -> None:
        """Stops listening. Connections are refused from now on."""
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        self._server = self._serve(self.port)

    def _serve(self, port: int) -> ThreadingHTTPServer:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                if len(body := self.rfile.read(length)) < length:
                    return  # the gateway was killed while it sent this
                post = Post({name.lower(): value for name, value in self.headers.items()}, body)
                receiver.posts.append(post)
                reply = receiver.reply(post)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in reply.body():
                    self.wfile.write(piece)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *_: object) -> None: ...  # the gateway has closed the connection

        server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.go_away()
