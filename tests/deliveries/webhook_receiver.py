"""A receiver of webhooks as a process: `python -m tests.deliveries.webhook_receiver PORT FILE SHARE`.

It verifies each signature with the package of Standard Webhooks, and records each event on disk before it
answers. SHARE: the share of events that it refuses for now, or records without an answer.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import random
from threading import Lock

from standardwebhooks import Webhook, WebhookVerificationError

from tests.deliveries.records import Journal
from tests.outbox.receiver import SECRET


def main(port: int, path: Path, share: float) -> None:
    journal, lock, verifier = Journal(path), Lock(), Webhook(SECRET)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if len(body) < int(self.headers["content-length"]):  # the gateway was killed while it was sending
                self.close_connection = True
                return None
            chance = random()
            if chance < share:
                return self._answer(503)
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                verifier.verify(body, headers)
            except WebhookVerificationError as error:
                with lock:
                    journal.append({"invalid": str(error)})
                return self._answer(401)
            with lock:
                journal.append({"id": headers["webhook-id"], "body": body.decode()})
            if chance > 1 - share:
                self.close_connection = True  # without an answer
                return None
            return self._answer(204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        allow_reuse_address = True
        daemon_threads = True

    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
