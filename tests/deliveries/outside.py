"""What a gateway delivers to: a receiver of webhooks and a mail server, each as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.deliveries.records import Reader, Record
from tests.outbox.receiver import SECRET
from tests.storm.processes import free_ports, start


class Receiver:
    """A process that records what it gets. It can be killed and restarted.

    module: its program. refused: the share that it refuses, and that it takes without an answer.
    """

    def __init__(self, module: str, directory: Path, refused: float) -> None:
        (self.port,) = free_ports(1)
        path = directory / f"{module}.jsonl"
        self._log = directory / f"{module}.log"
        self._command = [
            sys.executable, "-m", f"tests.deliveries.{module}", str(self.port), str(path), str(refused),
        ]  # fmt: skip
        self._reader = Reader(path)
        self._process: subprocess.Popen[bytes] = start(self._command, self._log)

    @property
    def records(self) -> list[Record]:
        """All that it has recorded, in order."""
        return self._reader.refresh()

    def kill(self) -> None:
        """Kills it with SIGKILL, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self._process = start(self._command, self._log)


class Outside:
    """The receivers, and the settings of gateways that deliver to them."""

    def __init__(self, directory: Path, refused: float) -> None:
        self.webhooks = Receiver("webhook_receiver", directory, refused)
        self.mail = Receiver("mail_receiver", directory, refused)
        self._tokens: dict[tuple[str, str], str | None] = {}  # by address and subject
        self._indexed = 0  # number of messages whose tokens are there

    @property
    def variables(self) -> Mapping[str, str]:
        return {
            "LECTERN_WEBHOOKS": f"crm=http://127.0.0.1:{self.webhooks.port}/hook",
            "LECTERN_WEBHOOK_SECRETS": f"crm={SECRET}",
            "LECTERN_SMTP_URL": f"smtp://127.0.0.1:{self.mail.port}?starttls=off",
            "LECTERN_MAIL_FROM": "Example Institute <courses@example.org>",
            "LECTERN_VERIFY_URL": "https://a.example/verify#{token}",
            "LECTERN_RESET_URL": "https://a.example/reset#{token}",
            "LECTERN_DELIVERY_TRIES": "100",
            # All clients are in one network.
            "LECTERN_SIGN_UPS_PER_HOUR": "0",
            "LECTERN_SIGN_UPS_PER_DAY": "0",
        }

    def token(self, address: str, subject: str) -> str | None:
        """Returns the token of the first message with a subject to an address, or None if it hasn't come."""
        records = self.mail.records
        for mail in records[self._indexed :]:
            self._tokens.setdefault((mail["to"][0], mail["subject"]), mail["token"])
        self._indexed = len(records)
        return self._tokens.get((address, subject))


@contextmanager
def outside(directory: Path, refused: float = 0.0) -> Iterator[Outside]:
    own = Outside(directory, refused)
    try:
        yield own
    finally:
        own.webhooks.kill()
        own.mail.kill()
