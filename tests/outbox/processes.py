"""Gateways that post to a receiver, as processes that a test can kill."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import Settings
from tests.outbox.receiver import SECRET, Receiver
from tests.storm.gateways import environment
from tests.storm.processes import free_ports, start


def webhook_variables(receiver: Receiver) -> dict[str, str]:
    return {
        "LECTERN_WEBHOOKS": f"crm={receiver.url}",
        "LECTERN_WEBHOOK_SECRETS": f"crm={SECRET}",
        "LECTERN_DELIVERY_TRIES": "100",
    }


class HastyGateway:
    """A gateway whose claims expire soon. It runs from its making until it is killed."""

    def __init__(self, settings: Settings, receiver: Receiver, log: Path) -> None:
        (self.port,) = free_ports(1)
        command = [sys.executable, "-m", "tests.outbox.hasty_gateway", "serve", "--port", str(self.port)]
        variables = environment(settings) | webhook_variables(receiver)
        self._process: subprocess.Popen[bytes] = start(command, log, variables)

    def kill(self) -> None:
        """Kills it with SIGKILL, whatever it is doing."""
        self._process.kill()
        self._process.wait()


@contextmanager
def hasty_gateway(settings: Settings, receiver: Receiver, log: Path) -> Iterator[HastyGateway]:
    gateway = HastyGateway(settings, receiver, log)
    try:
        yield gateway
    finally:
        gateway.kill()
